"""Runs on a cluster: each is a task of a Dask scheduler, and one of its workers begins the run's process and waits.

What a run is made of does not travel. Every machine of the cluster sees the workspace under the same path, on a disk
that they share, and has the same Python and ModelCompose; MLflow's database is on that disk too, or on a server. What
is asked of a run (to stop, to pause, to be cancelled) and what it tells therefore need no cluster at all.

The queue stays in the run store: the scheduler is only told whose turn it is, and may forget everything. Whether a run
is executed is decided by its claim, so that a task that is told twice is executed once. A run's process ends with the
Dask worker that began it; the queue then gives the run to another one, where it goes on after its last finished step.

The fits of a run that do not depend on each other are spread over the same cluster by the run itself, wherever that is
executed; see ``modelcompose.samplers.spread``. For those no disk has to be shared.

Whatever has a scheduler's address serves: ``dask scheduler``, a scheduler's file, and the clusters of dask-jobqueue and
dask-kubernetes, of which nothing but the address is asked. Where a batch system such as Slurm begins the workers, keep
a Python open with

    cluster = dask_jobqueue.SLURMCluster(cores=1, processes=1, memory="2GB", python="/path/to/the/same/python")
    cluster.scale(jobs=20)
    print(cluster.scheduler_address)

and send the runs there: ``modelcompose sweep NOTEBOOK --grid … --cluster tcp://HOST:PORT``. To run as many runs at a
time as there are cores, start the workers with one thread each, or let them declare what they have:
``dask worker ADDRESS --resources "cores=8,memory=32e9"``.
"""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from modelcompose import __version__
from modelcompose.errors import Conflict, InvalidInput, ModelComposeError, NotFound
from modelcompose.runs.launch import start
from modelcompose.runs.process import Process
from modelcompose.runs.queue import Limits, Standing
from modelcompose.runs.store import RunStore
from modelcompose.runs.worker import Worker

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["Cluster", "ClusterWorker", "Order", "Unreachable", "address_of"]

SECONDS = 10.0
"""How long to wait for a scheduler that does not answer."""
AGAIN = 2.0
"""How long after a vain attempt to connect the next one is made, in seconds."""
PAUSE = 0.2
RESOURCES = ("cores", "memory")
MB = 1_000_000

logger = logging.getLogger("modelcompose.runs")


class Unreachable(ModelComposeError):
    """The scheduler does not answer; what was sent to it stays on the queue."""


@dataclass(frozen=True)
class Order:
    """All that a worker of the cluster is told of a run.

    Parameters
    ----------
    run
        Its whole id.
    attempt
        Which attempt this is: one is executed at most once.
    workspace
        The workspace's path, the same on every machine.
    tracking
        MLflow's tracking URI; empty for the workspace's own.
    priority
        Higher goes first.
    cores, memory
        What it needs, in cores and MB; 0 where nobody has said.
    python, version
        The Python and the ModelCompose that sent it.
    """

    run: str
    attempt: int
    workspace: str
    tracking: str = ""
    priority: int = 0
    cores: int = 0
    memory: int = 0
    python: str = f"{platform.python_version_tuple()[0]}.{platform.python_version_tuple()[1]}"
    version: str = __version__

    @property
    def key(self) -> str:
        """The task's name: the scheduler takes the same one only once."""
        return f"modelcompose-{self.run}-{self.attempt}"


def address_of(cluster: Any) -> str:
    """Return the address of a scheduler, given itself, a cluster object or a scheduler's file.

    Raises
    ------
    InvalidInput
        When it is none of these.
    """
    address = getattr(cluster, "scheduler_address", cluster)
    if isinstance(address, Path):
        address = str(address)
    if not isinstance(address, str) or not address:
        raise InvalidInput(
            f"{cluster!r} is not the address of a Dask scheduler",
            where="cluster",
            remedy="Write it like tcp://host:8786, or name the file that the scheduler has written.",
        )
    return address


class Cluster:
    """A Dask scheduler that runs are sent to; it may be away for a while.

    Parameters
    ----------
    cluster
        See ``address_of``.

    Raises
    ------
    InvalidInput
        When there is no such address.
    """

    def __init__(self, cluster: Any) -> None:
        self.address = address_of(cluster)
        self._client: Client | None = None
        self._sent: dict[str, tuple[Order, Future[Any]]] = {}
        self._not_before = 0.0

    def connect(self) -> None:
        """Reach the scheduler, unless it is reached already; the tasks it knew before may be gone.

        Raises
        ------
        Unreachable
            When it does not answer; asked again at once, this is raised without another attempt.
        Conflict
            When one of its workers has another Python or another ModelCompose.
        """
        if self._client is not None and self._client.status == "running" and not self._forgotten():
            return
        self.close()
        if monotonic() < self._not_before:
            raise self._away("it did not answer just now")
        try:
            self._client = _client(self.address)
            _require_same(self._client)
        except (OSError, TimeoutError, ValueError) as error:
            self.close()
            self._not_before = monotonic() + AGAIN
            raise self._away(f"{type(error).__name__}: {error}") from None
        except Conflict:
            self.close()
            raise

    def _away(self, why: str) -> Unreachable:
        return Unreachable(
            f"the Dask scheduler does not answer ({why})",
            where=self.address,
            remedy="Start it, or name another; what is queued waits.",
        )

    def _forgotten(self) -> bool:
        """Tell whether the scheduler was replaced by one that has never heard of what was sent."""
        return any(future.status in ("cancelled", "lost") for _, future in self._sent.values())

    def send(self, order: Order) -> None:
        """Let a worker of the cluster execute a run as soon as one is free; sent twice it is one task.

        Raises
        ------
        Unreachable, Conflict
            See ``connect``.
        """
        self.connect()
        assert self._client is not None  # noqa: S101
        from distributed import fire_and_forget

        future = self._client.submit(
            work,
            order,
            key=order.key,
            pure=False,
            retries=0,
            priority=order.priority,
            resources=self._resources(order),
        )
        fire_and_forget(future)  # the task goes on when this process goes away
        self._sent[order.run] = (order, future)

    def _resources(self, order: Order) -> dict[str, float] | None:
        """Name what a run needs of that which workers declare to have."""
        assert self._client is not None  # noqa: S101
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        declared = {name for worker in workers for name in worker["resources"]}
        needed = {"cores": float(order.cores), "memory": float(order.memory * MB)}
        found = {name: needed[name] for name in RESOURCES if name in declared and needed[name]}
        return found or None

    def holds(self, run: str, attempt: int) -> bool:
        """Tell whether an attempt at a run was sent and is not over."""
        sent = self._sent.get(run)
        return sent is not None and sent[0].attempt == attempt

    def over(self) -> Iterator[tuple[str, str]]:
        """Yield the runs whose tasks are over, each once, with why it could not be begun; empty when it was.

        That a task is over does not say how the run ended, nor that it ended: its worker may have died.
        """
        for run, (_, future) in list(self._sent.items()):
            if future.status in ("finished", "error"):
                del self._sent[run]
                yield run, _why(future) if future.status == "error" else ""

    def sent(self) -> set[str]:
        """Name the runs that were sent and are not over."""
        return set(self._sent)

    def withdraw(self, run: str) -> None:
        """Take back a run that no worker has begun; one that runs is not touched."""
        sent = self._sent.pop(run, None)
        if sent is not None:
            sent[1].cancel(force=True)

    def close(self) -> None:
        """Leave the scheduler; what was sent goes on."""
        self._sent.clear()
        client, self._client = self._client, None
        if client is not None:
            client.close(timeout=1)


class ClusterWorker(Worker):
    """Runs the queue of a workspace on a cluster.

    What computes nothing, such as a sweep that waits for its runs, stays on this machine.

    Parameters
    ----------
    store
        The runs.
    cluster
        Where they go.
    """

    def __init__(self, store: RunStore, cluster: Cluster) -> None:
        super().__init__(store, Limits(1))
        self.cluster = cluster
        own = store.tracking.uri == f"sqlite:///{store.home / 'mlflow.db'}"
        self.tracking = "" if own else _sendable(store.tracking.uri)
        self._heard = ""

    def look(self) -> bool:
        """Settle what has died, send what may begin; say whether anything waits or is under way."""
        runs = self._settled(self._open())
        waiting = [one for one in runs if one.waits]
        self._hear({one.id: one for one in waiting})
        ready = [one for one in waiting if not one.place.seconds_left and not one.paused and self._may_begin(one)]
        for one in ready:
            if one.place.chains == 0:
                if one.id not in self.begun:
                    self._begin(one)
            elif not self.cluster.holds(one.id, one.place.attempt):
                self._send(one)
        return bool(runs)

    def _send(self, one: Standing) -> None:
        terms = one.place.terms
        order = Order(
            run=one.id,
            attempt=one.place.attempt,
            workspace=str(self.store.workspace),
            tracking=self.tracking,
            priority=terms.priority,
            cores=terms.cores,
            memory=terms.memory,
        )
        try:
            self.cluster.send(order)
            self._say("")
        except (Unreachable, Conflict) as error:
            self._say(str(error))

    def _say(self, heard: str) -> None:
        """Say once what hinders the cluster, and once that it no longer does."""
        if heard != self._heard:
            logger.warning(heard or f"The Dask scheduler at {self.cluster.address} answers again.")
            self._heard = heard

    def _hear(self, waiting: Mapping[str, Standing]) -> None:
        """Take back what need not begin any more, and end what no worker of the cluster could begin."""
        for run in self.cluster.sent() - waiting.keys():
            standing = self.store.queue.standing(run)
            if standing is None or standing.outcome is not None:
                self.cluster.withdraw(run)
        for run, why in self.cluster.over():
            one = self.store.queue.standing(run) if run in waiting else None
            if one is None or not one.waits or one.place.attempt != waiting[run].place.attempt:
                continue
            if why:
                self._try(one, self.store.finish, run, status="error", message=why)
            else:
                self._try(one, self._never_claimed, one)


def work(order: Order) -> None:
    """Execute a run: what happens on a worker of the cluster.

    Raises
    ------
    Conflict
        When this machine has another Python or ModelCompose than the one that sent it.
    NotFound
        When the run's folder is not to be seen from here.
    """
    here = Order(order.run, order.attempt, order.workspace)
    if (here.python, here.version) != (order.python, order.version):
        raise _different(platform.node(), here.python, here.version, order.python, order.version)
    store = RunStore(Path(order.workspace), order.tracking or None)
    if not store.folder(order.run).is_dir():
        raise NotFound(
            f"{platform.node()} does not see the files of run {order.run[:8]}",
            where=order.workspace,
            remedy="Put the workspace on a disk that every machine of the cluster sees under the same path.",
        )
    standing = store.queue.standing(order.run)
    if standing is None or not standing.waits or standing.place.attempt != order.attempt:
        return  # the scheduler gave the task to a second worker; the queue decides what becomes of the run
    process = Process.of(start(store, order.run, within=Process.of(os.getpid()), cluster=_scheduler()))
    while not process.dead:
        sleep(PAUSE)


def _scheduler() -> str:
    """Return the address of the scheduler that this worker belongs to, for the fits of its runs."""
    from distributed import get_worker

    try:
        return str(get_worker().scheduler.address)
    except ValueError:  # it is called by hand
        return ""


def _sendable(uri: str) -> str:
    """Return a tracking URI if it may travel through a scheduler, which shows what it is given to whoever looks.

    Raises
    ------
    InvalidInput
        When it holds a password.
    """
    if urlsplit(uri).password:
        raise InvalidInput(
            "the address of the MLflow server holds a password, which would be shown by the Dask scheduler",
            where="MODELCOMPOSE_TRACKING_URI",
            remedy="Give it to the workers of the cluster by MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.",
        )
    return uri


def _client(address: str) -> Client:
    """Connect; a file is one that the scheduler has written."""
    try:
        from distributed import Client
    except ImportError:
        raise InvalidInput(
            "Dask is not installed", where="cluster", remedy="Install it: pip install 'modelcompose[cluster]'."
        ) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    where: Mapping[str, Any] = {"address": address} if "://" in address else {"scheduler_file": address}
    return Client(**where, timeout=SECONDS, set_as_default=False, name="modelcompose")


def _require_same(client: Client) -> None:
    """Refuse a cluster whose workers have another Python or ModelCompose; later ones refuse by themselves."""
    from importlib.metadata import version

    here = Order("", 0, "")
    pythons = client.run(platform.python_version, on_error="return")
    versions = client.run(version, "modelcompose", on_error="return")
    for worker, python in pythons.items():
        theirs = versions.get(worker)
        if isinstance(python, str) and not isinstance(theirs, str):
            raise Conflict(
                f"worker {worker} has no ModelCompose",
                where="cluster",
                remedy=f"Install modelcompose {__version__} on every machine of the cluster.",
            )
        if isinstance(python, str) and (_minor(python), theirs) != (here.python, here.version):
            raise _different(worker, _minor(python), str(theirs), here.python, here.version)


def _minor(python: str) -> str:
    return ".".join(python.split(".")[:2])


def _different(where: str, python: str, version: str, asked_python: str, asked_version: str) -> Conflict:
    return Conflict(
        f"{where} has Python {python} and ModelCompose {version}, the sender {asked_python} and {asked_version}",
        where="cluster",
        remedy="Install the same on every machine of the cluster.",
    )


def _why(future: Future[Any]) -> str:
    """Say why a task failed; that its workers died is no reason, since the queue sees that by itself."""
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        return ""
    if isinstance(error, ModuleNotFoundError):
        return f"The cluster's worker lacks {error.name}: install the same on every machine of the cluster."
    return str(error) if isinstance(error, ModelComposeError) else f"{type(error).__name__}: {error}"
