"""The command ``modelcompose``: given to the warm process where there is one, and done here otherwise.

Floor 5. The warm process has imported everything already, so a command handed over to it begins at once. It does not
notice: standard input and output, folder, environment, signals and exit code are those of this process.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from modelcompose import wire

__all__ = ["main"]

COMMAND = "modelcompose.cli"
STAYS = frozenset({"app", "lab", "worker"})  # lives long by itself, and need not begin in a blink
PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGWINCH", "SIGUSR1", "SIGUSR2")


def main() -> int:
    """Run the command that stands on the command line, and return its exit code."""
    child = _handed_over(sys.argv[1:])
    if child is None:
        from modelcompose.cli import main as here

        return here()
    return _followed(child)


def _handed_over(arguments: list[str]) -> wire.Child | None:
    if not arguments or arguments[0] in STAYS or arguments[0].startswith("-") or not wire.listening():
        return None
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    try:
        return wire.ask("module", [COMMAND, *arguments])
    except KeyboardInterrupt:
        sys.exit(130)


def _followed(child: wire.Child) -> int:
    """Pass on what the terminal tells us, and wait; a command that was killed by a signal kills us likewise."""
    with _passing_on(child):
        code = child.wait()
    if code >= 0:
        return code
    signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
    os.kill(os.getpid(), -code)
    return 128 - code


@contextmanager
def _passing_on(child: wire.Child) -> Iterator[None]:
    before = {}
    for name in PASSED_ON:
        if number := getattr(signal, name, None):
            before[number] = signal.signal(number, lambda number, _frame: child.signal(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
