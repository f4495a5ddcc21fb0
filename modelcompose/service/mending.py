"""The process of a run on autopilot: ``python -m modelcompose.service.mending <id> --workspace <folder>``.

It is the process of any run, to which the workbench lends what applies a remedy to a notebook.
"""

from __future__ import annotations

import sys

from modelcompose.runs.__main__ import main
from modelcompose.service import Workbench

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main(lambda workspace: Workbench(workspace)._ready))
