"""The process of one run: ``python -m modelcompose.runs <id> --workspace <folder>``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from modelcompose.errors import Unavailable
from modelcompose.runs import Control, Prepare, RunStore, autopilot, execute, notify
from modelcompose.runs.launch import WITHIN
from modelcompose.runs.session import outlive_not


def main(
    prepare: Callable[[Path], Prepare] | None = None,
    by: Callable[..., object] = execute,
) -> int:
    """Execute the run named on the command line; the outcome is in its record, not in the exit code.

    Parameters
    ----------
    prepare
        Given the workspace, returns what applies a remedy to a notebook; without it nothing is mended.
    by
        What executes it; called like ``execute`` with the store, the run's id and ``control``.
    """
    parser = argparse.ArgumentParser(prog="python -m modelcompose.runs", description=__doc__)
    parser.add_argument("id")
    parser.add_argument("--workspace", type=Path, required=True)
    asked = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if within := os.environ.pop(WITHIN, ""):
        outlive_not(*json.loads(within))
    control = Control()
    with control.signals():
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        store = RunStore(asked.workspace)
        place = store.queue.place(asked.id)
        if prepare is not None and place is not None and place.autopilot > 0:
            autopilot(store, asked.id, place.autopilot, prepare(asked.workspace), control=control)
        else:
            by(store, asked.id, control=control)
    with suppress(Unavailable):  # whoever records its end tells of it
        notify.ended(store, store.get(asked.id))
    return 0


if __name__ == "__main__":
    sys.exit(main())
