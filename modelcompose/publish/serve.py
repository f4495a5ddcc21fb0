"""Voila in a cleaned environment: ``python -m modelcompose.publish.serve``, with Voila's own arguments.

The cleaning is part of the command, so that nobody who starts an app, such as a hub's proxy, can forget it.
"""

import os
import sys

from modelcompose.publish.app import clean_environment

if __name__ == "__main__":
    command = [sys.executable, "-m", "voila", *sys.argv[1:]]
    os.execve(sys.executable, command, clean_environment())  # noqa: S606  our own interpreter
