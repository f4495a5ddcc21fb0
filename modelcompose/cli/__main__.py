"""So that ``python -m modelcompose.cli`` is the command line too."""

from modelcompose.cli import main

raise SystemExit(main())
