"""The checks by the name of their step: what a notebook calls as ``mc.check.sampling(...)``."""

from modelcompose.workflow.answer import check as answer
from modelcompose.workflow.data import check as data
from modelcompose.workflow.fit import check as fit
from modelcompose.workflow.model import check as model
from modelcompose.workflow.own import check as own
from modelcompose.workflow.posterior import check as posterior
from modelcompose.workflow.prior import check as prior
from modelcompose.workflow.question import check as question
from modelcompose.workflow.sampling import check as sampling

__all__ = ["answer", "data", "fit", "model", "own", "posterior", "prior", "question", "sampling"]
