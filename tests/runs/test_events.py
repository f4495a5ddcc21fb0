"""Events survive crashes and reach whoever waits for them."""

from __future__ import annotations

import threading
from pathlib import Path
from time import monotonic

from modelcompose.runs import EventLog


def test_events_are_numbered_from_one_and_read_from_any(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "run")
    assert log.read() == []
    log.append("run", run="a")
    second = log.append("sampling", finished=float("inf"), chains=[{"step_size": float("nan")}], n=7, time=0)
    assert (second["n"], second["finished"], second["chains"]) == (2, None, [{"step_size": None}])
    assert log.read(since=1) == [second]
    assert [event["n"] for event in EventLog(tmp_path / "run").read()] == [1, 2]


def test_a_half_written_line_is_passed_over(tmp_path: Path) -> None:
    EventLog(tmp_path).append("run")
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('{"n": 2, "type": "sam')
    log = EventLog(tmp_path)
    assert [event["n"] for event in log.read()] == [1]
    assert log.append("end")["n"] == 2
    assert [event["type"] for event in log.read()] == ["run", "end"]


def test_a_second_writer_goes_on_counting(tmp_path: Path) -> None:
    first, second = EventLog(tmp_path), EventLog(tmp_path)
    assert [log.append("step")["n"] for log in (first, second, first, second)] == [1, 2, 3, 4]


def test_who_waits_is_woken_by_an_event_or_by_time(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    began = monotonic()
    assert log.wait(since=0, seconds=0.1) == []
    writer = threading.Timer(0.2, EventLog(tmp_path).append, ["run"])
    writer.start()
    assert [event["type"] for event in log.wait(since=0, seconds=10)] == ["run"]
    assert monotonic() - began < 5
    writer.join()
