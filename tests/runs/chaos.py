"""Chaos: things are killed at random while runs go on, and afterwards every run must tell the truth.

    python -m tests.runs.chaos --kills 100

Runs of several sorts are put on the queues of two workspaces: one is served by a local worker and a Jupyter server,
the other by a worker that sends to a Dask scheduler with two workers. Kernels, processes of runs, workers, the server,
the scheduler and its workers are killed by SIGKILL, and the disk is filled, at random moments. What an operator's
supervisor would start again is started again at once; nothing else is done to help.

Most runs are quick ones of the same shape; some are real: a model is compiled and sampled, with few draws.

Every cell of a run writes into a ledger outside the workspace that it was executed, and by which kernel. In the end

- no run is *lost*: every run that was asked for has ended;
- none is *duplicated*: no two kernels executed the same run at the same time, no step that had finished was judged
  again, and no attempt was executed twice;
- none is *untruthful*: each has ended as its notebook must end, and its record, its events, its notebook and its
  verdicts say the same;
- there are no *orphans*: no kernel and no process of a run is left.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from nbformat.v4 import new_code_cell, new_notebook

from modelcompose import Workbench
from modelcompose.errors import ModelComposeError
from modelcompose.runs import ENDED, EventLog, Run, RunStore
from modelcompose.runs.process import Process
from modelcompose.workflow.notebook import digest

STEPS = ("data", "prior", "fit", "sampling", "posterior", "answer")
CHOICES = """
data = "table.csv"
outcome = "a"
draws = 100
ci_prob = 0.9
on_fail = "stop"
"""
LIBRARY = """
import os, pathlib, time, types
import xarray as xr
from modelcompose.errors import GateFailed
from modelcompose.verdict import Verdict
from modelcompose.workflow import steps

NUMBER = {number}
RUN = pathlib.Path(os.environ["MODELCOMPOSE_RUN_FOLDER"])

def note(what, step):
    written = os.open("{ledger}/" + RUN.name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(written, f"{{time.time():.3f}} {{os.getpid()}} {{what}} {{step}}\\n".encode())
    os.close(written)

def computed(step, value):
    note("compute", step)
    time.sleep({seconds})
    return xr.DataTree(xr.Dataset({{"x": ("row", [float(value)] * 3)}}))

def judge(step, status="pass"):
    note("check", step)
    time.sleep({seconds} / 4)
    verdict = Verdict(step=step, title=f"Is {{step}} right?", status=status, sentence="So it is.",
                      details={{"sha256": str(NUMBER)}} if step == "data" else {{}}, ran=steps._executed())
    steps.recall(verdict)
    if verdict.gate == "fail":
        display(verdict)
        raise GateFailed(verdict)
    return verdict

names = {steps}
mc = types.SimpleNamespace(check=types.SimpleNamespace())
for name in names:
    setattr(mc.check, name, lambda value=None, status="pass", step=name: judge(step, status))
"""
REAL_STEPS = ("data", "question", "model", "prior", "fit", "sampling", "posterior", "answer")
REAL = {
    "data": "real.csv",
    "question": "effect",
    "outcome": "b",
    "predictors": ["a"],
    "units": {"b": "ms", "a": "day"},
    "draws": 60,
    "tune": 100,
    "chains": 2,
    "on_fail": "warn",
}
REAL_DRAWS = (2, 60)
NOTING = """
def note_checks():
    import os, pathlib, time
    import modelcompose as mc

    run = pathlib.Path(os.environ["MODELCOMPOSE_RUN_FOLDER"]).name

    def noted(step, check):
        def judge(*given, **more):
            written = os.open("{ledger}/" + run, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.write(written, f"{{time.time():.3f}} {{os.getpid()}} check {{step}}\\n".encode())
            os.close(written)
            return check(*given, **more)
        return judge

    for step in {steps}:
        setattr(mc.check, step, noted(step, getattr(mc.check, step)))

note_checks()
"""
CELLS = {
    "data": "table = [1, 2]\nmc.check.data()",
    "prior": "prior = computed('prior', sum(table))\nmc.check.prior(prior)",
    "fit": "dt = computed('fit', sum(table))\ndt.to_netcdf(RUN / 'posterior.nc', engine='h5netcdf')\nmc.check.fit(dt)",
    "sampling": "mc.check.sampling(dt)",
    "posterior": "after = computed('posterior', 2 * float(dt['x'][0]))\nmc.check.posterior(after)",
    "answer": "mc.check.answer(dt)",
}
FATES: dict[str, tuple[str, dict[str, str]]] = {
    "plain": ("passed", {}),
    "gate": ("failed", {"posterior": "after = computed('posterior', 1)\nmc.check.posterior(after, 'fail')"}),
    "raises": ("error", {"sampling": "raise ValueError('wrong on purpose')"}),
    "real": ("judged", {}),
}
"""How a notebook of each sort must end, and by which of its cells; of real draws nobody knows how they are judged."""
JUDGED = ("passed", "warned", "failed")
SORTS = ("plain", "plain", "plain", "plain", "gate", "raises", "real")
ASKED = (None, None, None, None, None, "stop", "cancel")
"""What somebody asks of a run while it goes on."""
KINDS = {
    "kernel": 30,
    "run's process": 24,
    "worker": 14,
    "server": 6,
    "Dask worker": 12,
    "Dask scheduler": 6,
    "full disk": 8,
}
"""What is killed, and how often in comparison."""
RETRIES = 60
FULL_SECONDS = (0.5, 2.0)
MLFLOW = {"passed": "FINISHED", "warned": "FINISHED", "failed": "FAILED", "error": "FAILED"}


def notebook(sort: str, number: int, ledger: Path, seconds: float) -> Any:
    """Return a notebook whose cells say that they were executed."""
    library = LIBRARY.format(number=number, ledger=ledger, seconds=seconds, steps=STEPS)
    cells = [(step, FATES[sort][1].get(step, source)) for step, source in CELLS.items()]
    return new_notebook(
        cells=[
            new_code_cell(CHOICES.strip(), metadata={"tags": ["parameters"]}),
            new_code_cell(library),
            *(
                new_code_cell(source, metadata={"modelcompose": {"step": step, "composed": digest(source)}})
                for step, source in cells
            ),
        ]
    )


def real_notebook(workspace: Path, path: str, number: int, ledger: Path) -> None:
    """Compose a real analysis, whose checks say that they were made."""
    Workbench(workspace).compose({**REAL, "random_seed": number}, path)
    nb = json.loads((workspace / path).read_text("utf-8"))
    noting = new_code_cell(NOTING.format(ledger=ledger, steps=REAL_STEPS))
    at = next(at for at, cell in enumerate(nb["cells"]) if "parameters" in cell["metadata"].get("tags", []))
    nb["cells"].insert(at + 1, noting)
    (workspace / path).write_text(json.dumps(nb), "utf-8")


@dataclass
class Service:
    """A process that somebody's supervisor keeps alive."""

    kind: str
    command: list[str]
    log: Path
    env: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def ensure(self) -> None:
        """Start it unless it runs."""
        if self.process is None or self.process.poll() is not None:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=os.environ | self.env
                )

    def kill(self) -> bool:
        """Kill it; say whether it was there."""
        if self.process is None or self.process.poll() is not None:
            return False
        self.process.kill()
        self.process.wait()
        return True

    def end(self) -> None:
        """End it in peace."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@dataclass
class Place:
    """A workspace with its runs."""

    name: str
    workspace: Path
    ledger: Path
    asked: dict[str, str] = field(default_factory=dict)
    fates: dict[str, str] = field(default_factory=dict)
    wishes: dict[str, str] = field(default_factory=dict)
    disturbed: set[str] = field(default_factory=set)

    @property
    def store(self) -> RunStore:
        """The runs; a store keeps no state."""
        return RunStore(self.workspace)

    def unfinished(self) -> list[str]:
        """Name the runs whose outcome is not written yet."""
        return [one for one in self.asked if not (self.store.folder(one) / "outcome.json").exists()]

    def executing(self) -> list[tuple[str, psutil.Process]]:
        """List the processes of runs that are being executed now."""
        found = []
        for run in self.unfinished():
            holder = Process.read(self.store.folder(run))
            if holder is not None and not holder.dead:
                with suppress(psutil.Error):
                    found.append((run, psutil.Process(holder.pid)))
        return found

    def kernels(self) -> list[tuple[str, psutil.Process]]:
        """List the kernels that execute a cell of a run, as these have noted themselves."""
        found = []
        for run in self.unfinished():
            notes = self.notes(run)
            with suppress(psutil.Error, IndexError):
                kernel = psutil.Process(notes[-1].pid)
                if kernel.create_time() < notes[-1].at:
                    found.append((run, kernel))
        return found

    def notes(self, run: str) -> list[Note]:
        """Read what the cells of a run have noted."""
        file = self.ledger / run
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        return [Note(float(at), int(pid), what, step) for at, pid, what, step in map(str.split, lines)]


@dataclass(frozen=True)
class Note:
    """What a cell has noted: when, in which kernel, and whether it computed or judged which step."""

    at: float
    pid: int
    what: str
    step: str


class Chaos:
    """The scene: two workspaces, what serves them, and somebody who kills.

    Parameters
    ----------
    folder
        Where all of it lies; the workspaces are small disks of their own where this process may mount some.
    seed
        Of the dice.
    at_once
        How many runs are kept unfinished in each workspace while things are killed.
    seconds
        How long a computation of a cell takes.
    cluster
        Whether there is a Dask cluster.
    pause
        Seconds between two kills, on average.
    real
        How many runs are real ones, at most: each takes as long as many others.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        at_once: int = 3,
        seconds: float = 0.6,
        cluster: bool = True,
        pause: float = 3.0,
        real: int = 4,
    ) -> None:
        self.folder = folder
        self.dice = random.Random(seed)
        self.at_once = at_once
        self.seconds = seconds
        self.pause = pause
        self.real = real
        self.killed: Counter[str] = Counter()
        self.number = 0
        names = ("local", "cluster") if cluster else ("local",)
        self.places = {name: self._place(name) for name in names}
        self.port, self.scheduler = _free_port(), f"tcp://127.0.0.1:{_free_port()}"
        for place in self.places.values():  # no worker but those that are killed
            address = f'[cluster]\naddress = "{self.scheduler}"\n' if place.name == "cluster" else ""
            (place.workspace / "modelcompose.toml").write_text(f'[queue]\nworker = "none"\n{address}', "utf-8")
        self.services = self._services()

    def _place(self, name: str) -> Place:
        workspace, ledger = self.folder / name, self.folder / f"ledger-{name}"
        workspace.mkdir()
        ledger.mkdir()
        _mount(workspace)
        (workspace / "table.csv").write_text("a,b\n1,2\n3,4\n5,7\n", "utf-8")
        rows = "".join(f"{at / 4},{at + self.dice.gauss(0, 4):.3f}\n" for at in range(40))
        (workspace / "real.csv").write_text(f"a,b\n{rows}", "utf-8")
        return Place(name, workspace, ledger)

    def _services(self) -> list[Service]:
        python = [sys.executable, "-P", "-m"]
        worker = [*python, "modelcompose.cli", "worker", "--cores", "2", "--workspace"]
        logs = self.folder
        quiet = {"MODELCOMPOSE_CORES": "2"}
        found = [
            Service("worker", [*worker, str(self.places["local"].workspace)], logs / "worker.log", quiet),
            Service("server", self._server(python), logs / "server.log"),
        ]
        if "cluster" in self.places:
            port = self.scheduler.rpartition(":")[2]
            dask = [*python, "distributed.cli.dask_worker", self.scheduler, "--nthreads", "1", "--no-nanny"]
            scheduler = [*python, "distributed.cli.dask_scheduler", "--port", port, "--host", "127.0.0.1"]
            found += [
                Service("Dask scheduler", [*scheduler, "--no-dashboard"], logs / "scheduler.log"),
                *(
                    Service("Dask worker", [*dask, "--no-dashboard", "--name", name], logs / f"dask-{name}.log")
                    for name in ("one", "two")
                ),
                Service(
                    "worker",
                    [*worker, str(self.places["cluster"].workspace), "--cluster", self.scheduler],
                    logs / "cluster-worker.log",
                ),
            ]
        return found

    def _server(self, python: list[str]) -> list[str]:
        return [
            *python,
            "jupyter_server",
            f"--ServerApp.root_dir={self.places['local'].workspace}",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.open_browser=False",
            "--IdentityProvider.token=chaos",
            "--ServerApp.allow_root=True",
            "--ServerApp.jpserver_extensions={'modelcompose.server': True}",
        ]

    # -- what goes on ----------------------------------------------------------------------------------------------

    def act(self, kills: int, seconds: float, patience: float = 1800) -> None:
        """Kill so many things at random moments, but for no longer than so many seconds; then let all runs end."""
        began = time.monotonic()
        next_kill = began + 15
        while self.killed.total() < kills and time.monotonic() < began + seconds:
            self._tend()
            self._feed()
            if time.monotonic() >= next_kill and self._kill():
                next_kill = time.monotonic() + self.dice.expovariate(1 / self.pause)
            time.sleep(0.1)
        print(
            f"{sum(self.killed.values())} kills in {time.monotonic() - began:.0f} s; now all runs may end", flush=True
        )
        until = time.monotonic() + patience
        while any(place.unfinished() for place in self.places.values()) and time.monotonic() < until:
            self._tend()
            time.sleep(0.5)

    def _tend(self) -> None:
        """Start again what was killed, as a supervisor does."""
        for service in self.services:
            service.ensure()

    def _feed(self) -> None:
        """Keep runs on the queue."""
        for place in self.places.values():
            if len(place.unfinished()) < self.at_once:
                self._ask_for_a_run(place)

    def _ask_for_a_run(self, place: Place) -> None:
        self.number += 1
        sort = self.dice.choice(SORTS)
        if sort == "real" and self.real <= 0:
            sort = "plain"
        self.real -= sort == "real"
        path = f"{sort}-{self.number}.ipynb"
        try:
            if sort == "real":
                real_notebook(place.workspace, path, self.number, place.ledger)
            else:
                nb = notebook(sort, self.number, place.ledger, self.dice.uniform(0.3, 1.5) * self.seconds)
                (place.workspace / path).write_text(json.dumps(nb), "utf-8")
            run = self._started(place, path)
        except (OSError, ModelComposeError, RuntimeError) as error:  # a full disk, a server that is down
            print(f"  {path} could not be asked for: {type(error).__name__}: {error}", flush=True)
            return
        place.asked[run] = path.removesuffix(".ipynb")
        place.fates[run] = FATES[sort][0]
        wish = self.dice.choice(ASKED)
        if wish and sort == "plain":
            place.wishes[run] = wish

    def _started(self, place: Place, path: str) -> str:
        """Ask for a run, half of the time over REST where there is a server."""
        import httpx

        if place.name == "local" and self.dice.random() < 0.5:
            url = f"http://127.0.0.1:{self.port}/modelcompose/api/runs"
            with suppress(httpx.HTTPError):
                answer = httpx.post(
                    url,
                    json={"notebook": path, "retries": RETRIES},
                    headers={"Authorization": "token chaos"},
                    timeout=30,
                )
                if answer.status_code == 201:
                    return str(answer.json()["id"])
        return str(Workbench(place.workspace).start(path, retries=RETRIES)["id"])

    def _kill(self) -> bool:
        """Kill one thing; say whether there was one."""
        self._wish()
        kinds = [kind for kind in KINDS if "cluster" in self.places or not kind.startswith("Dask")]
        kind = self.dice.choices(kinds, [KINDS[one] for one in kinds])[0]
        if kind == "full disk":
            done = self._fill(self.dice.choice(list(self.places.values())))
        elif kind in ("kernel", "run's process"):
            done = self._kill_one_of(kind)
        else:
            done = self.dice.choice([service for service in self.services if service.kind == kind]).kill()
        self.killed[kind] += done
        return done

    def _kill_one_of(self, kind: str) -> bool:
        found = [
            one
            for place in self.places.values()
            for _, one in (place.kernels() if kind == "kernel" else place.executing())
        ]
        if not found:
            return False
        try:
            self.dice.choice(found).kill()
        except psutil.Error:
            return False
        return True

    def _fill(self, place: Place) -> bool:
        """Fill a workspace's disk for a moment."""
        if not os.path.ismount(place.workspace):
            return False
        place.disturbed |= set(place.unfinished())
        ballast = place.workspace / "ballast"
        try:
            with ballast.open("wb", buffering=0) as file:
                block = bytes(1 << 20)
                while True:
                    file.write(block)
        except OSError:
            time.sleep(self.dice.uniform(*FULL_SECONDS))
        ballast.unlink()
        place.disturbed |= set(place.unfinished())
        return True

    def _wish(self) -> None:
        """Ask of one run that is being executed what somebody wants of it."""
        for place in self.places.values():
            for run, _ in place.executing():
                if run in place.wishes and place.notes(run):
                    with suppress(ModelComposeError, OSError):
                        getattr(Workbench(place.workspace), place.wishes[run])(run)
                        place.fates[run] = {"stop": "stopped", "cancel": "cancelled"}[place.wishes.pop(run)]
                    return

    def end(self) -> None:
        """End what serves, in peace."""
        for service in reversed(self.services):
            service.end()

    def clear(self) -> None:
        """Remove everything."""
        for place in self.places.values():
            if os.path.ismount(place.workspace):
                subprocess.run(["umount", "--lazy", str(place.workspace)], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def _mount(folder: Path, size: str = "256m") -> None:
    """Put a small disk of its own at a folder, where this process may."""
    if sys.platform == "linux" and os.geteuid() == 0:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        subprocess.run(command, check=False, capture_output=True)


def _free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


# -- the truth -----------------------------------------------------------------------------------------------------


@dataclass
class Found:
    """What an examination found: faults in words, by what they are."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    untruthful: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)


def examine(place: Place, found: Found) -> list[Run]:
    """Hold every run of a workspace against its ledger, its events, its notebook and its record."""
    runs = {run.id: run for run in place.store.list(limit=10_000)}
    for one, name in place.asked.items():
        if one not in runs:
            found.lost.append(f"{name} ({one[:8]}) is not in the store")
        elif runs[one].status not in ENDED:
            found.lost.append(f"{name} ({one[:8]}) has not ended: {runs[one].status}")
    for run in runs.values():
        label = f"{place.name} {run.name} ({run.id[:8]})"
        found.duplicated += [f"{label}: {fault}" for fault in _twice(place, run)]
        if run.status in ENDED:
            found.untruthful += [f"{label}: {fault}" for fault in _untrue(place, run)]
        found.orphans += [f"{label}: kernel {pid} is left" for pid in _left(place.notes(run.id))]
        holder = Process.read(place.store.folder(run.id))
        if run.status in ENDED and holder is not None and not holder.dead:
            found.orphans.append(f"{label}: its process {holder.pid} is left")
    return list(runs.values())


def _twice(place: Place, run: Run) -> Iterator[str]:
    notes = place.notes(run.id)
    kernels = [note.pid for at, note in enumerate(notes) if at == 0 or notes[at - 1].pid != note.pid]
    if len(kernels) > len(set(kernels)):
        yield f"two kernels at a time executed it: {kernels}"
    counted = Counter((note.pid, note.what, note.step) for note in notes)
    yield from (f"kernel {pid} did {what} {step} {n} times" for (pid, what, step), n in counted.items() if n > 1)
    events = EventLog(place.store.folder(run.id)).read()
    attempts = [event["attempt"] for event in events if event["type"] == "claimed"]
    if len(attempts) > len(set(attempts)):
        yield f"an attempt was executed twice: {attempts}"
    if run.id in place.disturbed:
        return  # what could not be kept on a full disk is rightly done again
    finished = {
        event["step"]: _seconds(event["time"])
        for event in reversed(events)
        if event["type"] == "step" and event["state"] == "done"
    }
    for note in notes:
        if note.what == "check" and note.at > finished.get(note.step, note.at) + 0.5:
            yield f"step {note.step} had finished and was judged again"


def _untrue(place: Place, run: Run) -> Iterator[str]:
    store = place.store
    fate = place.fates.get(run.id) or FATES[run.name.partition("-")[0]][0]
    asked = fate in ("stopped", "cancelled")  # it may have ended before; and what is to stop does not begin again
    died = run.status == "error" and run.message.startswith("The kernel died")
    as_it_must = run.status in JUDGED if fate == "judged" else run.status == fate
    if not as_it_must and not (asked and (run.status in ("passed", "stopped") or died)):
        yield f"it should have {fate}, and is {run.status}: {run.message}"
    record = store.tracking.client.get_run(run.id)
    if record.info.status != MLFLOW.get(run.status, "KILLED"):
        yield f"MLflow says {record.info.status}, the run {run.status}"
    events = EventLog(store.folder(run.id)).read()
    if [event["n"] for event in events] != list(range(1, len(events) + 1)):
        yield "its events are not numbered one after the other"
    begun = [at for at, event in enumerate(events) if event["type"] in ("run", "claimed", "resume")]
    ends = [event["status"] for event in events[begun[-1] if begun else 0 :] if event["type"] == "end"]
    if ends != [run.status]:
        yield f"its events end with {ends}, the run is {run.status}"
    if run.status == "cancelled":
        return
    if run.executed is None:
        yield "it has no executed notebook"
        return
    nb = json.loads((store.workspace / run.executed).read_text("utf-8"))
    shown = dict(_shown(nb))
    if shown != {one.step: one.status for one in run.verdicts}:
        yield f"its notebook shows {shown}, its record {[(one.step, one.status) for one in run.verdicts]}"
    steps = REAL_STEPS if fate == "judged" else STEPS
    if (run.status == "passed" or fate == "judged") and run.kind == "run":
        cached = {event["step"] for event in events if event["type"] == "step" and event["state"] == "cached"}
        judged = cached | {note.step for note in place.notes(run.id) if note.what == "check"}
        if set(shown) != set(steps) or judged != set(steps):
            yield f"it came to its end, but judged only {sorted(judged)} and shows only {sorted(shown)}"
        if not (store.folder(run.id) / "posterior.nc").exists():
            yield "it came to its end without a posterior"
        elif fate == "judged" and (drawn := _drawn(store.folder(run.id) / "posterior.nc")) != REAL_DRAWS:
            yield f"its posterior has {drawn} draws"


def _drawn(posterior: Path) -> tuple[int, int]:
    import xarray as xr

    with xr.open_datatree(posterior, engine="h5netcdf") as dt:
        return dt["posterior"].sizes["chain"], dt["posterior"].sizes["draw"]


def _shown(nb: dict[str, Any]) -> Iterator[tuple[str, str]]:
    from modelcompose.verdict import verdict_in

    for cell in nb["cells"]:
        if verdict := verdict_in(cell.get("outputs", [])):
            yield verdict.step, verdict.status


def _seconds(time_text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(time_text).timestamp()


def _left(notes: list[Note]) -> Iterator[int]:
    for pid, at in {note.pid: note.at for note in notes}.items():
        with suppress(psutil.Error):
            one = psutil.Process(pid)
            if one.create_time() < at and one.status() != psutil.STATUS_ZOMBIE:
                yield pid


def left_behind(places: list[Place]) -> list[str]:
    """Name the processes that still work for one of the workspaces."""
    found = []
    for one in psutil.process_iter():
        with suppress(psutil.Error):
            said = " ".join(one.cmdline()) + " " + one.environ().get("MODELCOMPOSE_RUN_FOLDER", "")
            if one.pid != os.getpid() and any(str(place.workspace) in said for place in places):
                found.append(f"process {one.pid}: {' '.join(one.cmdline())[:160]}")
    return found


def table(chaos: Chaos, runs: dict[str, list[Run]], found: Found) -> str:
    """Show what was killed, what became of the runs, and what was wrong."""
    lines = ["killed                 times", *(f"  {kind:<20} {n:>5}" for kind, n in chaos.killed.most_common())]
    lines.append(f"  {'together':<20} {chaos.killed.total():>5}")
    for name, ended in runs.items():
        statuses = Counter(run.status for run in ended)
        again = sum(run.attempt - 1 for run in ended)
        told = ", ".join(f"{n} {status}" for status, n in statuses.most_common())
        real = sum(run.name.startswith("real-") for run in ended)
        lines.append(f"runs, {name}: {len(ended)} ({told}), {real} of them real; begun again {again} times")
    for fault in ("lost", "duplicated", "untruthful", "orphans"):
        named = getattr(found, fault)
        lines += [f"{fault + ':':<22} {len(named):>5}", *(f"    {one}" for one in named)]
    return "\n".join(lines)


@contextmanager
def scene(seed: int, **options: Any) -> Iterator[Chaos]:
    """Set the scene, and leave nothing of it."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-")).resolve()
    chaos = Chaos(folder, seed, **options)
    try:
        yield chaos
    finally:
        chaos.end()
        chaos.clear()


def main(argv: list[str] | None = None) -> int:
    """Make chaos and print what came of it; 0 when nothing was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=1200, help="for how long to kill at most")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--pause", type=float, default=3.0, help="seconds between two kills, on average")
    parser.add_argument("--at-once", type=int, default=3, help="runs kept unfinished in each workspace")
    parser.add_argument("--real", type=int, default=6, help="how many runs sample a real model, at most")
    parser.add_argument("--local", action="store_true", help="without a Dask cluster")
    options = parser.parse_args(argv)
    print(f"seed {options.seed}", flush=True)
    more = {"cluster": not options.local, "pause": options.pause, "at_once": options.at_once, "real": options.real}
    with scene(options.seed, **more) as chaos:
        chaos.act(options.kills, options.seconds)
        runs, found = settled(chaos)
        print(table(chaos, runs, found), flush=True)
    return int(any(vars(found).values()))


def settled(chaos: Chaos) -> tuple[dict[str, list[Run]], Found]:
    """Let what serves end, and examine what is left."""
    chaos.end()
    time.sleep(5)
    found = Found()
    runs = {name: examine(place, found) for name, place in chaos.places.items()}
    found.orphans += left_behind(list(chaos.places.values()))
    return runs, found


if __name__ == "__main__":
    sys.exit(main())
