"""ModelCompose: from a spreadsheet to a checked answer, and every click is a notebook.

Importing this package costs next to nothing; each public name brings in what it needs when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelcompose.analysis import Analysis as Analysis
    from modelcompose.catalog import build as build
    from modelcompose.catalog import complete as complete
    from modelcompose.catalog import log_likelihood as log_likelihood
    from modelcompose.catalog import open_gaps as open_gaps
    from modelcompose.catalog import predict as predict
    from modelcompose.catalog import prior_predictive as prior_predictive
    from modelcompose.data import load as load
    from modelcompose.data import profile as profile
    from modelcompose.errors import ModelComposeError as ModelComposeError
    from modelcompose.runs.tracked import track as track
    from modelcompose.samplers import fit as fit
    from modelcompose.samplers import read_posterior as read_posterior
    from modelcompose.server.remote import connect as connect
    from modelcompose.service import Workbench as Workbench
    from modelcompose.verdict import Remedy as Remedy
    from modelcompose.verdict import Verdict as Verdict
    from modelcompose.workflow import check as check
    from modelcompose.workflow.comparison import compare as compare
    from modelcompose.workflow.comparison import stacked as stacked
    from modelcompose.workflow.leaving_out import loo as loo
    from modelcompose.workflow.multiverse import multiverse as multiverse
    from modelcompose.workflow.prediction import predictions as predictions
    from modelcompose.workflow.recovery import recover as recover
    from modelcompose.workflow.sbc import calibrate as calibrate
    from modelcompose.workflow.sensitivity import sensitivity as sensitivity

__version__ = "0.1.0"

_HOMES = {
    "Analysis": "analysis",
    "ModelComposeError": "errors",
    "Remedy": "verdict",
    "Verdict": "verdict",
    "Workbench": "service",
    "build": "catalog",
    "calibrate": "workflow.sbc",
    "check": "workflow",
    "compare": "workflow.comparison",
    "connect": "server.remote",
    "complete": "catalog",
    "fit": "samplers",
    "load": "data",
    "log_likelihood": "catalog",
    "loo": "workflow.leaving_out",
    "multiverse": "workflow.multiverse",
    "open_gaps": "catalog",
    "predict": "catalog",
    "predictions": "workflow.prediction",
    "prior_predictive": "catalog",
    "profile": "data",
    "read_posterior": "samplers",
    "recover": "workflow.recovery",
    "sensitivity": "workflow.sensitivity",
    "stacked": "workflow.comparison",
    "track": "runs.tracked",
}
_PARTS = ("runs",)
"""Parts that are offered whole; ``runs`` can be called."""

__all__ = [*sorted([*_HOMES, *_PARTS]), "__version__"]


def __getattr__(name: str) -> Any:
    if name in _PARTS:
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
