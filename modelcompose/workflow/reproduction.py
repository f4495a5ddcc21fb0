"""Reproduction: does a run that was made again say the same?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from modelcompose.verdict import Verdict
from modelcompose.workflow import diagnostics
from modelcompose.workflow.policy import Policy, default
from modelcompose.workflow.sampling import quantities as spread_out
from modelcompose.workflow.sampling import reported

__all__ = ["Changed", "Quantity", "Reproduction", "Result", "grade"]

RULE = "reproduction"
QUANTILES = (0.05, 0.5, 0.95)
MOST_LISTED, SAID = 50, 3
ENDS = ("lower", "median", "upper")
ROUNDING = 1e-9  # relative: sums in another order
DIGITS = 1e-14  # relative to the draws: what none of their digits holds, such as the spread of a constant
NUMBER = re.compile(r"[+-−]?\d[\d.,]*")

Grade = Literal["identical", "within Monte Carlo error", "different"]


@dataclass(frozen=True)
class Result:
    """What a run came to.

    Parameters
    ----------
    posterior
        DataTree with the group ``posterior``; None when there is none.
    verdicts
        What its steps found, the last one of each step.
    """

    posterior: Any
    verdicts: Sequence[Verdict]

    @property
    def by_step(self) -> dict[str, Verdict]:
        return {one.step: one for one in self.verdicts}


class Quantity(BaseModel):
    """One number before and after, with the Monte Carlo error of their difference."""

    model_config = ConfigDict(frozen=True)

    name: str
    what: str = Field(description="mean, sd, or a quantile such as 5%.")
    before: float
    after: float
    error: float = Field(description="Monte Carlo standard error of the difference.")
    distance: float = Field(description="The difference in such errors.")
    limit: float = Field(0.0, description="How many such errors it may lie apart; 0 before that is settled.")


class Changed(BaseModel):
    """Something without a Monte Carlo error that is not what it was."""

    model_config = ConfigDict(frozen=True)

    name: str
    before: str
    after: str


class Reproduction(BaseModel):
    """How a run that was made again compares with the one before."""

    model_config = ConfigDict(frozen=True)

    grade: Grade
    sentence: str
    compared: int = Field(description="How many quantities were held against each other.")
    different: tuple[Quantity, ...] = Field((), description="Those that lie further apart, the furthest first.")
    furthest: Quantity | None = Field(None, description="The one that lies furthest apart, in its errors.")
    changes: tuple[Changed, ...] = Field((), description="Verdicts, words and parameters that are not what they were.")
    figures: tuple[Changed, ...] = Field((), description="Figures of the checks that are not exactly what they were.")
    circumstances: tuple[Changed, ...] = Field(
        (), description="What the two runs were made of or made on, if it differs."
    )


def grade(
    before: Result, after: Result, circumstances: Sequence[Changed] = (), policy: Policy | None = None
) -> Reproduction:
    """Grade a run that was made again.

    *Identical*: every draw, every figure of every check and every word of the answer is the same.

    *Within Monte Carlo error*: the verdicts and the words of the answer are the same, and nothing lies further apart
    than chance explains: of each parameter the mean, the standard deviation, the median and the ends of the central
    90%, of each quantity of the answer its figures, and the log predictive density. Two independent computations of a
    number differ by √(e₁² + e₂²) in standard error, where e₁ and e₂ are their Monte Carlo standard errors (Vehtari et
    al. 2021, doi:10.1214/20-BA1221). Since many are compared, some lie far apart by chance; none may by more such
    errors than the quantile at 1 - α/2m, for m quantities (Bonferroni's inequality, which holds however they depend on
    each other; Dunn 1961, doi:10.1080/01621459.1961.10482090), of Student's t distribution with as many degrees of
    freedom as there are independent draws, less one, since the errors are estimates too (with the smaller of bulk and
    tail effective sample size; ours). So a run that was made again rightly is called different at most in about the
    share α of all cases; the rule ``reproduction`` of the policy says which, 1% by default.

    *Different*: anything else, and always when there is a posterior on one side only, or the parameters differ.

    Where gaps were filled many times, each completed table counts by itself.

    Parameters
    ----------
    before, after
        What the runs came to.
    circumstances
        What differs between what they were made of; it is passed on.
    policy
        The thresholds; the defaults when not given.
    """
    alpha = (policy or default())[RULE].limit
    changes = [*_words(before, after), *_parameters(before.posterior, after.posterior)]
    same = _same_draws(before.posterior, after.posterior)
    apart = [*([] if same else _of_posterior(before.posterior, after.posterior)), *_of_verdicts(before, after)]
    quantities = [one.told(alpha / max(len(apart), 1)) for one in apart]
    different = sorted((one for one in quantities if one.distance > one.limit), key=lambda one: -one.distance)
    figures = tuple(_figures(before, after))
    unmoved = same and not figures and not any(one.distance for one in quantities)
    reached = _grade(unmoved=unmoved, differs=[*different, *changes])
    return Reproduction(
        grade=reached,
        sentence=_sentence(reached, same, quantities, different, changes, figures),
        compared=len(quantities),
        different=tuple(different[:MOST_LISTED]),
        furthest=max(quantities, key=lambda one: one.distance - one.limit, default=None),
        changes=tuple(changes),
        figures=figures,
        circumstances=tuple(circumstances),
    )


def _grade(*, unmoved: bool, differs: Sequence[Any]) -> Grade:
    if differs:
        return "different"
    return "identical" if unmoved else "within Monte Carlo error"


@dataclass(frozen=True)
class _Told:
    """A number with its Monte Carlo standard error, how many independent draws it rests on, and how large those are."""

    value: float
    error: float
    independent: float
    largest: float = 0.0


@dataclass(frozen=True)
class _Pair:
    """A number before and after."""

    name: str
    what: str
    before: _Told
    after: _Told

    @property
    def _distance(self) -> float:
        """The difference in standard errors; what only rounding tells apart is not apart."""
        before, after = self.before.value, self.after.value
        if before == after or (before != before and after != after):
            return 0.0
        largest = max(self.before.largest, self.after.largest)
        if abs(after - before) <= max(ROUNDING * max(abs(before), abs(after)), DIGITS * largest):
            return 0.0
        found = abs(after - before) / self._error if self._error > 0 else float("inf")
        return float("inf") if found != found else found

    @property
    def _error(self) -> float:
        return float(np.hypot(self.before.error, self.after.error))

    def told(self, alpha: float) -> Quantity:
        """Settle how far apart they may lie when this one may be called different in the share ``alpha`` of cases."""
        from scipy.stats import t

        freedom = max(1.0, min(self.before.independent, self.after.independent) - 1)
        return Quantity(
            name=self.name,
            what=self.what,
            before=self.before.value,
            after=self.after.value,
            error=self._error,
            distance=self._distance,
            limit=float(t.isf(alpha / 2, freedom)),
        )


# -- draws ---------------------------------------------------------------------------------------------------------


def _same_draws(before: Any, after: Any) -> bool:
    """Tell whether both have the same draws of everything, or neither has any."""
    if before is None or after is None:
        return before is after
    one, other = (dt["posterior"].to_dataset() for dt in (before, after))
    return set(one.data_vars) == set(other.data_vars) and all(
        one[name].dims == other[name].dims and np.array_equal(one[name].values, other[name].values, equal_nan=True)
        for name in one.data_vars
    )


def _parameters(before: Any, after: Any) -> Iterator[Changed]:
    """Name what only one of them has: a posterior, parameters, or chains."""
    if before is None or after is None:
        if before is not after:
            yield Changed(name="posterior", before=_there(before), after=_there(after))
        return
    names = [set(spread_out(reported(dt))[0]) for dt in (before, after)]
    for name in sorted(names[0] ^ names[1]):
        yield Changed(name=name, before=_there(name in names[0] or None), after=_there(name in names[1] or None))


def _there(one: Any) -> str:
    return "none" if one is None else "there"


def _of_posterior(before: Any, after: Any) -> Iterator[_Pair]:
    if before is None or after is None:
        return
    for what, first, second in zip(_labels(), _summaries(before), _summaries(after), strict=True):
        yield from (_Pair(name, what, first[name], second[name]) for name in first if name in second)


def _labels() -> list[str]:
    return ["mean", "sd", *(f"{prob:.0%}" for prob in QUANTILES)]


def _summaries(dt: Any) -> list[dict[str, _Told]]:
    """Summarise each parameter: its mean, its sd and its quantiles, in the order of the labels."""
    posterior = reported(dt)
    names, values = spread_out(posterior)
    chains = values.shape[1]
    each = int(posterior.attrs.get("chains_each", chains))
    tables = [values[:, start : start + each] for start in range(0, chains, each)]
    found: list[dict[str, _Told]] = [{} for _ in _labels()]
    for number, table in enumerate(tables, start=1):
        mark = f", table {number}" if len(tables) > 1 else ""
        for into, told in zip(found, _of_table(table), strict=True):
            into.update({f"{name}{mark}": one for name, one in zip(names, told, strict=True)})
    return found


def _of_table(values: np.ndarray[Any, Any]) -> Iterator[list[_Told]]:
    """Summarise draws of shape (quantities, chains, draws)."""
    over = (1, 2)
    with np.errstate(all="ignore"):
        figures = [values.mean(over), values.std(over), *np.quantile(values, QUANTILES, axis=over)]
        errors = [
            diagnostics.mcse_mean(values),
            diagnostics.mcse_sd(values),
            *(diagnostics.mcse_quantile(values, prob) for prob in QUANTILES),
        ]
        worth = np.fmin(diagnostics.ess_bulk(values), diagnostics.ess_tail(values))
        independent, largest = np.nan_to_num(worth, nan=1.0), np.abs(values).max(over)
    for figure, error in zip(figures, errors, strict=True):
        yield [_Told(*map(float, one)) for one in zip(figure, error, independent, largest, strict=True)]


# -- verdicts ------------------------------------------------------------------------------------------------------


def _of_verdicts(before: Result, after: Result) -> Iterator[_Pair]:
    """Yield the figures of verdicts whose Monte Carlo error is known: the answer's and the predictive density."""
    effects = [_details(one, "answer").get("effects", {}) for one in (before, after)]
    for name in (one for one in effects[0] if one in effects[1]):
        figures = [one[name] for one in effects]
        if all(one.get("error") for one in figures):
            for what in ENDS:
                told = [_Told(one[what], one["error"], one["independent"]) for one in figures]
                yield _Pair(name, what, told[0], told[1])
    densities = [_details(one, "influence").get("elpd", {}) for one in (before, after)]
    if all(one.get("error") for one in densities):
        told = [_Told(one["elpd"], one["error"], float("inf")) for one in densities]
        yield _Pair("log predictive density", "elpd", told[0], told[1])


def _details(result: Result, step: str) -> Mapping[str, Any]:
    return result.by_step[step].details if step in result.by_step else {}


def _words(before: Result, after: Result) -> Iterator[Changed]:
    """Yield the verdicts that were reached by one only or otherwise, and an answer in other words."""
    first, second = before.by_step, after.by_step
    for step in dict.fromkeys([*first, *second]):
        statuses = [one[step].status if step in one else "not reached" for one in (first, second)]
        if statuses[0] != statuses[1]:
            yield Changed(name=f"verdict of step {step}", before=statuses[0], after=statuses[1])
    if "answer" in first and "answer" in second:
        said = [one["answer"].sentence for one in (first, second)]
        if NUMBER.sub("#", said[0]) != NUMBER.sub("#", said[1]):
            yield Changed(name="answer", before=said[0], after=said[1])


def _figures(before: Result, after: Result) -> Iterator[Changed]:
    """Yield the findings whose value is not exactly what it was, and an answer with other figures."""
    first, second = before.by_step, after.by_step
    for step in (one for one in first if one in second):
        values = [{found.name: found for found in one[step].findings} for one in (first, second)]
        for name in dict.fromkeys([*values[0], *values[1]]):
            found = [one.get(name) for one in values]
            told = [(one.value, one.status) if one else None for one in found]
            if told[0] != told[1]:
                shown = [one.shown if one else "none" for one in found]
                yield Changed(name=f"{step}: {name}", before=shown[0], after=shown[1])
    if "answer" in first and "answer" in second and first["answer"].sentence != second["answer"].sentence:
        yield Changed(name="answer", before=first["answer"].sentence, after=second["answer"].sentence)


# -- words ---------------------------------------------------------------------------------------------------------


def _sentence(
    reached: Grade,
    same: bool,
    quantities: Sequence[Quantity],
    different: Sequence[Quantity],
    changes: Sequence[Changed],
    figures: Sequence[Changed],
) -> str:
    if reached == "identical":
        return "Every draw, every figure and every word is the same."
    agree = f"{len(quantities) - len(different)} of {len(quantities)} quantities agree within Monte Carlo error"
    said = [f"The draws are {'the same' if same else 'others'}{f'; {agree}' if quantities else ''}."]
    if different:
        one = different[0]
        said.append(
            f"Furthest apart is {one.name} ({one.what}): {one.before:.6g} before, {one.after:.6g} now, "
            f"{one.distance:.1f} standard errors where {one.limit:.1f} are allowed."
        )
    said += [f"{_capital(one.name)}: {_cut(one.before)} before, {_cut(one.after)} now." for one in changes[:SAID]]
    if len(changes) > SAID:
        said.append(f"{len(changes) - SAID} more differ.")
    if reached != "different" and figures:
        said.append(f"{len(figures)} figure{'' if len(figures) == 1 else 's'} of the checks moved without consequence.")
    return " ".join(said)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cut(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}…"
