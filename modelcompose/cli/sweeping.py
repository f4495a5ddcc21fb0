"""Sweeps: the command sweep."""

from __future__ import annotations

from time import sleep
from typing import Any

from modelcompose.cli.comparing import show
from modelcompose.cli.grammar import show_json, verb, workbench
from modelcompose.cli.notebooks import changes, with_changes
from modelcompose.cli.queue import terms, with_terms
from modelcompose.errors import InvalidInput

__all__ = ["VERBS", "add"]

VERBS = {"sweep": "sweep"}
SECONDS = 0.3
FINE = {"passed", "warned"}
STYLES = {"passed": "green", "warned": "yellow", "failed": "red", "error": "red", "running": "bold", "queued": "dim"}


def add(commands: Any) -> None:
    """Add the command."""
    sweep = verb(commands, "sweep", _sweep, "run a notebook for every combination of choices, and compare")
    with_changes(sweep)
    sweep.add_argument(
        "--grid",
        action="append",
        required=True,
        metavar="NAME=VALUE,VALUE",
        help="the values of a choice; may be given for several. Values with commas stand in quotes or brackets",
    )
    sweep.add_argument("--yes", action="store_true", help="begin even if there are more than 50 runs")
    sweep.add_argument("--fresh", action="store_true", help="begin anew, though the same sweep was made before")
    sweep.add_argument("--detach", action="store_true", help="do not wait for the runs")
    with_terms(sweep, after=False)


def _grid(options: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in options.grid:
        name, equals, values = one.partition("=")
        if not equals:
            raise InvalidInput(
                f"{one!r} is not NAME=VALUE,VALUE", where="--grid", remedy="Write it like --grid prior_scale=0.5,1,2."
            )
        if name in found:
            raise InvalidInput(f"{name!r} is given twice", where="--grid", remedy="Give all its values at once.")
        found[name] = values
    return found


def _sweep(options: Any) -> int:
    bench = workbench(options)
    asked = {"fresh": options.fresh, "yes": options.yes, **terms(options)}
    sweep = bench.sweep(options.notebook, _grid(options), changes(options), **asked)
    if not options.detach:
        _watch(bench, sweep, shown=not options.json)
        sweep = {**sweep, **bench.get_run(sweep["id"])}
    if options.json:
        show_json(sweep)
    else:
        _show(bench, sweep)
    return 0 if options.detach or sweep["status"] in FINE else 1


def _watch(bench: Any, sweep: dict[str, Any], *, shown: bool) -> None:
    """Follow the runs of a sweep until it has ended; whoever stops watching stops nothing else."""
    from rich.console import Console
    from rich.live import Live

    rows = {point["name"]: ("not begun", "") for point in sweep["points"]}
    since = 0
    with Live(console=Console(quiet=not shown), refresh_per_second=4) as live:
        while True:
            found = bench.events(sweep["id"], since)
            for event in found["events"]:
                since = event["n"]
                if event["type"] == "point":
                    rows[event["name"]] = (event["status"], event["step"])
            live.update(_table(rows))
            if found["status"] not in {"queued", "running"}:
                return
            sleep(SECONDS)


def _table(rows: dict[str, tuple[str, str]]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table("run", "status", "step", box=None, header_style="bold")
    for name, (status, step) in rows.items():
        table.add_row(Text(name), Text(status, style=STYLES.get(status, "")), Text(step))
    return table


def _show(bench: Any, sweep: dict[str, Any]) -> None:
    print(f"{sweep['name']}  {sweep['status']}  {sweep['id']}")
    if sweep["message"]:
        print(f"  {sweep['message']}")
    if sweep["executed"]:
        print(f"  executed: {sweep['executed']}")
        show(bench.compare_runs([sweep["id"]])) if len(sweep["points"]) > 1 else None
