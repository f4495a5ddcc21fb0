"""Autopilot turns most of the planted failures into passing analyses, and says of the rest why it stopped."""

from __future__ import annotations

import pytest
from mending import mend, row
from planted import CASES


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_at_least_nine_of_the_twelve_planted_failures_pass_after_autopilot(tmp_path):
    rows, passing = [], 0
    for case in CASES:
        folder = tmp_path / case.name.replace(" ", "-")
        folder.mkdir()
        found = mend(case, folder)
        passing += found.passes
        rows.append(row(case, found))
        assert found.lineage.stopped.startswith("Stopped")
        if found.lineage[found.lineage.best].status == "failed":
            assert "all checks pass" not in found.lineage.stopped
    assert passing >= 9, "\n".join(rows)
