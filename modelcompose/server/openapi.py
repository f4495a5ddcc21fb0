"""The API in OpenAPI's words, made from the routes; nothing in it is written twice."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from modelcompose import __version__
from modelcompose.analysis import Analysis
from modelcompose.runs import Run
from modelcompose.runs.registry import Registered, RegisteredVersion
from modelcompose.runs.run import RunStatus
from modelcompose.server.routes import ROUTES, Cell, Route
from modelcompose.service import Workbench

__all__ = ["document"]

PLACE = re.compile(r"\([^)]*\)")
REFERENCE = "#/components/schemas/{model}"


class Error(BaseModel):
    """What went wrong, where, and what to do about it."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="The name of the error, such as NotFound.")
    message: str
    where: str | None
    remedy: str | None


class Failure(BaseModel):
    """The one shape of every error."""

    model_config = ConfigDict(extra="forbid")

    error: Error


class Runs(BaseModel):
    """Runs, newest first."""

    runs: list[Run]


class Happened(BaseModel):
    """What happened in a run, and how it stands."""

    events: list[dict[str, Any]]
    status: RunStatus


class RegisteredModels(BaseModel):
    """The registered models."""

    registered: list[Registered]


class NewVersion(RegisteredVersion):
    """A version that was registered just now."""

    name: str
    notes: list[str]


ANSWERS: Mapping[str, type[BaseModel]] = {
    "alias_model": Registered,
    "annotate_run": Run,
    "cancel": Run,
    "describe_model": Registered,
    "events": Happened,
    "get_run": Run,
    "list_registered": RegisteredModels,
    "list_runs": Runs,
    "register_model": NewVersion,
    "resume": Run,
    "roll_back_model": Registered,
    "show_registered": Registered,
    "start": Run,
    "stop": Run,
}
"""What verbs answer that have a model of it; the others answer an object."""

EXAMPLE = {"data": "sample:sleepstudy", "outcome": "Reaction", "predictors": ["Days"], "groups": ["Subject"]}

FAILURES = {
    "400": "It could not be done.",
    "403": "A path lies outside the workspace, or nobody is logged in.",
    "404": "Something named does not exist.",
    "405": "There is no such method here.",
    "409": "Something exists or runs already.",
    "422": "A value has the wrong type or range.",
    "503": "What runs are recorded in does not answer; ask again later.",
}


def document(base_url: str = "/") -> dict[str, Any]:
    """Describe the API as OpenAPI 3.1.

    Parameters
    ----------
    base_url
        Where the server's own pages begin.
    """
    models: set[type[BaseModel]] = {*ANSWERS.values(), Failure, Cell, *(route.request for route in ROUTES)}
    ordered = sorted(models, key=lambda one: one.__qualname__)
    references, definitions = models_json_schema(
        [(model, "validation") for model in ordered], ref_template=REFERENCE, title=None
    )
    schemas = {model: references[model, "validation"] for model in ordered}
    defined = definitions["$defs"]
    _type_choices(defined)
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        path, places = _path(route)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, places, schemas, defined)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ModelCompose",
            "version": __version__,
            "description": "The verbs of the workbench, for the folder that the server serves.",
        },
        "servers": [{"url": f"{base_url.rstrip('/')}/modelcompose/api"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": defined,
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "The server's token, as “token …”.",
                }
            },
        },
    }


def _type_choices(defined: dict[str, Any]) -> None:
    """Let every request that takes choices or cells name their types; a choice that is left out has its default."""
    choices = Analysis.model_json_schema(ref_template=REFERENCE)
    defined |= choices.pop("$defs", {})
    defined["Analysis"] = {**choices, "examples": [EXAMPLE]}
    for schema in defined.values():
        if "cells" in schema.get("properties", {}):
            schema["properties"]["cells"]["items"] = {"$ref": "#/components/schemas/Cell"}
        if "analysis" in schema.get("properties", {}):
            given = schema["properties"]["analysis"]
            reference = {"$ref": "#/components/schemas/Analysis"}
            schema["properties"]["analysis"] = (
                {"anyOf": [reference, {"type": "null"}]} if "anyOf" in given else reference
            )


def _path(route: Route) -> tuple[str, list[str]]:
    """Return the path with its places named as the arguments of the first verb that is called there."""
    first = next(one for one in ROUTES if one.path == route.path)
    names = list(inspect.signature(getattr(Workbench, first.verb)).parameters)[1 : 1 + len(PLACE.findall(route.path))]
    left = iter(names)
    return "/" + PLACE.sub(lambda _: f"{{{next(left)}}}", route.path), names


def _operation(
    route: Route, places: Iterable[str], schemas: Mapping[type[BaseModel], Any], defined: Mapping[str, Any]
) -> dict[str, Any]:
    told = inspect.cleandoc(getattr(Workbench, route.verb).__doc__ or "").splitlines()
    answer = schemas[ANSWERS[route.verb]] if route.verb in ANSWERS else {"type": "object"}
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": told[0],
        "tags": [route.path.partition("/")[0]],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in places
        ],
        "responses": {
            str(route.status): {"description": "Done.", "content": {"application/json": {"schema": answer}}},
            **{
                status: {"description": said, "content": {"application/json": {"schema": schemas[_FAILURE]}}}
                for status, said in FAILURES.items()
            },
        },
    }
    if route.method == "GET":
        operation["parameters"] += _query(route, schemas, defined)
    elif route.request.model_fields:
        needed = any(field.is_required() for field in route.request.model_fields.values())
        content = {"application/json": {"schema": schemas[route.request]}}
        operation["requestBody"] = {"required": needed, "content": content}
    return operation


_FAILURE = Failure


def _operation_id(route: Route) -> str:
    """Name an operation after its verb; one that is reached by several paths after its path too."""
    several = [one for one in ROUTES if one.verb == route.verb]
    return route.verb if several[0] is route else f"{route.verb}_by_{route.path.split('/')[0]}"


def _query(
    route: Route, schemas: Mapping[type[BaseModel], Any], defined: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Describe each field of a request as a parameter of the query; several values stand with commas between."""
    whole = defined[str(schemas[route.request]["$ref"]).rpartition("/")[2]]
    for name, schema in whole.get("properties", {}).items():
        listed = schema.get("type") == "array"
        yield {
            "name": name,
            "in": "query",
            "required": name in whole.get("required", ()),
            "schema": {"type": "string"} if listed else schema,
            **({"description": "Several with commas between."} if listed else {}),
        }
