"""What is known of one run, in the shape that every door passes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field

from modelcompose.verdict import Status, Verdict, verdict_in

__all__ = ["ENDED", "Run", "RunKind", "RunStatus", "RunVerdict", "verdicts_in"]

RunStatus = Literal["queued", "running", "passed", "warned", "failed", "stopped", "cancelled", "error"]
RunKind = Literal["run", "sweep", "tracked", "imported"]
ENDED: frozenset[RunStatus] = frozenset(get_args(RunStatus)) - {"queued", "running"}
"""The statuses after which nothing more happens by itself."""


class RunVerdict(BaseModel):
    """The short form of a step's verdict; the whole one stands in the executed notebook."""

    model_config = ConfigDict(frozen=True)

    step: str
    title: str
    status: Status
    sentence: str
    waived: bool = Field(False, description="Whether a named person lets its failure pass.")
    partial: bool = Field(False, description="Whether it rests on sampling that was stopped early.")

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """Take from a verdict what a list of runs shows of it."""
        return cls(
            step=verdict.step,
            title=verdict.title,
            status=verdict.status,
            sentence=verdict.sentence,
            waived=verdict.waived is not None,
            partial=verdict.partial,
        )


class Run(BaseModel):
    """One headless execution of a notebook, as it stands at this moment."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    notebook: str = Field(description="The notebook it was made from, relative to the workspace.")
    status: RunStatus
    started: str = Field(description="When it was asked for: ISO time with offset.")
    ended: str | None = None
    model: str = Field("", description="The ready-made model.")
    data: str = Field("", description="The table, with its version where it is a stored one.")
    message: str = Field("", description="Why it ended so.")
    verdicts: tuple[RunVerdict, ...] = ()
    executed: str | None = Field(None, description="The executed notebook, relative to the workspace.")
    git_commit: str | None = Field(None, description="The commit of the workspace; marked when files differed.")
    report: str | None = None
    page: str | None = None
    app: str | None = None
    parent: str = Field("", description="The run that it belongs to: one on autopilot, or a sweep.")
    autopilot: int = Field(0, description="How many remedies the run may try by itself.")
    lineage: dict[str, Any] | None = Field(None, description="Every round of remedies; see workflow.lineage.Lineage.")
    reproduces: str = Field("", description="The run that this one makes again.")
    grade: str = Field("", description="How it compares with that: see workflow.reproduction.grade.")
    original: str = Field(
        "", description="The id that it bore where it was executed, if it was brought from elsewhere."
    )
    kind: RunKind = Field("run", description="A notebook's run, a sweep over several, a fit tracked or one brought in.")
    paused: bool = Field(False, description="Whether its sampling is asked to pause.")
    partial: bool = Field(False, description="Whether it rests on the draws of a sampler that was stopped early.")
    priority: int = Field(0, description="Higher begins first; see queue.Terms for this and what follows.")
    cores: int = 0
    memory: int = Field(0, description="In MB.")
    timeout: int = Field(0, description="In seconds.")
    retries: int = 0
    attempt: int = Field(1, description="Which attempt comes next, is under way, or was the last.")
    after: tuple[str, ...] = ()
    sampler: str = ""
    seconds: float | None = Field(None, description="How long it was executed, all attempts together.")
    elpd: float | None = Field(None, description="Log predictive density of rows left out, where it was worked out.")
    elpd_se: float | None = Field(None, description="Its standard error.")
    starred: bool = Field(False, description="Whether somebody wants to come back to it.")
    note: str = Field("", description="What somebody wrote about it.")
    tags: dict[str, str] = Field(default_factory=dict, description="What people have noted on it.")


def verdicts_in(nb: Mapping[str, Any]) -> list[Verdict]:
    """Collect the verdicts of a notebook's cells in order."""
    return [verdict for cell in nb.get("cells", []) if (verdict := verdict_in(cell.get("outputs", []))) is not None]
