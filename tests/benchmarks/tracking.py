"""What keeping the record of a run costs, and how a store of many runs answers.

``python tests/benchmarks/tracking.py`` creates and ends runs of a composed notebook that executes nothing, beside
MLflow alone doing the least of it (a run, its parameters, three metrics, its end), in a new store and again when it
holds 10,000 runs; then it lists, looks one up and filters. Milliseconds, medians. ``--runs`` sets how many there are.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from nbformat.v4 import new_code_cell, new_notebook

from modelcompose.analysis import Analysis
from modelcompose.runs import RunStore

TIMES = 9


def milliseconds(work: Callable[[], object], times: int = TIMES) -> float:
    """Return the median time of something done a few times."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(1000 * (time.perf_counter() - began))
    return statistics.median(found)


def created_and_ended(store: RunStore) -> None:
    nb = new_notebook(cells=[new_code_cell('data = "a.csv"', metadata={"tags": ["parameters"]})])
    run = store.create(nb, name="a run", notebook_path="a.ipynb", analysis=Analysis(data="a.csv", model="linear"))
    store.finish(run.id, status="passed", message="Every check passed.")


def alone(store: RunStore) -> None:
    """Do what is least with MLflow itself: a run with parameters and metrics that ends."""
    from mlflow.entities import Metric, Param

    client = store.tracking.client
    run = client.create_run(store.tracking.experiment).info.run_id
    now = int(time.time() * 1000)
    params = [Param(name, str(value)) for name, value in Analysis(data="a.csv").model_dump().items()]
    client.log_batch(run, params=params, metrics=[Metric(name, 1.0, now, 0) for name in "abc"])
    client.set_terminated(run)


def fill(store: RunStore, count: int) -> None:
    """Put ended runs into the store by copying one's rows, as creating so many would take an hour."""
    import sqlite3
    from uuid import uuid4

    (one, *_) = store.tracking.newest(1)
    with sqlite3.connect(store.home / "mlflow.db") as database:
        columns = [row[1] for row in database.execute("pragma table_info(runs)")]
        others = ", ".join(name for name in columns if name not in ("run_uuid", "start_time"))
        for at in range(count):
            fresh = uuid4().hex
            database.execute(
                f"insert into runs (run_uuid, start_time, {others}) "
                f"select ?, start_time - ?, {others} from runs where run_uuid = ?",
                (fresh, at, one.info.run_id),
            )
            for kept in ("tags", "params"):
                database.execute(
                    f"insert into {kept} (key, value, run_uuid) select key, value, ? from {kept} where run_uuid = ?",
                    (fresh, one.info.run_id),
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        store = RunStore(Path(name))
        created_and_ended(store)
        alone(store)
        rows: dict[str, list[float]] = {}
        for many in (False, True):
            if many:
                fill(store, options.runs)
            newest = store.list(limit=1)[0]
            work: dict[str, Callable[[], object]] = {
                "MLflow alone": lambda: alone(store),
                "create and end": lambda: created_and_ended(store),
                "list the newest 50": lambda: store.list(limit=50),
                "filter by model": lambda: store.page(50, model="linear"),
                "filter by text": lambda: store.page(50, text="a run"),
                "get one by its id": lambda one=newest.id: store.get(one),
                "get one by its beginning": lambda one=newest.id[:12]: store.get(one),
            }
            for label, one in work.items():
                rows.setdefault(label, []).append(milliseconds(one))
    print(f"{'milliseconds':>26} {'new store':>10} {f'{options.runs} runs':>12}")
    for label, times in rows.items():
        print(f"{label:>26} " + " ".join(f"{one:>{width}.1f}" for one, width in zip(times, (10, 12), strict=True)))


if __name__ == "__main__":
    main()
