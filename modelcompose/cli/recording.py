"""What runs were made of: record, reproduce, and the commands that carry runs elsewhere."""

from __future__ import annotations

from typing import Any

from modelcompose.cli.grammar import show_json, verb, workbench

__all__ = ["VERBS", "add"]

VERBS = {"record": "record", "reproduce": "reproduce"}
ID = "the run's id, a beginning of it, or its name"


def add(commands: Any) -> None:
    """Add the commands."""
    verb(commands, "record", _record, "show everything that a run was made of").add_argument("id", help=ID)
    reproduce = verb(commands, "reproduce", _reproduce, "make a run again, every step anew, and grade the result")
    reproduce.add_argument("id", help=ID)


def _record(options: Any) -> None:
    found = workbench(options).record(options.id)
    if options.json:
        return show_json(found)
    for sentence in found["sentences"]:
        print(sentence)
    if found["reproduction"]:
        _show_reproduction(found["reproduction"])
    return None


def _reproduce(options: Any) -> int:
    bench = workbench(options)
    run = bench.reproduce(options.id, wait=True)
    found = bench.record(run["id"])["reproduction"]
    if options.json:
        show_json({"run": run, "reproduction": found})
    else:
        print(f"{run['name']}  {run['grade'] or run['status']}  {run['id']}")
        _show_reproduction(found) if found else print(run["message"])
    return 0 if run["grade"] in {"identical", "within Monte Carlo error"} else 1


def _show_reproduction(found: dict[str, Any]) -> None:
    """Say how a run compares with the one before: the quantities that moved, and what was different around it."""
    print(f"{found['grade']}: {found['sentence']}")
    for one in found["different"]:
        print(
            f"  {one['name']} ({one['what']}): {one['before']:.6g} before, {one['after']:.6g} now, "
            f"{one['distance']:.1f} standard errors where {one['limit']:.1f} are allowed"
        )
    for title, name in (("changed", "changes"), ("figures", "figures"), ("around it", "circumstances")):
        for one in found[name]:
            print(f"  {title}: {one['name']}: {one['before']} before, {one['after']} now")
