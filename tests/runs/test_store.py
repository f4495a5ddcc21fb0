"""Runs are found again, newest first, and only what belongs to the workspace is let in."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from modelcompose.errors import Forbidden, NotFound
from modelcompose.runs import RunStore
from modelcompose.runs.machine import git_tags
from modelcompose.runs.process import Process
from modelcompose.runs.tracking import metrics
from modelcompose.verdict import Finding, Verdict

from .conftest import notebook


def test_runs_are_listed_newest_first(store: Any, create: Any) -> None:
    ids = [create(notebook(), name="listed").id for _ in range(3)]
    assert [run.id for run in store.list(limit=3)] == ids[::-1]
    assert len(store.list(limit=2)) == 2


def test_a_run_is_found_by_id_beginning_and_name(store: Any, create: Any) -> None:
    create(notebook(), name="found")
    run = create(notebook(), name="found")
    assert store.get(run.id) == store.get(run.id[:12]) == store.get("found") == run
    assert run.status == "queued"


@pytest.mark.parametrize("text", ["", "nobody", "../../etc", "0" * 32, "'; DROP TABLE runs; --"])
def test_what_is_not_there_is_not_found(store: Any, create: Any, text: str) -> None:
    create(notebook())
    with pytest.raises(NotFound, match="list the runs"):
        store.get(text)


def test_an_ambiguous_beginning_asks_for_more(store: Any, create: Any) -> None:
    firsts = Counter(create(notebook()).id[0] for _ in range(17))
    with pytest.raises(NotFound, match="Write more of the id"):
        store.get(firsts.most_common(1)[0][0])


def test_a_folder_name_cannot_climb_out(store: Any) -> None:
    with pytest.raises(NotFound):
        store.folder("../../secret")


def test_a_notebook_outside_the_workspace_is_forbidden(store: Any, create: Any) -> None:
    with pytest.raises(Forbidden):
        create(notebook(), notebook_path="../elsewhere.ipynb")
    with pytest.raises(NotFound):
        create(notebook(), notebook_path="nowhere/study.ipynb")


def test_a_publication_is_shown_while_its_files_exist(store: Any, create: Any) -> None:
    run = create(notebook())
    (store.workspace / "report.html").write_text("")
    run = store.published(run.id, report="report.html", app="apps/gone/app.ipynb")
    assert (run.report, run.app) == ("report.html", None)


def test_an_end_is_recorded_once(store: Any, create: Any) -> None:
    run = create(notebook())
    first = store.finish(run.id, status="stopped", message="Enough.")
    assert store.finish(run.id, status="error", message="Later.") == first
    assert first.message == "Enough."


def test_two_processes_may_make_the_database_at_once(made: Any) -> None:
    assert made[1] == ["", ""]


def test_a_run_whose_process_died_before_it_began_is_an_error(store: Any, create: Any) -> None:
    run = create(notebook(), here=True)
    assert run.status == "running"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    holder = Process.of(gone.pid)
    gone.wait()
    holder.write(store.folder(run.id))
    assert store.get(run.id).status == "error"


def test_what_a_process_found_before_it_died_is_not_lost(store: Any, create: Any) -> None:
    run = create(notebook())
    Process(1, "", Process.of(1).host).write(store.folder(run.id))
    (store.folder(run.id) / "outcome.json").write_text('{"status": "passed", "message": "Done."}')
    assert (store.get(run.id).status, store.get(run.id).message) == ("passed", "Done.")


def test_a_process_of_another_machine_is_not_judged(store: Any, create: Any) -> None:
    run = create(notebook())
    Process(1, "long ago", "elsewhere").write(store.folder(run.id))
    assert store.get(run.id).status == "running"


def test_the_tracking_uri_may_come_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELCOMPOSE_TRACKING_URI", "http://tracking.example")
    assert RunStore(tmp_path).tracking.uri == "http://tracking.example"
    assert RunStore(tmp_path, "sqlite:///other.db").tracking.uri == f"sqlite:///{tmp_path}/other.db"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "modelcompose.toml").write_text("[tracking]\nuri = 'http://other.example'\n")
    assert RunStore(tmp_path).tracking.uri == "http://tracking.example"
    monkeypatch.delenv("MODELCOMPOSE_TRACKING_URI")
    assert RunStore(tmp_path).tracking.uri == "http://other.example"


def test_git_tells_commit_and_changes(tmp_path: Path) -> None:
    assert git_tags(tmp_path) == {}
    git = ["git", "-C", str(tmp_path), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    (tmp_path / "file").write_text("1")
    for arguments in ["init", "-q"], ["add", "."], ["commit", "-qm", "one"]:
        subprocess.run([*git, *arguments], check=True)
    tags = git_tags(tmp_path)
    assert len(tags["mlflow.source.git.commit"]) == 40
    assert tags["modelcompose.git.dirty"] == "false"
    (tmp_path / "file").write_text("2")
    assert git_tags(tmp_path)["modelcompose.git.dirty"] == "true"


def test_metrics_are_named_by_step_and_finding() -> None:
    findings = [
        Finding(name=name, status="pass", value=value, shown="")
        for name, value in [
            ("R-hat, largest", 1.0),
            ("R-hat (largest)", 2.0),
            ("Größe", 3.0),
            ("?", 4.0),
            ("none", None),
        ]
    ]
    verdict = Verdict(step="sampling", title="", status="pass", sentence="", findings=findings)
    assert metrics([verdict]) == {
        "sampling.r-hat-largest": 1.0,
        "sampling.r-hat-largest-2": 2.0,
        "sampling.grösse": 3.0,
        "sampling.value": 4.0,
    }
