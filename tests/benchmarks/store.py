"""How long a store with 10,000 runs takes to list, filter and create, in a process that has MLflow imported.

    python tests/benchmarks/store.py [number of runs]

The runs are copies, in the database, of one that was made and ended in the usual way.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

from nbformat.v4 import new_notebook

from modelcompose.analysis import Analysis
from modelcompose.runs import RunStore, Terms

TABLES = ("runs", "tags", "params", "metrics", "latest_metrics")
LIMIT_MS = 200


def make(store: RunStore, **more: Any) -> str:
    analysis = Analysis(data="table.csv", outcome="y", model="varying-slopes", question="effect")
    return store.create(new_notebook(), name="one", notebook_path="a.ipynb", analysis=analysis, **more).id


def fill(store: RunStore, pattern: str, number: int) -> None:
    """Copy a run in the database."""
    random = Random(1)
    with sqlite3.connect(store.home / "mlflow.db") as database:
        for table in TABLES:
            columns = [one[1] for one in database.execute(f"pragma table_info({table})")]
            rows = database.execute(f"select * from {table} where run_uuid = ?", (pattern,)).fetchall()
            marks = ",".join("?" * len(columns))
            copies = (
                list(changed(table, at, dict(zip(columns, row, strict=True)), random).values())
                for at in range(number)
                for row in rows
            )
            database.executemany(f"insert into {table} values ({marks})", copies)


def changed(table: str, at: int, row: dict[str, Any], random: Random) -> dict[str, Any]:
    """Give a copy of a row its own run, with a name, a time and measures of its own."""
    fresh = row | {"run_uuid": f"{at:032x}"}
    if table == "runs":
        fresh |= {"start_time": 1_700_000_000_000 + 1000 * at, "name": f"run {at}"}
    elif table.endswith("metrics"):
        fresh["value"] = 1 + random.random() / 20
    elif row.get("key") == "mlflow.runName":
        fresh["value"] = f"run {at}"
    return fresh


def timed(what: str, act: Callable[[], Any]) -> None:
    act()
    walls, works = [], []
    for _ in range(5):
        wall, work = perf_counter(), process_time()
        act()
        walls.append(1000 * (perf_counter() - wall))
        works.append(1000 * (process_time() - work))
    print(f"| {what:44} | {median(walls):8.0f} | {median(works):8.0f} |")


def main(number: int = 10_000) -> None:
    with TemporaryDirectory() as folder:
        store = RunStore(Path(folder))
        one = make(store, here=True)
        store.tracking.measure(one, [("sampling.r-hat", 1.0, 0, 0)])
        store.finish(one, status="passed", message="The notebook ran to its end.")
        fill(store, one, number)
        print(f"{number} runs; limit {LIMIT_MS} ms; medians of 5, in ms")
        print(f"| {'':44} | {'wall':>8} | {'work':>8} |\n|{'-' * 46}|{'-' * 10}|{'-' * 10}|")
        timed("first page of 50", lambda: store.page(50))
        timed("first page of 100", lambda: store.page(100))
        _, more = store.page(100)
        timed("second page of 100", lambda: store.page(100, page=more))
        timed("status, 50", lambda: store.page(50, status="passed"))
        timed("status that nobody has, 50", lambda: store.page(50, status="failed"))
        timed("under way, 50", lambda: store.page(50, status="running"))
        timed("model, 50", lambda: store.page(50, model="varying-slopes"))
        timed("text, 50", lambda: store.page(50, text="TABLE"))
        timed("metric, 50", lambda: store.page(50, where="metrics.`sampling.r-hat` < 1.01"))
        timed("status, model and metric, 50", lambda: _three(store))
        timed("metric named in short, 100", lambda: store.page(100, text="r_hat <= 1.01"))
        timed("words, status and metric, 100", lambda: store.page(100, text="table status:passed r_hat < 1.01"))
        timed("starred, 100", lambda: store.page(100, text="starred"))
        timed("sorted by a metric, 100", lambda: store.page(100, sort="-sampling.r-hat"))
        timed("sorted by name, 100", lambda: store.page(100, sort="name"))
        timed("sorted by model, 100", lambda: store.page(100, sort="model"))
        timed("the trash, 100", lambda: store.page(100, trash=True))
        timed("one run by its id", lambda: store.get(one))
        timed("one run by its name", lambda: store.get("run 77"))
        timed("create, queued", lambda: make(store, terms=Terms(priority=1)))


def _three(store: RunStore) -> Any:
    return store.page(50, status="passed", model="varying-slopes", where="metrics.`sampling.r-hat` < 1.01")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
