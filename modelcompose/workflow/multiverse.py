"""Multiverse: the answer under every combination of choices that could be defended as well.

After Steegen et al. 2016 (doi:10.1177/1745691616658637); the picture is the specification curve of Simonsohn, Simmons
and Nelson 2020 (doi:10.1038/s41562-020-0912-z).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog
from modelcompose.catalog.alike import in_one
from modelcompose.catalog.effects import Effect
from modelcompose.errors import InvalidAnalysis, ModelComposeError
from modelcompose.verdict import Finding, Remedy, Status, Verdict
from modelcompose.workflow import words
from modelcompose.workflow.candidates import (
    STOPPED,
    WAITING,
    answered,
    candidates,
    fit,
    not_to_trust,
    present,
    without,
)
from modelcompose.workflow.fit import is_partial
from modelcompose.workflow.policy import Policy, policy_of
from modelcompose.workflow.results import effects_of
from modelcompose.workflow.steps import conclude, figure

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis
    from modelcompose.data import Dataset

__all__ = ["check", "multiverse"]

MOST_DRAWS = 500
KEPT_DRAWS = 2000
FAR_OUT = 5.0
ALL, AS_CHOSEN = "all", "as chosen"
DIMENSIONS = ("model", "priors", "columns", "rows")
PICTURED = 40

Array = np.ndarray[Any, np.dtype[Any]]

# -- which universes there are -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Option:
    """One way to make one choice: its name, and what it changes."""

    name: str
    value: Any


@dataclass(frozen=True)
class _Universe:
    """One way to make every choice, an option for each of the dimensions."""

    options: tuple[_Option, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.options)

    def of(self, dimension: str) -> Any:
        return self.options[DIMENSIONS.index(dimension)].value


def _options(analysis: Analysis, dataset: Dataset, table: pd.DataFrame) -> list[list[_Option]]:
    """List what could be chosen in each dimension, the present choice first."""
    rivals, _ = candidates(analysis, dataset, table)
    same_columns = [one for one in rivals if "predictors" not in one.changes and one.answers]
    models = [_Option(one.name, one.analysis) for one in (present(analysis), *same_columns)]
    own = catalog.get(analysis.model).own
    widths = [_Option(f"{width:g} times as wide", width) for width in analysis.rival_priors if width != 1 and not own]
    columns = [_Option(f"without {name}", name) for name in analysis.predictors[1:]]
    far = _far_out(analysis, table)
    rows = [_Option(f"without {len(far)} far out", far)] if len(far) else []
    return [models, [_Option(AS_CHOSEN, 1.0), *widths], [_Option(ALL, ""), *columns], [_Option(ALL, far[:0]), *rows]]


def _far_out(analysis: Analysis, table: pd.DataFrame) -> Array:
    """Return the rows whose outcome, a measured number, lies more than 5 robust standard deviations from the median.

    Models of series need every moment, so that no row is left out where a column puts the rows in order.
    """
    column = table[analysis.outcome]
    measured = analysis.kinds.get(analysis.outcome) in ("continuous", "positive", "amount", "duration")
    if not measured or analysis.time or analysis.event or analysis.missing != "drop":
        return np.array([], int)
    y = column.to_numpy(float)
    scale = 1.4826 * float(np.median(np.abs(y - np.median(y))))
    return np.flatnonzero(np.abs(y - np.median(y)) > FAR_OUT * scale) if scale > 0 else np.array([], int)


def _chosen(options: Sequence[Sequence[_Option]], most: int) -> list[_Universe]:
    """Choose universes so that each option comes up about equally often, the present choices first.

    When all combinations are too many, the next universe is always the one whose options came up least; of equals the
    first, so that the choice is the same each time.
    """
    every = [_Universe(one) for one in product(*options)]
    if len(every) <= most:
        return every
    found, left, seen = [every[0]], every[1:], Counter(enumerate(every[0].names))
    while len(found) < most:
        place = min(range(len(left)), key=lambda at: sum(seen[one] for one in enumerate(left[at].names)))
        found.append(left.pop(place))
        seen.update(enumerate(found[-1].names))
    return found


# -- what they answer ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Answer:
    universe: _Universe
    draws: Array | None
    reason: str
    rows: int


def multiverse(analysis: Analysis, dataset: Dataset) -> Any:
    """Answer the question under the combinations of choices that could be defended as well.

    The choices are the model (the analysis' own, its candidates that answer the question), the width of the default
    priors (as chosen, and times ``rival_priors``), the columns (all, and without each predictor but the first, which
    is what is asked about) and the rows (all, and without outcomes that lie far out). At most ``analysis.universes``
    of their combinations are taken, evenly, the analysis itself always among them. Models that differ only in the
    width of priors are compiled once. An interrupt ends it and keeps the combinations that are complete.

    Returns
    -------
    xarray.DataTree
        Over the dimension ``universe``, the analysis itself first: ``draws`` (universe, sample) of the first headline
        quantity, not a number where there is no answer to trust; ``reason`` why not; ``model``, ``priors``,
        ``columns``, ``rows`` by name, and ``rows_used``. Attributes: ``quantity``, ``lead``, ``kind``, ``unit`` and
        ``combinations``, how many there are. Empty when ``analysis.universes`` is 0.
    """
    import xarray as xr

    if not analysis.universes:
        return xr.DataTree()
    table, gaps = dataset.rows(analysis)
    options = _options(analysis, dataset, table)
    chosen = _chosen(options, analysis.universes)
    found: dict[tuple[str, ...], _Answer] = {}
    wanted: Effect | None = None
    try:
        for group in _alike(chosen):
            for answer, effect in _answers(analysis, group, table, gaps, wanted):
                found[answer.universe.names] = answer
                wanted = wanted or effect
            if any(one.reason == STOPPED for one in found.values()):
                break
    except KeyboardInterrupt:
        pass
    answers = [found.get(one.names) or _Answer(one, None, WAITING, len(table)) for one in chosen]
    return _as_tree(answers, wanted, int(np.prod([len(one) for one in options])))


def _alike(universes: Sequence[_Universe]) -> list[list[_Universe]]:
    """Group the universes that differ in the width of priors alone; the first holds the analysis itself."""
    at = DIMENSIONS.index("priors")
    groups: dict[tuple[str, ...], list[_Universe]] = {}
    for one in universes:
        groups.setdefault((*one.names[:at], *one.names[at + 1 :]), []).append(one)
    return list(groups.values())


def _answers(
    analysis: Analysis, group: Sequence[_Universe], table: pd.DataFrame, gaps: Any, wanted: Effect | None
) -> Iterator[tuple[_Answer, Effect | None]]:
    """Answer the question in universes that differ in the width of priors alone."""
    kept = _kept(table, group[0].of("rows"))
    built = []
    for universe in group:
        try:
            choices = _choices(universe, kept)
            built.append((universe, choices, catalog.build(choices, kept, gaps)))
        except (ModelComposeError, ValueError, KeyError, IndexError) as error:
            reason = error.message if isinstance(error, ModelComposeError) else str(error).partition("\n")[0]
            yield _Answer(universe, None, f"It cannot be built: {reason}", len(kept)), None
    for (universe, choices, model), dt in zip(built, _fitted(built, kept, gaps), strict=True):
        if isinstance(dt, str):
            yield _Answer(universe, None, dt, len(kept)), None
            continue
        reason = not_to_trust(choices, dt)
        try:
            first = _first(effects_of(choices, kept, model, dt)) if wanted is None else wanted
            draws = {first.name: first.draws} if wanted is None else answered([first], choices, kept, model, dt)
        except ModelComposeError as error:
            yield _Answer(universe, None, error.message, len(kept)), None
            continue
        if not reason and first.name not in draws:
            reason = f"It gives no answer of the kind “{first.name}”."
        wanted = wanted or first
        yield _Answer(universe, None if reason else draws[first.name], reason, len(kept)), first


def _kept(table: pd.DataFrame, far: Array) -> pd.DataFrame:
    """Return a table without some rows, and its columns without levels that no row has any more."""
    if not len(far):
        return table
    kept = table.drop(index=table.index[far]).reset_index(drop=True)
    for name in kept.select_dtypes("category"):
        kept[name] = kept[name].cat.remove_unused_categories()
    return kept


def _choices(universe: _Universe, table: pd.DataFrame) -> Analysis:
    """Return the choices that make a universe.

    Raises
    ------
    InvalidAnalysis
        When its model needs the column that the universe leaves out.
    """
    chosen: Analysis = universe.of("model")
    column = universe.of("columns")
    if column:
        less = without(chosen, [column], table)
        if less is None:
            raise InvalidAnalysis(f"{catalog.get(chosen.model).title} is not composed without {column}")
        chosen = less
    return chosen.changed({"prior_scale": min(1000.0, chosen.prior_scale * universe.of("priors"))})


def _fitted(built: Sequence[tuple[_Universe, Analysis, Any]], table: pd.DataFrame, gaps: Any) -> Iterator[Any]:
    """Draw from the models one after the other, compiled once where that can be; an error comes as its words."""
    import xarray as xr

    one = in_one([catalog.build(choices, table, gaps) for _, choices, _ in built]) if len(built) > 1 else None
    if one is None:
        stopped = False
        for _, choices, model in built:
            try:
                dt = WAITING if stopped else fit(choices, model, most_draws=MOST_DRAWS)
                stopped = stopped or is_partial(dt)
                yield dt
            except ModelComposeError as error:
                yield error.message
        return
    try:
        whole = fit(built[0][1], one, most_draws=MOST_DRAWS)
    except ModelComposeError as error:
        yield from [error.message] * len(built)
        return
    each = int(whole["posterior"].attrs["chains_each"])
    for at in range(len(built)):
        chains = slice(at * each, (at + 1) * each)
        if whole["posterior"].sizes["chain"] <= chains.start:
            yield WAITING
            continue
        groups = {name: whole[name].to_dataset().isel(chain=chains) for name in ("posterior", "sample_stats")}
        groups["posterior"].attrs["requested_chains"] = each
        yield xr.DataTree.from_dict(groups)


def _first(effects: Sequence[Effect]) -> Effect:
    """Return the quantity that answers the question, the first of several."""
    return next((one for one in effects if one.headline), effects[0])


def _as_tree(answers: Sequence[_Answer], wanted: Effect | None, combinations: int) -> Any:
    import xarray as xr

    size = min([KEPT_DRAWS, *(one.draws.size for one in answers if one.draws is not None)])
    draws = np.full((len(answers), size), np.nan)
    for at, one in enumerate(answers):
        if one.draws is not None:
            draws[at] = one.draws[np.linspace(0, one.draws.size - 1, size).astype(int)]
    told = {
        dimension: ("universe", [one.universe.names[at] for one in answers]) for at, dimension in enumerate(DIMENSIONS)
    }
    attrs: dict[str, Any] = {"combinations": combinations}
    if wanted is not None:
        attrs |= {"quantity": wanted.name, "lead": wanted.lead, "kind": wanted.kind, "unit": wanted.unit}
    return xr.DataTree(
        xr.Dataset(
            {
                "draws": (("universe", "sample"), draws),
                "reason": ("universe", [one.reason for one in answers]),
                "rows_used": ("universe", [one.rows for one in answers]),
                **told,
            },
            attrs=attrs,
        )
    )


# -- the verdict ---------------------------------------------------------------------------------------------------


def check(analysis: Analysis, universe: Any) -> Verdict:
    """Judge whether other defensible choices say the same.

    The direction of the answer should be the same in all universes; below 90% of them it fails (Steegen et al. 2016;
    the numbers are ModelCompose's own). A quantity without a direction should stay inside the interval of the
    analysis' own in all of them. It is a warning at most where the analysis claims no direction: its own interval holds
    no effect, or the quantity has none. Where the interval of neither the analysis nor any universe tells a direction,
    there is none to contradict.

    Parameters
    ----------
    universe
        What ``mc.multiverse`` returned.
    """
    if "draws" not in universe:
        return conclude("multiverse", analysis, sentence=OFF, details={"how": "Set universes = 24, for example."})
    seen = _Seen.of(analysis, universe)
    if seen.own is None:
        return conclude(
            "multiverse",
            analysis,
            sentence="The analysis itself gave no answer to trust, so that there is nothing to compare others with.",
            findings=[seen.unanswered()],
            status="warn",
            partial=seen.stopped,
        )
    return conclude(
        "multiverse",
        analysis,
        sentence=seen.sentence(),
        findings=seen.findings(),
        remedies=seen.remedies(),
        details=seen.details(),
        picture=seen.picture(),
        alt=seen.alt(),
        partial=seen.stopped,
    )


OFF = (
    "Not asked for: the answer under other defensible choices of model, priors and columns. "
    "Say how many combinations to try in universes."
)


CAUTION = (
    "Not every combination answers the same question: without a column that bears on the outcome and on what is asked "
    "about, the answer takes that column's part over. Say which combinations you would defend, and why."
)


@dataclass(frozen=True)
class _Told:
    """The answer of one universe: on which side of no effect its median and its interval lie, -1, 0 or 1."""

    options: Mapping[str, str]
    figures: words.Figures
    rows: int

    @property
    def side(self) -> int:
        none = self.figures.none
        return 0 if none is None else int(np.sign(self.figures.quantiles[1] - none))

    @property
    def sure(self) -> int:
        none, (low, _, high) = self.figures.none, self.figures.quantiles
        return 0 if none is None else int(low > none) - int(high < none)


@dataclass(frozen=True)
class _Seen:
    analysis: Analysis
    policy: Policy
    told: tuple[_Told | None, ...]
    reasons: tuple[tuple[str, str], ...]
    combinations: int

    @classmethod
    def of(cls, analysis: Analysis, tree: Any) -> _Seen:
        told: list[_Told | None] = []
        reasons = []
        for at in range(tree.sizes["universe"]):
            one = tree.to_dataset().isel(universe=at)
            options = {name: str(one[name].item()) for name in DIMENSIONS}
            if str(one["reason"].item()):
                told.append(None)
                reasons.append((", ".join(options.values()), str(one["reason"].item())))
                continue
            effect = Effect(
                tree.attrs["quantity"], tree.attrs["lead"], tree.attrs["kind"], one["draws"].values, tree.attrs["unit"]
            )
            told.append(_Told(options, words.Figures(effect, analysis.ci_prob), int(one["rows_used"].item())))
        return cls(analysis, policy_of(analysis), tuple(told), tuple(reasons), int(tree.attrs["combinations"]))

    @property
    def own(self) -> _Told | None:
        return self.told[0]

    @property
    def stopped(self) -> bool:
        """Whether somebody stopped it before all universes had their turn."""
        return any(why in (STOPPED, WAITING) for _, why in self.reasons)

    @property
    def answered(self) -> list[_Told]:
        return [one for one in self.told if one is not None]

    @property
    def _own(self) -> _Told:
        assert self.own is not None  # noqa: S101
        return self.own

    @property
    def undecided(self) -> bool:
        """Whether neither the analysis nor any other universe tells a direction."""
        return self._own.figures.none is not None and not any(one.sure for one in self.answered)

    def agrees(self, one: _Told) -> bool:
        """Tell whether a universe says the same as the analysis, as far as direction or size go."""
        if self._own.figures.none is None:
            low, _, high = self._own.figures.quantiles
            return low <= one.figures.quantiles[1] <= high
        return one.side == self._own.side

    @property
    def share(self) -> float:
        return float(np.mean([self.agrees(one) for one in self.answered]))

    def sentence(self) -> str:
        count = len(self.answered)
        medians = [one.figures.quantiles[1] for one in self.answered]
        name = f"“{self._own.figures.effect.name}”"
        figures = self._own.figures
        spread = f"{figures.spelt(min(medians))} to {figures.amount(max(medians))}"
        if count < 2:
            return "No other universe gave an answer to trust."
        if self.undecided:
            return (
                f"None of {count} defensible ways to analyse these data tells whether {name} is above or below "
                f"{figures.none:g}; its median goes from {spread}."
            )
        same = sum(self.agrees(one) for one in self.answered)
        what = "median stays inside this analysis’ interval" if figures.none is None else "direction is the same"
        said = f"The {what} in {same} of {count} defensible ways to analyse these data"
        return f"{said}; the median of {name} goes from {spread}."

    def findings(self) -> list[Finding]:
        found = [self._same()] if len(self.answered) > 1 else []
        if self._own.figures.none is not None:
            sure = [one.sure == self._own.sure for one in self.answered]
            found.append(
                Finding(
                    name=f"Universes whose {self.analysis.ci_prob:.0%} interval says the same as this analysis’",
                    status="info",
                    value=float(np.mean(sure)),
                    shown=f"{sum(sure)} of {len(sure)}",
                    sentence="Whether the whole interval lies above no effect, below it, or around it.",
                )
            )
        return [*found, self.unanswered()]

    def _same(self) -> Finding:
        rule, policy = "same-direction", self.policy
        same = sum(self.agrees(one) for one in self.answered)
        none = self._own.figures.none
        finding = policy[rule].finding(
            "Universes that stay inside this analysis’ interval"
            if none is None
            else "Universes with the same direction",
            self.share,
            f"{same} of {len(self.answered)}",
            "Where choices that could be defended as well turn the answer round, it rests on them, not on the data.",
        )
        status: Status = finding.status
        if self.undecided:
            status = "pass"
        elif status == "fail" and not self._own.sure:
            status = "warn"  # the analysis claims no direction that others could refute
        return finding.model_copy(update={"status": status})

    def unanswered(self) -> Finding:
        count = len(self.told)
        return self.policy["universes-answered"].finding(
            "Universes with an answer to trust",
            len(self.answered) / count,
            f"{len(self.answered)} of {count}",
            " ".join(f"{name}: {reason}" for name, reason in self.reasons[:3]),
        )

    def remedies(self) -> list[Remedy]:
        """Offer what may make more universes answer; what they say is for people to weigh."""
        if len(self.answered) == len(self.told) or self.analysis.draws >= MOST_DRAWS:
            return []
        return [
            Remedy(
                label=f"Draw {MOST_DRAWS} samples for each chain",
                why="Some universes were drawn from too little to be trusted.",
                changes={"draws": MOST_DRAWS, "tune": max(self.analysis.tune, MOST_DRAWS)},
                cost=f"{len(self.told)} fits again.",
                score=0.4,
            )
        ]

    def details(self) -> dict[str, Any]:
        ordered = sorted(self.answered, key=lambda one: one.figures.quantiles[1])
        return {
            "Universes": [
                {
                    "answer": f"{one.figures.amount(one.figures.quantiles[1])} ({one.figures.interval})",
                    "direction": self._direction(one),
                    **one.options,
                    "this analysis": "yes" if one is self.own else "",
                }
                for one in ordered
            ],
            **({"No answer": [{"universe": name, "why": why} for name, why in self.reasons]} if self.reasons else {}),
            "tried": f"{len(self.told)} of {self.combinations} combinations of model, priors, columns and rows.",
            "caution": CAUTION,
        }

    @staticmethod
    def _direction(one: _Told) -> str:
        if one.figures.none is None:
            return ""
        below, above = one.figures.sides
        word = "above" if above >= below else "below"
        return f"{word} {one.figures.none:g} with {words.percent(max(below, above), one.figures.draws)}"

    def picture(self) -> Any:
        """The specification curve: the answers in order above, the choices behind each below."""
        ordered = sorted(self.answered, key=lambda one: one.figures.quantiles[1])
        shown = [ordered[at] for at in np.unique(np.linspace(0, len(ordered) - 1, PICTURED).astype(int))]
        if self.own not in shown:
            shown = sorted([*shown, self._own], key=lambda one: one.figures.quantiles[1])
        levels = [
            (dimension, name)
            for dimension in DIMENSIONS
            for name in dict.fromkeys(one.options[dimension] for one in self.answered)
        ]
        levels = [one for one in levels if len({name for dimension, name in levels if dimension == one[0]}) > 1]
        fig, _ = figure(height=2.6 + 0.2 * len(levels))
        fig.clf()
        above, below = fig.subplots(2, 1, sharex=True, height_ratios=[2.2, max(0.2 * len(levels), 0.2)])
        for at, one in enumerate(shown):
            low, middle, high = one.figures.quantiles
            colour = "#d95f02" if one is self.own else "#3a6ea5" if one.sure else "#999999"
            above.plot([at, at], [low, high], color=colour, linewidth=1.2)
            above.plot(at, middle, "o", color=colour, markersize=3)
            marks = [place for place, (dimension, name) in enumerate(levels) if one.options[dimension] == name]
            below.plot([at] * len(marks), marks, "s", color=colour, markersize=3)
        if self._own.figures.none is not None:
            above.axhline(self._own.figures.none, color="#888888", linestyle=":")
        unit = self._own.figures.effect.unit
        above.set(ylabel=f"{self._own.figures.effect.name}{f', {unit}' if unit else ''}".replace("$", r"\$"))
        above.yaxis.label.set_fontsize(7)
        labels = [f"{dimension}: {name}".replace("$", r"\$") for dimension, name in levels]
        below.set(yticks=range(len(levels)), yticklabels=labels, ylim=(len(levels) - 0.5, -0.5), xticks=[])
        below.tick_params(axis="y", labelsize=6)
        below.set_xlabel("each column is one way to analyse the data; this analysis is orange", fontsize=7)
        for axis in (above, below):
            axis.spines[["top", "right"]].set_visible(False)
        return fig

    def alt(self) -> str:
        return (
            f"{len(self.answered)} answers in order of size, with their {self.analysis.ci_prob:.0%} intervals; below "
            f"each the model, priors, columns and rows behind it. {self.sentence()}"
        )
