"""Runs wait their turn, are executed once, begin again when their process died, and end in a truthful state."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from time import time
from typing import Any

import pytest

from modelcompose.errors import Conflict, InvalidInput, NotFound
from modelcompose.runs import EventLog, RunStore, Settings, Terms, Worker, execute, follow, pause, resume, stop
from modelcompose.runs.process import FILE, LEASE_SECONDS, Process
from modelcompose.runs.queue import Limits, Place, Standing, next_runs

from .conftest import SET_UP, new_code_cell, new_notebook, notebook, step, wait_for, workflow

HOUR = 3600.0


def waiting(folder: Path, *places: dict[str, Any]) -> list[Standing]:
    """Runs that wait, each in a folder of its own."""
    found = []
    for at, told in enumerate(places):
        terms = {name: told.pop(name) for name in ("priority", "cores", "memory") if name in told}
        place = Place(name=str(at), notebook="a.ipynb", asked=told.pop("asked", at), terms=Terms(**terms), **told)
        (folder / f"{at}").mkdir(exist_ok=True)
        found.append(Standing(str(at), folder / f"{at}", place))
    return sorted(found, key=lambda one: one.place.turn)


def names(runs: list[Standing]) -> list[str]:
    return [one.place.name for one in runs]


def test_higher_priority_begins_first_and_of_equals_the_older_one(tmp_path: Path) -> None:
    runs = waiting(tmp_path, {}, {"priority": 2}, {"priority": 2, "asked": -1}, {"priority": -1})
    assert names(next_runs(runs, [], Limits(100))) == ["2", "1", "0", "3"]


def test_runs_share_cores_and_memory_and_nobody_overtakes_the_one_that_waits_for_room(tmp_path: Path) -> None:
    runs = waiting(tmp_path, {"cores": 1}, {"cores": 3}, {"cores": 1})
    assert names(next_runs(runs, [], Limits(3))) == ["0"]
    assert names(next_runs(runs, [], Limits(4))) == ["0", "1"]
    assert names(next_runs(runs[1:], runs[:1], Limits(3))) == []
    large = waiting(tmp_path, {"cores": 1, "memory": 900}, {"cores": 1, "memory": 200})
    assert names(next_runs(large, [], Limits(4, 1000))) == ["0"]
    assert names(next_runs(large, [], Limits(4))) == ["0", "1"], "nobody knows how much memory there is"


def test_a_run_that_needs_more_than_there_is_begins_alone(tmp_path: Path) -> None:
    runs = waiting(tmp_path, {"cores": 64}, {"cores": 1})
    assert names(next_runs(runs, [], Limits(2))) == ["0"]
    assert names(next_runs(runs, runs[1:], Limits(2))) == []


def test_two_runs_that_do_not_say_what_they_need_go_on_side_by_side(tmp_path: Path) -> None:
    runs = waiting(tmp_path, {}, {}, {"within": "another"})
    for cores in (2, 4, 16):
        assert len(next_runs(runs[:2], [], Limits(cores))) == 2
    assert names(next_runs(runs[:2], runs[2:], Limits(2))) == ["0", "1"], "a round of another run counts with that"


def test_what_has_to_wait_does_not_hold_up_others(tmp_path: Path) -> None:
    runs = waiting(tmp_path, {"not_before": time() + 100}, {}, {})
    (runs[1].folder / "pause").touch()
    assert names(next_runs(runs, [], Limits(1))) == ["2"]


def test_a_clock_that_was_set_back_keeps_no_run_waiting_for_hours(tmp_path: Path) -> None:
    runs = waiting(tmp_path, {"not_before": time() + HOUR})
    assert names(next_runs(runs, [], Limits(1))) == ["0"]


def test_back_off_doubles_up_to_a_limit() -> None:
    place = Place(name="a", notebook="a", asked=0)
    seconds = []
    for _ in range(12):
        fresh = place.again(wait=None)
        seconds.append(round(fresh.not_before - place.again(0.0).not_before))
        place = fresh
    assert seconds[:4] == [2, 4, 8, 16]
    assert seconds[-1] == 300


@pytest.mark.parametrize("program", ["os", "modelcompose; rm", "modelcompose", "http://x"])
def test_only_programs_of_modelcompose_are_begun(program: str) -> None:
    with pytest.raises(ValueError, match="only a module"):
        Place(name="a", notebook="a", asked=0, program=program)


# -- executed once ---------------------------------------------------------------------------------------------------


def test_a_run_that_somebody_else_has_cannot_be_claimed(store: Any, create: Any) -> None:
    run = create(notebook())
    Process.of(os.getppid()).write(store.folder(run.id))
    assert store.get(run.id).status == "running"
    for act in (lambda: store.queue.claim(run.id), lambda: execute(store, run.id)):
        with pytest.raises(Conflict, match="another process"):
            act()
    with pytest.raises(Conflict, match="another process"):
        store.finish(run.id, status="passed", message="Not mine.")
    with pytest.raises(NotFound):
        execute(store, "0" * 32)


CLAIM = """
import sys, pathlib
from modelcompose.errors import Conflict
from modelcompose.runs import RunStore
queue = RunStore(pathlib.Path(sys.argv[1])).queue
mine = []
for id in sys.argv[2:]:
    try:
        queue.claim(id)
        mine.append(id)
    except Conflict:
        pass
print(*mine, flush=True)
input()
"""


def test_of_several_processes_that_claim_a_run_one_has_it(store: Any, create: Any) -> None:
    ids = [create(notebook()).id for _ in range(6)]
    command = [sys.executable, "-c", CLAIM, str(store.workspace), *ids]
    several = [subprocess.Popen(command, stdin=-1, stdout=-1, text=True) for _ in range(3)]
    claimed = [process.stdout.readline().split() for process in several if process.stdout]
    assert sorted(run for one in claimed for run in one) == sorted(ids)
    for process in several:
        process.communicate("\n")
    assert [store.get(run).status for run in ids] == ["error"] * 6, "those who had them have ended"


def test_a_process_of_another_machine_is_dead_when_it_was_silent_for_long(store: Any, create: Any) -> None:
    run = create(notebook())
    other = Process(1, "long ago", "elsewhere")
    other.write(store.folder(run.id))
    assert store.get(run.id).status == "running"
    file = store.folder(run.id) / FILE
    os.utime(file, (file.stat().st_atime, file.stat().st_mtime - LEASE_SECONDS - 5))
    assert (store.get(run.id).status, store.get(run.id).attempt) == ("error", 1)


def test_a_process_hears_that_its_run_was_taken_over(store: Any, create: Any) -> None:
    run = create(notebook(), here=True)
    mine = Process.of(os.getpid())
    assert mine.beat(store.folder(run.id))
    Process(1, "now", "elsewhere").write(store.folder(run.id))
    assert not mine.beat(store.folder(run.id))


# -- again -----------------------------------------------------------------------------------------------------------


def test_what_may_pass_is_tried_again_as_often_as_promised(store: Any, create: Any) -> None:
    run = create(notebook(), terms=Terms(retries=2))
    for attempt in (2, 3):
        run = store.finish(run.id, status="error", message="The kernel died.", passing=True)
        assert (run.status, run.attempt) == ("queued", attempt)
        assert "Attempt" in run.message
        assert store.queue.place(run.id).not_before > 0
    told = [event for event in EventLog(store.folder(run.id)).read() if event["type"] == "retry"]
    assert [event["attempt"] for event in told] == [2, 3]
    assert told[0]["seconds"] < told[1]["seconds"]
    run = store.finish(run.id, status="error", message="The kernel died.", passing=True)
    assert (run.status, run.attempt, run.message) == ("error", 3, "The kernel died.")


def test_a_failed_check_is_never_tried_again(store: Any, create: Any) -> None:
    run = create(notebook(), terms=Terms(retries=5))
    assert store.finish(run.id, status="failed", message="R-hat.").status == "failed"


# -- after one another -----------------------------------------------------------------------------------------------


def look(store: RunStore, *, begun: list[str] | None = None) -> None:
    """Let a worker look once; what it would begin is noted instead of begun."""

    def note(_store: RunStore, run_id: str) -> int:
        assert begun is not None
        begun.append(run_id)
        return os.getpid()

    Worker(store, Limits(100), note).look()


@pytest.fixture
def chain(tmp_path: Path) -> Any:
    """A workspace of its own, and a function that queues runs there."""
    store = RunStore(tmp_path)

    def make(*after: str, **more: Any) -> Any:
        from modelcompose.analysis import Analysis

        terms = Terms(after=after)
        return store.create(
            notebook(), name="chained", notebook_path="a.ipynb", analysis=Analysis(), terms=terms, **more
        )

    return store, make


def test_a_run_begins_when_those_before_it_have_ended_well(chain: Any) -> None:
    store, make = chain
    first = make()
    second = make(first.id[:12])
    third = make(second.id, first.id)
    assert second.after == (first.id,), "a beginning of an id is enough"
    with pytest.raises(NotFound):
        make("nobody")
    begun: list[str] = []
    look(store, begun=begun)
    assert begun == [first.id]
    store.finish(first.id, status="warned", message="")
    begun.clear()
    look(store, begun=begun)
    assert begun == [second.id]
    store.finish(second.id, status="failed", message="R-hat.")
    look(store)
    assert store.get(third.id).status == "cancelled"
    assert store.get(third.id).message == (
        f"Not begun: run 'chained' ({second.id[:8]}), which it was to follow, ended as 'failed'."
    )
    assert store.queue.open() == []


def test_the_end_of_a_run_that_could_not_begin_is_told_while_the_queue_goes_on(
    chain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, make = chain
    run = make()
    answer, told = threading.Event(), threading.Event()

    def tell(_store: RunStore, ended: Any) -> None:
        assert (ended.id, ended.status) == (run.id, "error")
        answer.wait(60)
        told.set()

    def fail(*_: Any) -> int:
        raise OSError("no more processes")

    monkeypatch.setattr("modelcompose.runs.notify.ended", tell)
    worker = Worker(store, Limits(100), fail)
    worker.look()
    assert not worker.look(), "nobody has answered yet"
    answer.set()
    assert told.wait(60)


# -- what cannot be recorded now ---------------------------------------------------------------------------------------


def test_an_outcome_is_kept_while_mlflow_cannot_be_reached(
    store: Any, create: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    run = create(notebook(), here=True)
    cut_off = RunStore(store.workspace, "http://127.0.0.1:9")
    found = cut_off.finish(run.id, status="warned", message="Few rows.")
    assert (found.status, found.message) == ("warned", "Few rows.")
    assert EventLog(store.folder(run.id)).read()[-1]["type"] == "end"
    found = store.get(run.id)
    assert (found.status, found.message) == ("warned", "Few rows.")
    assert store.tracking.client.get_run(run.id).info.status == "FINISHED"
    assert [event["type"] for event in EventLog(store.folder(run.id)).read()].count("end") == 1
    assert store.queue.standing(run.id) is None


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small disk")
def test_a_full_disk_changes_no_outcome_and_hides_no_run(chain: Any, tmp_path: Path) -> None:
    store, make = chain
    run = make(here=True)
    disk = store.folder(run.id)
    kept = {file.name: file.read_bytes() for file in disk.iterdir()}
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine mounts no disk")
    try:
        for name, content in kept.items():
            (disk / name).write_bytes(content)
        with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(b"x" * 512)
        with pytest.raises(OSError, match="No space left"):
            store.finish(run.id, status="passed", message="Done.")
        assert store.get(run.id).status == "running", "who has it still lives"
        (disk / "filler").unlink()
        assert store.finish(run.id, status="passed", message="Done.").status == "passed"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# -- lists -----------------------------------------------------------------------------------------------------------


def test_runs_are_listed_page_by_page_and_by_what_is_asked(chain: Any) -> None:
    store, make = chain
    ids = [make(tags={"owner": "me" if at % 2 else "you"}).id for at in range(5)]
    for at, status in enumerate(["passed", "failed", "passed"]):
        store.finish(ids[at], status=status, message="")
    store.tracking.measure(ids[0], [("sampling.r-hat", 1.2, 0, 0)])
    first, more = store.page(3)
    second, none = store.page(3, page=more)
    assert [run.id for run in (*first, *second)] == ids[::-1]
    assert none == ""
    assert [run.tags for run in second] == [{"owner": "me"}, {"owner": "you"}]

    def found(**asked: str) -> list[int]:
        return sorted(ids.index(run.id) for run in store.page(**asked)[0])

    assert found(status="passed") == [0, 2]
    assert found(status="queued") == [3, 4]
    assert found(status="running") == []
    assert found(text="CHAIN") == [0, 1, 2, 3, 4]
    assert found(text="it's") == found(model="none") == []
    assert found(where="tags.owner = 'me'", status="failed") == [1]
    assert found(where="metrics.`sampling.r-hat` < 1.3") == [0]
    with pytest.raises(InvalidInput, match="no status"):
        store.page(status="broken")
    with pytest.raises(InvalidInput, match="not a filter"):
        store.page(where="owner is me")


def test_tags_of_modelcompose_are_not_for_people(store: Any, create: Any) -> None:
    with pytest.raises(InvalidInput, match="cannot be called"):
        create(notebook(), tags={"modelcompose.status": "passed"})


# -- settings ----------------------------------------------------------------------------------------------------------


def test_settings_come_from_the_workspace_and_the_environment(tmp_path: Path) -> None:
    assert Settings.of(tmp_path, {}).limits().cores >= 1
    (tmp_path / "modelcompose.toml").write_text("[queue]\ncores = 3\nretries = 0\n[cluster]\naddress = 'tcp://a:1'\n")
    settings = Settings.of(tmp_path, {"MODELCOMPOSE_QUEUE_MEMORY": "700", "MODELCOMPOSE_QUEUE_RETRIES": "4"})
    assert settings.limits() == Limits(3, 700)
    assert settings.limits(5) == Limits(5, 700)
    assert settings.cluster.address == "tcp://a:1"
    assert settings.terms({"priority": 2, "cores": None}) == Terms(priority=2, retries=4)
    with pytest.raises(InvalidInput, match="priority"):
        settings.terms({"priority": "high"})


@pytest.mark.parametrize("text", ["[queue]\ncores = 'many'", "[que]\ncores = 1", "cores ="])
def test_settings_that_cannot_be_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "modelcompose.toml").write_text(text)
    with pytest.raises(InvalidInput):
        Settings.of(tmp_path, {})


# -- real runs ---------------------------------------------------------------------------------------------------------

DEADLY = """
import os, pathlib
folder = pathlib.Path(os.environ["MODELCOMPOSE_RUN_FOLDER"])
(folder / "kernel").write_text(str(os.getpid()))
if (folder / "died").exists():
    judge("data")
else:
    (folder / "died").touch()
    import time
    time.sleep(600)
"""


@pytest.fixture
def worker(store: Any) -> Any:
    """A worker that runs the queue meanwhile, from which other tests' runs are taken first."""
    for left in store.queue.open():
        if left.waits:
            stop(store, left.id)
    one = Worker(store, Limits(4))
    thread = threading.Thread(target=one.work)
    thread.start()
    yield one
    one.stopping.set()
    thread.join()


def test_a_run_whose_process_is_killed_goes_on_and_its_kernel_ends(store: Any, create: Any, worker: Any) -> None:
    run = create(notebook(step("data", DEADLY)), terms=Terms(retries=1))
    kernel = store.folder(run.id) / "kernel"
    wait_for(kernel.exists)
    wait_for(kernel.read_text)
    orphan = Process.of(int(kernel.read_text()))
    holder = Process.read(store.folder(run.id))
    assert holder is not None
    os.kill(holder.pid, signal.SIGKILL)
    wait_for(lambda: orphan.dead)
    events = list(follow(store, run.id))
    assert [event["type"] for event in events if event["type"] in ("claimed", "retry", "end")] == [
        *("claimed", "retry", "claimed", "end")
    ]
    run = store.get(run.id)
    assert (run.status, run.attempt) == ("passed", 2)
    assert not list(follow(store, run.id, since=events[-1]["n"]))


def test_a_time_limit_stops_a_run_and_keeps_its_draws(store: Any, create: Any) -> None:
    run = create(workflow(draws=1_000_000), terms=Terms(timeout=1))
    run = execute(store, run.id)
    assert run.status == "stopped"
    assert "Stopped by its time limit of 1 s" in run.message


def test_a_cancelled_run_keeps_no_draws_and_cannot_go_on(store: Any, create: Any) -> None:
    from modelcompose.runs import cancel

    run = create(new_notebook(cells=[new_code_cell(SET_UP), *workflow(draws=1_000_000).cells[3:5]]))

    def ask(event: dict[str, Any]) -> None:
        if event["type"] == "sampling" and event["finished"] == 1:
            (store.folder(run.id) / "posterior.nc").write_text("half of it")
            store.tracking.client.log_artifact(run.id, str(store.folder(run.id) / "posterior.nc"))
            pause(store, run.id)
        elif event["type"] == "paused":
            assert resume(store, run.id).status == "running"
        elif event["type"] == "continued":
            cancel(store, run.id)

    ended = execute(store, run.id, ask)
    assert (ended.status, ended.message) == ("cancelled", "Cancelled during step fit; its draws were not kept.")
    assert store.tracking.client.get_run(run.id).info.status == "KILLED"
    with pytest.raises(NotFound):
        store.artifact(run.id, "posterior.nc")
    with pytest.raises(Conflict, match="discarded"):
        resume(store, run.id)
