"""A worker in the background: ``python -m modelcompose.runs.background --workspace <folder>``."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from modelcompose.runs import RunStore, Settings
from modelcompose.runs.worker import IDLE_SECONDS, obey_signals, worker_of

__all__: list[str] = []


def main() -> int:
    """Run the queue of the workspace named on the command line in the background."""
    parser = argparse.ArgumentParser(prog="python -m modelcompose.runs.background", description=__doc__)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--idle", type=float, default=IDLE_SECONDS)
    asked = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    store = RunStore(asked.workspace)
    worker = worker_of(store, Settings.of(store.workspace))
    obey_signals(worker)
    worker.work(idle=asked.idle)
    return 0


if __name__ == "__main__":
    sys.exit(main())
