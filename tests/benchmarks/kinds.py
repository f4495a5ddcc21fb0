"""How long guessing kinds takes, beside reading the same table with pandas.

Run it as ``python tests/benchmarks/kinds.py [rows]``. pandas reads with several threads since its version 3.1; the
ratio is to all its threads, and the time with one thread stands first.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pandas as pd

from modelcompose.data import infer
from modelcompose.data.kinds import misfit, suspects


def table(rows: int) -> pd.DataFrame:
    """Make a table with a column for every way in which guessing could be slow."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "age": rng.integers(18, 90, rows),
            "visits": rng.poisson(3, rows),
            "income": rng.lognormal(10, 1, rows).round(2),
            "score": rng.normal(size=rows).round(4),
            "bmi": np.where(rng.random(rows) < 0.05, np.nan, rng.normal(25, 4, rows).round(1)),
            "site": pd.Series(rng.choice(["north", "south", "east", "west"], rows), dtype="str"),
            "person": pd.Series(rng.integers(0, 50_000, rows)).map("p{}".format).astype("str"),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1500, rows), "D"),
            "share": rng.random(rows).round(3),
        }
    )


def seconds(work: Callable[[], object], times: int = 5) -> float:
    """Return the least time that some work takes."""
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def main(rows: int) -> None:
    frame = table(rows)
    text = frame.to_csv(index=False).encode()
    kinds = {name: guess.kind for name, guess in infer(frame).items()}
    reading = seconds(lambda: pd.read_csv(BytesIO(text)))
    with pd.option_context("mode.max_threads", 1):
        print(f"pandas.read_csv with one thread: {seconds(lambda: pd.read_csv(BytesIO(text)), 2):.2f} s")
    for what, work in (
        ("kinds", lambda: infer(frame)),
        ("misfit of every column", lambda: [misfit(frame[name], kind) for name, kind in kinds.items()]),
        ("suspected codes of every column", lambda: [suspects(frame[name], kind) for name, kind in kinds.items()]),
    ):
        taken = seconds(work)
        print(f"{what}: {taken:.3f} s, {taken / reading:.1%} of the {reading:.2f} s that pandas.read_csv takes")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
