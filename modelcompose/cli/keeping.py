"""Commands that keep order among runs: notes and stars, saved views, and the trash."""

from __future__ import annotations

from typing import Any

from modelcompose.cli.grammar import show_json, show_table, verb, workbench
from modelcompose.errors import InvalidInput

__all__ = ["VERBS", "add"]

VERBS = {
    "runs note": "annotate_run",
    "runs rm": "trash_runs",
    "runs restore": "restore_runs",
    "runs delete": "delete_runs",
    "runs views": "run_views",
    "runs save-view": "save_view",
    "runs remove-view": "remove_view",
}
IDS = "the runs' ids, beginnings of them, or names"


def add(runs: Any) -> None:
    """Add the commands to those about runs."""
    note = verb(runs, "note", _note, "star a run, write a note on it, or set its tags")
    note.add_argument("id", help="its id, a beginning of it, or its name")
    note.add_argument("--note", default=None, help="a text; an empty one removes the note")
    note.add_argument("--star", dest="starred", action="store_true", default=None, help="star it")
    note.add_argument("--no-star", dest="starred", action="store_false", help="take the star away")
    note.add_argument("--tag", action="append", default=[], metavar="NAME=VALUE", help="set a tag (repeatable)")
    note.add_argument("--no-tag", action="append", default=[], metavar="NAME", help="remove a tag (repeatable)")
    for name, text, many in (
        ("rm", "put runs into the trash; they can be restored", "+"),
        ("restore", "bring runs back from the trash", "+"),
        ("delete", "delete runs that are in the trash for good (without ids all of them)", "*"),
    ):
        verb(runs, name, _sorted_out(VERBS[f"runs {name}"]), text).add_argument(
            "ids", nargs=many, metavar="ID", help=IDS
        )
    verb(runs, "views", _views, "list the saved views of the runs")
    save = verb(runs, "save-view", _save, "save a filter and an order of the runs under a name")
    save.add_argument("name")
    save.add_argument("--text", default="", help="the filter, as for modelcompose runs ls")
    save.add_argument("--sort", default="", help="what the runs are sorted by, as for modelcompose runs ls")
    verb(runs, "remove-view", _remove, "remove a saved view").add_argument("name")


def _note(options: Any) -> None:
    tags: dict[str, str | None] = dict.fromkeys(options.no_tag)
    for one in options.tag:
        name, given, value = one.partition("=")
        if not given:
            raise InvalidInput(f"{one!r} is no tag", where="--tag", remedy="Write NAME=VALUE.")
        tags[name] = value
    run = workbench(options).annotate_run(options.id, options.starred, options.note, tags)
    if options.json:
        return show_json(run)
    print(f"{run['name']}  {'★ ' if run['starred'] else ''}{run['id']}")
    for line in [run["note"], *(f"{name} = {value}" for name, value in run["tags"].items())]:
        print(f"  {line}" if line else "", end="\n" if line else "")
    return None


def _sorted_out(name: str) -> Any:
    def act(options: Any) -> None:
        found = getattr(workbench(options), name)(options.ids)
        if options.json:
            return show_json(found)
        for run in found.get("runs", found.get("deleted", [])):
            freed = f"  {run['bytes']:,} bytes" if "bytes" in run else f"  {run['status']}"
            print(f"{run['id'][:8]}  {run['name']}{freed}")
            for path in run.get("kept", ()):
                print(f"  kept: {path}")
        if "bytes" in found:
            print(f"{found['bytes']:,} bytes freed")
        return None

    return act


def _views(options: Any) -> None:
    _show(options, workbench(options).run_views())


def _save(options: Any) -> None:
    _show(options, workbench(options).save_view(options.name, options.text, options.sort))


def _remove(options: Any) -> None:
    _show(options, workbench(options).remove_view(options.name))


def _show(options: Any, found: dict[str, Any]) -> None:
    if options.json:
        return show_json(found)
    show_table(["view", "filter", "sorted by"], [[one["name"], one["text"], one["sort"]] for one in found["views"]])
    return None
