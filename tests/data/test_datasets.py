"""Stored versions: never lost, never half there, never silently changed."""

from __future__ import annotations

import json
import multiprocessing
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from modelcompose.data.store import DatasetStore, VersionColumn, export, parse_reference
from modelcompose.errors import Conflict, InvalidData, InvalidInput, NotFound

FRAME = pd.DataFrame(
    {
        "n": [1, 2, 3],
        "x": [0.5, np.nan, -0.0],
        "word": pd.Series(["a", None, "=1+1"], dtype="str"),
        "yes": pd.Series([True, None, False], dtype="boolean"),
        "sure": [True, False, True],
        "day": pd.to_datetime(["2024-01-31", None, "1999-12-31 23:59:59.000001"], format="ISO8601").astype(
            "datetime64[us]"
        ),
    }
)


def described(frame: pd.DataFrame) -> list[VersionColumn]:
    return [VersionColumn(name=name, dtype=str(frame[name].dtype), kind="text") for name in frame]


def add(store: DatasetStore, name: str = "sales", frame: pd.DataFrame = FRAME, **more):
    return store.add(name, frame, columns=described(frame), **more)


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DatasetStore]:
    if request.param == "folder":
        yield DatasetStore(tmp_path / "store")
    else:
        yield DatasetStore(request.getfixturevalue("bucket") + f"/{tmp_path.name}")


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """A bucket of a real S3 server in this process."""
    import boto3
    import s3fs
    from moto.server import ThreadedMotoServer

    s3fs.S3FileSystem.clear_instance_cache()
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        boto3.client("s3").create_bucket(Bucket="tables")
        yield "s3://tables"
        s3fs.S3FileSystem.clear_instance_cache()  # it remembers a server that is gone
    server.stop()


remote = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
pytestmark = [remote]


def test_what_is_stored_is_read_back(store: DatasetStore) -> None:
    version, new = add(store, units={"x": "kg"}, message="first", source="sales.csv")
    assert new
    assert version.reference == "sales@1"
    read = store.read(store.get("sales"))
    pd.testing.assert_frame_equal(read, FRAME)
    assert store.get("sales", version.sha256[:8]).number == 1
    assert store.names() == ["sales"]
    assert (version.units, version.message, version.source) == ({"x": "kg"}, "first", "sales.csv")


def test_the_same_table_is_not_stored_twice(store: DatasetStore) -> None:
    first, _ = add(store)
    again, new = add(store)
    assert (again.number, new) == (first.number, False)
    declared, new = add(store, units={"x": "kg"})
    assert (declared.number, new, declared.sha256) == (2, True, first.sha256)


def test_rolling_back_moves_a_pointer_and_loses_nothing(store: DatasetStore) -> None:
    add(store)
    add(store, frame=FRAME.assign(n=[4, 5, 6]))
    assert store.current("sales").number == 2
    assert store.roll_back("sales", 1).number == 1
    assert store.current("sales").number == 1
    assert [version.number for version in store.versions("sales")] == [1, 2]
    third, new = add(store, frame=FRAME.assign(n=[4, 5, 6]))
    assert (third.number, third.parent, new) == (3, 1, True)


def test_removing(store: DatasetStore) -> None:
    add(store)
    add(store, frame=FRAME.assign(n=[4, 5, 6]))
    with pytest.raises(Conflict, match="current version"):
        store.remove("sales", 2)
    assert store.remove("sales", 1) == [1]
    with pytest.raises(NotFound, match="no version 1"):
        store.get("sales", 1)
    assert add(store)[0].number == 3
    assert store.verify() == (2, [])
    assert store.remove("sales") == [2, 3]
    assert store.names() == []
    assert add(store)[0].number == 4


def test_content_that_two_datasets_share_stays_while_one_needs_it(store: DatasetStore) -> None:
    add(store, "one")
    add(store, "two")
    store.remove("one")
    pd.testing.assert_frame_equal(store.read(store.current("two")), FRAME)


def test_damage_is_found_never_returned_and_healed_by_adding_again(tmp_path: Path) -> None:
    store = DatasetStore(tmp_path)
    version, _ = add(store)
    file = next(tmp_path.glob("objects/*/*.parquet"))
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 255
    file.write_bytes(content)
    with pytest.raises(InvalidData, match="missing or damaged"):
        store.read(version)
    checked, problems = store.verify()
    assert checked == 1
    assert [(one.name, one.number) for one in problems] == [("sales", 1)]
    add(store)
    assert store.verify("sales") == (1, [])
    file.unlink()
    assert len(store.verify()[1]) == 1
    next(tmp_path.glob("names/sales/versions/*.json")).write_text("{")
    assert "manifest" in store.verify()[1][0].problem


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "a\\b", "con", "a" * 81, "x.", "a b", "a@b", "com1.csv"])
def test_names_that_cannot_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        add(DatasetStore(tmp_path), name)


def test_names_that_differ_in_case_only(tmp_path: Path) -> None:
    store = DatasetStore(tmp_path)
    add(store, "Größe-1")
    with pytest.raises(InvalidInput, match="already a dataset named 'Größe-1'"):
        add(store, "größe-1")


def test_references() -> None:
    assert parse_reference("sales@3") == ("sales", "3")
    assert parse_reference("sales@3f2a9c") == ("sales", "3f2a9c")
    assert parse_reference("sales.csv") is None
    assert parse_reference("../sales@3") is None


def test_unknown_names_say_what_there_is(tmp_path: Path) -> None:
    store = DatasetStore(tmp_path)
    add(store)
    with pytest.raises(NotFound, match="Stored datasets: sales"):
        store.get("sale")


def test_the_store_that_holds_for_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODELCOMPOSE_DATASETS", raising=False)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert DatasetStore.find(inner).root == str(inner / ".modelcompose" / "datasets")
    (tmp_path / ".modelcompose" / "datasets").mkdir(parents=True)
    assert DatasetStore.find(inner).root == str(tmp_path / ".modelcompose" / "datasets")
    monkeypatch.setenv("MODELCOMPOSE_DATASETS", str(tmp_path / "other"))
    assert DatasetStore.find(inner).root == str(tmp_path / "other")


def test_contracts_are_numbered_too(store: DatasetStore) -> None:
    add(store)
    assert store.contract("sales") is None
    assert store.put_contract("sales", "{}") == 1
    assert store.put_contract("sales", '{"a": 1}') == 2
    assert store.contract("sales") == (2, '{"a": 1}')


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json", ".parquet", ".feather", ".xlsx"])
def test_export(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "out" / f"sales{suffix}"
    notes = export(FRAME, path)
    assert path.stat().st_size > 0
    assert bool(notes) == (suffix in (".csv", ".tsv", ".xlsx"))
    if suffix == ".csv":
        assert "'=1+1" in path.read_text()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_export_to_a_format_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="are not written as"):
        export(FRAME, tmp_path / "a.exe")


# -- several writers, and none that lives to the end ----------------------------------------------------------------


def _writer(root: str, seed: int, times: int) -> list[int]:
    store = DatasetStore(root)
    return [add(store, "race", FRAME.assign(n=[seed, number, 0]))[0].number for number in range(times)]


def test_writers_at_the_same_time_take_different_numbers(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        found = pool.starmap(_writer, [(str(tmp_path), seed, 6) for seed in range(3)])
    assert sorted(number for numbers in found for number in numbers) == list(range(1, 19))
    assert DatasetStore(tmp_path).verify() == (18, [])


CHILD = """
import os, random, sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
import modelcompose.data.store as module
from test_datasets import FRAME, add

def slowly(call):
    def slow(*arguments, **more):
        time.sleep(random.random() * 0.01)
        result = call(*arguments, **more)
        time.sleep(random.random() * 0.01)
        return result
    return slow

os.link, os.fsync = slowly(os.link), slowly(os.fsync)
store = module.DatasetStore({root!r})
print("ready", flush=True)
number = int(time.time() * 1000)
while True:
    number += 1
    version, _ = add(store, "killed", FRAME.assign(n=[number, 0, 0]))
    if random.random() < 0.2 and version.number > 3:
        store.roll_back("killed", version.number - 1)
    print(version.number, version.sha256, flush=True)
"""


@pytest.mark.parametrize("times", [8, pytest.param(50, marks=pytest.mark.slow)])
def test_kill_at_random_points_loses_no_version_and_leaves_none_half_there(tmp_path: Path, times: int) -> None:
    rng = random.Random(7)
    store = DatasetStore(tmp_path)
    promised: dict[int, str] = {}
    for _ in range(times):
        script = CHILD.format(tests=str(Path(__file__).parent), root=str(tmp_path))
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            time.sleep(rng.random() * 0.3)
            child.send_signal(signal.SIGKILL)
            for line in child.stdout.read().splitlines():
                number, _, sha256 = line.partition(" ")
                if len(sha256) == 64:
                    promised[int(number)] = sha256
        if not store.names():
            continue
        found = {version.number: version.sha256 for version in store.versions("killed")}
        assert promised.items() <= found.items()
        checked, problems = store.verify()
        assert (checked, problems) == (len(found), [])
        for file in tmp_path.glob("names/killed/*/*.json"):
            json.loads(file.read_text())
    assert promised
    assert add(store, "killed", FRAME)[1]
