"""The stations of the workflow, and how a step's check reaches its verdict."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelcompose.errors import GateFailed
from modelcompose.verdict import Finding, Remedy, Status, Verdict, worst

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from modelcompose.analysis import Analysis

__all__ = ["STEPS", "Step", "banded", "conclude", "figure", "step"]


@dataclass(frozen=True)
class Step:
    """One station: its id, the question it answers and one sentence on why it is there."""

    id: str
    title: str
    explanation: str


STEPS: tuple[Step, ...] = (
    Step("data", "Is the table ready?", "Counts the rows in use, what is missing, and whether there are enough."),
    Step("question", "Which model fits the question?", "Holds the question and the columns against the catalogue."),
    Step("model", "What does the model assume?", "Shows formula, equation and what is assumed before seeing the data."),
    Step(
        "prior",
        "Are the assumptions plausible?",
        "Simulates data from the assumptions alone: they should be possible, not wild.",
    ),
    Step("fit", "Learn from the data", "Draws many parameter values that agree with data and assumptions."),
    Step("sampling", "Did the computation work?", "Checks that the draws can be trusted, by published rules."),
    Step("posterior", "Does the model look like your data?", "Simulates data from the fitted model and compares."),
    Step("answer", "What is the answer?", "Says the result in words, with its uncertainty."),
)


def step(name: str) -> Step:
    """Look a step up by its id."""
    return next(one for one in STEPS if one.id == name)


def conclude(
    name: str,
    analysis: Analysis,
    *,
    sentence: str,
    findings: Iterable[Finding] = (),
    remedies: Iterable[Remedy] = (),
    details: dict[str, Any] | None = None,
    picture: Figure | None = None,
    alt: str = "",
    partial: bool = False,
    status: Status | None = None,
) -> Verdict:
    """Make the verdict of a step, and stop the notebook if it must.

    Returns
    -------
    Verdict
        Its status is the worst of the findings' unless given.

    Raises
    ------
    GateFailed
        When the verdict is a failure and the analysis stops on failures; the verdict is displayed first.
    """
    found = tuple(findings)
    reached = status or worst(finding.status for finding in found)
    verdict = Verdict(
        step=name,
        title=step(name).title,
        status=reached,
        sentence=sentence,
        findings=found,
        remedies=tuple(remedies) if reached in ("warn", "fail") else (),
        details=details or {},
        partial=partial,
        alt=alt,
        ran=_executed(),
        picture=_png(picture) if picture is not None else None,
    )
    if reached == "fail" and analysis.on_fail == "stop":
        from IPython.display import display

        display(verdict)
        raise GateFailed(verdict)
    return verdict


MOST_EXECUTED = 500


def _executed() -> dict[str, str]:
    """Hash what this session has executed, the running cell included, by execution count."""
    from modelcompose.workflow.notebook import digest

    try:
        from IPython import get_ipython
    except ImportError:
        return {}
    shell = get_ipython()
    sources = list(enumerate(shell.history_manager.input_hist_raw)) if shell else []
    return {str(count): digest(source) for count, source in sources[-MOST_EXECUTED:] if source}


def figure(width: float = 7.0, height: float = 2.8, columns: int = 1) -> tuple[Figure, Any]:
    """Return a figure and its axes, drawn without any global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    fig = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(fig)
    axes = fig.subplots(1, columns)
    for one in [axes] if columns == 1 else axes:
        one.spines[["top", "right"]].set_visible(False)
    return fig, axes


def _png(picture: Figure) -> bytes:
    file = io.BytesIO()
    picture.savefig(file, format="png", dpi=90)
    return file.getvalue()


def banded(value: float, warn: float, fail: float, *, low_is_bad: bool = False) -> Status:
    """Hold a value against two thresholds; the warning begins at the first and the failure beyond the second."""
    if value != value:
        return "fail"
    if low_is_bad:
        return "pass" if value >= warn else "warn" if value >= fail else "fail"
    return "pass" if value < warn else "warn" if value <= fail else "fail"
