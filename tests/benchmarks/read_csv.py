"""Which engine reads delimited text fastest, and what the checks around it cost.

``python tests/benchmarks/read_csv.py`` reads 1,000,000 rows of 10 columns with every engine that is installed, then
with ModelCompose, step by step, and in other ways of writing the same table; ``--large`` measures time and memory for
10,000,000 rows, each reader in a process of its own. Ratios of one run count, not seconds: pandas reads with several
threads since its version 3.1, so its row with one thread says what it took before.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.csv as pv
from table import seconds, written

from modelcompose.data import fast, read
from modelcompose.data.cells import tidy
from modelcompose.data.delimited import Delimited, Layout, peek

MEASURED = """
import resource, sys, time
import pandas, pyarrow.csv
from modelcompose.data import read
kilobytes = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before, began = kilobytes(), time.perf_counter()
table = {call}
print(len(table), time.perf_counter() - began, (kilobytes() - before) * 1024)
"""


def engines(path: Path) -> dict[str, Callable[[], object]]:
    found: dict[str, Callable[[], object]] = {
        "pandas": lambda: pd.read_csv(path),
        "pandas, one thread": lambda: one_thread(path),
        "Arrow": lambda: pv.read_csv(path),
        "DuckDB": lambda: duckdb.read_csv(str(path)).to_arrow_table(),
    }
    if importlib.util.find_spec("polars"):
        import polars

        found["Polars"] = lambda: polars.read_csv(path)
    return found


def one_thread(path: Path) -> pd.DataFrame:
    with pd.option_context("mode.max_threads", 1):
        return pd.read_csv(path)


def steps(path: Path) -> dict[str, Callable[[], object]]:
    layout, raw = Layout.of(path, {}), Delimited().read(path)
    return {
        "first 50 rows": lambda: peek(path),
        "looking through the bytes": lambda: fast.Scan(",").passes(path),
        "columns": lambda: fast.columns(path, ",", layout.start, decimal_comma=False),
        "typing of text": lambda: tidy(raw, path.name),
        "ModelCompose": lambda: read(path),
    }


def rewritten(path: Path) -> dict[str, Path]:
    """Write the table as R does, with every text in quotation marks, and as a German spreadsheet does."""
    frame = pd.read_csv(path)
    quoted, german = path.with_name("quoted.csv"), path.with_name("german.csv")
    frame.to_csv(quoted, index=False, quoting=csv.QUOTE_NONNUMERIC)
    frame.to_csv(german, index=False, sep=";", decimal=",")
    return {"ModelCompose, texts in quotes": quoted, "ModelCompose, semicolons and commas": german}


def small(path: Path) -> None:
    took = {name: seconds(work) for name, work in {**engines(path), **steps(path)}.items()}
    took |= {name: seconds(lambda one=one: read(one)) for name, one in rewritten(path).items()}  # type: ignore[misc]
    print(f"{'':>36} {'seconds':>8} {'× pandas':>9}")
    for name, one in took.items():
        print(f"{name:>36} {one:8.3f} {one / took['pandas']:9.2f}")


def large(path: Path) -> None:
    size = path.stat().st_size
    print(f"{size / 1e9:.2f} GB {'':>15} {'seconds':>8} {'memory':>10} {'× file':>7}")
    calls = {"pandas": "pandas.read_csv({})", "Arrow": "pyarrow.csv.read_csv({})", "ModelCompose": "read({})[0]"}
    for name, call in calls.items():
        script = MEASURED.format(call=call.format(repr(str(path))))
        answer = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
        _, took, memory = map(float, answer.stdout.split())
        print(f"{name:>23} {took:8.1f} {memory / 1e9:7.2f} GB {memory / size:7.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="10,000,000 rows, and the memory they take")
    with tempfile.TemporaryDirectory() as folder:
        if parser.parse_args().large:
            large(written(10_000_000, Path(folder) / "large.csv"))
        else:
            small(written(1_000_000, Path(folder) / "table.csv"))


if __name__ == "__main__":
    main()
