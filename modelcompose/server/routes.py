"""The routes: each names the verb it calls and the shape of its request, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

__all__ = ["ROUTES", "Route"]

RUN = "([^/]+)"


class Loose(BaseModel):
    """A part of a notebook: what is read of it has a type, what else it has stays."""

    model_config = ConfigDict(extra="allow")


class Output(Loose):
    data: dict[str, Any] | None = None


class Marks(Loose):
    step: str = ""
    composed: str = ""


class Metadata(Loose):
    modelcompose: Marks | None = None
    tags: list[str] | None = None


class Cell(Loose):
    """A cell as nbformat has it, or with its ``verdict`` instead of outputs."""

    cell_type: Literal["code", "markdown", "raw"]
    source: str | list[str] = ""
    id: str = ""
    metadata: Metadata = Metadata()
    outputs: list[Output] = []
    execution_count: int | None = None
    verdict: dict[str, Any] | None = None


def _checked(cell: dict[str, Any]) -> dict[str, Any]:
    """Refuse what is no cell; one that is stays as it was sent."""
    Cell.model_validate(cell)
    return cell


Cells = list[Annotated[dict[str, Any], AfterValidator(_checked)]]


class Request(BaseModel):
    """A request's body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class OfAnalysis(Request):
    analysis: dict[str, Any]


class Step(OfAnalysis):
    step: dict[str, Any]


class Pasted(Request):
    text: str
    name: str = "pasted"


class Verification(Request):
    name: str = ""


class Addition(OfAnalysis):
    name: str
    message: str = ""


class Comparison(Request):
    old: str
    new: str
    key: list[str] = Field(default_factory=list)

    @field_validator("key", mode="before")
    @classmethod
    def _between_commas(cls, key: Any) -> Any:
        return [name for name in key.split(",") if name] if isinstance(key, str) else key


class OfVersion(Request):
    version: str = ""


class Export(OfVersion):
    path: str


class Agreement(OfVersion):
    contract: dict[str, Any] | None = None


class OfViews(OfAnalysis):
    code: str = ""


class OfAnswer(OfAnalysis):
    name: str = ""
    answer: dict[str, Any]


class NewModel(Request):
    name: str
    like: str = ""


class OfFile(Request):
    path: str


class Checking(OfFile):
    analysis: dict[str, Any] | None = None


class Named(Request):
    name: str


class Adoption(OfAnalysis):
    mapping: dict[str, str] = Field(default_factory=dict)


class Composition(OfAnalysis):
    path: str = ""
    workflow: str = "simple"


class Inspection(Request):
    cells: Cells


class Change(Inspection):
    changes: dict[str, Any]
    path: str = ""


class Waiving(Inspection):
    step: str
    by: str = ""
    reason: str = ""
    path: str = ""


class NewRows(Request):
    data: str = ""
    rows: list[dict[str, Any]] | None = None


class AnyPrediction(NewRows):
    id: str


class Registration(Request):
    run: str
    name: str
    alias: str = ""
    description: str = ""
    allow_dirty: bool = False
    reason: str = ""


class OfAlias(Request):
    alias: str


class Alias(OfAlias):
    version: str = ""


class Description(Request):
    description: str
    version: str = ""


class OfPlan(Inspection):
    path: str = ""


class Locking(OfPlan):
    by: str = ""


class Thresholds(Request):
    policy: str = ""


class Start(Request):
    notebook: str
    changes: dict[str, Any] = Field(default_factory=dict)
    autopilot: int = Field(0, ge=0, le=50)
    fresh: bool = False
    priority: int | None = Field(None, ge=-1000, le=1000)
    cores: int | None = Field(None, ge=0)
    memory: int | None = Field(None, ge=0)
    timeout: int | None = Field(None, ge=0)
    retries: int | None = Field(None, ge=0, le=100)
    cluster: str = Field("", max_length=1000)
    after: list[str] = Field(default_factory=list)


class Sweep(Request):
    notebook: str
    grid: dict[str, list[Any] | str]
    changes: dict[str, Any] = Field(default_factory=dict)
    fresh: bool = False
    yes: bool = False
    priority: int | None = None
    cores: int | None = None
    memory: int | None = None
    timeout: int | None = None
    retries: int | None = None
    cluster: str = ""


class Bringing(Request):
    files: list[str] = Field(min_length=1, max_length=1000)
    name: str = ""
    model: str = ""
    data: str = ""


class Copying(Request):
    to: str
    ids: list[str] = Field(default_factory=list)


class Together(Request):
    ids: list[str]


class Overlay(Together):
    names: list[str] = Field(default_factory=list, max_length=50)


class Listing(Request):
    limit: int = Field(100, ge=1, le=10_000)
    status: str = ""
    model: str = ""
    text: str = ""
    where: str = ""
    page: str = ""
    sort: str = ""
    trash: bool = False


class Annotation(Request):
    starred: bool | None = None
    note: str | None = None
    tags: dict[str, str | None] = Field(default_factory=dict)


class Some(Request):
    ids: list[str] = Field(default_factory=list)


class OfView(Request):
    name: str
    text: str = ""
    sort: str = ""


class ToPublish(Request):
    mode: Literal["", "report", "page", "app"] = ""
    format: Literal["html", "pdf", "docx", "md"] = "html"
    depth: Literal["decision-maker", "analyst", "statistician"] = "analyst"


class OfPublished(Request):
    what: str = ""


class Withdrawal(Request):
    what: str


class Events(Request):
    since: int = Field(0, ge=0)
    wait: float = Field(0.0, ge=0, le=20)


@dataclass(frozen=True)
class Route:
    """One endpoint: method, path below the API's root, verb of the workbench, request and status of success.

    The path's groups are the verb's first arguments; the request's fields are its keyword arguments. What reads tables
    is done ``apart``, in a process of its own, so that the server goes on answering.
    """

    method: str
    path: str
    verb: str
    request: type[Request] = Request
    status: int = 200
    apart: bool = False


ROUTES: tuple[Route, ...] = (
    Route("GET", "schema", "schema"),
    Route("GET", "samples", "samples"),
    Route("GET", "samplers", "samplers"),
    Route("POST", f"samples/{RUN}", "copy_sample", status=201),
    Route("POST", "data/describe", "describe", OfAnalysis, apart=True),
    Route("POST", "data/profile", "profile", OfAnalysis, apart=True),
    Route("POST", "data/preview", "preview", Step, apart=True),
    Route("POST", "data/script", "script", OfAnalysis, apart=True),
    Route("POST", "data/paste", "paste", Pasted, 201),
    Route("POST", "data/verify", "verify_data", Verification, apart=True),
    Route("GET", "data", "list_data", apart=True),
    Route("POST", "data", "add_data", Addition, 201, apart=True),
    Route("GET", f"data/{RUN}", "show_data", apart=True),
    Route("GET", f"data/{RUN}/diff", "diff_data", Comparison, apart=True),
    Route("POST", f"data/{RUN}/rollback", "roll_back_data", OfVersion, apart=True),
    Route("POST", f"data/{RUN}/remove", "remove_data", OfVersion, apart=True),
    Route("POST", f"data/{RUN}/export", "export_data", Export, 201, apart=True),
    Route("GET", f"data/{RUN}/contract", "get_contract", apart=True),
    Route("POST", f"data/{RUN}/contract", "set_contract", Agreement, apart=True),
    Route("GET", f"data/{RUN}/check", "check_data", OfVersion, apart=True),
    Route("GET", "models", "list_models", apart=True),
    Route("POST", "models", "new_model", NewModel, 201, apart=True),
    Route("POST", "models/recommend", "recommend", OfAnalysis, apart=True),
    Route("POST", "models/views", "views", OfViews, apart=True),
    Route("POST", "models/priors", "priors", OfAnalysis, apart=True),
    Route("POST", "models/prior-predictive", "prior_predictive", OfAnalysis, apart=True),
    Route("POST", "models/elicit", "elicit", OfAnswer, apart=True),
    Route("POST", "models/check", "check_model", Checking, apart=True),
    Route("POST", "models/add", "add_model", OfFile, 201, apart=True),
    Route("GET", f"models/{RUN}", "show_model", apart=True),
    Route("POST", f"models/{RUN}/fork", "fork_model", Named, 201, apart=True),
    Route("POST", f"models/{RUN}/remove", "remove_model", apart=True),
    Route("POST", f"models/{RUN}/adopt", "adopt_model", Adoption, apart=True),
    Route("POST", "notebooks/compose", "compose", Composition, 201, apart=True),
    Route("POST", "notebooks/inspect", "inspect", Inspection),
    Route("POST", "notebooks/revise", "revise", Change, apart=True),
    Route("GET", "thresholds", "thresholds", Thresholds),
    Route("POST", "notebooks/waive", "waive", Waiving, apart=True),
    Route("POST", "notebooks/lock-plan", "lock_plan", Locking, apart=True),
    Route("POST", "notebooks/plan", "plan", OfPlan),
    Route("GET", "runs", "list_runs", Listing),
    Route("POST", "runs", "start", Start, 201),
    Route("POST", "runs/compare", "compare_runs", Together),
    Route("POST", "runs/posteriors", "compare_posteriors", Overlay, apart=True),
    Route("POST", "runs/notebooks", "compare_notebooks", Together),
    Route("POST", "sweeps", "sweep", Sweep, 201, apart=True),
    Route("POST", "runs/import", "import_run", Bringing, 201, apart=True),
    Route("POST", "runs/open", "open_run", OfFile, 201, apart=True),
    Route("POST", "runs/copy", "copy_runs", Copying, apart=True),
    Route("POST", "runs/trash", "trash_runs", Together),
    Route("POST", "runs/restore", "restore_runs", Together),
    Route("POST", "runs/delete", "delete_runs", Some),
    Route("GET", "views", "run_views"),
    Route("POST", "views", "save_view", OfView, 201),
    Route("POST", f"views/{RUN}/remove", "remove_view"),
    Route("GET", f"runs/{RUN}", "get_run"),
    Route("POST", f"runs/{RUN}/annotate", "annotate_run", Annotation),
    Route("GET", f"runs/{RUN}/events", "events", Events),
    Route("POST", f"runs/{RUN}/stop", "stop", status=202),
    Route("POST", f"runs/{RUN}/cancel", "cancel", status=202),
    Route("POST", f"runs/{RUN}/pause", "pause", status=202),
    Route("POST", f"runs/{RUN}/resume", "resume", status=202),
    Route("GET", f"runs/{RUN}/record", "record"),
    Route("POST", f"runs/{RUN}/export", "export_run", OfFile, 201, apart=True),
    Route("POST", f"runs/{RUN}/reproduce", "reproduce", status=201),
    Route("POST", f"runs/{RUN}/predict", "predict", NewRows, apart=True),
    Route("POST", f"runs/{RUN}/publish", "publish", ToPublish, 201, apart=True),
    Route("GET", "published", "list_published", OfPublished),
    Route("POST", "published/remove", "unpublish", Withdrawal),
    Route("POST", "predict", "predict", AnyPrediction, apart=True),
    Route("GET", "registry", "list_registered"),
    Route("POST", "registry", "register_model", Registration, 201, apart=True),
    Route("GET", f"registry/{RUN}", "show_registered"),
    Route("POST", f"registry/{RUN}/alias", "alias_model", Alias),
    Route("POST", f"registry/{RUN}/rollback", "roll_back_model", OfAlias),
    Route("POST", f"registry/{RUN}/describe", "describe_model", Description),
)
