"""Commands of the queue: ``worker``, and what is asked of a run when it is started."""

from __future__ import annotations

import argparse
import threading
from typing import Any

from modelcompose.cli.grammar import TRACKING, command, show_json, verb, workbench

__all__ = ["VERBS", "add", "add_filters", "add_to_runs", "terms", "with_cluster", "with_terms"]

VERBS = {
    "start": "start",
    "runs stop": "stop",
    "runs cancel": "cancel",
    "runs pause": "pause",
    "runs resume": "resume",
}
TERMS = {
    "priority": "higher begins first; of equals the older one",
    "cores": "how many cores it keeps busy (default: a fair share)",
    "memory": "how many MB it needs",
    "timeout": "seconds after which it is stopped with the draws so far",
    "retries": "how often it begins again when its process or its kernel dies",
}
REFRESH_SECONDS = 0.5


def with_terms(parser: argparse.ArgumentParser, *, after: bool = True) -> None:
    """Add what can be asked of the queue."""
    for name, text in TERMS.items():
        parser.add_argument(f"--{name}", type=int, metavar="N", help=text)
    with_cluster(parser, "; if nobody runs the queue yet, its workers do so")
    if not after:
        return
    parser.add_argument(
        "--after", action="append", default=[], metavar="RUN", help="begin when this run has ended well (repeatable)"
    )


def with_cluster(parser: argparse.ArgumentParser, more: str = "") -> None:
    """Let a command take the address of a Dask scheduler."""
    help_ = f"spread its fits over this Dask scheduler (tcp://HOST:8786, or the file that it has written){more}"
    parser.add_argument("--cluster", default="", metavar="ADDRESS", help=help_)


def terms(options: Any) -> dict[str, Any]:
    """Gather what was asked of the queue."""
    return {name: getattr(options, name) for name in (*TERMS, "cluster", "after") if hasattr(options, name)}


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add what runs can be listed by."""
    for name, text in (
        ("status", "only runs that stand so"),
        ("model", "only runs of this ready-made model"),
        ("text", 'words that they hold, status:passed, starred, tag:NAME=VALUE, "elpd > -100"'),
        ("where", 'a filter in MLflow\'s words: "metrics.`sampling.draws` > 1000"'),
        ("page", "go on where the page before ended"),
        ("sort", "started, ended, seconds, name, status, model, elpd or another figure; --sort=-elpd: largest first"),
    ):
        parser.add_argument(f"--{name}", default="", help=text)
    parser.add_argument("--trash", action="store_true", help="list the trash instead")


def add(commands: Any) -> None:
    """Add ``modelcompose worker``."""
    worker = command(commands, "worker", _worker, "run the queue of a workspace; Ctrl-C leaves its runs going")
    worker.add_argument("--workspace", default=".", help="the workspace folder (default: the current one)")
    worker.add_argument("--tracking", metavar="URI", help=TRACKING)
    worker.add_argument("--cores", type=int, default=0, metavar="N", help="cores that runs may keep busy together")
    worker.add_argument("--memory", type=int, default=0, metavar="MB", help="memory that runs may need together")
    worker.add_argument("--cluster", default="", metavar="ADDRESS", help="send the runs to this Dask scheduler")
    worker.add_argument("--drain", action="store_true", help="end when nothing waits and nothing is under way")


def add_to_runs(runs: Any) -> None:
    """Add what is asked of a run to ``modelcompose runs``."""
    for name, text in (
        ("stop", "stop a run and keep what is done; a second time ends it at once"),
        ("cancel", "end a run at once and discard its draws"),
        ("pause", "let a run's sampler rest until it is resumed"),
        ("resume", "go on with a run that was paused or stopped, or that died; finished steps are not run again"),
    ):
        asked = verb(runs, name, _ask(name), text)
        asked.add_argument("id", help="its id, a beginning of it, or its name")


def _ask(name: str) -> Any:
    def ask(options: Any) -> None:
        run = getattr(workbench(options), name)(options.id)
        show_json(run) if options.json else print(f"{run['name']}  {run['status']}  {run['id']}")

    return ask


def _worker(options: Any) -> int:
    from modelcompose.runs import Settings
    from modelcompose.runs.worker import obey_signals, worker_of

    store = workbench(options)._store()
    settings = Settings.of(store.workspace)
    worker = worker_of(store, settings, settings.limits(options.cores, options.memory), options.cluster)
    obey_signals(worker)
    done = threading.Event()
    showing = threading.Thread(target=_show, args=(worker, done), daemon=True)
    showing.start()
    try:
        mine = worker.work(drain=options.drain)
    finally:
        done.set()
        showing.join()
    if not mine:
        print("A worker of this machine runs this queue already.")
    return 0


def _show(worker: Any, done: threading.Event) -> None:
    """Show the queue as it changes: as a table on a terminal, otherwise a line for every change."""
    from rich.console import Console
    from rich.live import Live

    console = Console()
    known: dict[str, str] = {}
    if console.is_terminal:
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            while not done.wait(REFRESH_SECONDS):
                live.update(_table(worker))
        return
    while not done.wait(REFRESH_SECONDS):
        now = {one.id: _state(one) for one in worker.store.queue.open()}
        for id, state in {**dict.fromkeys(known, "ended"), **now}.items():  # noqa: A001
            if known.get(id) != state:
                told = worker.store.standing(id) if state == "ended" else None
                console.print(f"{id[:8]}  {told[1] if told else state}  {told[0] if told else ''}".rstrip())
        known = now


def _state(standing: Any) -> str:
    waits = "paused" if standing.paused else "waits"
    return waits if standing.waits else "running" if not standing.paused else "paused"


def _table(worker: Any) -> Any:
    from rich.table import Table
    from rich.text import Text

    limits = worker.limits
    room = f"{limits.cores} cores" + (f", {limits.memory} MB" if limits.memory else "")
    table = Table("id", "name", "", "priority", "attempt", box=None, title=f"{worker.store.workspace}  ({room})")
    for one in worker.store.queue.open():
        cells = [one.id[:8], one.place.name, _state(one), str(one.place.terms.priority), str(one.place.attempt)]
        table.add_row(*map(Text, cells))
    return table
