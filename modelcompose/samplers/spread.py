"""Pieces of work that do not depend on each other, done on this machine and, where there is one, on a cluster.

A piece is one of many fits, or one chain of a fit. What it gives follows from its number alone, never from where it is
done: its seed comes from the analysis and its place in the row. That allows the simplest of rules. This machine works
from the front as if it were alone. Workers of a Dask scheduler are given what nobody has begun. When nothing else is
left, this machine also begins what was sent and has not come back, and whoever is first counts. So nothing waits for a
cluster that is busy with the very runs that asked for help; a worker that dies, is slow or goes away costs time only;
and a scheduler that is out of reach is told once and done without.

``MODELCOMPOSE_CLUSTER_ADDRESS`` names the scheduler, as ``tcp://host:8786`` or by the file that it has written. Its
workers need the same versions of Python, ModelCompose and the libraries that draw; one that has others refuses, and
its pieces are done here. They need not see the workspace: a piece travels with its model.
"""

from __future__ import annotations

import logging
import os
import platform
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Protocol

from modelcompose.samplers.progress import tell

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["CLUSTER", "Begin", "Running", "cores", "scheduler", "spread"]

CLUSTER = "MODELCOMPOSE_CLUSTER_ADDRESS"
PRIORITY = "MODELCOMPOSE_PRIORITY"
EVENT = "cluster"
SECONDS = 10.0  # to wait for a scheduler that does not answer
AGAIN = 15.0  # seconds until the next attempt to reach it
LOOK = 0.05  # seconds between two looks at what has come back
COUNT_EVERY = 2.0  # seconds between two counts of the cluster's threads
POLL = 0.2  # seconds between two looks of a worker at whether its piece is still wanted
AHEAD = 2  # pieces sent for each thread of the cluster
TOGETHER = 20  # pieces that travel together at most
FAILURES = 3  # of the cluster's, after which it is done without
SAME = ("modelcompose", "bambi", "numba", "numpy", "nutpie", "pymc", "pytensor", "scipy")

logger = logging.getLogger("modelcompose.samplers")


class Running(Protocol):
    """A piece that was begun and goes on by itself."""

    def wait(self, timeout: float | None = None) -> Any:
        """Return what it gives; ``TimeoutError`` when it has not ended after so many seconds."""

    def cancel(self) -> None:
        """End it; nobody wants to know what it gives."""


Begin = Callable[[Any], Running]
"""Begins a piece, given what it is about."""


def scheduler() -> str:
    """Return the address or the file of the Dask scheduler that pieces are sent to; empty when there is none."""
    return os.environ.get(CLUSTER, "")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(
    begin: Begin,
    items: Iterable[Any],
    *,
    ahead: int,
    threads: int = 1,
    together: int = TOGETHER,
    between: Callable[[], object] = lambda: None,
) -> Generator[Any, None, None]:
    """Do pieces of work, and yield what they give in their order.

    Whoever stops early, by closing this or by an interrupt, ends what is under way.

    Parameters
    ----------
    begin
        Begins a piece. What it gives follows from the item alone. It travels to the workers of a cluster, and so it
        must be something that ``cloudpickle`` can write.
    items
        What the pieces are about.
    ahead
        How many are under way on this machine at a time.
    threads
        How many threads of a machine one piece keeps busy.
    together
        How many pieces may travel together at most.
    between
        Called again and again while a cluster is waited for. Nothing is begun or sent as long as it does not return.
    """
    address = scheduler()
    if address:
        yield from _Everywhere(begin, list(items), ahead, threads, together, _connection(address)).results(between)
    else:
        yield from _here(begin, items, ahead)


def _here(begin: Begin, items: Iterable[Any], ahead: int) -> Generator[Any, None, None]:
    running: deque[Running] = deque()
    try:
        for item in items:
            running.append(begin(item))
            if len(running) >= ahead:
                yield _ended(running)
        while running:
            yield _ended(running)
    finally:
        for one in running:
            one.cancel()


def _ended(running: deque[Running]) -> Any:
    found = running[0].wait()
    running.popleft()
    return found


# ---- on this machine and on a cluster


class _Everywhere:
    """Pieces that are under way here and elsewhere."""

    def __init__(
        self, begin: Begin, items: Sequence[Any], ahead: int, threads: int, together: int, connection: _Connection
    ) -> None:
        self._begin, self._items, self._ahead, self._threads = begin, items, ahead, threads
        self._together = together
        self._connection = connection
        self._packed: bytes | None = None
        self._open = deque(range(len(items)))  # what nobody has begun
        self._here: dict[int, Running] = {}
        self._sent: dict[Future[Any], list[int]] = {}
        self._done: dict[int, Any] = {}
        self._ended: set[int] = set()
        self._elsewhere = self._failures = 0

    def results(self, between: Callable[[], object]) -> Generator[Any, None, None]:
        try:
            for at in range(len(self._items)):
                while at not in self._done:
                    between()
                    self._look()
                yield self._done.pop(at)
        finally:
            self._close()

    def _look(self) -> None:
        """Take what has come back, give out what may be begun, and wait a moment for what is done here."""
        client = self._connection.client()
        if client is None:
            self._take_back(list(self._sent))
        else:
            self._collect()
            self._send(client)
        self._begin_here()
        if not self._here:
            sleep(LOOK)
            return
        first = next(iter(self._here))
        with suppress(TimeoutError):
            found = self._here[first].wait(LOOK)
            del self._here[first]
            self._take(first, found)

    def _take(self, at: int, found: Any) -> bool:
        """Keep what a piece gave, unless it was known already."""
        if at in self._ended:
            return False
        self._ended.add(at)
        self._done[at] = found
        return True

    def _collect(self) -> None:
        for future, places in list(self._sent.items()):
            if future.status == "finished":
                given = _given(future)
                if given is None:
                    continue
                del self._sent[future]
                for at, found in zip(places, given, strict=True):
                    self._elsewhere += self._take(at, found)
                    if (running := self._here.pop(at, None)) is not None:
                        running.cancel()
            elif future.status != "pending":
                self._fail(future)

    def _fail(self, future: Future[Any]) -> None:
        """Do here, or send again, what the cluster could not do."""
        if future.status == "error":
            self._failures += 1
            self._connection.trouble(_said(future.exception()))
        self._take_back([future])

    def _take_back(self, futures: Iterable[Future[Any]]) -> None:
        for future in futures:
            places = self._sent.pop(future)
            waiting = [at for at in places if at not in self._ended and at not in self._here]
            self._open.extendleft(reversed(waiting))

    def _send(self, client: Client) -> None:
        """Keep the cluster's threads busy with what nobody has begun; what this machine does next stays here."""
        room = AHEAD * self._connection.threads() // self._threads - len(self._sent)
        while room > 0 and len(self._open) > self._ahead - len(self._here) and self._failures < FAILURES:
            share = max(1, len(self._open) // (2 * max(1, room)))
            # The places at the end: this machine works from the front, and the two meet in between.
            places = [self._open.pop() for _ in range(min(share, self._together))][::-1]
            try:
                self._sent[self._submitted(client, places)] = places
            except Exception as error:  # what cannot be written down, or a scheduler that has just gone
                self._failures = FAILURES
                self._connection.trouble(_said(error))
                self._open.extend(places)
                return
            room -= 1

    def _submitted(self, client: Client, places: list[int]) -> Future[Any]:
        if self._packed is None:
            self._packed = _packed(self._begin)
        return client.submit(
            work,
            self._connection.model(self._packed),
            _packed([self._items[at] for at in places]),
            libraries(),
            pure=False,
            retries=1,
            priority=float(os.environ.get(PRIORITY) or 0) + 0.5,  # before runs that have not begun
            resources=self._connection.resources(self._threads),
        )

    def _begin_here(self) -> None:
        while len(self._here) < self._ahead:
            at = self._open.popleft() if self._open else self._late()
            if at is None:
                return
            self._here[at] = self._begin(self._items[at])

    def _late(self) -> int | None:
        """Return the first piece that was sent and has not come back."""
        late = [at for places in self._sent.values() for at in places if at not in self._here and at not in self._ended]
        return min(late, default=None)

    def _close(self) -> None:
        for running in self._here.values():
            running.cancel()
        self._connection.forget(list(self._sent))
        tell(
            {
                "type": EVENT,
                "address": self._connection.address,
                "pieces": len(self._items),
                "elsewhere": self._elsewhere,
                "problem": self._connection.problem,
            }
        )


class _Connection:
    """A scheduler, reached in the background: nothing here waits for it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.problem = ""
        self._client: Client | None = None
        self._seeking = False
        self._not_before = 0.0
        self._counted = (0.0, 0)
        self._models: dict[bytes, Future[Any]] = {}

    def client(self) -> Client | None:
        """Return the client if the scheduler is reached; otherwise see that it is sought."""
        if self._client is not None and self._client.status == "running":
            return self._client
        if self._client is not None:
            self.trouble("the scheduler has gone away")
            gone, self._client = self._client, None
            self._models.clear()
            threading.Thread(target=_closed, args=(gone,), daemon=True).start()
        if not self._seeking and monotonic() >= self._not_before:
            self._seeking = True
            threading.Thread(target=self._seek, name="dask", daemon=True).start()
        return None

    def _seek(self) -> None:
        try:
            self._client = _client(self.address)
            self.problem = ""
        except Exception as error:
            self._not_before = monotonic() + AGAIN
            self.trouble(f"the Dask scheduler at {self.address} does not answer ({_said(error)})")
        finally:
            self._seeking = False

    def trouble(self, problem: str) -> None:
        """Note what hinders the cluster; the work goes on here."""
        if problem != self.problem:
            logger.warning("%s; this machine does the work", problem)
        self.problem = problem

    def threads(self) -> int:
        """Return how many threads the cluster has."""
        assert self._client is not None  # noqa: S101
        when, found = self._counted
        if monotonic() - when > COUNT_EVERY:
            found = sum(one["nthreads"] for one in self._workers())
            self._counted = monotonic(), found
        return found

    def resources(self, cores: int) -> dict[str, float] | None:
        """Name what a piece needs of that which workers declare to have."""
        return {"cores": float(cores)} if any("cores" in one["resources"] for one in self._workers()) else None

    def _workers(self) -> list[Any]:
        assert self._client is not None  # noqa: S101
        return list(self._client.scheduler_info(n_workers=-1)["workers"].values())

    def model(self, packed: bytes) -> Future[Any]:
        """Return a model on the cluster, which is sent there once.

        The task that gives it back can be repeated, so that it outlives the workers that hold it.
        """
        assert self._client is not None  # noqa: S101
        if packed not in self._models:
            self._models.clear()  # what came before is over
            self._models[packed] = self._client.submit(bytes, packed, pure=False)
        return self._models[packed]

    def forget(self, futures: list[Future[Any]]) -> None:
        """End what was sent."""
        client = self._client
        if client is not None and client.status == "running" and futures:
            with suppress(Exception):  # it has just gone, and everything with it
                client.cancel(futures, force=True)


@cache
def _connection(address: str) -> _Connection:
    """Return the connection of this process to a scheduler."""
    return _Connection(address)


def _client(address: str) -> Client:
    from distributed import Client

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    where = {"address": address} if "://" in address else {"scheduler_file": address}
    return Client(**where, timeout=SECONDS, set_as_default=False, name="modelcompose-pieces")


def _closed(client: Client) -> None:
    with suppress(Exception):  # whoever it would say so to is gone
        client.close(timeout=1)


def _given(future: Future[Any]) -> list[Any] | None:
    """Fetch what some pieces gave; None when their worker has just died, and they are done again."""
    try:
        found: list[Any] = future.result(timeout=SECONDS)
    except Exception:
        return None
    return found


def _packed(what: Any) -> bytes:
    import cloudpickle

    found: bytes = cloudpickle.dumps(what)
    return found


def _said(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}".strip().splitlines()[0][:300]


# ---- on a worker of the cluster


def work(packed: bytes, items: bytes, wanted: tuple[str, ...]) -> list[Any]:
    """Do some pieces, one after the other: what happens on a worker of the cluster.

    Raises
    ------
    RuntimeError
        When this machine has other libraries than the one that asks, and so might give other numbers; or when nobody
        wants the pieces any more.
    """
    import cloudpickle

    if libraries() != wanted:
        pairs = zip(libraries(), wanted, strict=True)
        other = ", ".join(f"{ours} instead of {theirs}" for ours, theirs in pairs if ours != theirs)
        raise RuntimeError(f"{platform.node()} has {other}: install the same everywhere")
    begin = _begin(packed)
    return [_followed(begin(item)) for item in cloudpickle.loads(items)]


def libraries() -> tuple[str, ...]:
    """Name what numbers depend on: this Python, and the versions of the libraries that draw."""
    return (f"Python {'.'.join(platform.python_version_tuple()[:2])}", *map(_version, SAME))


@cache
def _version(library: str) -> str:
    try:
        return f"{library} {version(library)}"
    except PackageNotFoundError:
        return f"{library} missing"


_UNPACKING = threading.Lock()


def _begin(packed: bytes) -> Begin:
    """Return what begins pieces: unpacked, and so compiled, once for a worker."""
    with _UNPACKING:
        return _unpacked(_Packed(packed))


class _Packed:
    """Bytes that are told apart by their digest, so that caching them keeps no large keys."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self._digest = sha256(content).digest()

    def __hash__(self) -> int:
        return hash(self._digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Packed) and other._digest == self._digest


@lru_cache(maxsize=4)
def _unpacked(packed: _Packed) -> Begin:
    import cloudpickle

    found: Begin = cloudpickle.loads(packed.content)
    return found


def _followed(running: Running) -> Any:
    while True:
        with suppress(TimeoutError):
            return running.wait(POLL)
        if _unwanted():
            running.cancel()
            raise RuntimeError("nobody wants this piece any more")


def _unwanted() -> bool:
    """Tell whether the task that this thread executes was withdrawn, or whoever sent it is gone."""
    from distributed import get_worker, worker

    task = get_worker().state.tasks.get(getattr(worker.thread_state, "key", ""))  # type: ignore[attr-defined]
    return task is None or task.state == "cancelled"
