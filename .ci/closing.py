"""Add up the closing lines of several pytest runs into one, in pytest's own form.

A run that was interrupted, that did not get as far as its closing line, or that ran no test counts as an error: the
sum never looks better than its parts. Where tests that had failed were run once more (the log beside it, ending in
``.again``), they count as they ended then, and as errors if fewer were run than had failed.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

CLOSING = re.compile(r"^=+ (?P<counts>.*) in (?P<seconds>[\d.]+)s(?: \([\d:]+\))? =+$")
INTERRUPTED = re.compile(r"^!+ (_pytest\.outcomes\.Exit|KeyboardInterrupt|.*stopping after)\b.* ?!+$", re.MULTILINE)
COUNT = re.compile(r"(\d+) (failed|passed|skipped|deselected|xfailed|xpassed|warning|error)s?\b")
ORDER = ("failed", "passed", "skipped", "deselected", "xfailed", "xpassed", "warning", "error")
PLURAL = {"warning", "error"}


def counted(log: str) -> tuple[Counter[str], float]:
    """Return the counts and the seconds of the last closing line."""
    for line in reversed(log.splitlines()):
        if found := CLOSING.match(line.strip()):
            counts = Counter({word: int(number) for number, word in COUNT.findall(found["counts"])})
            whole = any(counts[word] for word in ORDER if word not in ("deselected", "warning"))
            if not whole or INTERRUPTED.search(log):
                counts["error"] += 1
            return counts, float(found["seconds"])
    return Counter(error=1), 0.0


def repeated(counts: Counter[str], again: Counter[str]) -> Counter[str]:
    """Return the counts of a run in which what failed, or could not be set up, was run once more."""
    due = counts["failed"] + counts["error"]
    ran = Counter({word: again[word] for word in ORDER if word not in ("deselected", "warning")})
    kept = Counter({word: count for word, count in counts.items() if word not in ("failed", "error")})
    return kept + ran + Counter(error=max(0, due - ran.total()))


def summed(logs: list[tuple[str, str | None]]) -> str:
    """Return the closing line of all runs together, each with what was run once more of it, if anything was."""
    total: Counter[str] = Counter()
    seconds = 0.0
    for log, once_more in logs:
        counts, took = counted(log)
        if once_more is not None:
            again, more = counted(once_more)
            counts, took = repeated(counts, again), took + more
        total += counts
        seconds += took
    parts = [
        f"{total[word]} {word}{'s' if word in PLURAL and total[word] > 1 else ''}" for word in ORDER if total[word]
    ]
    return f" {', '.join(parts)} in {seconds:.2f}s ".center(80, "=")


if __name__ == "__main__":
    texts = [
        [path.read_text(encoding="utf-8") if path.exists() else None for path in (Path(name), Path(f"{name}.again"))]
        for name in sys.argv[1:]
    ]
    line = summed([(log or "", once_more) for log, once_more in texts])
    print(line)
    sys.exit(" failed" in line or " error" in line)
