"""How long 20 queued runs take on two cores, against one after the other; and from the start to the first cell.

    python tests/benchmarks/queued_runs.py [number of runs]

Each run is a small notebook of real cells whose work takes half a second, so that what counts is all around it.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread
from time import perf_counter, sleep

from nbformat.v4 import new_code_cell, new_notebook

from modelcompose.analysis import Analysis
from modelcompose.runs import ENDED, EventLog, RunStore, Worker
from modelcompose.runs.queue import Limits

CELL = """
from modelcompose.verdict import Verdict
until = __import__("time").process_time() + 0.5
while __import__("time").process_time() < until:
    pass
display(Verdict(step="answer", title="Is it right?", status="pass", sentence="Yes."))
"""


def make(store: RunStore, at: int) -> str:
    cell = new_code_cell(f"# {at}{CELL}", metadata={"modelcompose": {"step": "answer"}})
    parameters = new_code_cell('data = "t.csv"', metadata={"tags": ["parameters"]})
    nb = new_notebook(cells=[parameters, cell])
    return store.create(nb, name=str(at), notebook_path="a.ipynb", analysis=Analysis(), fresh=True).id


def through(store: RunStore, number: int, cores: int) -> tuple[float, float]:
    """Run that many, and say how long that took, and how long from a claim to the first cell."""
    ids = [make(store, at) for at in range(number)]
    begun = perf_counter()
    worker = Worker(store, Limits(cores))
    thread = Thread(target=worker.work)
    thread.start()
    while store.queue.open():
        sleep(0.1)
    took = perf_counter() - begun
    worker.stopping.set()
    thread.join()
    assert {store.get(one).status for one in ids} <= ENDED - {"error"}
    waits = []
    for one in ids:
        events = EventLog(store.folder(one)).read()
        times = {event["type"]: datetime.fromisoformat(event["time"]).timestamp() for event in reversed(events)}
        waits.append(times["step"] - times["claimed"])
    return took, median(waits)


def main(number: int = 20) -> None:
    with TemporaryDirectory() as folder:
        store = RunStore(Path(folder))
        print("| cores | runs | seconds | per run | claim to first cell |\n|---|---|---|---|---|")
        through(store, 2, 2)  # whatever is imported, compiled or kept warm the first time
        took = {}
        for cores in (2, 1):
            took[cores], first = through(store, number, cores)
            print(f"| {cores} | {number} | {took[cores]:.1f} | {took[cores] / number:.2f} | {first:.2f} |", flush=True)
        print(f"two at a time are {took[1] / took[2]:.2f} times as fast")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
