"""Whatever is killed, every run tells the truth; ``python -m tests.runs.chaos`` does this a hundred times."""

from __future__ import annotations

import pytest

from .chaos import scene, settled, table


@pytest.mark.slow
def test_random_kills_lose_duplicate_and_falsify_nothing() -> None:
    with scene(20261121, at_once=2) as chaos:
        chaos.act(kills=15, seconds=300)
        runs, found = settled(chaos)
        print(table(chaos, runs, found))
    assert chaos.killed.total() > 0
    assert vars(found) == {"lost": [], "duplicated": [], "untruthful": [], "orphans": []}
