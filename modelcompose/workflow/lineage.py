"""The lineage of models: every round of remedies, what it changed and why, and what became of the checks.

A round is the notebook as it was run once. The first is the analysis as somebody made it; each later one takes one
remedy of an earlier round. The lineage stands in the metadata of the executed notebook, so that whoever reads the
answer can see how its model came about: which way was gone, which was given up, and what each step changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, inf, sqrt
from statistics import pstdev
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from modelcompose.analysis import Analysis
from modelcompose.errors import ModelComposeError
from modelcompose.verdict import SEVERITY, Finding, Remedy, Status, Verdict, worst
from modelcompose.workflow.policy import Policy, default, policy_of
from modelcompose.workflow.standings import strictness

__all__ = ["Change", "Ending", "Lineage", "Predicted", "Round", "Way", "better", "changes_between", "ways_out"]

FIRST = "As it was"
PERSONAL = frozenset(
    {
        *("data", "kinds", "units", "variables", "recipe", "question", "estimand", "outcome", "exposure", "trials"),
        *("event", "time", "standard_error", "further", "intervention", "treated", "plausible", "smallest_effect"),
        *("ci_prob", "new_rows", "horizon", "decision", "policy", "plan", "waivers", "on_fail"),
    }
)
"""Choices that say what is asked, of which data, by which rules: only a person may change them."""

RunStatus = Literal["queued", "running", "passed", "warned", "failed", "stopped", "cancelled", "error"]


class Change(BaseModel):
    """One finding before and after a remedy; empty where there was none, or where its step was not reached."""

    model_config = ConfigDict(frozen=True)

    step: str
    name: str
    before_status: Status | Literal[""] = ""
    before: str = ""
    status: Status | Literal[""] = ""
    shown: str = ""


class Round(BaseModel):
    """One run of the notebook in the course of mending it."""

    model_config = ConfigDict(frozen=True)

    id: str
    parent: str = Field("", description="The round that it started from; empty for the first.")
    label: str = Field(FIRST, description="The remedy that was taken.")
    why: str = ""
    cost: str = ""
    step: str = Field("", description="The step whose failure it answers.")
    changes: dict[str, Any] = Field({}, description="New values of choices.")
    model: str = ""
    formula: str = ""
    verdicts: dict[str, Status] = Field({}, description="Step → how its gate stands; a waived failure is a warning.")
    findings: tuple[Change, ...] = Field((), description="What was not passing before, or is not now.")
    elpd: float | None = Field(None, description="Expected log predictive density, leaving one row out.")
    elpd_se: float | None = None
    gain: float | None = Field(None, description="By how much that is higher than in the round it came from.")
    gain_se: float | None = None
    seconds: float = 0.0
    status: RunStatus = "passed"
    run: str = Field("", description="The run that executed it.")


class Lineage(BaseModel):
    """All rounds in the order of time, the best of them, and why there are no more."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    rounds: tuple[Round, ...] = ()
    best: str = ""
    stopped: str = ""

    @model_validator(mode="after")
    def _is_a_tree(self) -> Self:
        seen = {""}
        for one in self.rounds:
            if one.id in seen or one.parent not in seen:
                raise ValueError("each round needs an id of its own, and a parent that came before it or none")
            seen.add(one.id)
        return self

    @classmethod
    def read(cls, nb: Mapping[str, Any]) -> Self | None:
        """Read the lineage in a notebook's metadata; None where there is none that can be read."""
        try:
            return cls.model_validate(nb["metadata"]["modelcompose"]["lineage"])
        except (KeyError, TypeError, ValidationError):
            return None

    def __getitem__(self, id: str) -> Round:  # noqa: A002
        return next(one for one in self.rounds if one.id == id)

    def path(self) -> tuple[Round, ...]:
        """Return the rounds that led to the best one, the first of them first."""
        known = {one.id: one for one in self.rounds}
        found = list[Round]()
        at = known.get(self.best)
        while at is not None:
            found.append(at)
            at = known.get(at.parent)
        return tuple(reversed(found))

    def with_round(self, one: Round, *, best: bool) -> Self:
        """Return a copy with one more round."""
        return self.model_copy(update={"rounds": (*self.rounds, one), "best": one.id if best else self.best})

    def ended(self, sentence: str) -> Self:
        """Return a copy that says why there are no more rounds."""
        return self.model_copy(update={"stopped": sentence})

    @property
    def next_id(self) -> str:
        return str(1 + max((int(one.id) for one in self.rounds if one.id.isdecimal()), default=0))


@dataclass(frozen=True)
class Predicted:
    """How well a model predicts rows that it has not seen.

    Parameters
    ----------
    elpd, se
        Expected log predictive density, leaving one row out, and its standard error.
    rows
        The same for each row; empty where a notebook has too many to keep.
    of
        Which densities these are: outcome, table, number of rows, and the digest of what is explained, its scale
        included. Only where it agrees two models compare.
    """

    elpd: float
    se: float
    rows: tuple[float, ...]
    of: tuple[Any, ...]

    @classmethod
    def among(cls, analysis: Analysis, verdicts: Iterable[Verdict]) -> Self | None:
        """Find it among the verdicts of a run; None where the notebook does not work it out."""
        details = {one.step: one.details for one in verdicts}
        told, data = details.get("influence", {}).get("elpd"), details.get("data", {})
        if not isinstance(told, Mapping) or told.get("elpd") is None or told.get("se") is None:
            return None
        rows = tuple(told.get("rows") or ())
        known = rows if all(isinstance(one, int | float) for one in rows) else ()
        of = (analysis.outcome, data.get("sha256"), data.get("rows"), told.get("of"))
        return cls(told["elpd"], told["se"], known, of)

    def above(self, other: Self) -> tuple[float, float] | None:
        """Return by how much it predicts better, with the standard error of that; None when that is not known.

        The error is that of the sum of the rows' own differences (Vehtari, Gelman and Gabry 2017,
        doi:10.1007/s11222-016-9696-4), since both models are tried on the same rows.
        """
        if self.of != other.of or len(self.rows) != len(other.rows) or len(self.rows) < 2:
            return None
        apart = [mine - theirs for mine, theirs in zip(self.rows, other.rows, strict=True)]
        return fsum(apart), sqrt(len(apart)) * pstdev(apart)


@dataclass(frozen=True)
class Ending:
    """How a run ended: its verdicts in the order of the workflow, and what else decides which run is better."""

    analysis: Analysis
    verdicts: tuple[Verdict, ...]
    status: RunStatus = "passed"

    @property
    def passes(self) -> bool:
        """Whether it ran to its end and nothing stands against it."""
        return self.status == "passed" and worst(one.gate for one in self.verdicts) in ("info", "pass")

    @property
    def fails(self) -> bool:
        """Whether a check failed that nobody waived, or the notebook broke off."""
        return self.status in ("error", "failed", "stopped", "cancelled") or any(
            one.gate == "fail" for one in self.verdicts
        )

    def titles(self, status: Status) -> list[str]:
        """Name what stands so: the findings, or the title of a step that has none."""
        return [
            name
            for verdict in self.verdicts
            if verdict.gate == status
            for name in [one.name for one in verdict.findings if one.status == status] or [verdict.title]
        ]

    def predicted(self) -> Predicted | None:
        return Predicted.among(self.analysis, self.verdicts)


def better(after: Ending, before: Ending, answering: str = "") -> bool:
    """Tell whether a run is better than the one it came from.

    Only steps that both have judged are held against each other, since a run that stops at a failed gate says nothing
    of what lies behind it: first the gravest verdict, then the number of failing findings, then of warnings. With
    equal verdicts the one that got further is better, then the one that predicts better by more than two standard
    errors, then the one whose failing findings in the step that was to be mended came clearly nearer to their limits.

    Parameters
    ----------
    answering
        The step whose failure the change was to mend.
    """
    if (after.status == "error") != (before.status == "error"):
        return before.status == "error"
    common = {one.step for one in after.verdicts} & {one.step for one in before.verdicts}
    mine, theirs = _gravity(after, common), _gravity(before, common)
    if mine != theirs:
        return mine < theirs
    if len(after.verdicts) != len(before.verdicts):
        return len(after.verdicts) > len(before.verdicts)
    policy = _policy(before.analysis)
    ahead = _ahead(after.predicted(), before.predicted(), policy)
    return ahead > 0 or (ahead == 0 and _nearer(after, before, answering, policy))


def _policy(analysis: Analysis) -> Policy:
    try:
        return policy_of(analysis)
    except ModelComposeError:  # the file is gone since the run
        return default()


def _ahead(now: Predicted | None, then: Predicted | None, policy: Policy) -> int:
    """Return 1 where a model clearly predicts better, -1 where worse, 0 where nobody can say."""
    found = now.above(then) if now and then else None
    if now is None or found is None:
        return 0
    gain, error = found
    small = policy["elpd-difference"].status(abs(gain)) == "pass"
    noise = (
        policy["elpd-behind"].status(abs(gain) / error if error else inf, strictness(len(now.rows), policy)) == "pass"
    )
    return 0 if small or noise else 1 if gain > 0 else -1


def _gravity(ending: Ending, steps: set[str]) -> tuple[int, int, int]:
    verdicts = [one for one in ending.verdicts if one.step in steps]
    counted = Counter(status for one in verdicts for status in _statuses(one))
    return SEVERITY.index(_no_lower(worst(one.gate for one in verdicts))), counted["fail"], counted["warn"]


def _no_lower(status: Status) -> Status:
    return "pass" if status == "info" else status


def _statuses(verdict: Verdict) -> list[Status]:
    """List how a verdict's findings stand; those of a waived failure count as warnings."""
    found = [one.status for one in verdict.findings] or [verdict.status]
    return ["warn" if one == "fail" and verdict.waived else one for one in found]


def _nearer(after: Ending, before: Ending, step: str, policy: Policy) -> bool:
    """Tell whether the findings that did not pass in a step came nearer to their limits, and none went away from it."""
    now = {one.name: one for one in _findings(after, step)}
    ratios = [
        _left(policy, one, now[one.name])
        for one in _findings(before, step)
        if one.status in ("warn", "fail") and one.name in now
    ]
    known = [ratio for ratio in ratios if ratio is not None]
    return bool(known) and max(known) <= 1 and policy["left-to-mend"].status(min(known)) == "pass"


def _findings(ending: Ending, step: str) -> tuple[Finding, ...]:
    return next((one.findings for one in ending.verdicts if one.step == step), ())


def _left(policy: Policy, before: Finding, after: Finding) -> float | None:
    """Return which part of the distance from the limit is left; None where it cannot be said.

    What should be large has a limit that may be scaled, by the chains for one; its distance is told by the ratio.
    """
    rule = policy.rules.get(before.rule)
    if rule is None or before.value is None or after.value is None:
        return None
    if rule.good == "at least":
        return before.value / after.value if before.value > 0 and after.value > 0 else None
    excess = before.value - rule.limit
    return max(0.0, after.value - rule.limit) / excess if excess > 0 else None


@dataclass(frozen=True)
class Way:
    """A remedy and the step that offers it; ``personal`` when only a person may take it."""

    step: str
    remedy: Remedy
    personal: bool


def ways_out(ending: Ending) -> Iterator[Way]:
    """Yield the remedies that a run offers, in the order in which to try them.

    The first step that failed comes first, its remedies by their score; after the failures the warnings, of whose
    remedies only those count that are likely to help, since nothing need be mended there.
    """
    promising = _policy(ending.analysis)["promising-remedy"]
    for status in ("fail", "warn"):
        for verdict in ending.verdicts:
            if verdict.gate == status and not verdict.waived:
                for remedy in sorted(verdict.remedies, key=lambda one: -one.score):
                    if remedy.changes and (status == "fail" or promising.status(remedy.score) == "pass"):
                        yield Way(verdict.step, remedy, _personal(ending.analysis, remedy.changes))


def _personal(analysis: Analysis, changes: Mapping[str, Any]) -> bool:
    """Tell whether a change touches what is asked, the data or the rules, or leaves out a column that was named."""
    try:
        after = analysis.changed(changes)
    except ModelComposeError:
        return False
    dropped = {*analysis.predictors, *analysis.groups} - {*after.predictors, *after.groups}
    return bool(PERSONAL & changes.keys() or dropped)


def changes_between(before: Sequence[Verdict], after: Sequence[Verdict]) -> tuple[Change, ...]:
    """List every finding that did not pass before or does not now, in the order of the workflow."""
    then, now = _by_name(before), _by_name(after)
    keys = {**dict.fromkeys(then), **dict.fromkeys(now)}
    places = {step: at for at, step in enumerate(dict.fromkeys(key[0] for key in (*now, *then)))}
    return tuple(
        Change(
            step=key[0],
            name=key[1],
            before_status=then[key].status if key in then else "",
            before=then[key].shown if key in then else "",
            status=now[key].status if key in now else "",
            shown=now[key].shown if key in now else "",
        )
        for key in sorted(keys, key=lambda key: places[key[0]])
        if any(key in one and one[key].status in ("warn", "fail") for one in (then, now))
    )


def _by_name(verdicts: Iterable[Verdict]) -> dict[tuple[str, str, int], Finding]:
    """Key findings by step, name, and how many of that name came before."""
    found: dict[tuple[str, str, int], Finding] = {}
    for verdict in verdicts:
        seen = Counter[str]()
        for one in verdict.findings:
            found[verdict.step, one.name, seen[one.name]] = one
            seen[one.name] += 1
    return found
