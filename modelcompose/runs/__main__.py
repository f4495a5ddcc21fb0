"""The process of one run: ``python -m modelcompose.runs <id> --workspace <folder>``."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path

from modelcompose.runs import Control, RunStore, execute


def main() -> int:
    """Execute the run named on the command line; the outcome is in its record, not in the exit code."""
    parser = argparse.ArgumentParser(prog="python -m modelcompose.runs", description=__doc__)
    parser.add_argument("id")
    parser.add_argument("--workspace", type=Path, required=True)
    asked = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    control = Control()
    with control.signals():
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        execute(RunStore(asked.workspace), asked.id, control=control)
    return 0


if __name__ == "__main__":
    sys.exit(main())
