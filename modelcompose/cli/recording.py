"""What runs were made of: record, reproduce, and the commands that carry runs elsewhere."""

from __future__ import annotations

from typing import Any

from modelcompose.cli.grammar import show_json, verb, workbench

__all__ = ["VERBS", "add"]

VERBS = {
    "record": "record",
    "reproduce": "reproduce",
    "import-run": "import_run",
    "export-run": "export_run",
    "open-run": "open_run",
    "copy-runs": "copy_runs",
}
ID = "the run's id, a beginning of it, or its name"


def add(commands: Any) -> None:
    """Add the commands."""
    verb(commands, "record", _record, "show everything that a run was made of").add_argument("id", help=ID)
    reproduce = verb(commands, "reproduce", _reproduce, "make a run again, every step anew, and grade the result")
    reproduce.add_argument("id", help=ID)
    brought = verb(commands, "import-run", _import, "bring in a posterior drawn elsewhere, and judge it")
    brought.add_argument("files", nargs="+", metavar="FILE", help="netCDF or zarr of ArviZ, or CmdStan's CSV by chain")
    brought.add_argument("--name", default="", help="what to call the run (default: after the file)")
    brought.add_argument("--model", default="", help="what its model is called")
    brought.add_argument("--data", default="", help="what its table is called")
    export = verb(commands, "export-run", _export, "write a run, with what it was made of, to one file")
    export.add_argument("id", help=ID)
    export.add_argument("path", help="the file, in the workspace; its name ends in .modelcompose")
    opened = verb(commands, "open-run", _open, "open a run's file here, in a folder of its own")
    opened.add_argument("path", help="the file, in the workspace")
    copy = verb(commands, "copy-runs", _copy, "copy runs to another MLflow store; a second copy copies nothing")
    copy.add_argument("ids", nargs="*", metavar="ID", help="the runs (default: all that have ended)")
    copy.add_argument("--to", required=True, metavar="URI", help="http://host:5000, sqlite:///shared/mlflow.db, …")


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


def _import(options: Any) -> int:
    run = workbench(options).import_run(options.files, options.name, options.model, options.data)
    if options.json:
        show_json(run)
    else:
        print(f"{run['name']}  {run['status']}  {run['id']}")
        for one in run["verdicts"]:
            print(f"  {one['status']:<5} {one['title']} {one['sentence']}")
    return 0 if run["status"] in {"passed", "warned"} else 1


def _export(options: Any) -> None:
    found = workbench(options).export_run(options.id, options.path)
    if options.json:
        return show_json(found)
    print(f"{found['path']}  {found['bytes']:,} bytes")
    _show_missing(found)
    return None


def _open(options: Any) -> None:
    found = workbench(options).open_run(options.path)
    if options.json:
        return show_json(found)
    print(f"{found['run']['name']}  {found['run']['status']}  {found['run']['id']}")
    print(f"  in {found['folder']}; executed elsewhere as run {found['run']['original']}")
    _show_missing(found)
    return None


def _show_missing(found: dict[str, Any]) -> None:
    for one in found["missing"]:
        print(f"  not in the file: {one}")


def _copy(options: Any) -> None:
    found = workbench(options).copy_runs(options.to, options.ids)
    if options.json:
        return show_json(found)
    for one in found["copied"]:
        print(f"{one['id']}  is there {one['there']}")
    for one in found["left_out"]:
        print(f"{one['id']}  left out: {one['why']}")
    print(f"{len(found['copied'])} copied, {len(found['present'])} there already, {len(found['left_out'])} left out")
    return None


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
