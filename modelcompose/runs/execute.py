"""Execute a run in this process, and judge truthfully how it ended."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import platform
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from modelcompose.errors import Conflict, ModelComposeError, Unavailable
from modelcompose.runs.asking import Watch
from modelcompose.runs.curves import Curves
from modelcompose.runs.engine import NAME, Control, Outcome, register
from modelcompose.runs.events import EventLog
from modelcompose.runs.launch import CLUSTER
from modelcompose.runs.notebook import EXECUTED, SOURCE, read_executed
from modelcompose.runs.queue import Place
from modelcompose.runs.record import begin
from modelcompose.runs.reproduce import graded
from modelcompose.runs.run import Run, RunStatus, verdicts_in
from modelcompose.runs.settings import Settings
from modelcompose.runs.store import RunStore
from modelcompose.runs.tracking import shortened
from modelcompose.verdict import Verdict, worst

__all__ = ["execute"]

EVALUE = 600
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EIO, errno.ENOMEM, errno.EAGAIN)
"""What the system says when something of the machine was used up."""
UNGRADED = frozenset({"stopped", "cancelled", "error"})
CLAIMED = "claimed"
PRIORITY = "MODELCOMPOSE_PRIORITY"
PROGRESS = "sampling"

logger = logging.getLogger("modelcompose.runs")


def execute(
    store: RunStore,
    run_id: str,
    on_event: Callable[[dict[str, Any]], object] | None = None,
    *,
    control: Control | None = None,
    afterwards: Callable[[RunStatus, str], str] | None = None,
    body: Callable[[Path, Control], tuple[RunStatus, str]] | None = None,
) -> Run:
    """Execute a run that was created, and return it when it has ended, however it ended.

    In the main thread SIGINT (Ctrl+C) stops it and keeps the draws so far; a second one ends it at once.

    Parameters
    ----------
    store, run_id
        The run.
    on_event
        Called with each event after it was logged.
    control
        To stop the run from another thread.
    afterwards
        Called with status and message when the cells have ended, while the run still lasts; returns the message.
    body
        What is done instead of executing the notebook's cells, given the run's folder; returns how it ended and why.

    Raises
    ------
    NotFound
        When there is no such run.
    Conflict
        When it has ended already, or another process executes it.
    """
    run_id, tracking = store.whole(run_id), store.tracking
    place = store.queue.claim(run_id)
    folder = store.folder(run_id)
    control = control or Control()
    curves = Curves(tracking, run_id, folder)
    control.on_event = _recorder(EventLog(folder), [curves.hear, *filter(None, [on_event])], store, run_id)
    control.cwd = (store.workspace / place.notebook).parent
    control.env = {**control.env, "MODELCOMPOSE_RUN_FOLDER": str(folder), **_cluster(store, place)}
    control.folder = folder
    control.checkpoints = store.checkpoints(run_id)
    control.on_event(CLAIMED, {"attempt": place.attempt, "host": platform.node()})
    import_module("modelcompose.workflow")  # two threads that import it at the same time would each see half of it
    noting = threading.Thread(target=_note, args=(store, folder, place.notebook), daemon=True)
    noting.start()
    with control.signals(), Watch(folder, control, place.terms.timeout) as watch:
        status, message = (body or _executed)(folder, control)
        noting.join()
        curves.close()
        passing = not control.stopping and may_pass(control.outcome, message)
        message = _graded(store, run_id, status, message)
        if afterwards is not None and not (passing and store.will_retry(run_id)):
            try:
                message = afterwards(status, message)
            except Unavailable as error:
                message = f"{message} What was to follow could not: {error}"
        if control.cancelled and status != "cancelled":
            status, message = "cancelled", f"Cancelled; its draws were not kept. {message}"
        if watch.lost:
            raise Conflict(f"run {run_id[:8]} was taken over by another process, which took this one for dead")
        run = store.finish(run_id, status=status, message=message, passing=passing)
    if on_event is not None:
        on_event(EventLog(folder).read()[-1])
    return run


def _cluster(store: RunStore, place: Place) -> dict[str, str]:
    """Tell the kernel of the scheduler that its fits are spread over, and how urgent they are."""
    address = place.terms.cluster or Settings.of(store.workspace).cluster.address
    if not address:
        return {}
    seen = address if "://" in address else str(store.workspace / address)  # the kernel's folder is another
    return {CLUSTER: seen, PRIORITY: str(place.terms.priority)}


def _recorder(
    log: EventLog, listeners: Sequence[Callable[[dict[str, Any]], object]], store: RunStore, run_id: str
) -> Callable[[str, dict[str, Any]], None]:
    warming = threading.Thread(target=_warm, args=(store, run_id), daemon=True)

    def record(kind: str, content: dict[str, Any]) -> None:
        try:
            event = log.append(kind, **content)
        except OSError as error:
            if kind != PROGRESS:
                raise
            # Hours of draws are not given up because a disk is full while somebody is told how many there are.
            logger.warning("How far sampling has come could not be told: %s", error)
            return
        if warming.ident is None and kind == "step":
            warming.start()
        for hear in listeners:
            hear(event)

    return record


def _warm(store: RunStore, run_id: str) -> None:
    """Tell MLflow while the kernel works, so that neither the first step nor the end waits for its import."""
    with contextlib.suppress(Exception):  # what is wrong is raised when the outcome is recorded
        store.begun(run_id)


def _note(store: RunStore, folder: Path, notebook: str) -> None:
    try:
        begin(folder, store.workspace, notebook)
    except Exception:  # a run is not lost over what is merely noted of it
        logger.exception("What the run is made of could not be noted")


def _graded(store: RunStore, run_id: str, status: RunStatus, message: str) -> str:
    """Hold a run that makes another again against it, if both came to their ends, and say how they compare."""
    began = next((event for event in EventLog(store.folder(run_id)).read() if event["type"] == "run"), {})
    before = str(began.get("reproduces", ""))
    if not before or status in UNGRADED:
        return message
    try:
        found = graded(store, run_id, before)
    except (ModelComposeError, OSError, ValueError) as error:
        return f"{message} It could not be held against the run before: {error}"
    return f"Made again: {found.grade}. {found.sentence} {message}"


def _executed(folder: Path, control: Control) -> tuple[RunStatus, str]:
    """Execute the notebook and say how that ended; nothing that goes wrong in it is raised."""
    try:
        nb = _papermill(folder, control)
    except Exception as error:
        if not control.outcome.ename and not control.aborted:
            logger.exception("The run could not be executed")
            control.outcome.ename, control.outcome.evalue = type(error).__name__, str(error)
            return "error", f"The notebook could not be executed: {type(error).__name__}: {error}"
        nb = read_executed(folder)
    return judged(verdicts_in(nb), control)


def _papermill(folder: Path, control: Control) -> Any:
    from papermill.engines import papermill_engines
    from papermill.iorw import load_notebook_node

    register()
    nb = load_notebook_node(str(folder / SOURCE))
    return papermill_engines.execute_notebook_with_engine(
        NAME,
        nb,
        papermill_engines.nb_kernel_name(NAME, nb),
        output_path=str(folder / EXECUTED),
        progress_bar=False,
        control=control,
    )


def judged(verdicts: Sequence[Verdict], control: Control) -> tuple[RunStatus, str]:
    """Say how a run ended and why, from what its cells showed and how their execution ended.

    A run that somebody stopped is "stopped" whatever its steps then found; the message says both.
    """
    outcome = control.outcome
    if control.cancelled:
        return "cancelled", f"Cancelled{_during(outcome.step)}; its draws were not kept."
    if control.aborted:
        return "stopped", f"Ended at once{_limit(control)}{_during(outcome.step)}; what was done before is kept."
    if outcome.ename and outcome.ename != "GateFailed":
        return _raised(outcome, control)
    if control.stopping and outcome.interrupted is None and outcome.cell is not None:
        return "stopped", f"Stopped by {control.by}{_after(outcome.step)}; what was done is kept."
    gate = outcome.ename == "GateFailed"
    found: tuple[RunStatus, str] = ("failed", _gate(verdicts, outcome)) if gate else _by_verdicts(verdicts)
    if control.stopping and outcome.interrupted is not None:
        return "stopped", f"Stopped by {control.by}{_during(outcome.interrupted)}; {_kept(outcome)}. {found[1]}"
    return found


def _raised(outcome: Outcome, control: Control) -> tuple[RunStatus, str]:
    if control.stopping and (outcome.step == outcome.interrupted or outcome.ename == "KeyboardInterrupt"):
        return "stopped", f"Stopped by {control.by}{_during(outcome.step)}, which could not be brought to an end."
    if outcome.ename == "DeadKernelError":
        return "error", f"The kernel died{_during(outcome.step)}; often there was too little memory."
    return "error", f"{_named(outcome.step)} ended with {outcome.ename}: {shortened(outcome.evalue, EVALUE)}"


def may_pass(outcome: Outcome, message: str = "") -> bool:
    """Tell whether a run ended by what may be otherwise next time: a dead kernel, a disk that was full."""
    said = f"{outcome.evalue} {message}"
    full = any(f"[Errno {number}]" in said for number in FULL) or os.strerror(errno.ENOSPC) in said
    return outcome.ename in {"DeadKernelError", "MemoryError"} or full


def _limit(control: Control) -> str:
    return "" if control.by == "you" else f" by {control.by}"


def _gate(verdicts: Sequence[Verdict], outcome: Outcome) -> str:
    failed = [verdict for verdict in verdicts if verdict.gate == "fail" and verdict.step == outcome.step]
    return _sentence(failed[-1]) if failed else shortened(outcome.evalue, EVALUE)


def _by_verdicts(verdicts: Sequence[Verdict]) -> tuple[RunStatus, str]:
    if not verdicts:
        return "warned", "The notebook ran to its end, but none of its cells judged anything."
    gravest = worst(verdict.gate for verdict in verdicts)
    if gravest in {"pass", "info"}:
        return "passed", f"The notebook ran to its end and every check passed ({len(verdicts)} verdicts)."
    sentences = " ".join(_sentence(verdict) for verdict in verdicts if verdict.gate == gravest)
    return ("warned" if gravest == "warn" else "failed"), sentences


def _sentence(verdict: Verdict) -> str:
    between = " " if verdict.title.endswith(("?", ".", "!")) else ": "
    said = f"{verdict.title}{between}{verdict.sentence}"
    return f"{said} Waived by {verdict.waived.by}: {verdict.waived.reason}" if verdict.waived else said


def _kept(outcome: Outcome) -> str:
    worked_up = "the remaining steps" if outcome.cell is None else "the steps after it"
    return f"the draws so far were kept, and {worked_up} rest on them"


def _named(step: str) -> str:
    return f"Step {step}" if step else "A cell before the first step"


def _during(step: str) -> str:
    return f" during step {step}" if step else " before the first step"


def _after(step: str) -> str:
    return f" after step {step}" if step else " before the first step"
