"""Runs are sorted, looked for, noted on and thrown away, and what is deleted for good leaves nothing behind."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from modelcompose import Workbench
from modelcompose.errors import Conflict, InvalidInput, NotFound
from modelcompose.runs import RunStore
from modelcompose.runs.filters import Filter, order

from .conftest import notebook

FIGURES = {"sampling.r-hat-largest", "answer.r-hat-largest", "sampling.e-bfmi-smallest", "posterior.skewness"}


def known() -> set[str]:
    return FIGURES


@pytest.fixture(scope="module")
def bench(made: Any) -> Workbench:
    return Workbench(made[0])


@pytest.fixture
def ended(store: RunStore, create: Any) -> Any:
    """Make a run that has ended, with figures."""

    def make(name: str, measured: dict[str, float] | None = None, **more: Any) -> str:
        run = create(notebook(), name=name, here=True, **more)
        store.tracking.measure(run.id, [(key, value, 0, 0) for key, value in (measured or {}).items()])
        return store.finish(run.id, status="passed", message="Done.").id

    return make


def found(store: RunStore, text: str, **more: Any) -> list[str]:
    return [run.name for run in store.page(100, text=text, **more)[0]]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("sleep", "tags.`modelcompose.words` ILIKE '%sleep%'"),
        ('"night shift"', "tags.`modelcompose.words` ILIKE '%night shift%'"),
        ("it's", 'tags.`modelcompose.words` ILIKE "%it\'s%"'),
        ("starred", "tags.`modelcompose.starred` = 'true'"),
        ("tag:owner=me", "tags.`owner` = 'me'"),
        ("elpd>-100", "metrics.`elpd` > -100.0"),
        ("r_hat_max <= 1.01", "metrics.`sampling.r-hat-largest` <= 1.01"),
        ("answer.r-hat-largest < 2", "metrics.`answer.r-hat-largest` < 2.0"),
        ("bfmi>0.3", "metrics.`sampling.e-bfmi-smallest` > 0.3"),
        ("draws = 1000", "params.`draws` = '1000'"),
        ("outcome = Reaction", "params.`outcome` = '\"Reaction\"'"),
        ("model:slopes", "tags.`modelcompose.model` ILIKE '%slopes%'"),
    ],
)
def test_what_is_typed_is_said_in_mlflows_words(text: str, where: str) -> None:
    assert Filter.read(text, known) == Filter("", (where,))


def test_all_parts_of_a_filter_hold_at_once() -> None:
    asked = Filter.read('sleep status:passed "a b" elpd > 1', known)
    assert (asked.status, len(asked.where)) == ("passed", 3)
    assert Filter.read("", known) == Filter("", ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("elpd > much", "no number"),
        ("elpd >", "compares nothing"),
        ("status:happy", "no status 'happy'"),
        ("status:passed status:failed", "one way only"),
        ("draws > 5", "= and !="),
        ("kindness > 1", "no run has a figure called 'kindness'"),
        ("e > 1", "may be any of"),
        ("tag:=1", "names no tag"),
    ],
)
def test_a_filter_that_cannot_be_read_says_why(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(said)) as raised:
        Filter.read(text, known)
    assert raised.value.remedy


def test_runs_are_sorted_by_columns_and_figures() -> None:
    assert order("", known) == "attributes.start_time DESC"
    assert order("name", known) == "attributes.run_name ASC"
    assert order("-elpd", known) == "metrics.`elpd` DESC"
    assert order("-skewness", known) == "metrics.`posterior.skewness` DESC"
    with pytest.raises(InvalidInput):
        order("beauty", known)


def test_runs_are_found_and_sorted_by_what_they_measured(store: RunStore, ended: Any) -> None:
    for name, elpd in ("kept-b", -3.0), ("kept-c", -1.0), ("kept-a", -2.0):
        ended(name, {"elpd": elpd, "sampling.r-hat-largest": 1.0 - elpd})
    assert found(store, "kept elpd >= -2") == ["kept-a", "kept-c"]
    assert found(store, "kept r_hat_max < 3.5", sort="name") == ["kept-a", "kept-c"]
    assert found(store, "kept", sort="elpd") == ["kept-b", "kept-a", "kept-c"]
    assert found(store, "kept", sort="-elpd") == ["kept-c", "kept-a", "kept-b"]
    first, more = store.page(2, text="kept", sort="name")
    rest, none = store.page(2, text="kept", sort="name", page=more)
    assert [run.name for run in [*first, *rest]] == ["kept-a", "kept-b", "kept-c"]
    assert none == ""


def test_stars_notes_and_tags_are_kept_and_found(bench: Workbench, store: RunStore, ended: Any) -> None:
    run = ended("noted")
    told = bench.annotate_run(run, True, "Better\nthan before", {"owner": "Ada", "grade": "1"})
    assert (told["starred"], told["note"], told["tags"]) == (
        True,
        "Better\nthan before",
        {"owner": "Ada", "grade": "1"},
    )
    assert found(store, "noted starred") == found(store, "BETTER ada") == found(store, "tag:owner=Ada") == ["noted"]
    told = bench.annotate_run(run, False, tags={"grade": None})
    assert (told["starred"], told["note"], told["tags"]) == (False, "Better\nthan before", {"owner": "Ada"})
    assert found(store, "noted starred") == []
    assert bench.annotate_run(run, note="")["note"] == ""
    assert found(store, "better ada") == []
    assert found(store, "noted ada") == ["noted"]


@pytest.mark.parametrize("more", [{"tags": {"mlflow.x": "1"}}, {"tags": {" ": "1"}}, {"note": "x" * 3001}])
def test_a_note_that_cannot_be_kept_whole_is_refused(bench: Workbench, ended: Any, more: Any) -> None:
    run = ended("refused")
    with pytest.raises(InvalidInput):
        bench.annotate_run(run, **more)
    assert bench.get_run(run)["note"] == ""


def test_the_trash_gives_back_what_it_holds(bench: Workbench, store: RunStore, create: Any, ended: Any) -> None:
    sweep = ended("swept", kind="tracked")
    child = ended("swept-child", parent=sweep)
    assert {run["id"] for run in bench.trash_runs([sweep])["runs"]} == {sweep, child}
    assert found(store, "swept") == []
    assert set(found(store, "swept", trash=True)) == {"swept", "swept-child"}
    with pytest.raises(NotFound):
        bench.get_run(sweep)
    assert {run["id"] for run in bench.restore_runs([sweep[:12]])["runs"]} == {sweep, child}
    assert bench.get_run(child)["status"] == "passed"
    waiting = create(notebook(), name="waits")
    with pytest.raises(Conflict, match="has not ended"):
        bench.trash_runs([sweep, waiting.id])
    assert bench.get_run(sweep)["name"] == "swept"
    with pytest.raises(NotFound, match="in the trash"):
        bench.restore_runs([sweep])


def test_deleting_frees_files_and_rows_but_nothing_of_others(
    bench: Workbench, store: RunStore, create: Any, ended: Any
) -> None:
    other, run = ended("stays"), ended("goes", {"elpd": 1.0})
    (store.folder(run) / "posterior.nc").write_bytes(b"x" * 5000)
    executed = Path(bench.get_run(run)["executed"])
    folders = [store.folder(run), store.home / "artifacts" / run]
    files = [store.workspace / executed, *(file for folder in folders for file in folder.rglob("*") if file.is_file())]
    size = sum(file.stat().st_size for file in files)
    assert size > 5000
    with pytest.raises(NotFound, match="in the trash"):
        bench.delete_runs([run])
    bench.trash_runs([run])
    told = bench.delete_runs([run])
    assert told["bytes"] == size
    assert [one["name"] for one in told["deleted"]] == ["goes"]
    assert not any(one.exists() for one in [*files, *folders])
    with sqlite3.connect(store.home / "mlflow.db") as database:
        left = [
            database.execute(f"select count(*) from {table} where run_uuid = ?", (run,)).fetchone()[0]
            for table in ("runs", "tags", "params", "metrics", "latest_metrics")
        ]
    assert left == [0] * 5
    assert bench.get_run(other)["executed"]
    assert store.artifact(other, "analysis.json").exists()


def test_a_run_that_is_registered_is_kept(bench: Workbench, store: RunStore, ended: Any) -> None:
    run = ended("registered")
    store.tracking.client.create_registered_model("kept")
    store.tracking.client.create_model_version("kept", source=f"runs:/{run}/model", run_id=run)
    with pytest.raises(Conflict, match="version 1 of the registered model 'kept'"):
        bench.trash_runs([run])


def test_views_are_kept_by_name_in_the_workspace(bench: Workbench) -> None:
    bench.save_view("good  ones", "status:passed", "-elpd")
    bench.save_view("All", "")
    bench.save_view("good ones", "starred", "-elpd")
    assert Workbench(bench.workspace).run_views()["views"] == [
        {"name": "All", "text": "", "sort": ""},
        {"name": "good ones", "text": "starred", "sort": "-elpd"},
    ]
    assert [one["name"] for one in bench.remove_view("All")["views"]] == ["good ones"]
    with pytest.raises(NotFound):
        bench.remove_view("All")
    with pytest.raises(InvalidInput):
        bench.save_view(" ")
