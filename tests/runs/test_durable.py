"""Files that run out and disks that are full: no run is lost over them, and none is told dead."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from modelcompose.runs import Control, execute
from modelcompose.runs.client import _environment
from modelcompose.runs.files import read_json, write_json
from modelcompose.runs.process import UNKNOWN, Process

from .conftest import notebook, step


@contextmanager
def no_more_files() -> Iterator[None]:
    """Use up the files that this process may open."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    held = []
    try:
        with suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for file in held:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_process_that_cannot_be_looked_at_is_not_taken_for_dead() -> None:
    other, mine = Process.of(os.getppid()), Process.of(os.getpid())
    with no_more_files():
        assert not other.dead
        assert mine.mine
        unknown = Process.of(os.getppid())
    assert unknown.birth == UNKNOWN
    assert not unknown.dead
    assert not unknown.mine
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        unknown = Process(gone.pid, UNKNOWN, other.host)
    assert unknown.dead


def test_what_tells_the_truth_is_on_the_disk_before_it_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "outcome.json"
    synced: list[int] = []

    def note(number: int) -> None:
        assert not file.exists()
        synced.append(os.fstat(number).st_size)

    monkeypatch.setattr(os, "fsync", note)
    write_json(file, {"status": "passed"})
    assert synced == [file.stat().st_size]
    assert read_json(file) == {"status": "passed"}
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


QUOTA = """
import resource, sys
from pathlib import Path
from modelcompose.runs import EventLog
from modelcompose.runs.execute import _recorder

log = EventLog(Path(sys.argv[1]))
heard = []
record = _recorder(log, [heard.append], None, "")
record("claimed", {"attempt": 1})
resource.setrlimit(resource.RLIMIT_FSIZE, (log.path.stat().st_size + 20, resource.RLIM_INFINITY))
for finished in range(3):
    record("sampling", {"finished": finished, "total": 3})
try:
    record("verdict", {"step": "data"})
except OSError:
    print("a verdict is not passed over")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
record("sampling", {"finished": 3, "total": 3})
print([event["type"] for event in heard], [event["n"] for event in log.read()])
"""


def test_a_disk_that_is_full_for_a_moment_does_not_end_sampling(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", QUOTA, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["a verdict is not passed over", "['claimed', 'sampling'] [1, 2]"]


def test_what_a_killed_kernel_was_saving_goes_when_the_run_ends(store: Any, create: Any) -> None:
    saving = (
        "import os, pathlib; pathlib.Path(os.environ['MODELCOMPOSE_RUN_FOLDER'], '.posterior.nc.part').write_text('x')"
    )
    run = create(notebook(step("fit", f"{saving}; os.kill(os.getpid(), 9)")), here=True)
    assert execute(store, run.id).status == "error"
    assert [file.name for file in store.folder(run.id).iterdir() if file.name.endswith(".part")] == []


def test_a_notebook_is_told_no_password_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELCOMPOSE_NOTIFY_PASSWORD", "s3cret")
    monkeypatch.setenv("JUPYTER_TOKEN", "s3cret")
    monkeypatch.setenv("AWS_REGION", "here")
    told = _environment(Control(env={"MODELCOMPOSE_RUN_FOLDER": "there"}))
    assert "s3cret" not in told.values()
    assert (told["AWS_REGION"], told["MODELCOMPOSE_RUN_FOLDER"]) == ("here", "there")
