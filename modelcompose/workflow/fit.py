"""Fit: were all the draws made that were asked for?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelcompose.verdict import Finding, Remedy, Status, Verdict
from modelcompose.workflow.policy import policy_of
from modelcompose.workflow.steps import conclude, figure

if TYPE_CHECKING:
    from modelcompose.analysis import Analysis

PICTURED = 3


def is_partial(dt: Any) -> bool:
    """Tell whether sampling was stopped before all draws of all chains were made."""
    posterior = dt["posterior"]
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    asked_chains, asked_draws = _asked(posterior)
    return bool(draws < asked_draws or chains < asked_chains)


def _asked(posterior: Any) -> tuple[int, int]:
    chains = int(posterior.attrs.get("requested_chains", posterior.sizes["chain"]))
    return chains, int(posterior.attrs.get("requested_draws", posterior.sizes["draw"]))


def another(dt: Any, times: float = 1.0) -> str:
    """Say what one more fit costs, from how long the last one took.

    Parameters
    ----------
    dt
        The last fit.
    times
        How many times as long the next one is expected to take.
    """
    seconds = times * float(dt["posterior"].attrs.get("sampling_seconds", float("nan")))
    longer = f", about {times:g} times as long" if times > 1 else ""
    known = f" ({_duration(seconds)})" if seconds == seconds else ""
    return f"One more fit{longer}{known}."


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def check(analysis: Analysis, dt: Any) -> Verdict:
    """Say how much was drawn; sampling that was stopped early is labelled partial from here on."""
    chains, made = int(dt["posterior"].sizes["chain"]), int(dt["posterior"].sizes["draw"])
    asked_chains, asked = _asked(dt["posterior"])
    seconds = float(dt["posterior"].attrs.get("sampling_seconds", float("nan")))
    least = policy_of(analysis)["draws"]
    enough = least.status(made) != "fail"
    status: Status = "pass" if not is_partial(dt) else "warn" if enough else "fail"
    keep = max(made, int(least.limit))
    finding = Finding(
        name="Draws kept",
        rule="draws",
        status=status,
        value=made * chains,
        shown=f"{chains} × {made} of {asked_chains} × {asked}",
        threshold="all that were asked for",
        sentence="" if status == "pass" else "Sampling was stopped early; everything below rests on fewer draws.",
    )
    return conclude(
        "fit",
        analysis,
        sentence=f"{made * chains} draws from {chains} chains in {seconds:.1f} seconds by {analysis.sampler}.",
        findings=[finding],
        remedies=[
            Remedy(
                label=f"Ask for {keep} draws for each chain",
                why="That many fit into the time you gave it.",
                cost=another(dt),
                score=0.9,
                changes={"draws": keep},
            )
        ],
        details={"seconds": seconds, "draws": made, "chains": chains},
        picture=_picture(dt) if enough else None,
        alt="Traces of the first parameters, a line for each chain.",
        partial=is_partial(dt),
    )


def _picture(dt: Any) -> Any:
    posterior = dt["posterior"]
    names = [name for name in posterior.data_vars if posterior[name].ndim == 2][:PICTURED]
    fig, axes = figure(columns=max(2, len(names)), height=2.2)
    for axis, name in zip(axes, names, strict=False):
        axis.plot(posterior[name].transpose("draw", "chain").values, linewidth=0.4)
        axis.set(title=name, xlabel="draw")
    for axis in axes[len(names) :]:
        axis.axis("off")
    return fig
