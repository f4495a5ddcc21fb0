"""Planted failures are caught by the right gate and mended by a remedy; models that suit raise few false alarms."""

from __future__ import annotations

import pytest
from controls import EACH, MODELS, controls
from planted import CASES, try_out

pytestmark = pytest.mark.filterwarnings("ignore")

QUICK = [case for case in CASES if case.quick]
LONG = [case for case in CASES if not case.quick]


def judged(case, folder):
    found = try_out(case, folder)
    assert found.before.failed == case.gate
    assert found.broken & set(case.rules), found.before.verdicts[case.gate].text()
    assert found.mended is not None, found.tried[-1][1].verdicts
    remedy, after = found.mended
    assert set(remedy.changes) & set(case.mends)
    assert remedy.cost
    assert after.verdicts[case.gate].status in ("pass", "info", "warn")
    return found


@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.name)
def test_a_planted_failure_is_caught_and_mended(case, tmp_path):
    judged(case, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("case", LONG, ids=lambda case: case.name)
def test_the_other_planted_failures_are_caught_and_mended(case, tmp_path):
    judged(case, tmp_path)


def test_there_are_twelve_kinds_of_failure():
    assert len({case.name for case in CASES}) == 12
    assert 3 <= len(QUICK) <= 4


def test_a_model_that_suits_passes_every_gate():
    for one in controls(["linear"], each=2):
        assert not one.alarm


@pytest.mark.slow
def test_at_most_five_in_a_hundred_controls_raise_a_false_alarm():
    found = list(controls())
    assert len(found) == EACH * len(MODELS) >= 100
    alarms = [f"{one.model} {one.seed}: {one.alarm}" for one in found if one.alarm]
    assert len(alarms) <= 0.05 * len(found), "\n".join(alarms)
