"""How long versions take to store, read, compare and check, beside pandas writing and reading the same Parquet file.

Run it as ``python tests/benchmarks/versions.py [rows]``. Ratios of one run count, not seconds: what writes is compared
with ``pandas.to_parquet``, everything else with ``pandas.read_parquet``. pandas verifies nothing and does not wait for
the disk; a store does both.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from table import TIMES, seconds, written

from modelcompose.data import DatasetStore, VersionColumn, infer, read
from modelcompose.data.contract import Contract
from modelcompose.data.diff import compare
from modelcompose.data.digest import digest


def versions(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Make tables that a store has not seen, one for each run."""
    for number in range(TIMES + 1):
        yield frame.assign(id=frame["id"] + number)


def edited(frame: pd.DataFrame) -> pd.DataFrame:
    """Change a hundred cells, leave a hundred rows out and put a hundred others first."""
    rows = np.linspace(1000, len(frame) - 1, 100).astype(int)
    new = frame.copy()
    new.loc[rows, "age"] = -1
    return pd.concat([frame.iloc[:100].assign(id=-1), new.drop(index=rows - 1)], ignore_index=True)


def measured(frame: pd.DataFrame, folder: Path) -> dict[str, tuple[float, str]]:
    """Return what each piece takes, and what it is compared with."""
    kinds = {name: guess.kind for name, guess in infer(frame).items()}
    columns = [VersionColumn(name=name, dtype=str(frame[name].dtype), kind=kinds[name]) for name in frame]
    store, file, unseen = DatasetStore(folder / "store"), folder / "table.parquet", versions(frame)
    stored, _ = store.add("table", next(unseen), columns=columns)
    content = folder / "store" / f"objects/{stored.sha256[:2]}/{stored.sha256}.parquet"
    new, contract = edited(frame), Contract.learn(frame, kinds)
    work: dict[str, tuple[Callable[[], object], str]] = {
        "pandas.to_parquet": (lambda: frame.to_parquet(file), "write"),
        "pandas.to_parquet, zstd": (lambda: frame.to_parquet(file, compression="zstd"), "write"),
        "add a version": (lambda: store.add("table", next(unseen), columns=columns), "write"),
        "pandas.read_parquet": (lambda: pd.read_parquet(file), "read"),
        "read, not verified": (lambda: pd.read_parquet(content), "read"),
        "read, verified": (lambda: store.read(stored), "read"),
        "digest": (lambda: digest(frame), "read"),
        "differences, by content": (lambda: compare(frame, new), "read"),
        "differences, by key": (lambda: compare(frame, new[new["id"] >= 0], key=["id"]), "read"),
        "learn a contract": (lambda: Contract.learn(frame, kinds), "read"),
        "check a contract": (lambda: contract.check(new, kinds), "read"),
    }
    return {name: (seconds(one), beside) for name, (one, beside) in work.items()}


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        frame, _ = read(written(rows, Path(folder) / "table.csv"))
        took = measured(frame, Path(folder))
    base = {"write": took["pandas.to_parquet"][0], "read": took["pandas.read_parquet"][0]}
    print(f"{'':>24} {'seconds':>8} {'× pandas':>9}")
    for name, (one, beside) in took.items():
        print(f"{name:>24} {one:8.3f} {one / base[beside]:9.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
