"""How long until a run executes its first cell, and until a kernel answers: with the warm process and without.

Run ``python tests/benchmarks/start.py``. Medians of five each, warm and cold in turn; the table is Markdown. A run is
``modelcompose run``; its time is from the command to the event that says that the first step has started.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from statistics import median

from jupyter_client.manager import KernelManager

from modelcompose import Workbench
from modelcompose.runs import warm

TIMES = int(os.environ.get("TIMES", 5))
SWITCH = "MODELCOMPOSE_WARM"


def first_cell(bench: Workbench) -> float:
    """Run a notebook by command, and return the seconds until its first step has started; the rest is cut short."""
    began = time.time()
    command = [sys.executable, "-m", "modelcompose", "run", "sleep.ipynb", "--fresh"]
    process = subprocess.Popen(command, cwd=bench.workspace, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while (at := _started(bench.workspace, began)) is None:
            time.sleep(0.01)
    finally:
        process.terminate()
        process.wait()
    return at - began


def _started(workspace: Path, began: float) -> float | None:
    for file in (workspace / ".modelcompose" / "runs").glob("*/events.jsonl"):
        if file.stat().st_mtime < began:
            continue
        for line in file.read_text("utf-8").splitlines():
            event = json.loads(line)
            if event["type"] == "step" and event["state"] == "started":
                at = datetime.fromisoformat(event["time"]).timestamp()
                if at > began:
                    return at
    return None


def kernel(_bench: Workbench) -> float:
    """Start a kernel, and return the seconds until it has imported PyMC."""
    began = time.perf_counter()
    manager = KernelManager(kernel_name="modelcompose")
    manager.start_kernel(stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=600)
    client.execute("import pymc, bambi, arviz, nutpie", reply=True, timeout=600)
    seconds = time.perf_counter() - began
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    return seconds


def command(bench: Workbench) -> float:
    """Return the seconds that a small command takes as a whole."""
    began = time.perf_counter()
    line = [sys.executable, "-m", "modelcompose", "samples"]
    subprocess.run(line, cwd=bench.workspace, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


MEASURED: dict[str, Callable[[Workbench], float]] = {
    "`modelcompose run` to the first cell": first_cell,
    "kernel with its imports": kernel,
    "`modelcompose samples`": command,
}


def main() -> None:
    """Measure and print."""
    os.environ["MODELCOMPOSE_RUNTIME"] = runtime = tempfile.mkdtemp(prefix="mc-")
    began = time.perf_counter()
    assert warm.ensure(wait=600), "the warm process does not come up"
    print(f"warming up, once: {time.perf_counter() - began:.1f} s\n")
    try:
        with tempfile.TemporaryDirectory() as folder:
            bench = Workbench(folder)
            sample = bench.copy_sample("sleepstudy")
            bench.compose({**sample["analysis"], "data": sample["path"]}, "sleep.ipynb")
            bench.list_runs()  # makes the database
            print("| | cold, s | warm, s | ratio |\n|---|---|---|---|")
            for what, measure in MEASURED.items():
                seconds: dict[str, list[float]] = {"0": [], "": []}
                for _ in range(TIMES):
                    for switch, found in seconds.items():
                        os.environ[SWITCH] = switch
                        found.append(measure(bench))
                cold, forked = median(seconds["0"]), median(seconds[""])
                print(f"| {what} | {cold:.2f} | {forked:.2f} | {cold / forked:.1f} |", flush=True)
    finally:
        os.environ[SWITCH] = ""
        warm.stop()
        shutil.rmtree(runtime, ignore_errors=True)


if __name__ == "__main__":
    main()
