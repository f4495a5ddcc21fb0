"""Runs by hand: what is logged is kept and judged, and the run ends truthfully, however it ends."""

from __future__ import annotations

import signal
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import modelcompose as mc
from modelcompose.errors import Conflict, InvalidInput


def fit(shift: float = 0.0, *, predictive: bool = True, spread: float = 1.0) -> xr.DataTree:
    """Independent draws of an average, as a good sampler would make them, and what they predict."""
    rng = np.random.default_rng(1)
    y = rng.normal(0, 1, 60)
    mu = rng.normal(y.mean(), 1 / np.sqrt(60), (4, 500))
    mu[0] += shift
    dims = ("chain", "draw")
    groups = {
        "posterior": xr.Dataset({"mu": (dims, mu)}),
        "sample_stats": xr.Dataset({"diverging": (dims, np.zeros(mu.shape, bool)), "why": (dims, mu.astype(object))}),
    }
    if predictive:
        drawn = mu[..., None] + spread * rng.standard_normal((*mu.shape, 60))
        density = -0.5 * (y - mu[..., None]) ** 2 - 0.5 * np.log(2 * np.pi)
        groups |= {
            "posterior_predictive": xr.Dataset({"y": ((*dims, "row"), drawn)}),
            "observed_data": xr.Dataset({"y": ("row", y)}),
            "log_likelihood": xr.Dataset({"y": ((*dims, "row"), density)}),
        }
    return xr.DataTree.from_dict(groups)


@pytest.fixture(scope="module")
def workspace(made):
    return made[0]


def test_a_good_fit_passes_and_is_found_again(workspace):
    from matplotlib.figure import Figure

    with mc.track("growth", workspace=workspace, model="mine", tags={"who": "me"}) as run:
        assert run.run.status == "running"
        run.params(priors="wide", rows=60)
        verdicts = run.log(fit())
        assert [one.step for one in verdicts] == ["sampling", "posterior", "influence"]
        assert not any(one.remedies for one in verdicts)
        run.metric("seconds of sampling", 1.5)
        run.figure(Figure(), "nothing much")
        run.note("It was **easy**.")
    found = run.run
    assert (found.status, found.kind, found.model, found.tags) == ("passed", "tracked", "mine", {"who": "me"})
    assert [one.step for one in found.verdicts] == ["sampling", "posterior", "influence"]
    store = run._store
    record = store.tracking.find(run.id)
    assert (record.data.params, record.info.status) == ({"priors": '"wide"', "rows": "60"}, "FINISHED")
    assert record.data.metrics["seconds of sampling"] == 1.5
    assert found.elpd == pytest.approx(record.data.metrics["elpd"])
    with xr.open_datatree(store.artifact(run.id, "posterior.nc"), engine="h5netcdf") as dt:
        assert dt["posterior"].sizes == {"chain": 4, "draw": 500}
    assert store.artifact(run.id, "figures/nothing-much.png").read_bytes().startswith(b"\x89PNG")
    assert "It was **easy**." in (workspace / found.executed).read_text()
    with pytest.raises(Conflict, match="has ended"):
        run.note("Too late.")


def test_chains_that_disagree_fail_the_run(workspace):
    with mc.track("apart", workspace=workspace) as run:
        run.log(fit(shift=5.0, predictive=False))
    assert run.run.status == "failed"
    assert "Did the computation work" in run.run.message


def test_predictions_that_are_too_wide_are_noticed(workspace):
    with mc.track("wide", workspace=workspace) as run:
        found = {one.step: one.status for one in run.log(fit(spread=4.0))}
    assert (found["sampling"], found["posterior"]) == ("pass", "fail")
    assert run.run.status == "failed"


def test_an_exception_is_recorded_and_raised_on(workspace):
    tracked = mc.track("broken", workspace=workspace)
    with pytest.raises(ZeroDivisionError), tracked as run:  # noqa: PT012
        run.log(fit(predictive=False))
        1 / 0  # noqa: B018
    assert (tracked.run.status, tracked.run.message) == ("error", "Ended with ZeroDivisionError: division by zero")
    assert [one.step for one in tracked.run.verdicts] == ["sampling"]


def test_ctrl_c_stops_and_nothing_logged_warns(workspace):
    stopped, idle = mc.track("stopped", workspace=workspace), mc.track("idle", workspace=workspace)
    with pytest.raises(KeyboardInterrupt), stopped:
        raise KeyboardInterrupt
    with idle:
        pass
    assert (stopped.run.status, idle.run.status) == ("stopped", "warned")


def test_runs_within_runs_belong_to_them(workspace):
    with mc.track("outer", workspace=workspace) as outer, mc.track("inner", workspace=workspace) as inner:
        assert inner.run.parent == outer.id
    assert outer.run.parent == ""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"mu": [1, 2]}, "no fit"),
        (xr.DataTree(), "without the group posterior"),
        (xr.DataTree.from_dict({"posterior": xr.Dataset({"mu": ("draw", [1.0])})}), "lacks the dimension 'chain'"),
    ],
)
def test_what_is_no_fit_is_refused_and_loses_nothing(workspace, wrong, said):
    with mc.track("wrong", workspace=workspace) as run:
        run.note("kept")
        with pytest.raises(InvalidInput, match=said):
            run.log(wrong)
    assert run.run.status == "warned"
    assert "kept" in (workspace / run.run.executed).read_text()


def test_values_that_cannot_be_noted_are_refused(workspace):
    with mc.track("noting", workspace=workspace) as run:
        run.params(a=1)
        run.params(a=1)
        with pytest.raises(Conflict, match="a cannot be noted"):
            run.params(a=2)
        for bad in (float("nan"), "soon", None):
            with pytest.raises(InvalidInput, match="finite number"):
                run.metric("m", bad)
        with pytest.raises(InvalidInput, match="no figure"):
            run.figure("a picture", "x")
    with pytest.raises(Conflict, match="has not begun"):
        mc.track("never", workspace=workspace).note("x")


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.slow
def test_a_process_that_is_killed_leaves_a_run_that_died(workspace):
    code = (
        "import sys, os, signal, modelcompose as mc\n"
        "with mc.track('killed', workspace=sys.argv[1]) as run:\n"
        "    run.note('so far')\n    print(run.id, flush=True)\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(workspace)], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    found = mc.runs(workspace=workspace).set_index("id").loc[done.stdout.split()[-1]]
    assert found["status"] == "error"
    assert "ended unexpectedly" in found["message"]


def test_the_table_of_runs_has_types(workspace):
    with mc.track("listed", workspace=workspace, model="mine", data="beds.csv") as run:
        run.log(fit())
    found = mc.runs(workspace=workspace)
    assert found["id"].is_unique
    row = found.set_index("id").loc[run.id]
    assert (row["status"], row["model"], row["data"], row["verdict.sampling"]) == ("passed", "mine", "beds.csv", "pass")
    assert row["elpd"] < 0 < row["elpd_se"]
    assert str(found["started"].dtype).startswith("datetime64")
    assert found["started"].dt.tz is not None
    assert found["status"].dtype == "category"
    assert (found["verdict.sampling"] <= "pass").any()
    assert set(mc.runs(model="mine", workspace=workspace)["model"]) == {"mine"}
    assert set(mc.runs(status=["failed", "error"], workspace=workspace)["status"]) <= {"failed", "error"}
    assert run.id in set(mc.runs(text="BEDS", workspace=workspace)["id"])
    assert mc.runs(text="nowhere to be found", workspace=workspace).empty
    with pytest.raises(InvalidInput, match="no status 'done'"):
        mc.runs(status="done", workspace=workspace)
