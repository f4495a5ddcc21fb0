"""The command line: parse, call one verb of the workbench, print.

Options for choices are derived from ``Analysis``. With ``--json`` the verb's answer is printed as it is, and an error
on standard error in the shape that REST has too. Exit codes:

    0    all went well
    1    a run failed its checks or crashed; something that was checked has faults
    2    something was asked that cannot be done
    3    something named does not exist
    4    a path lies outside the workspace
    5    something exists or runs already
    130  it was stopped
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from modelcompose import __version__
from modelcompose.cli import comparing, keeping, models, notebooks, publishing, queue, recording, registry, sweeping
from modelcompose.cli.grammar import choice_options, choices, command, show_json, show_table, verb, whole, workbench
from modelcompose.cli.notebooks import changes, with_changes
from modelcompose.cli.progress import MARKS, Progress, judged
from modelcompose.errors import Conflict, Forbidden, InvalidInput, ModelComposeError, NotFound
from modelcompose.service import Workbench

__all__ = ["VERBS", "main"]

OUTCOMES = {"passed": 0, "warned": 0, "queued": 0, "running": 0, "stopped": 130, "cancelled": 130}
TABLE = {"kinds", "units", "variables", "recipe"}
EXITS: dict[type[ModelComposeError], int] = {NotFound: 3, Forbidden: 4, Conflict: 5}

VERBS = {
    "schema": "schema",
    "samples": "samples",
    "sample": "copy_sample",
    "samplers": "samplers",
    "describe": "describe",
    "data add": "add_data",
    "data ls": "list_data",
    "data show": "show_data",
    "data profile": "profile",
    "data diff": "diff_data",
    "data rollback": "roll_back_data",
    "data rm": "remove_data",
    "data verify": "verify_data",
    "data export": "export_data",
    "data contract": "get_contract",
    "data agree": "set_contract",
    "data check": "check_data",
    "data preview": "preview",
    "data script": "script",
    "data paste": "paste",
    **models.VERBS,
    **notebooks.VERBS,
    "run": "run",
    **sweeping.VERBS,
    "runs ls": "list_runs",
    "runs show": "get_run",
    "runs events": "events",
    "runs follow": "follow",
    **queue.VERBS,
    **keeping.VERBS,
    **comparing.VERBS,
    **recording.VERBS,
    "predict": "predict",
    **publishing.VERBS,
    **registry.VERBS,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    options = _parser().parse_args(argv)
    try:
        return int(options.command(options) or 0)
    except ModelComposeError as error:
        if getattr(options, "json", False):
            print(json.dumps({"error": error.as_json()}, ensure_ascii=False), file=sys.stderr)
        else:
            print(f"modelcompose: {error}", file=sys.stderr)
        return next((code for kind, code in EXITS.items() if isinstance(error, kind)), 2)
    except KeyboardInterrupt:
        print("modelcompose: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0


# -- the grammar ---------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="modelcompose", description="From a spreadsheet to a checked answer.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    lab = command(commands, "lab", _lab, "open the workbench in JupyterLab")
    lab.add_argument(
        "folder", nargs="?", default="workspace", help="the workspace; made if absent (default: workspace)"
    )
    lab.add_argument("options", nargs=argparse.REMAINDER, help="further options, passed on to jupyter lab")

    verb(commands, "schema", _plain("schema"), "print the JSON Schema of the choices")
    verb(commands, "samples", _plain("samples"), "list the sample tables")
    sample = verb(commands, "sample", _sample, "copy a sample table into the workspace")
    sample.add_argument("name")

    verb(commands, "samplers", _samplers, "list the samplers: what each is good for, and what it needs")

    describe = verb(commands, "describe", _describe, "describe a table: kinds, missing values, possible questions")
    describe.add_argument("data")
    choice_options(describe, TABLE)
    _data_commands(commands)

    models.add(commands)

    notebooks.add(commands)

    run = verb(commands, "run", _run, "run a notebook here, with its progress; Ctrl-C keeps what is done")
    with_changes(run)
    _autopilot(run)
    _fresh(run)
    queue.with_cluster(run)
    start = verb(commands, "start", _start, "run a notebook in the background")
    with_changes(start)
    _autopilot(start)
    _fresh(start)
    queue.with_terms(start)

    sweeping.add(commands)

    runs = commands.add_parser("runs", help="list, show, compare, follow or stop runs").add_subparsers(
        required=True, metavar="COMMAND"
    )
    ls = verb(runs, "ls", _runs_ls, "list runs, newest first")
    ls.add_argument("--limit", type=whole(1, 10_000), default=100)
    queue.add_filters(ls)
    for name, action, text in (
        ("show", _runs_show, "show a run with its verdicts"),
        ("open", _runs_open, "open a run's notebook in JupyterLab"),
    ):
        verb(runs, name, action, text).add_argument("id", help="its id, a beginning of it, or its name")
    comparing.add(runs)
    keeping.add(runs)
    queue.add_to_runs(runs)
    follow = verb(runs, "follow", _runs_follow, "follow a run to its end, as if it ran here; Ctrl-C leaves it alone")
    follow.add_argument("id", help="its id, a beginning of it, or its name")
    follow.add_argument("--since", type=whole(0), default=0, help="only what came after this number")
    events = verb(runs, "events", _plain("events"), "print what happened in a run")
    events.add_argument("id")
    events.add_argument("--since", type=whole(0), default=0, help="only what came after this number")

    predict = verb(commands, "predict", _predict, "predict new rows by the model of a run, or by a registered one")
    predict.add_argument("id", help="the run's id, a beginning of it, or its name; or NAME@ALIAS, NAME/VERSION")
    predict.add_argument("data", help="a table with the new rows")

    queue.add(commands)
    recording.add(commands)

    registry.add(commands)
    publishing.add(commands)
    return parser


def _data_commands(commands: Any) -> None:
    """Add ``modelcompose data …``: what is done with tables and stored datasets."""
    group = commands.add_parser("data", help="store, compare, check and prepare tables").add_subparsers(
        required=True, metavar="COMMAND"
    )
    add = verb(group, "add", _data_add, "store a table as the next version of a dataset")
    add.add_argument("data", help="a file, an address, or a database#table")
    add.add_argument("--name", default="", help="the dataset (default: the file's name)")
    add.add_argument("--message", default="", help="what is new in it")
    choice_options(add, TABLE)
    verb(group, "ls", _data_ls, "list the stored datasets")
    verb(group, "show", _data_show, "show a dataset's versions").add_argument("name")
    for name, action, text in (
        ("profile", _data_profile, "summarise every column of a table"),
        ("script", _data_script, "print the preparation as a Python script"),
    ):
        one = verb(group, name, action, text)
        one.add_argument("data", help="a file, an address, or NAME@VERSION")
        choice_options(one, TABLE)
    preview = verb(group, "preview", _data_preview, "show what a step of preparation would do")
    preview.add_argument("data")
    preview.add_argument("step", help='the step as JSON: {"do": "filter", "where": "age >= 18"}')
    choice_options(preview, TABLE)
    diff = verb(group, "diff", _data_diff, "compare two versions of a dataset")
    diff.add_argument("name")
    diff.add_argument("old")
    diff.add_argument("new")
    diff.add_argument("--key", default="", help="columns that name a row, with commas between")
    rollback = verb(group, "rollback", _data_verb("roll_back_data"), "make an earlier version the current one")
    rollback.add_argument("name")
    rollback.add_argument("version")
    rm = verb(group, "rm", _data_verb("remove_data"), "remove a version, or a whole dataset")
    rm.add_argument("name")
    rm.add_argument("version", nargs="?", default="")
    verify = verb(group, "verify", _data_verify, "hash the stored content again")
    verify.add_argument("name", nargs="?", default="")
    export = verb(group, "export", _data_verb("export_data"), "write a version to a file")
    export.add_argument("name")
    export.add_argument("path", help="a file that ends in .csv, .xlsx, .json, .parquet or .feather")
    export.add_argument("--version", default="", help="which version (default: the current one)")
    verb(group, "contract", _data_verb("get_contract"), "print what versions must look like").add_argument("name")
    agree = verb(group, "agree", _data_agree, "put a contract in force: from a file, or learned from a version")
    agree.add_argument("name")
    agree.add_argument("--file", default="", help="a contract as JSON; without it one is learned")
    agree.add_argument("--version", default="", help="the version to learn from (default: the current one)")
    check = verb(group, "check", _data_check, "hold a version against its contract")
    check.add_argument("name")
    check.add_argument("version", nargs="?", default="")
    paste = verb(group, "paste", _data_paste, "save a table given on standard input")
    paste.add_argument("--name", default="pasted")


def _autopilot(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--autopilot",
        type=whole(0, 50),
        default=0,
        metavar="N",
        help="when checks fail, try up to N remedies by itself",
    )


def _fresh(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fresh", action="store_true", help="run every step, also those of which nothing has changed")


# -- the commands --------------------------------------------------------------------------------------------------


def _plain(name: str) -> Callable[[Any], None]:
    """Return a command that calls a verb with the options it takes and prints its answer as JSON."""

    def command(options: Any) -> None:
        given = {name: getattr(options, name) for name in ("id", "since", "limit") if hasattr(options, name)}
        show_json(getattr(workbench(options), name)(**given))

    return command


def _sample(options: Any) -> None:
    found = workbench(options).copy_sample(options.name)
    show_json(found) if options.json else print(found["path"])


def _samplers(options: Any) -> None:
    found = workbench(options).samplers()
    if options.json:
        return show_json(found)
    for one in found["samplers"]:
        kind = "approximation" if one["approximate"] else "draws of the posterior"
        lacking = f" [not installed: {one['install']}]" if one["missing"] else ""
        print(f"{one['name']:<11} {kind:<23} {one['title']}: {one['summary']}{lacking}")
    return None


def _data_verb(verb: str) -> Callable[[Any], None]:
    """Return a command that calls a verb with name, version and path, and prints its answer."""

    def command(options: Any) -> None:
        given = {name: getattr(options, name) for name in ("name", "version", "path") if hasattr(options, name)}
        show_json(getattr(workbench(options), verb)(**given))

    return command


def _data_add(options: Any) -> None:
    name = options.name or Path(options.data.partition("#")[0]).name.partition(".")[0]
    found = workbench(options).add_data(choices(options), name, options.message)
    if options.json:
        return show_json(found)
    print(f"{found['data']}{'' if found['new'] else ' (unchanged)'}  {found['sha256'][:12]}")
    _show_breaches(found["breaches"])
    for run in found["stale_runs"]:
        print(f"  out of date: run {run['name']} ({run['id'][:8]}) used {run['data']}")
    return None


def _show_breaches(breaches: list[dict[str, Any]]) -> None:
    for one in breaches:
        print(f"  {'breaks the contract' if one['severity'] == 'refuse' else 'note'}: {one['sentence']}")


def _data_ls(options: Any) -> None:
    found = workbench(options).list_data()
    if options.json:
        return show_json(found)
    show_table(
        ["name", "current", "versions", "rows", "columns", "created", "message"],
        [
            [one["name"], one["number"], one["versions"], one["rows"], one["columns"], one["created"], one["message"]]
            for one in found["datasets"]
        ],
    )
    return None


def _data_show(options: Any) -> None:
    found = workbench(options).show_data(options.name)
    if options.json:
        return show_json(found)
    show_table(
        ["version", "", "rows", "columns", "created", "sha256", "message"],
        [
            [
                one["number"],
                "current" if one["number"] == found["current"] else "",
                one["rows"],
                one["columns"],
                one["created"],
                one["sha256"][:12],
                one["message"],
            ]
            for one in found["versions"]
        ],
    )
    return None


def _data_profile(options: Any) -> None:
    found = workbench(options).profile(choices(options))
    if options.json:
        return show_json(found)
    show_table(
        ["column", "kind", "in words"],
        [[one["name"], one["kind"], one["sentence"]] for one in found["columns"]],
    )
    return None


def _data_script(options: Any) -> None:
    found = workbench(options).script(choices(options))
    show_json(found) if options.json else print(found["script"])


def _data_preview(options: Any) -> None:
    try:
        step = json.loads(options.step)
    except ValueError as error:
        raise InvalidInput(f"the step is not JSON: {error}", where="step") from None
    found = workbench(options).preview(choices(options), step)
    if options.json:
        return show_json(found)
    print(found["sentence"])
    print(f"{found['rows_before']} rows before, {found['rows_after']} after, {found['changed']} cells changed")
    show_table(found["after"]["columns"], found["after"]["rows"])
    return None


def _data_diff(options: Any) -> None:
    key = [name.strip() for name in options.key.split(",") if name.strip()]
    found = workbench(options).diff_data(options.name, options.old, options.new, key)
    if options.json:
        return show_json(found)
    print(found["sentence"])
    show_table(["row", "column", "old", "new"], [list(cell.values()) for cell in found["cells"]])
    return None


def _data_verify(options: Any) -> int:
    found = workbench(options).verify_data(options.name)
    if options.json:
        show_json(found)
    else:
        print(f"{found['checked']} versions checked, {len(found['problems'])} damaged")
        for one in found["problems"]:
            print(f"  {one['name']}@{one['number']}: {one['problem']}. {one['remedy']}")
    return 1 if found["problems"] else 0


def _data_agree(options: Any) -> None:
    contract = None
    if options.file:
        try:
            contract = json.loads(Path(options.file).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidInput(f"the contract cannot be read: {error}", where=options.file) from None
    show_json(workbench(options).set_contract(options.name, contract, options.version))


def _data_check(options: Any) -> int:
    found = workbench(options).check_data(options.name, options.version)
    if options.json:
        show_json(found)
    else:
        _show_breaches(found["breaches"])
    return 1 if any(one["severity"] == "refuse" for one in found["breaches"]) else 0


def _data_paste(options: Any) -> None:
    found = workbench(options).paste(sys.stdin.read(), options.name)
    show_json(found) if options.json else print(found["data"])


def _describe(options: Any) -> None:
    found = workbench(options).describe(choices(options))
    if options.json:
        return show_json(found)
    print(f"{found['data']}: {found['rows']} rows")
    for note in found["notes"]:
        print(f"  note: {note}")
    show_table(
        ["column", "kind", "missing", "examples", "why"],
        [
            [one["name"], one["kind"], one["missing"], ", ".join(one["examples"]), one["reason"]]
            for one in found["columns"]
        ],
    )
    for one in found["questions"]:
        print(f"  {'can ask' if one['allowed'] else 'cannot ask':>10}  {one['id']}: {one['label']} {one['reason']}")
    return None


def _run(options: Any) -> int:
    bench = workbench(options)
    asked = {"autopilot": options.autopilot, "fresh": options.fresh, "cluster": options.cluster}
    if options.json:
        run = bench.run(options.notebook, changes(options), **asked)
        show_json(run)
    else:
        with Progress() as progress:
            run = bench.run(options.notebook, changes(options), progress.show, **asked)
        _show_run(run)
    return OUTCOMES.get(_status_in_the_end(run), 1)


def _status_in_the_end(run: dict[str, Any]) -> str:
    """Return the status of the best round where autopilot went on, otherwise the run's own."""
    lineage = run["lineage"] or {"rounds": []}
    found = next((one["status"] for one in lineage["rounds"] if one["id"] == lineage["best"]), run["status"])
    return str(run["status"] if run["status"] in {"stopped", "cancelled"} else found)


def _start(options: Any) -> None:
    asked = {"autopilot": options.autopilot, "fresh": options.fresh, **queue.terms(options)}
    run = workbench(options).start(options.notebook, changes(options), **asked)
    show_json(run) if options.json else print(run["id"])


def _runs_ls(options: Any) -> None:
    asked = {name: getattr(options, name) for name in ("status", "model", "text", "where", "page", "sort", "trash")}
    found = workbench(options).list_runs(options.limit, **asked)
    if options.json:
        return show_json(found)
    show_table(
        ["id", "", "name", "status", "model", "started", "message"],
        [
            [
                run["id"][:8],
                "★" * run["starred"],
                run["name"],
                _status(run),
                run["model"],
                *_when_and_why(run),
            ]
            for run in found["runs"]
        ],
    )
    if found["next"]:
        print(f"There are more: --page {found['next']}")
    return None


def _when_and_why(run: dict[str, Any]) -> list[str]:
    return [run["started"][:19], run["message"]]


def _runs_show(options: Any) -> None:
    run = workbench(options).get_run(options.id)
    show_json(run) if options.json else _show_run(run)


def _runs_follow(options: Any) -> int:
    """Show the events of a run as they come, until it has ended; with --json one to a line."""
    bench = workbench(options)
    with Progress() if not options.json else nullcontext() as progress:
        for event in bench.follow(options.id, options.since):
            print(json.dumps(event, ensure_ascii=False), flush=True) if progress is None else progress.show(event)
    return OUTCOMES.get(bench.get_run(options.id)["status"], 1)


def _runs_open(options: Any) -> int:
    run = workbench(options).get_run(options.id)
    if not run["executed"]:
        raise NotFound(f"run {run['name']!r} has no notebook yet", remedy="Wait until it has ended.")
    return _open_lab(Path(options.workspace), run["executed"], [])


def _predict(options: Any) -> None:
    found = workbench(options).predict(options.id, options.data)
    if options.json:
        return show_json(found)
    prob = f"{found['ci_prob']:.0%}"
    single = any("single" in row for row in found["rows"])
    kinds = ["average", *(["single"] if single else [])]
    show_table(
        [*(found["rows"][0]["columns"] if found["rows"] else []), *(f"{kind} ({prob})" for kind in kinds), "note"],
        [
            [
                *row["columns"].values(),
                *("{median:.4g} ({lower:.4g} to {upper:.4g})".format(**row[kind]) for kind in kinds),
                row["note"],
            ]
            for row in found["rows"]
        ],
    )
    if found["partial"]:
        print("Partial: sampling was stopped early, and this rests on fewer draws than asked for.")
    return None


def _lab(options: Any) -> int:
    workspace = Path(options.folder)
    workspace.mkdir(parents=True, exist_ok=True)
    return _open_lab(workspace, _first_notebook(Workbench(workspace)), options.options)


def _first_notebook(bench: Workbench) -> str:
    """Return the notebook to open: the newest in the workspace, or a sample analysis made now."""
    here = sorted(bench.workspace.glob("*.ipynb"), key=lambda path: path.stat().st_mtime)
    if here:
        return here[-1].name
    sample = bench.copy_sample("sleepstudy")
    return str(bench.compose({**sample["analysis"], "data": sample["path"]})["path"])


def _open_lab(workspace: Path, notebook: str, options: list[str]) -> int:
    from urllib.parse import quote

    from jupyterlab.labapp import main as lab

    where = [f"--ServerApp.root_dir={workspace.resolve()}", f"--LabApp.default_url=/lab/tree/{quote(notebook)}"]
    root = ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []  # the rule inside containers
    lab([*where, *root, *options])
    return 0


# -- showing -------------------------------------------------------------------------------------------------------


def _show_run(run: dict[str, Any]) -> None:
    print(f"{run['name']}  {_status(run)}  {run['id']}")
    if run["message"]:
        print(f"  {run['message']}")
    for one in run["verdicts"]:
        print(f"  {judged(one)}")
    for what in ("executed", "report", "app"):
        if run[what]:
            print(f"  {what}: {run[what]}")
    if run["lineage"]:
        _show_lineage(run["lineage"])


def _status(run: dict[str, Any]) -> str:
    """Say how a run stands, and whether it rests on fewer draws than asked for."""
    return f"{run['status']} (partial)" if run["partial"] else str(run["status"])


def _show_lineage(lineage: dict[str, Any]) -> None:
    """List the rounds: what each changed and why, what became of the findings, and why there are no more."""
    for one in lineage["rounds"]:
        best = ", the best" if one["id"] == lineage["best"] else ""
        origin = f" (from round {one['parent']})" if one["parent"] else ""
        print(f"  {MARKS.get(one['status'], ' ')} round {one['id']}{best}: {one['label']}{origin}  {one['run'][:8]}")
        if one["why"]:
            print(f"      {one['why']}")
        for finding in one["findings"]:
            marks = [MARKS.get(finding[status], " ") for status in ("before_status", "status")]
            before = f"{marks[0]} {finding['before']} → " if finding["before_status"] else ""
            now = f"{marks[1]} {finding['shown']}" if finding["status"] else "not reached"
            print(f"      {finding['name']}: {before}{now}")
    print(f"  {lineage['stopped']}")


if __name__ == "__main__":
    sys.exit(main())
