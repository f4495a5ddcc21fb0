"""The routes: each names the verb it calls and the shape of its request, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ROUTES", "Route"]

RUN = "([^/]+)"
Cells = list[dict[str, Any]]


class Request(BaseModel):
    """A request's body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class OfAnalysis(Request):
    analysis: dict[str, Any]


class Composition(OfAnalysis):
    path: str = ""


class Inspection(Request):
    cells: Cells


class Change(Inspection):
    changes: dict[str, Any]
    path: str = ""


class Start(Request):
    notebook: str
    changes: dict[str, Any] = Field(default_factory=dict)


class Listing(Request):
    limit: int = Field(100, ge=1, le=10_000)


class Events(Request):
    since: int = Field(0, ge=0)
    wait: float = Field(0.0, ge=0, le=20)


@dataclass(frozen=True)
class Route:
    """One endpoint: method, path below the API's root, verb of the workbench, request and status of success.

    The path's groups are the verb's first arguments; the request's fields are its keyword arguments.
    """

    method: str
    path: str
    verb: str
    request: type[Request] = Request
    status: int = 200


ROUTES: tuple[Route, ...] = (
    Route("GET", "schema", "schema"),
    Route("GET", "samples", "samples"),
    Route("POST", f"samples/{RUN}", "copy_sample", status=201),
    Route("POST", "data/describe", "describe", OfAnalysis),
    Route("POST", "models/recommend", "recommend", OfAnalysis),
    Route("POST", "notebooks/compose", "compose", Composition, 201),
    Route("POST", "notebooks/inspect", "inspect", Inspection),
    Route("POST", "notebooks/revise", "revise", Change),
    Route("GET", "runs", "list_runs", Listing),
    Route("POST", "runs", "start", Start, 201),
    Route("GET", f"runs/{RUN}", "get_run"),
    Route("GET", f"runs/{RUN}/events", "events", Events),
    Route("POST", f"runs/{RUN}/stop", "stop", status=202),
    Route("POST", f"runs/{RUN}/publish", "publish", status=201),
)
