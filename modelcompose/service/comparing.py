"""Runs side by side: what they chose, how they were judged, what they answer and how well they predict."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from modelcompose.analysis import Analysis
from modelcompose.errors import InvalidInput, ModelComposeError, NotFound
from modelcompose.service.rules import Rules
from modelcompose.service.workspace import Json
from modelcompose.verdict import Verdict

if TYPE_CHECKING:
    from modelcompose.runs import Run, RunStore
    from modelcompose.workflow.policy import Policy
    from modelcompose.workflow.standings import Standing

__all__ = ["Comparing"]

SAID = 3


@dataclass(frozen=True)
class _Side:
    """One of the runs: how it stands, what it chose and how its steps were judged."""

    run: Run
    choices: Analysis | None
    verdicts: Mapping[str, Verdict]
    unread: int = 0
    """How many verdicts another version of ModelCompose wrote in a form that this one does not know."""

    @classmethod
    def of(cls, run: Run, store: RunStore) -> _Side:
        choices = _read(store, run.id, "analysis.json")
        try:
            analysis = Analysis.of(choices) if choices else None
        except ModelComposeError:  # made by a version that knew other choices
            analysis = None
        verdicts, unread = _verdicts_of(_read(store, run.id, "verdicts.json"))
        return cls(run, analysis, {one.step: one for one in verdicts}, unread)

    @property
    def density(self) -> Mapping[str, Any]:
        """The log predictive density, as the influence step told it: ``elpd``, ``se``, by ``rows``, and ``of`` what."""
        verdict = self.verdicts.get("influence")
        told = verdict.details.get("elpd") if verdict else None
        return told if isinstance(told, Mapping) and told.get("elpd") is not None else {}

    @property
    def rows(self) -> Sequence[float]:
        rows = self.density.get("rows") or ()
        return rows if all(isinstance(one, int | float) for one in rows) else ()

    @property
    def effects(self) -> Mapping[str, Mapping[str, float]]:
        verdict = self.verdicts.get("answer")
        return verdict.details.get("effects", {}) if verdict else {}

    @property
    def units(self) -> Mapping[str, str]:
        verdict = self.verdicts.get("answer")
        return verdict.details.get("units", {}) if verdict else {}


class Comparing(Rules):
    """What the workbench does with several runs at once."""

    def compare_runs(self, ids: Sequence[str]) -> Json:
        """Put runs side by side: choices that differ, verdicts, answers, and how well they predict.

        Predictions are compared where all runs explain the same values of the outcome in the same rows, and their
        notebooks left out each row in turn.

        Parameters
        ----------
        ids
            Two runs or more, each by its id, a unique beginning of it, or its name; a sweep stands for its runs.

        Returns
        -------
        dict
            ``runs``; ``comparison``, the best first, with difference, its standard error, stacking weight and
            ``words``; ``sentences``; ``answers``, ``choices`` and ``verdicts`` by run; ``comparable`` and ``why_not``.

        Raises
        ------
        InvalidInput
            When fewer than two different runs are named.
        """
        store = self._store()
        named = [store.get(one) for one in ids]
        found = {run.id: run for one in named for run in (store.children(one.id) if one.kind == "sweep" else [one])}
        if len(found) < 2:
            raise InvalidInput(
                "fewer than two different runs are named", where="ids", remedy="Name two runs or more to compare."
            )
        sides = [_Side.of(run, store) for run in found.values()]
        names = _names(sides)
        why_not = _why_not(sides, names)
        order = [] if why_not else _order(sides)
        policy = self._policy(self._own_policy())
        return {
            "runs": [_told(side) for side in sides],
            "comparison": _comparison(order, len(sides[0].rows), policy),
            "sentences": [
                *_prediction_said(order, len(sides[0].rows), policy, names),
                *_answers_said(sides, names),
                *_unread_said(sides, names),
            ],
            "answers": _answers(sides),
            "choices": _choices(sides),
            "verdicts": _verdicts(sides),
            "comparable": not why_not,
            "why_not": why_not,
        }


def _read(store: RunStore, id: str, name: str) -> Any:  # noqa: A002
    try:
        return json.loads(store.artifact(id, name).read_text("utf-8"))
    except (NotFound, OSError, ValueError):
        return None


def _verdicts_of(told: Any) -> tuple[list[Verdict], int]:
    """Read verdicts, and count those that cannot be read."""
    read: list[Verdict] = []
    whole = told if isinstance(told, list) else [] if told is None else [told]
    for one in whole:
        with suppress(ValidationError):
            read.append(Verdict.model_validate(one))
    return read, len(whole) - len(read)


def _unread_said(sides: Sequence[_Side], names: Mapping[str, str]) -> list[str]:
    """Name runs of which something cannot be read."""
    return [
        f"{side.unread} verdict{'s' * (side.unread > 1)} of {names[side.run.id]} cannot be read: another version of "
        "ModelCompose wrote them. Run its notebook again to compare it in full."
        for side in sides
        if side.unread
    ]


def _names(sides: Sequence[_Side]) -> dict[str, str]:
    """Call each run by its name, with the beginning of its id where several have the same."""
    many = Counter(side.run.name for side in sides)
    return {
        side.run.id: side.run.name if many[side.run.name] == 1 else f"{side.run.name} ({side.run.id[:8]})"
        for side in sides
    }


def _told(side: _Side) -> Json:
    return {
        "id": side.run.id,
        "name": side.run.name,
        "model": side.run.model,
        "formula": "; ".join(side.choices.formula_parts) if side.choices else "",
        "status": side.run.status,
        "elpd": side.density.get("elpd"),
        "elpd_se": side.density.get("se"),
    }


# -- how well they predict -----------------------------------------------------------------------------------------


def _why_not(sides: Sequence[_Side], names: Mapping[str, str]) -> str:
    """Say why runs cannot be compared by their predictions; ``""`` when they can."""
    without = [names[side.run.id] for side in sides if not side.density]
    if without:
        which = " and ".join(without) if len(without) <= SAID else f"{len(without)} of the runs"
        return (
            f"How well {which} predict{'s' if len(without) == 1 else ''} is not known: only the full "
            "workflow leaves out each row in turn, and only for models with a density for each row."
        )
    if any(not side.rows for side in sides):
        return "There are too many rows to keep the density of each, without which the difference has no error."
    if len({len(side.rows) for side in sides}) > 1:
        counts = ", ".join(f"{names[side.run.id]} {len(side.rows)}" for side in sides)
        return f"The runs used different rows ({counts}), so that their predictions do not compare."
    if len({side.density.get("of", "") for side in sides}) > 1:
        return (
            "The runs do not explain the same values of the same outcome on the same scale, so that their densities "
            "do not compare."
        )
    return ""


def _order(sides: Sequence[_Side]) -> list[Standing]:
    import numpy as np

    from modelcompose.workflow.standings import standings

    return standings({side.run.id: np.asarray(side.rows, float) for side in sides})


def _comparison(order: Sequence[Standing], rows: int, policy: Policy) -> list[Json]:
    from modelcompose.workflow.standings import in_words

    return [
        {
            "id": one.name,
            "elpd": one.elpd,
            "difference": one.difference,
            "se": one.difference_se,
            "weight": one.weight,
            "words": in_words(one, rows, policy),
        }
        for one in order
    ]


def _prediction_said(order: Sequence[Standing], rows: int, policy: Policy, names: Mapping[str, str]) -> Iterator[str]:
    """Say which runs predict best, and which cannot be told from them."""
    from modelcompose.workflow.standings import in_words, is_close

    if not order:
        return
    best, others = order[0], order[1:]
    close = [names[one.name] for one in others if is_close(one, rows, policy)]
    if close:
        yield (
            f"Too close to call: {' and '.join([names[best.name], *close])} predict rows they have not seen equally "
            "well, as far as can be told."
        )
    for one in others:
        if names[one.name] not in close:
            clearly = "clearly " * in_words(one, rows, policy).startswith("clearly")
            yield (
                f"{names[best.name]} predicts rows it has not seen {clearly}better than {names[one.name]}: by "
                f"{-one.difference:.1f} ({one.behind:.1f} standard errors)."
            )


# -- what they say -------------------------------------------------------------------------------------------------


def _answers(sides: Sequence[_Side]) -> list[Json]:
    quantities = dict.fromkeys(name for side in sides for name in side.effects)
    return [
        {
            "quantity": name,
            "unit": next((side.units[name] for side in sides if name in side.units), ""),
            "runs": {
                side.run.id: {end: side.effects[name][end] for end in ("median", "lower", "upper")}
                for side in sides
                if name in side.effects
            },
        }
        for name in quantities
    ]


def _answers_said(sides: Sequence[_Side], names: Mapping[str, str]) -> list[str]:
    """Name quantities where the median of each of two runs lies outside the interval of the other."""
    said = []
    for one in _answers(sides):
        by_run = list(one["runs"].items())
        apart = [
            (first, second)
            for at, first in enumerate(by_run)
            for second in by_run[at + 1 :]
            if _outside(first[1], second[1]) and _outside(second[1], first[1])
        ]
        if apart:
            (first, _), (second, _) = apart[0]
            said.append(f"The answers differ: {one['quantity']}, in {names[first]} and in {names[second]}.")
    return said[:SAID]


def _outside(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    return not other["lower"] <= one["median"] <= other["upper"]


def _choices(sides: Sequence[_Side]) -> list[Json]:
    """List the choices that differ."""
    dumped = {side.run.id: side.choices.model_dump(mode="json") for side in sides if side.choices}
    by_name = {name: {run: one[name] for run, one in dumped.items()} for name in Analysis.model_fields}
    return [{"name": name, "runs": values} for name, values in by_name.items() if _differ(values.values())]


def _differ(values: Iterable[Any]) -> bool:
    return len({json.dumps(value, sort_keys=True) for value in values}) > 1


def _verdicts(sides: Sequence[_Side]) -> list[Json]:
    """List the steps in the order of the workflow, with how each run was judged."""
    from modelcompose.workflow import STEPS

    told = {side.run.id: {one.step: one for one in side.run.verdicts} for side in sides}
    return [
        {
            "step": step.id,
            "title": step.title,
            "runs": {run: judged[step.id].status for run, judged in told.items() if step.id in judged},
            "waived": [run for run, judged in told.items() if step.id in judged and judged[step.id].waived],
        }
        for step in STEPS
        if any(step.id in judged for judged in told.values())
    ]
