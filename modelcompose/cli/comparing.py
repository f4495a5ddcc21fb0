"""Runs side by side: the commands runs compare, runs posteriors and runs diff."""

from __future__ import annotations

import json
from typing import Any

from modelcompose.cli.grammar import show_json, show_table, verb, workbench

__all__ = ["VERBS", "add", "show"]

VERBS = {
    "runs compare": "compare_runs",
    "runs posteriors": "compare_posteriors",
    "runs diff": "compare_notebooks",
}
IDS = "the ids of the runs, beginnings of them, or names"
BLOCKS = " ▁▂▃▄▅▆▇█"
WIDTH = 40


def add(runs: Any) -> None:
    """Add the commands to those about runs."""
    compare = verb(runs, "compare", _compare, "put runs side by side: choices, verdicts, answers and predictions")
    compare.add_argument("ids", nargs="+", metavar="ID", help=IDS)
    posteriors = verb(runs, "posteriors", _posteriors, "draw the posteriors of runs over one another")
    posteriors.add_argument("ids", nargs="+", metavar="ID", help=IDS)
    posteriors.add_argument(
        "--name", action="append", default=[], help="a quantity (repeatable; default: the usual ones)"
    )
    diff = verb(runs, "diff", _diff, "show which cells of the notebooks that runs executed are not the same")
    diff.add_argument("ids", nargs="+", metavar="ID", help=IDS)


def _compare(options: Any) -> None:
    found = workbench(options).compare_runs(options.ids)
    show_json(found) if options.json else show(found)


def _posteriors(options: Any) -> None:
    found = workbench(options).compare_posteriors(options.ids, options.name)
    if options.json:
        return show_json(found)
    names = {one["id"]: f"{one['name']} {one['id'][:8]}" for one in found["runs"]}
    for one in found["quantities"]:
        curves = {run: curve for run, curve in one["runs"].items() if curve["x"]}
        ends = [end for curve in curves.values() for end in (curve["x"][0], curve["x"][-1])]
        print(one["name"] + (f"  ({min(ends):.3g} to {max(ends):.3g})" if ends else ""))
        for run, curve in one["runs"].items():
            drawn = _drawn(curve, min(ends), max(ends)) if curve["x"] else f"always {curve['at']}"
            print(f"  {drawn:<{WIDTH}}  {names[run]}")
    for name in found["without"]:
        print(f"{name} left no posterior")
    return None


def _drawn(curve: dict[str, Any], low: float, high: float) -> str:
    """Draw a curve in blocks, on the line from low to high."""
    peak = max(curve["y"])
    heights = [0.0] * WIDTH
    for x, y in zip(curve["x"], curve["y"], strict=True):
        at = min(int(WIDTH * (x - low) / (high - low)), WIDTH - 1)
        heights[at] = max(heights[at], y / peak)
    return "".join(BLOCKS[round(height * (len(BLOCKS) - 1))] for height in heights)


def _diff(options: Any) -> None:
    from difflib import unified_diff

    found = workbench(options).compare_notebooks(options.ids)
    if options.json:
        return show_json(found)
    for other in found["runs"][1:]:
        both = (found["runs"][0], other)
        before, after = (f"{one['name']} {one['id'][:8]}" for one in both)
        for cell in found["cells"]:
            old, new = ((cell["runs"].get(one["id"]) or "").splitlines() for one in both)
            lines = list(unified_diff(old, new, before, after, cell["step"], cell["step"], lineterm=""))
            print("\n".join(lines), end="\n\n" if lines else "")
    print(f"{len(found['cells'])} cells differ, {found['same']} are the same")
    for name in found["without"]:
        print(f"the notebook of {name} is gone")
    return None


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
