"""The engine proper, on papermill's and nbclient's classes: events from the kernel, steps, and stopping.

It is imported through ``engine.Engine`` only, when a notebook is about to be executed.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

import zmq
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbclient.util import ensure_async, run_sync
from nbformat import from_dict
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine

from modelcompose.runs.engine import FIT, Control
from modelcompose.runs.finished import Finished, as_shown_here
from modelcompose.runs.keys import Keys
from modelcompose.runs.process import Process
from modelcompose.runs.run import RunVerdict
from modelcompose.verdict import verdict_in
from modelcompose.workflow.notebook import digest

__all__ = ["KernelEngine", "kernel_for"]

MESSAGE = "modelcompose_event"
OWN = frozenset(
    {"run", "resume", "claimed", "paused", "continued", "retry", "step", "verdict", "round", "lineage", "end"}
)
SESSION = "modelcompose.runs.session"
NATIVE, WARM = "python3", "modelcompose"
OWN_KERNELS = frozenset({NATIVE, WARM})  # one and the same
SECRETS = frozenset({"MODELCOMPOSE_NOTIFY_PASSWORD", "JUPYTER_TOKEN", "JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN"})
"""Of the environment of servers and runs, what is not a notebook's business."""
GATE = "GateFailed"
IOPUB_SECONDS = 60  # a cell with large pictures may take long to hand them over

logger = logging.getLogger("modelcompose.runs")
logger.addHandler(logging.NullHandler())


def kernel_for(nb: Mapping[str, Any]) -> str:
    """Name the kernel that a notebook asks for if it is installed, otherwise the one of this Python."""
    asked = nb.get("metadata", {}).get("kernelspec", {}).get("name") or NATIVE
    return asked if asked not in OWN_KERNELS and asked in KernelSpecManager().find_kernel_specs() else NATIVE


class _Own(KernelSpecManager):
    """Knows one kernel: that of this very interpreter, forked from the warm process where there is one."""

    def get_kernel_spec(self, kernel_name: str) -> Any:
        """Describe it, whatever it is called."""
        spec = KernelSpecManager(kernel_dirs=[]).get_kernel_spec(NATIVE)
        spec.metadata = {**spec.metadata, "kernel_provisioner": {"provisioner_name": WARM}}
        return spec


class KernelEngine(NBClientEngine):  # type: ignore[misc]
    """papermill's engine with a client that listens and obeys."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        log_output: bool = False,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        control: Control | None = None,
        **_options: Any,
    ) -> Any:
        """Execute the cells; an error in a cell ends the execution and is told by ``control.outcome``."""
        control = control or Control()
        if control.stopping:
            control.outcome.cell = 0
            return nb_man.nb
        client = _Client(
            nb_man,
            control=control,
            kernel_name=kernel_name,
            startup_timeout=start_timeout,
            timeout=execution_timeout,
            iopub_timeout=IOPUB_SECONDS,
            log_output=log_output,
            log=logger,
        )
        with control.signals(), _saved_sparingly(nb_man):
            return client.execute(env=_environment(control))


def _environment(control: Control) -> dict[str, str]:
    """Return the kernel's environment: this process's, without what only ModelCompose itself and a server need."""
    return {name: value for name, value in os.environ.items() if name not in SECRETS} | control.env


@contextmanager
def _saved_sparingly(nb_man: Any) -> Iterator[None]:
    """Keep papermill from writing the notebook twice for each of its cells, texts included; the client says when."""
    nb_man.save = lambda **_given: None
    try:
        yield
    finally:
        del nb_man.save


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    def __init__(self, nb_man: Any, *, control: Control, **options: Any) -> None:
        resources = {"metadata": {"path": str(control.cwd)}} if control.cwd else {}
        super().__init__(nb_man, resources=resources, **options)
        self.control = control
        self._loop: asyncio.AbstractEventLoop | None = None
        self._step = ""
        self._busy = False
        self._cells: dict[str, list[int]] = {}
        for index, cell in enumerate(self.nb.cells):
            if step := _code_step(cell):
                self._cells.setdefault(step, []).append(index)
        self._last = {step: indices[-1] for step, indices in self._cells.items()}
        self._counts = _execution_counts(self.nb.cells)
        self._finished = self._what_is_finished()
        self._unrestored: list[int] = []
        self._told = ""

    def _what_is_finished(self) -> Finished | None:
        control = self.control
        if control.checkpoints is None or control.folder is None:
            return None
        kernel = NATIVE if self.kernel_name in OWN_KERNELS else self.kernel_name
        keys = Keys.read(self.nb, control.cwd or Path.cwd(), kernel)
        return Finished(self.nb, keys, control.checkpoints, control.folder) if keys else None

    def create_kernel_manager(self) -> Any:
        """Prepare the kernel; our own is this very interpreter, whatever another installation calls so.

        Where kernel and ZeroMQ know how, what they say to each other is encrypted: other accounts of a shared
        machine could listen otherwise.
        """
        if self.kernel_name in OWN_KERNELS:
            self.km = AsyncKernelManager(kernel_name=self.kernel_name, kernel_spec_manager=_Own())
        else:
            super().create_kernel_manager()
        self.km.transport_encryption = "auto" if zmq.has("curve") else "disabled"
        return self.km

    def papermill_execute_cells(self) -> None:
        """Execute the cells in order until the end, an error or a stop; finished steps are taken as they are."""
        with self.control.attached(self._interrupt, self._abort):
            own = Process.of(os.getpid())
            self._ask(_call("outlive_not", own.pid, own.birth, own.host))
            for index, cell in enumerate(self.nb.cells):
                if self._halted(index):
                    break
                if self._taken_over(cell, index):
                    continue
                try:
                    completed = self._restored(index) and self._executed(cell, index)
                except DeadKernelError:
                    self._record(index, "DeadKernelError", "")
                    self._end(cell, index, completed=False)
                    raise
                if not completed:
                    break

    def _executed(self, cell: Any, index: int) -> bool:
        self._begin(cell)
        completed = self._completed(cell, index)
        self._end(cell, index, completed)
        return completed

    def _taken_over(self, cell: Any, index: int) -> bool:
        """Fill a cell of a finished step with what it showed; its results are brought back when a cell needs them."""
        step = _code_step(cell)
        if not step or self._finished is None or not self._finished.stands(step):
            return False
        found = self._finished.find(step)
        assert found is not None  # noqa: S101
        if step != self._step:
            self._step = step
            self._tell_step("cached")
        self.nb_man.cell_start(cell, index)
        if count := self._counts.get(index):
            outputs = found.cells[self._cells[step].index(index)]
            cell.execution_count = count
            cell.outputs = list(map(from_dict, as_shown_here(outputs, count, self._ran(index))))
            self._unrestored.append(index)
        self.nb_man.cell_complete(cell, cell_index=index)
        self._tell_verdict(cell)
        return True

    def _ran(self, index: int) -> dict[str, str]:
        return {str(count): digest(self.nb.cells[at].source) for at, count in self._counts.items() if at <= index}

    def _restored(self, index: int) -> bool:
        """Bring back what finished steps have defined and assigned, now that the cell at ``index`` has to run."""
        if not _runs(self.nb.cells[index]):
            return True
        while self._unrestored:
            if self._halted(index):
                return False
            at = self._unrestored.pop(0)
            if error := self._restore(at):
                self._record(index, *error)
                self.control.outcome.step = _code_step(self.nb.cells[at])
                return False
        return True

    def _restore(self, index: int) -> tuple[str, str] | None:
        """Execute a finished cell without its check, reading its results; return the error if one was raised."""
        cell = self.nb.cells[index]
        step = _code_step(cell)
        assert self._finished is not None  # noqa: S101
        found = self._finished.find(step)
        assert found is not None  # noqa: S101
        self._tell_kernel(step, self._finished.begin(step), str(found.folder), judge=False)
        told = self._ask(cell.source, history=True)
        if index == self._last[step]:
            self._ask(_call("recall", str(found.folder)))
        return (told["ename"], told["evalue"]) if told["status"] == "error" else None

    def _tell_kernel(self, step: str = "", key: str = "", folder: str = "", *, judge: bool = True) -> None:
        """Let the kernel know which step the next cell belongs to; see ``session.begin``."""
        if step or self._told:
            self._ask(_call("begin", step, key, folder, judge=judge))
        self._told = step

    async def _async_ask(self, code: str, *, history: bool = False) -> dict[str, Any]:
        """Let the kernel do something beside the cells, and return its reply.

        Raises
        ------
        DeadKernelError
            When the kernel dies over it, or the run is ended at once.
        """
        self._loop = asyncio.get_running_loop()
        asked = await ensure_async(
            self.kc.execute(code, silent=not history, store_history=history, allow_stdin=False, stop_on_error=False)
        )
        self.task_poll_for_reply = asyncio.ensure_future(self.async_wait_for_reply(asked))
        try:
            reply = await self.task_poll_for_reply
        except asyncio.CancelledError:
            raise DeadKernelError("Kernel died") from None
        await self._heard_out(asked)
        return dict(reply["content"])

    _ask = run_sync(_async_ask)

    async def _heard_out(self, asked: str) -> None:
        """Read what the kernel says to a request until it has said all."""
        while True:
            try:
                msg = await ensure_async(self.kc.iopub_channel.get_msg(timeout=IOPUB_SECONDS))
            except Empty:
                return
            if msg["parent_header"].get("msg_id") != asked:
                continue
            if msg["msg_type"] == MESSAGE:
                self._hear(msg["content"])
            if msg["content"].get("execution_state") == "idle":
                return

    def _halted(self, index: int) -> bool:
        """Say whether a stop forbids the cell at ``index``; draws of an interrupted fit are worked up."""
        outcome = self.control.outcome
        if not self.control.stopping or (outcome.interrupted == FIT and not self.control.aborted):
            return False
        outcome.cell, outcome.step = index, self._step
        return True

    def _completed(self, cell: Any, index: int) -> bool:
        try:
            self.nb_man.cell_start(cell, index)
            if _runs(cell):  # whatever becomes of it, what was shown before is on disk
                type(self.nb_man).save(self.nb_man)
            self.execute_cell(cell, index)
        except CellExecutionError as error:
            self._record(index, error.ename, error.evalue)
            self.nb_man.cell_exception(self.nb.cells[index], cell_index=index, exception=error)
            return False
        finally:
            self._busy = False
            self.nb_man.cell_complete(self.nb.cells[index], cell_index=index)
        return True

    def _record(self, index: int, ename: str, evalue: str) -> None:
        outcome = self.control.outcome
        outcome.cell, outcome.step, outcome.ename, outcome.evalue = index, self._step, ename, evalue

    def _begin(self, cell: Any) -> None:
        step = _code_step(cell)
        if step and step != self._step:
            self._step = step
            self._tell_step("started")
            if self._finished is not None:
                found = self._finished.find(step)
                self._tell_kernel(step, self._finished.begin(step), str(found.folder) if found else "")
        elif not step:
            self._tell_kernel()

    def _end(self, cell: Any, index: int, completed: bool) -> None:
        """Tell the cell's verdict, and that its step has ended when this was the step's last cell."""
        if not _code_step(cell):
            return
        last = index == self._last[self._step]
        if last and (completed or self.control.outcome.ename == GATE):
            self._keep(completed)
        self._tell_verdict(cell)
        if not completed:
            self._tell_step("failed")
        elif last:
            self._tell_step("done")

    def _keep(self, completed: bool) -> None:
        """Keep the step that has ended, with what its cells show and have assigned."""
        if self._finished is None:
            return
        cells = [self.nb.cells[index] for index in self._cells[self._step]]
        sources = [cell.source for cell in cells]

        def write(part: Path, seconds: float | None) -> bool:
            return bool(self._ask(_call("keep", str(part), sources, seconds))["status"] == "ok")

        self._finished.keep(self._step, cells, write, ended=completed)

    def _tell_verdict(self, cell: Any) -> None:
        if verdict := verdict_in(cell.get("outputs", [])):
            self.control.on_event("verdict", RunVerdict.of(verdict).model_dump())

    def _tell_step(self, state: str) -> None:
        """Tell a step's state with its position, counted from 1, among the notebook's steps."""
        steps = list(self._last)
        place = {"index": steps.index(self._step) + 1, "count": len(steps)}
        self.control.on_event("step", {"step": self._step, "state": state, **place})

    async def async_execute_cell(self, *args: Any, **options: Any) -> Any:
        """Execute one cell, remembering the loop in which a stop must act."""
        self._loop = asyncio.get_running_loop()
        return await super().async_execute_cell(*args, **options)

    execute_cell = run_sync(async_execute_cell)

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """Take our own messages out of the stream, and note when the kernel has taken up the cell."""
        if msg["msg_type"] == MESSAGE:
            self._hear(msg["content"])
            return None
        if msg["msg_type"] == "execute_input":
            self._busy = True
            if self.control.stopping:
                self._interrupt()
        if msg["content"].get("execution_state") == "idle":
            self._busy = False
        return super().process_message(msg, cell, cell_index)

    def _hear(self, content: Mapping[str, Any]) -> None:
        """Pass on what a cell tells; the events that only the engine can vouch for are not taken from cells."""
        told = dict(content)
        kind = told.pop("type", None)
        if isinstance(kind, str) and kind not in OWN:
            self.control.on_event(kind, told)

    def _interrupt(self) -> None:
        """Interrupt the running cell, once; one that the kernel has not taken up yet as soon as it has."""
        if self._busy and self._loop is not None and self.control.outcome.interrupted is None:
            self.control.outcome.interrupted = self._step
            if self._finished is not None:
                self._finished.cut_short()
            asyncio.run_coroutine_threadsafe(ensure_async(self.km.interrupt_kernel()), self._loop)

    def _abort(self) -> None:
        """Give up the running cell, as nbclient does when the kernel has died, and kill the kernel."""
        self.shutdown_kernel = "immediate"
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self.task_poll_for_reply is not None:
            self.task_poll_for_reply.cancel()


def _code_step(cell: Mapping[str, Any]) -> str:
    """Name the step that a code cell belongs to; empty for any other cell."""
    marks = cell.get("metadata", {}).get("modelcompose")
    known = cell.get("cell_type") == "code" and isinstance(marks, Mapping)
    return str(marks.get("step", "")) if known else ""


def _runs(cell: Mapping[str, Any]) -> bool:
    """Tell whether a cell has anything to execute."""
    return bool(cell.get("cell_type") == "code" and cell.get("source", "").strip())


def _execution_counts(cells: list[Any]) -> dict[int, int]:
    """Number the cells as a kernel does that executes all of them."""
    running = [index for index, cell in enumerate(cells) if _runs(cell)]
    return {index: count for count, index in enumerate(running, start=1)}


def _call(name: str, *arguments: Any, **more: Any) -> str:
    """Spell a call of the kernel's side, which leaves no name behind."""
    given = ", ".join([*map(repr, arguments), *(f"{key}={value!r}" for key, value in more.items())])
    return f"__import__({SESSION!r}, fromlist=[{name!r}]).{name}({given})"
