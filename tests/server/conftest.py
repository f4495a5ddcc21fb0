"""Each of these tests has a home of its own, for which a warm process would be begun that serves nobody else."""

import pytest


@pytest.fixture(autouse=True)
def nothing_warms_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELCOMPOSE_WARM", "0")
