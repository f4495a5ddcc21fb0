"""The public surface is a decision: what each part offers is listed here, once, and nothing else is offered."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import modelcompose

PUBLIC = {
    "modelcompose": [
        "Analysis",
        "ModelComposeError",
        "Remedy",
        "Verdict",
        "Workbench",
        "__version__",
        "build",
        "calibrate",
        "check",
        "compare",
        "complete",
        "connect",
        "fit",
        "load",
        "log_likelihood",
        "loo",
        "multiverse",
        "open_gaps",
        "predict",
        "predictions",
        "prior_predictive",
        "profile",
        "read_posterior",
        "recover",
        "runs",
        "sensitivity",
        "stacked",
        "track",
    ],
    "modelcompose.analysis": [
        "ROLES",
        "Analysis",
        "Decision",
        "Kind",
        "Variable",
        "cell_with_tag",
        "literal",
        "located",
        "paths_from",
    ],
    "modelcompose.catalog": [
        "QUESTIONS",
        "Candidate",
        "Evidence",
        "ModelEntry",
        "OwnModel",
        "Part",
        "Prior",
        "Question",
        "Reason",
        "Recommendation",
        "Rejection",
        "Simulation",
        "as_file",
        "build",
        "complete",
        "entries",
        "elicited",
        "estimand",
        "evidence",
        "fingerprint",
        "get",
        "lacking",
        "log_likelihood",
        "open_gaps",
        "own_models",
        "parts",
        "predict",
        "prior_predictive",
        "prior_rows",
        "pymc_model",
        "question",
        "recommend",
        "roles",
        "unanswerable",
    ],
    "modelcompose.cli": ["VERBS", "main"],
    "modelcompose.data": [
        "KINDS",
        "Account",
        "Breach",
        "Contract",
        "Dataset",
        "DatasetStore",
        "Difference",
        "Guess",
        "Profile",
        "Recipe",
        "Suggestion",
        "Version",
        "VersionColumn",
        "calculate",
        "compare",
        "digest",
        "infer",
        "load",
        "parse_reference",
        "profile",
        "read",
        "suggest",
        "tidy",
    ],
    "modelcompose.errors": [
        "Conflict",
        "Forbidden",
        "GateFailed",
        "InvalidAnalysis",
        "InvalidData",
        "InvalidInput",
        "ModelComposeError",
        "NotFound",
        "Unavailable",
    ],
    "modelcompose.publish": [
        "FORMATS",
        "MODES",
        "Publication",
        "Shelf",
        "clean_environment",
        "report",
        "serve_command",
        "write_app",
        "write_page",
        "write_report",
    ],
    "modelcompose.runs": [
        "ENDED",
        "Control",
        "EventLog",
        "Prepare",
        "Ready",
        "Registry",
        "Run",
        "RunStore",
        "RunVerdict",
        "Settings",
        "Terms",
        "Worker",
        "autopilot",
        "cancel",
        "ensure_worker",
        "execute",
        "follow",
        "pause",
        "resume",
        "start",
        "stop",
    ],
    "modelcompose.samplers": [
        "Facts",
        "Sampler",
        "Settings",
        "facts",
        "fit",
        "listed",
        "names",
        "read_posterior",
        "refits",
    ],
    "modelcompose.samples": ["SAMPLES", "Sample", "copy", "path"],
    "modelcompose.server": ["ROUTES", "Route"],
    "modelcompose.service": ["Workbench"],
    "modelcompose.verdict": ["MIME", "Finding", "Remedy", "Status", "Verdict", "Waiver", "verdict_in", "worst"],
    "modelcompose.widgets": ["PriorEditor", "ProfileView", "WhatIf", "tell_if_outdated"],
    "modelcompose.wire": ["Child", "ask", "enabled", "key", "listening", "runtime_folder"],
    "modelcompose.__main__": ["main"],
    "modelcompose.workflow": [
        "STEPS",
        "Edit",
        "Revision",
        "Step",
        "StepState",
        "check",
        "compose",
        "revise",
        "steps_in",
        "workflow",
    ],
}
NAMES = [(module, name) for module, names in PUBLIC.items() for name in names]


def test_every_part_of_the_package_is_listed() -> None:
    package = Path(modelcompose.__file__).parent
    files = {path.stem for path in package.glob("*.py") if path.stem != "__init__"}
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    assert {"modelcompose", *(f"modelcompose.{part}" for part in files | folders)} == PUBLIC.keys()


@pytest.mark.parametrize("module", PUBLIC)
def test_a_part_offers_exactly_its_public_names(module: str) -> None:
    offered = import_module(module).__all__
    assert sorted(offered) == sorted(PUBLIC[module])
    assert len(offered) == len(set(offered))


@pytest.mark.parametrize("module", PUBLIC)
def test_a_part_says_what_it_is(module: str) -> None:
    assert (import_module(module).__doc__ or "").strip()


@pytest.mark.parametrize(("module", "name"), NAMES, ids=[".".join(one) for one in NAMES])
def test_a_public_name_resolves_and_says_what_it_is(module: str, name: str) -> None:
    one = getattr(import_module(module), name)
    if isinstance(one, type | FunctionType | ModuleType):
        own = one.__doc__ if isinstance(one, ModuleType) else vars(one).get("__doc__") or one.__doc__
        assert (own or "").strip(), f"{module}.{name} has no docstring"
        # A dataclass without a docstring gets its signature instead.
        assert not (own or "").startswith(f"{name}("), f"{module}.{name} has no docstring of its own"


def test_the_package_lists_what_it_lends() -> None:
    assert dir(modelcompose) == sorted(modelcompose.__all__)


def test_an_unknown_name_is_refused_by_name() -> None:
    with pytest.raises(AttributeError, match="module 'modelcompose' has no attribute 'brew'"):
        modelcompose.brew  # noqa: B018
