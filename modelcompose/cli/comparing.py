"""Runs side by side: the command runs compare."""

from __future__ import annotations

import json
from typing import Any

from modelcompose.cli.grammar import show_json, show_table, verb, workbench

__all__ = ["VERBS", "add", "show"]

VERBS = {"runs compare": "compare_runs"}


def add(runs: Any) -> None:
    """Add the command to those about runs."""
    compare = verb(runs, "compare", _compare, "put runs side by side: choices, verdicts, answers and predictions")
    compare.add_argument("ids", nargs="+", metavar="ID", help="the ids of the runs, beginnings of them, or names")


def _compare(options: Any) -> None:
    found = workbench(options).compare_runs(options.ids)
    show_json(found) if options.json else show(found)


def show(found: dict[str, Any]) -> None:
    """Print runs side by side, as ``compare_runs`` found them."""
    for sentence in [*found["sentences"], *filter(None, [found["why_not"]])]:
        print(sentence)
    ids = [one["id"] for one in found["runs"]]
    heads = [f"{one['name']} {one['id'][:8]}" for one in found["runs"]]
    if found["comparison"]:
        print()
        names = dict(zip(ids, heads, strict=True))
        show_table(
            ["run", "log density", "behind the best", "standard error", "weight", "in words"],
            [
                [
                    names[one["id"]],
                    f"{one['elpd']:.1f}",
                    f"{-one['difference']:.1f}",
                    f"{one['se']:.1f}",
                    f"{one['weight']:.0%}",
                    one["words"],
                ]
                for one in found["comparison"]
            ],
        )
    _by_run(["answer", *heads], ids, [(_quantity(one), one["runs"]) for one in found["answers"]], _interval)
    _by_run(["step", *heads], ids, [(one["title"], _judged(one)) for one in found["verdicts"]], str)
    _by_run(["choice", *heads], ids, [(one["name"], one["runs"]) for one in found["choices"]], _value)


def _by_run(heads: list[str], ids: list[str], rows: list[tuple[str, dict[str, Any]]], shown: Any) -> None:
    """Print a table with a column for each run, below an empty line; nothing when there is no row."""
    if rows:
        print()
        show_table(heads, [[name, *(shown(runs[run]) if run in runs else "" for run in ids)] for name, runs in rows])


def _judged(one: dict[str, Any]) -> dict[str, str]:
    return {run: f"{status}, waived" if run in one["waived"] else status for run, status in one["runs"].items()}


def _quantity(one: dict[str, Any]) -> str:
    return f"{one['quantity']}, {one['unit']}" if one["unit"] else str(one["quantity"])


def _interval(one: dict[str, float]) -> str:
    return f"{one['median']:.3g} ({one['lower']:.3g} to {one['upper']:.3g})"


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
