"""The stations of the workflow, and how a step's check reaches its verdict."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from modelcompose.analysis import ROLES, Analysis
from modelcompose.errors import GateFailed
from modelcompose.verdict import Finding, Remedy, Status, Verdict, Waiver, worst
from modelcompose.workflow.policy import Policy, policy_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "STEPS",
    "Step",
    "choices_digest",
    "conclude",
    "depends_on",
    "figure",
    "judged",
    "recall",
    "step",
    "upstream",
    "waiver",
]


Phase = Literal["Before the data speak", "Fit", "Checks", "How far it carries", "Use it"]


@dataclass(frozen=True)
class Step:
    """One station: its id, the question it answers and one sentence on why it is there.

    Parameters
    ----------
    phase
        The part of the workflow that it belongs to.
    needs
        The steps whose results its cells use.
    reads
        The choices that it depends on beside those of the steps it needs. ``waivers``, ``policy`` and ``on_fail`` are
        not named: how a verdict is taken is settled anew each time.
    """

    id: str
    title: str
    explanation: str
    phase: Phase
    needs: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


TABLE = ("data", "kinds", "units", "variables", "recipe", "missing", "imputations", *ROLES)
MODEL = ("model", "formula", "priors", "prior_scale", "noncentered", "plausible", "intervention", "treated")
COMMITTED = ("candidates", "rival_priors", "smallest_effect", "decision", "ci_prob")
SAMPLING = ("sampler", "draws", "tune", "chains", "target_accept", "metric", "random_seed")
RESULTS = (
    *("question", "prior", "recovery", "sampling", "posterior", "influence", "comparison", "sensitivity"),
    *("multiverse", "sbc"),
)
"""What a result needs beside the posterior: the checks that may stand against it."""

STEPS: tuple[Step, ...] = (
    Step(
        "data",
        "Is the table ready?",
        "Counts the rows in use, what is missing, and whether there are enough.",
        "Before the data speak",
        reads=(*TABLE, "model", "priors", "prior_scale"),
    ),
    Step(
        "question",
        "Which model fits the question?",
        "Holds the question and the columns against the catalogue.",
        "Before the data speak",
        needs=("data",),
        reads=("question", "estimand", *MODEL, "plan", *COMMITTED),
    ),
    Step(
        "model",
        "What does the model assume?",
        "Shows formula, equation and what is assumed before seeing the data.",
        "Before the data speak",
        needs=("data",),
        reads=("question", *MODEL),
    ),
    Step(
        "prior",
        "Are the assumptions plausible?",
        "Simulates data from the assumptions alone: they should be possible, not wild.",
        "Before the data speak",
        needs=("model",),
        reads=("random_seed",),
    ),
    Step(
        "recovery",
        "Would the model find the truth?",
        "Makes data up with known values, fits the model to them, and looks whether it finds these values again.",
        "Before the data speak",
        needs=("model",),
        reads=("recoveries", *SAMPLING),
    ),
    Step(
        "fit",
        "Learn from the data",
        "Draws many parameter values that agree with data and assumptions.",
        "Fit",
        needs=("model",),
        reads=SAMPLING,
    ),
    Step(
        "sampling",
        "Did the computation work?",
        "Checks that the draws can be trusted, by published rules.",
        "Fit",
        needs=("fit",),
    ),
    Step(
        "posterior",
        "Does the model look like your data?",
        "Simulates data from the fitted model and compares.",
        "Checks",
        needs=("fit",),
    ),
    Step(
        "calibration",
        "Are the predictions as sure as they should be?",
        "Predicts each row from the others, and looks how often the truth is where it was expected.",
        "Checks",
        needs=("posterior",),
    ),
    Step(
        "influence",
        "Do single rows decide the answer?",
        "Looks for rows without which the fit would be another one.",
        "Checks",
        needs=("calibration",),
    ),
    Step(
        "comparison",
        "Does another model predict better?",
        "Fits rival models and compares how well each predicts rows it has not seen.",
        "How far it carries",
        needs=("influence",),
        reads=("candidates", "ci_prob"),
    ),
    Step(
        "sensitivity",
        "Does the answer depend on the assumptions?",
        "Strengthens and weakens prior and data, tries other priors, and looks whether a conclusion flips.",
        "How far it carries",
        needs=("calibration",),
        reads=("rival_priors", "smallest_effect", "ci_prob"),
    ),
    Step(
        "multiverse",
        "Would other defensible choices say the same?",
        "Answers the question under every combination of models, priors and columns that could be defended.",
        "How far it carries",
        needs=("data", "model"),
        reads=("universes", "candidates", "rival_priors", "smallest_effect", "ci_prob", *SAMPLING),
    ),
    Step(
        "sbc",
        "Is the computation right for this model?",
        "Fits many simulated data sets and looks whether the truth lies everywhere in the posterior equally often.",
        "How far it carries",
        needs=("model",),
        reads=("simulations", *SAMPLING),
    ),
    Step(
        "prediction",
        "What does the model predict?",
        "Predicts new rows and the time ahead, and says how good such predictions are.",
        "Use it",
        needs=("calibration",),
        reads=("new_rows", "horizon", "ci_prob"),
    ),
    Step(
        "decision",
        "What should be done?",
        "Weighs what is gained against what it costs, for every value that the effect may have.",
        "Use it",
        needs=RESULTS,
        reads=("decision", "smallest_effect", "ci_prob"),
    ),
    Step(
        "answer",
        "What is the answer?",
        "Says the result in words, with its uncertainty.",
        "Use it",
        needs=RESULTS,
        reads=("smallest_effect", "ci_prob"),
    ),
    Step(
        "checklist",
        "Is everything there that a reader may ask for?",
        "Goes through the field's reporting checklists, and says where each item is shown.",
        "Use it",
        needs=(
            *("question", "prior", "recovery", "sampling", "influence", "comparison", "sensitivity", "multiverse"),
            *("sbc", "prediction", "decision", "answer"),
        ),
    ),
)


@lru_cache
def depends_on(name: str) -> frozenset[str]:
    """Return the choices that a step and all those it needs depend on."""
    one = step(name)
    return frozenset(one.reads).union(*map(depends_on, one.needs))


@lru_cache
def upstream(name: str) -> frozenset[str]:
    """Return the steps whose results a step uses, directly or through others."""
    needs = step(name).needs
    return frozenset(needs).union(*map(upstream, needs))


def choices_digest(name: str, analysis: Analysis) -> str:
    """Hash the choices that a step depends on; the policy's digest and the step's own waivers are not among them."""
    values = analysis.model_dump(mode="json", include=set(depends_on(name)))
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


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

    Parameters
    ----------
    partial
        Whether this step itself was stopped early. What rests on a fit that was is labelled in any case.

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
    policy = policy_of(analysis)
    verdict = Verdict(
        step=name,
        title=step(name).title,
        status=reached,
        sentence=sentence,
        findings=found,
        remedies=_ordered(remedies) if reached in ("warn", "fail") else (),
        details=details or {},
        partial=partial or _on_partial_draws(name, analysis),
        alt=alt,
        waived=waiver(name, analysis, policy) if reached == "fail" else None,
        policy=policy.reference,
        choices=choices_digest(name, analysis),
        ran=_executed(),
        picture=_png(picture) if picture is not None else None,
    )
    _JUDGED[name] = verdict
    if verdict.gate == "fail" and analysis.on_fail == "stop":
        from IPython.display import display

        display(verdict)
        raise GateFailed(verdict)
    return verdict


def _on_partial_draws(name: str, analysis: Analysis) -> bool:
    """Tell whether a step uses the draws of a fit that was stopped early, under these very choices."""
    fit = _JUDGED.get("fit") if "fit" in upstream(name) else None
    return fit is not None and fit.partial and fit.choices == choices_digest("fit", analysis)


def _ordered(remedies: Iterable[Remedy]) -> tuple[Remedy, ...]:
    """Put the most promising remedy first, and each only once; of equals, the one that the check named first."""
    best: dict[tuple[str, str], Remedy] = {}
    for one in sorted(remedies, key=lambda one: -one.score):
        best.setdefault((one.label, json.dumps(one.changes, sort_keys=True, default=str)), one)
    return tuple(best.values())


def waiver(name: str, analysis: Analysis, policy: Policy) -> Waiver | None:
    """Return the waiver of a step's failure, the last one given; None where the policy forbids it."""
    given = [Waiver.model_validate(one) for one in analysis.waivers if one["step"] == name]
    return given[-1] if given and not policy.forbids_waiving(name) else None


_JUDGED: dict[str, Verdict] = {}


def judged() -> dict[str, Verdict]:
    """Return the latest verdict of each step that this session has judged, in the order of the workflow."""
    return {one.id: _JUDGED[one.id] for one in STEPS if one.id in _JUDGED}


def recall(verdict: Verdict) -> None:
    """Count a step as judged in this session whose cells need not run again."""
    _JUDGED[verdict.step] = verdict


MOST_EXECUTED, COLOURS, DPI = 500, 128, 90


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
    """Draw a picture once, with a palette of its colours, which takes a third of the space in notebooks."""
    import numpy as np
    from PIL import Image

    picture.set_dpi(DPI)
    picture.canvas.draw()
    drawn = Image.fromarray(np.asarray(picture.canvas.buffer_rgba())).convert("RGB")  # type: ignore[attr-defined]
    file = io.BytesIO()
    drawn.quantize(COLOURS).save(file, format="png", compress_level=6)
    return file.getvalue()
