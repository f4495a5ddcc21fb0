"""Runs over one another: curves of what they found, and the cells in which their notebooks are not the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from modelcompose import Workbench
from modelcompose.errors import InvalidInput, NotFound
from modelcompose.runs import RunStore

from .conftest import notebook, step


@pytest.fixture(scope="module")
def both(made: Any, store: RunStore, create: Any) -> tuple[Workbench, list[str], str]:
    """A workbench, two runs whose answers are one apart, and one without a posterior."""
    ids = []
    for at in (0.0, 1.0):
        cells = [step("model", f"shift = {at}"), step("model", "same = True"), *[step("fit", "fit()")] * (at > 0)]
        run = create(notebook(*cells), name=f"over-{at:g}", here=True)
        draws = np.random.default_rng(1).normal(at, 1, (2, 500))
        dims = ("chain", "draw")
        posterior = {
            "Days": (dims, draws),
            "1|Subject": ((*dims, "Subject"), np.stack([draws, draws + 5], axis=-1)),
            "fixed": (dims, np.full((2, 500), 3.0)),
            "many": ((*dims, "row"), np.zeros((2, 500, 201))),
        }
        dataset = xr.Dataset(posterior, coords={"Subject": ["a", "b"]})
        dataset.to_netcdf(store.folder(run.id) / "posterior.nc", group="posterior", engine="h5netcdf")
        ids.append(store.finish(run.id, status="passed", message="Done.").id)
    bare = create(notebook(), name="over-bare", here=True)
    return Workbench(made[0]), ids, store.finish(bare.id, status="passed", message="Done.").id


def test_curves_are_densities_on_the_scale_of_the_draws(both: Any) -> None:
    bench, ids, _ = both
    found = bench.compare_posteriors(ids)
    assert [one["name"] for one in found["quantities"]] == ["Days", "fixed"]
    assert found["available"] == ["Days", "fixed", "1|Subject[a]", "1|Subject[b]"]
    curves = found["quantities"][0]["runs"]
    for at, id_ in enumerate(ids):
        x, y = np.array(curves[id_]["x"]), np.array(curves[id_]["y"])
        assert x[y.argmax()] == pytest.approx(at, abs=0.4)
        assert np.trapezoid(y, x) == pytest.approx(1, abs=0.02)
    assert found["quantities"][1]["runs"][ids[0]] == {"x": [], "y": [], "at": 3.0}


def test_quantities_are_asked_for_by_name(both: Any) -> None:
    bench, ids, bare = both
    found = bench.compare_posteriors([*ids, bare], ["1|Subject[b]"])
    assert [one["name"] for one in found["quantities"]] == ["1|Subject[b]"]
    assert set(found["quantities"][0]["runs"]) == set(ids)
    assert found["without"] == ["over-bare"]
    with pytest.raises(NotFound, match="no run has a quantity 'Nights'"):
        bench.compare_posteriors(ids, ["Nights"])
    with pytest.raises(InvalidInput, match="fewer than two"):
        bench.compare_posteriors([ids[0], ids[0]])


def test_cells_that_differ_are_named_by_their_step(both: Any) -> None:
    bench, ids, _ = both
    found = bench.compare_notebooks(ids)
    assert found["cells"] == [
        {"step": "model", "runs": {ids[0]: "shift = 0.0", ids[1]: "shift = 1.0"}},
        {"step": "fit", "runs": {ids[0]: None, ids[1]: "fit()"}},
    ]
    assert found["same"] == 3
    assert found["without"] == []
