"""Pieces that are done here and on a cluster give the same in the same order, whatever happens to the cluster."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from modelcompose.samplers import spread
from modelcompose.samplers.spread import CLUSTER

HERE = threading.main_thread()


@dataclass
class Square:
    """A number that is squared: slowly in the main thread, which is this machine, at the second look on a worker."""

    number: int
    ended: bool = False
    looked: int = 0

    def wait(self, timeout: float | None = None) -> int:
        if threading.current_thread() is HERE and timeout is not None:
            time.sleep(0.02)
        elif timeout is not None:
            self.looked += 1
            if self.looked < 2:
                raise TimeoutError
        return self.number**2

    def cancel(self) -> None:
        self.ended = True


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(spread, "tell", found.append)
    return found


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    distributed = pytest.importorskip("distributed")
    logging.getLogger("distributed").setLevel("CRITICAL")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0", protocol="tcp"
    ) as cluster:
        monkeypatch.setenv(CLUSTER, cluster.scheduler_address)
        yield cluster.scheduler_address
        connection = spread._connection(cluster.scheduler_address)
        if connection._client is not None:
            connection._client.close()
        spread._connection.cache_clear()


def _connected(address: str) -> None:
    connection = spread._connection(address)
    for _ in range(500):
        if connection.client() is not None:
            return
        time.sleep(0.01)
    raise AssertionError(connection.problem)


def test_without_a_cluster_pieces_come_in_order_and_those_begun_are_ended() -> None:
    begun: list[Square] = []

    def begin(number: int) -> Square:
        begun.append(Square(number))
        return begun[-1]

    found = spread.spread(begin, range(100), ahead=3)
    assert [next(found) for _ in range(4)] == [0, 1, 4, 9]
    found.close()
    assert [one.ended for one in begun] == [False] * 4 + [True] * 2


def test_pieces_go_to_a_cluster_and_come_back_in_order(scheduler: str, told: list[dict[str, Any]]) -> None:
    _connected(scheduler)
    found = list(spread.spread(Square, range(200), ahead=1))
    assert found == [number**2 for number in range(200)]
    (event,) = told
    assert event["pieces"] == 200
    assert event["elsewhere"] > 0
    assert event["problem"] == ""


@dataclass
class Endless:
    """A piece that never ends on a worker, and at once here."""

    number: int

    def wait(self, timeout: float | None = None) -> int:
        if threading.current_thread() is HERE:
            time.sleep(0.02)
            return self.number
        time.sleep(timeout or 0.0)
        raise TimeoutError

    def cancel(self) -> None:
        CANCELLED.append(self.number)


CANCELLED: list[int] = []


def test_pieces_that_nobody_waits_for_any_more_are_ended_on_the_worker(
    scheduler: str, told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _connected(scheduler)
    monkeypatch.setattr(spread, "POLL", 0.01)
    CANCELLED.clear()
    assert list(spread.spread(Endless, range(50), ahead=1)) == list(range(50))
    assert told[0]["elsewhere"] == 0
    until = time.monotonic() + 10
    while not CANCELLED and time.monotonic() < until:
        time.sleep(0.01)
    assert CANCELLED


def test_what_a_worker_cannot_do_is_done_here(
    scheduler: str, told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _connected(scheduler)
    monkeypatch.setattr(spread, "libraries", lambda: (f"a {1 if threading.current_thread() is HERE else 2}",))
    pieces = spread.spread(Square, range(5000), ahead=1)
    found = [next(pieces)]
    while not spread._connection(scheduler).problem and len(found) < 5000:
        found.append(next(pieces))
    pieces.close()
    assert found == [number**2 for number in range(len(found))]
    assert told[0]["elsewhere"] == 0
    assert "a 2 instead of a 1: install the same everywhere" in told[0]["problem"]


def test_a_scheduler_out_of_reach_is_told_and_done_without(
    told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setenv(CLUSTER, "tcp://127.0.0.1:1")
    monkeypatch.setattr(spread, "SECONDS", 0.05)
    spread._connection.cache_clear()
    found = []
    for number in spread.spread(Square, range(1000), ahead=1):
        found.append(number)
        if len(found) > 20 and spread._connection("tcp://127.0.0.1:1").problem:
            break
    assert found == [number**2 for number in range(len(found))]
    assert "does not answer" in spread._connection("tcp://127.0.0.1:1").problem
    spread._connection.cache_clear()
