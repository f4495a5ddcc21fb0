"""How long a table takes from file to profile, beside pandas reading it and nothing more.

``python tests/benchmarks/table.py`` prints a table for 1,000,000 rows of 10 columns; ``--large`` for 10,000,000, with
the memory that reading takes, in multiples of the file. Ratios of one run count, not seconds.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

TIMES = 3


def written(rows: int, path: Path) -> Path:
    """Write a table of people: numbers with and without fractions and gaps, categories, dates, shares."""
    rng = np.random.default_rng(0)
    for start in range(0, rows, 1_000_000):
        n = min(1_000_000, rows - start)
        pd.DataFrame(
            {
                "id": np.arange(start, start + n),
                "age": rng.integers(18, 90, n),
                "visits": rng.poisson(3, n),
                "income": rng.lognormal(10, 1, n).round(2),
                "score": rng.normal(size=n).round(4),
                "bmi": np.where(rng.random(n) < 0.05, np.nan, rng.normal(25, 4, n).round(1)),
                "site": rng.choice(["north", "south", "east", "west"], n),
                "sex": rng.choice(["f", "m"], n),
                "day": pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 1500, n), "D"),
                "share": rng.random(n).round(3),
            }
        ).to_csv(path, index=False, mode="a", header=start == 0)
    return path


def seconds(work: Callable[[], object]) -> float:
    """Return the shortest of a few runs."""
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def small(path: Path) -> None:
    from modelcompose.data import Dataset, infer, profile, read

    baseline = seconds(lambda: pd.read_csv(path))
    frame, notes = read(path)
    kinds = infer(frame)
    dataset = Dataset(path.name, frame, kinds, notes, "")
    rows = {
        "pandas.read_csv": baseline,
        "read": seconds(lambda: read(path)),
        "kinds": seconds(lambda: infer(frame)),
        "profile": seconds(lambda: profile(dataset)),
        "first rows": seconds(lambda: dataset.describe()["preview"]),
    }
    rows["read + kinds + profile"] = rows["read"] + rows["kinds"] + rows["profile"]
    print(f"{'':>24} {'seconds':>8} {'× pandas':>9}")
    for name, took in rows.items():
        print(f"{name:>24} {took:8.2f} {took / baseline:9.2f}")


def large(path: Path) -> None:
    """Read in a process of its own, and compare its peak memory with the size of the file."""
    script = f"from modelcompose.data import read; import sys; print(len(read({str(path)!r})[0]))"
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", script], check=True)
    took = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    size = path.stat().st_size
    print(f"read in {took:.1f} s; peak memory {peak / 1e9:.2f} GB, {peak / size:.1f} × the file of {size / 1e9:.2f} GB")


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
