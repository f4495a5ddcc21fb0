"""The last line of the continuous run: a sum that never looks better than its parts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "closing.py"
GOOD = "dots\n=== 10 passed, 2 skipped in 5.00s ==="


@pytest.mark.parametrize(
    ("log", "counts"),
    [
        ("=== 3 passed in 1.25s ===", "13 passed, 2 skipped in 6.25s"),
        (
            "= 1 failed, 2 passed, 2 warnings in 61.00s (0:01:01) =",
            "1 failed, 12 passed, 2 skipped, 2 warnings in 66.00s",
        ),
        ("= 2 passed, 1 error in 3.00s =", "12 passed, 2 skipped, 1 error in 8.00s"),
        ("= 1 passed, 1 xfailed in 1.00s =\nlate output", "11 passed, 2 skipped, 1 xfailed in 6.00s"),
        ("= no tests ran in 0.01s =", "10 passed, 2 skipped, 1 error in 5.01s"),
        ("= 5 deselected in 0.10s =", "10 passed, 2 skipped, 5 deselected, 1 error in 5.10s"),
        ("!!!!! KeyboardInterrupt !!!!!\n= 9 passed in 1.00s =", "19 passed, 2 skipped, 1 error in 6.00s"),
        ("Killed", "10 passed, 2 skipped, 1 error in 5.00s"),
        ("", "10 passed, 2 skipped, 1 error in 5.00s"),
    ],
)
def test_the_counts_of_both_runs_are_added(tmp_path: Path, log: str, counts: str) -> None:
    (tmp_path / "one").write_text(log, encoding="utf-8")
    (tmp_path / "two").write_text(GOOD, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, SCRIPT, "one", "two"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip().strip("=").strip() == counts
    assert bool(done.returncode) == ("failed" in counts.replace("xfailed", "") or "error" in counts)


def test_a_missing_log_counts_as_an_error(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, SCRIPT, "absent"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 error in 0.00s" in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("first", "again", "counts"),
    [
        ("= 2 failed, 5 passed in 4.00s =", "= 2 passed, 5 deselected in 1.00s =", "7 passed in 5.00s"),
        ("= 2 failed, 5 passed in 4.00s =", "= 1 failed, 1 passed in 1.00s =", "1 failed, 6 passed in 5.00s"),
        ("= 1 failed, 5 passed, 1 error in 4.00s =", "= 1 passed in 1.00s =", "6 passed, 1 error in 5.00s"),
        ("= 1 failed, 5 passed in 4.00s =", "= 6 deselected in 1.00s =", "5 passed, 1 error in 5.00s"),
        ("= 1 failed, 5 passed in 4.00s =", "Killed", "5 passed, 1 error in 4.00s"),
    ],
)
def test_what_was_run_once_more_counts_as_it_ended_then(tmp_path: Path, first: str, again: str, counts: str) -> None:
    (tmp_path / "one").write_text(first, encoding="utf-8")
    (tmp_path / "one.again").write_text(again, encoding="utf-8")
    done = subprocess.run([sys.executable, SCRIPT, "one"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip().strip("=").strip() == counts
    assert bool(done.returncode) == ("failed" in counts or "error" in counts)
