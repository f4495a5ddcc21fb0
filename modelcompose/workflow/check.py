"""The checks by the name of their step: what a notebook calls as ``mc.check.sampling(...)``."""

from modelcompose.workflow.answer import check as answer
from modelcompose.workflow.calibration import check as calibration
from modelcompose.workflow.checklist import check as checklist
from modelcompose.workflow.comparison import check as comparison
from modelcompose.workflow.data import check as data
from modelcompose.workflow.decision import check as decision
from modelcompose.workflow.fit import check as fit
from modelcompose.workflow.influence import check as influence
from modelcompose.workflow.model import check as model
from modelcompose.workflow.multiverse import check as multiverse
from modelcompose.workflow.own import check as own
from modelcompose.workflow.posterior import check as posterior
from modelcompose.workflow.prediction import check as prediction
from modelcompose.workflow.prior import check as prior
from modelcompose.workflow.question import check as question
from modelcompose.workflow.recovery import check as recovery
from modelcompose.workflow.sampling import check as sampling
from modelcompose.workflow.sbc import check as sbc
from modelcompose.workflow.sensitivity import check as sensitivity

__all__ = [
    "answer",
    "calibration",
    "checklist",
    "comparison",
    "data",
    "decision",
    "fit",
    "influence",
    "model",
    "multiverse",
    "own",
    "posterior",
    "prediction",
    "prior",
    "question",
    "recovery",
    "sampling",
    "sbc",
    "sensitivity",
]
