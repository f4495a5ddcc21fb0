"""The workflow: one file for each step with its check, and the composing of notebooks from steps.

Floor 2. May import the floors below (``data``, ``catalog``, ``samplers``, the words). ArviZ, PyMC and matplotlib are
imported at call time, in the kernel that runs the notebook.
"""

from modelcompose.workflow import check
from modelcompose.workflow.compose import Edit, Revision, compose, revise, workflow
from modelcompose.workflow.notebook import StepState, steps_in
from modelcompose.workflow.steps import STEPS, Step

__all__ = [
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
]
