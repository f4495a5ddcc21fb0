"""The page of a sweep: its runs side by side, as a notebook that anybody can read."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from modelcompose.analysis import cell_with_tag
from modelcompose.service.grid import spelt

if TYPE_CHECKING:
    from modelcompose.runs import Run
    from modelcompose.service.workspace import Json

__all__ = ["page"]

MARKS = {"pass": "✓", "info": "·", "warn": "!", "fail": "✗"}
WORDS = "✓ passed, ! warned, ✗ failed, · told something; empty where the step was not reached."


def page(
    nb: Mapping[str, Any], plan: Mapping[str, Any], runs: Sequence[Run], found: Mapping[str, Any] | None, message: str
) -> Json:
    """Return the notebook that shows what came of a sweep.

    Parameters
    ----------
    nb
        The sweep's own notebook, whose ``parameters`` cell holds what all runs share.
    plan
        ``points``, with the ``name`` of each and what is ``varied``.
    runs
        The runs that there are, as they ended.
    found
        What ``compare_runs`` found; None where there are not two runs.
    message
        How the sweep ended.
    """
    points = {point["name"]: point["varied"] for point in plan["points"]}
    of = {run.id: run for run in runs}
    texts = [_title(plan, message, found), _runs(points, runs)]
    if found:
        texts += [_predictions(found, of), _answers(found, runs), _verdicts(found, runs)]
    cells = [_markdown(number, text) for number, text in enumerate(texts) if text]
    shared = cell_with_tag(nb, "parameters")
    if shared is not None:
        cells += [_markdown(len(texts), "## What all runs share\n\nBut for the choices that are varied.")]
        cells += [copy.deepcopy(shared) | {"outputs": [], "execution_count": None}]
    return {"cells": cells, "metadata": copy.deepcopy(nb["metadata"]), "nbformat": 4, "nbformat_minor": 5}


def _title(plan: Mapping[str, Any], message: str, found: Mapping[str, Any] | None) -> str:
    varied = ", ".join(f"{name} ({len(values)} values)" for name, values in plan["grid"].items())
    sentences = [message, *(found["sentences"] if found else [])]
    return "\n\n".join([f"# Sweep over {_text(varied)}", *map(_text, sentences)])


def _runs(points: Mapping[str, Mapping[str, Any]], runs: Sequence[Run]) -> str:
    by_name = {run.name: run for run in runs}
    choices = list(next(iter(points.values())))
    rows = []
    for name, varied in points.items():
        run = by_name.get(name)
        told = [run.status, run.message] if run else ["not begun", ""]
        values = [spelt(varied[one]) for one in choices]
        rows.append([_link(run) if run else _text(name), *map(_text, [*values, *told])])
    return "## The runs\n\n" + _table(["run", *choices, "status", "in words"], rows)


def _predictions(found: Mapping[str, Any], of: Mapping[str, Run]) -> str:
    head = "## How well they predict\n\n"
    if not found["comparison"]:
        return head + _text(found["why_not"]) if found["why_not"] else ""
    rows = [
        [
            _link(of[one["id"]]),
            f"{one['elpd']:.1f}",
            f"{-one['difference']:.1f}",
            f"{one['se']:.1f}",
            f"{one['weight']:.0%}",
            _text(one["words"]),
        ]
        for one in found["comparison"]
    ]
    return head + _table(["run", "log density", "behind the best", "standard error", "weight", "in words"], rows)


def _answers(found: Mapping[str, Any], runs: Sequence[Run]) -> str:
    if not found["answers"]:
        return ""
    heads = [f"{one['quantity']}, {one['unit']}" if one["unit"] else one["quantity"] for one in found["answers"]]
    return "## The answers\n\n" + _by_run(runs, heads, found["answers"], _interval)


def _verdicts(found: Mapping[str, Any], runs: Sequence[Run]) -> str:
    if not found["verdicts"]:
        return ""
    judged = [{"runs": {run: _mark(one, run) for run in one["runs"]}} for one in found["verdicts"]]
    heads = [one["step"] for one in found["verdicts"]]
    return f"## The checks\n\n{_by_run(runs, heads, judged, str)}\n\n{WORDS}"


def _mark(one: Mapping[str, Any], run: str) -> str:
    return MARKS[one["runs"][run]] + " waived" * (run in one["waived"])


def _by_run(
    runs: Sequence[Run], heads: Sequence[str], columns: Sequence[Mapping[str, Any]], shown: Callable[[Any], str]
) -> str:
    rows = [
        [_link(run), *(shown(one["runs"][run.id]) if run.id in one["runs"] else "" for one in columns)] for run in runs
    ]
    return _table(["run", *heads], rows)


def _interval(one: Mapping[str, float]) -> str:
    return f"{one['median']:.3g} ({one['lower']:.3g} to {one['upper']:.3g})"


def _table(heads: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table in Markdown; the cells are escaped already."""
    named = list(map(_text, heads))
    lines = [named, ["---"] * len(named), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _link(run: Run) -> str:
    """Link to a run's notebook, which lies beside the sweep's."""
    name = _text(run.name)
    return f"[{name}]({quote(run.executed.rpartition('/')[2])})" if run.executed else name


def _text(text: str) -> str:
    """Escape what came from people: nothing in it is HTML, Markdown or the end of a cell."""
    plain = escape(" ".join(str(text).split()))
    return "".join(f"&#{ord(sign)};" if sign in r"\`*_[]|~$" else sign for sign in plain)


def _markdown(number: int, text: str) -> Json:
    return {"cell_type": "markdown", "id": f"sweep-{number}", "metadata": {}, "source": text}
