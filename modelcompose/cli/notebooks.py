"""Notebooks and their rules: the commands new, inspect, revise, waive, plan and thresholds."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from modelcompose.analysis import Analysis
from modelcompose.cli.grammar import choice_options, choices, show_json, show_table, verb, workbench
from modelcompose.errors import InvalidInput, NotFound

__all__ = ["VERBS", "add", "changes", "with_changes"]

VERBS = {
    "new": "compose",
    "inspect": "inspect",
    "revise": "revise",
    "waive": "waive",
    "plan lock": "lock_plan",
    "plan show": "plan",
    "thresholds": "thresholds",
}


def add(commands: Any) -> None:
    """Add the commands."""
    new = verb(commands, "new", _new, "compose the notebook of an analysis")
    new.add_argument("data", help="a table in the workspace, or sample:NAME")
    new.add_argument("--output", default="", metavar="NOTEBOOK", help="where to write it")
    new.add_argument("--workflow", default="simple", help="which way through: simple, full, or one of your own")
    choice_options(new, set(Analysis.model_fields) - {"data"})

    inspect = verb(commands, "inspect", _inspect, "say where a notebook stands, step by step")
    inspect.add_argument("notebook")

    revise = verb(commands, "revise", _revise, "change choices in a notebook; what was edited by hand stays")
    with_changes(revise)

    waive = verb(commands, "waive", _waive, "let a failed gate pass, in your name and for a reason")
    waive.add_argument("notebook")
    waive.add_argument("step")
    waive.add_argument("--by", default="", help="who answers for it")
    waive.add_argument("--reason", default="", help="why; without one, an earlier waiver is taken back")

    plan = commands.add_parser("plan", help="lock a plan, or hold a notebook against it").add_subparsers(
        required=True, metavar="COMMAND"
    )
    lock = verb(plan, "lock", _lock, "freeze question, roles, models, priors and thresholds, with time and hash")
    lock.add_argument("notebook")
    lock.add_argument("--by", default="", help="who decides")
    show = verb(plan, "show", _plan, "show the locked plan and what differs from it")
    show.add_argument("notebook")

    thresholds = verb(commands, "thresholds", _thresholds, "list the rules in force, with their sources")
    thresholds.add_argument(
        "--policy", default="", help="a policy file (default: the rules that ship with ModelCompose)"
    )


def with_changes(parser: argparse.ArgumentParser) -> None:
    """Let a command take a notebook and changes of its choices."""
    parser.add_argument("notebook")
    parser.add_argument(
        "-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="change a choice"
    )
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a choice")


def changes(options: Any) -> dict[str, str]:
    """Gather the changes that were given."""
    found = dict(options.parameter)
    for one in options.set:
        name, equals, value = one.partition("=")
        if not equals:
            raise InvalidInput(f"{one!r} is not NAME=VALUE", where="--set", remedy="Write it like --set model=linear.")
        found[name] = value
    return found


def _new(options: Any) -> None:
    found = workbench(options).compose(choices(options), options.output, options.workflow)
    show_json(found) if options.json else print(found["path"])


def _read(options: Any) -> tuple[Path, dict[str, Any]]:
    path = Path(options.workspace) / options.notebook
    try:
        nb = json.loads(path.read_text(encoding="utf-8"))
        nb["cells"] = [*nb["cells"]]
    except FileNotFoundError:
        raise NotFound(f"there is no notebook {options.notebook!r}", remedy="Check the path.") from None
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise InvalidInput(f"this is not a notebook: {error}", where=str(options.notebook)) from None
    return path, nb


def _apply(path: Path, nb: dict[str, Any], revision: dict[str, Any]) -> list[str]:
    """Write the edits of a revision into a notebook, and name the cells that changed."""
    edits = {one["id"]: one for one in revision["edits"]}
    for cell in nb["cells"]:
        if cell.get("id") in edits:
            cell |= {name: edits[cell["id"]][name] for name in ("source", "metadata")}
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(json.dumps(nb, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(path)
    return list(edits)


def _inspect(options: Any) -> None:
    _, nb = _read(options)
    found = workbench(options).inspect(nb["cells"])
    if options.json:
        return show_json(found)
    if found["problem"]:
        print(f"  {found['problem']['where']}: {found['problem']['message']}")
    for one in found["steps"]:
        marks = " (stale)" * one["stale"] + " (edited by hand)" * one["edited"]
        sentence = one["verdict"]["sentence"] if one["verdict"] else one["explanation"]
        print(f"{one['state']:>8}{marks}  {one['title']} {sentence}")
    return None


def _revise(options: Any) -> None:
    path, nb = _read(options)
    found = workbench(options).revise(nb["cells"], changes(options), options.notebook)
    edited = _apply(path, nb, found)
    if options.json:
        return show_json(found)
    print(f"changed: {', '.join(edited) or 'nothing'}")
    if found["kept"]:
        print(f"left as edited by hand: {', '.join(found['kept'])}")
    return None


def _waive(options: Any) -> None:
    path, nb = _read(options)
    found = workbench(options).waive(nb["cells"], options.step, options.by, options.reason, options.notebook)
    _apply(path, nb, found)
    if options.json:
        return show_json(found)
    print(f"{options.step}: {f'waived by {options.by}' if options.reason.strip() else 'not waived'}")
    return None


def _lock(options: Any) -> None:
    path, nb = _read(options)
    found = workbench(options).lock_plan(nb["cells"], options.by, options.notebook)
    _apply(path, nb, found)
    if options.json:
        return show_json(found)
    print(f"locked on {found['plan']['when']}, hash {found['plan']['digest'][:12]}")
    return None


def _plan(options: Any) -> int:
    _, nb = _read(options)
    found = workbench(options).plan(nb["cells"], options.notebook)
    if options.json:
        show_json(found)
    elif found["plan"] is None:
        print("no plan is locked")
    else:
        print(f"locked on {found['plan']['when']}, hash {found['plan']['digest'][:12]}")
        for one in found["deviations"]:
            print(f"  {one['what']}: planned {one['planned']}, now {one['now']}")
    return 1 if found["deviations"] else 0


def _thresholds(options: Any) -> None:
    found = workbench(options).thresholds(options.policy)
    if options.json:
        return show_json(found)
    print(f"{found['name']}, version {found['version']} ({found['digest'][:8]})")
    show_table(["rule", "passes", "source"], [[one["id"], one["words"], one["source"]] for one in found["rules"]])
    return None
