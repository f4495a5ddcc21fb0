"""Posteriors of other programs are read as they are, and files that are damaged or dangerous are refused."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
import xarray as xr

from modelcompose.errors import InvalidData, NotFound
from modelcompose.samplers import elsewhere
from modelcompose.samplers.elsewhere import read_posterior

HEAD = """\
# stan_version_major = 2
# stan_version_minor = 35
# stan_version_patch = 0
# method = sample (Default)
#   sample
#     num_samples = 4
#     save_warmup = {warmup}
#     max_depth = 3
# id = {chain}
lp__,accept_stat__,stepsize__,treedepth__,n_leapfrog__,divergent__,energy__,mu,theta.1,theta.2,S.1.1,S.2.1,S.1.2,S.2.2,log_lik.1
"""
ADAPTED = """\
# Adaptation terminated
# Step size = 0.8
# Diagonal elements of inverse mass matrix:
# 1.0, 2.0
"""
TAIL = """\
#
#  Elapsed Time: 0.5 seconds (Warm-up)
#                0.7 seconds (Sampling)
#                1.2 seconds (Total)
"""


def row(draw, chain=1):
    statistics = [-1.5, 0.9, 0.8, 3 if draw == 2 else 2, 7, 1 if draw == 3 else 0, 4.5]
    return ",".join(map(str, [*statistics, draw, draw + 0.1, draw + 0.2, 11, 21, 12, 22, -0.5 * chain]))


def cmdstan(folder, chain=1, *, warmup=False, rows=None, name=None):
    drawn = rows if rows is not None else [row(draw, chain) for draw in range(4)]
    before = [row(99)] * 2 if warmup else []
    body = [HEAD.format(warmup=int(warmup), chain=chain).rstrip("\n"), *before, ADAPTED.rstrip("\n"), *drawn]
    path = folder / (name or f"model-{chain}.csv")
    path.write_text("\n".join(body) + "\n" + TAIL)
    return path


@pytest.mark.parametrize("warmup", [False, True])
def test_chains_of_cmdstan_become_one_posterior(tmp_path, warmup):
    dt = read_posterior(*(cmdstan(tmp_path, chain, warmup=warmup) for chain in (1, 2)))
    posterior, statistics = dt["posterior"], dt["sample_stats"]
    assert dict(posterior.sizes) == {"chain": 2, "draw": 4, "theta_dim_0": 2, "S_dim_0": 2, "S_dim_1": 2}
    assert posterior["mu"].values.tolist() == [[0, 1, 2, 3]] * 2
    assert posterior["theta"].values[0, 1].tolist() == [1.1, 1.2]
    assert posterior["S"].values[0, 0].tolist() == [[11, 12], [21, 22]]
    assert dt["log_likelihood"]["log_lik"].values[:, 0, 0].tolist() == [-0.5, -1.0]
    assert statistics["diverging"].values[0].tolist() == [False, False, False, True]
    assert statistics["reached_max_treedepth"].values[0].tolist() == [False, False, True, False]
    assert set(statistics.data_vars) == {*elsewhere.STATISTICS.values(), "reached_max_treedepth"}
    assert (posterior.attrs["sampler"], posterior.attrs["sampling_seconds"]) == ("Stan 2.35.0", 1.2)
    assert posterior.attrs["requested_draws"] == 4


def test_indices_in_brackets_are_indices_too(tmp_path):
    path = cmdstan(tmp_path)
    path.write_text(path.read_text().replace("theta.1,theta.2", '"theta[1]","theta[2]"'))
    assert read_posterior(path)["posterior"]["theta"].values[0, 1].tolist() == [1.1, 1.2]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace(row(2), row(2)[:20]), "model-1.csv, line 17: there are 7 values for 15 names"),
        (lambda text: text.replace(row(1), row(1).replace("0.9", "x0.9")), "model-1.csv, line 16: 'x0.9' is no number"),
        (lambda text: text.replace("method = sample", "method = optimize"), "its method is 'optimize'"),
        (lambda text: text.replace("theta.2", "theta.3"), "elements of 'theta' are missing"),
        (lambda text: text.replace("theta.2", "theta.1"), "line 10: a name stands twice"),
        (lambda text: text.replace("lp__", "lq__"), "it has no column lp__"),
        (lambda text: text.partition("lp__")[0], "no line with names"),
        (lambda text: text.partition("# Adaptation")[0], "holds no draws"),
    ],
)
def test_what_is_wrong_with_a_file_of_cmdstan_is_said_with_its_line(tmp_path, change, said):
    path = cmdstan(tmp_path)
    path.write_text(change(path.read_text()))
    with pytest.raises(InvalidData) as refused:
        read_posterior(path)
    assert said in str(refused.value)


def test_chains_that_do_not_belong_together_are_refused(tmp_path):
    first = cmdstan(tmp_path)
    short = cmdstan(tmp_path, 2, rows=[row(0)])
    with pytest.raises(InvalidData, match=r"it holds 1 draws, and model-1\.csv 4"):
        read_posterior(first, short)
    with pytest.raises(InvalidData, match="the same chain is named twice"):
        read_posterior(first, cmdstan(tmp_path, 1, name="again.csv"))
    other = cmdstan(tmp_path, 3)
    other.write_text(other.read_text().replace("mu", "nu"))
    with pytest.raises(InvalidData, match=r"its columns are not those of model-1\.csv"):
        read_posterior(first, other)


def groups():
    rng = np.random.default_rng(1)
    draws = xr.Dataset({"b": (("chain", "draw", "level"), rng.normal(size=(2, 5, 3)))}, {"level": list("xyz")})
    statistics = xr.Dataset({"diverging": (("chain", "draw"), np.zeros((2, 5), bool))})
    attrs = {"inference_library": "pymc", "inference_library_version": "5.1", "sampling_time": 2.5}
    return {"posterior": draws.assign_attrs(attrs), "sample_stats": statistics, "warmup_posterior": draws}


@pytest.mark.parametrize("layout", ["inference data", "tree", "zarr", "zarr of version 2"])
def test_what_arviz_saved_is_read_as_it_was(tmp_path, layout):
    path = tmp_path / ("p.zarr" if "zarr" in layout else "p.nc")
    made = groups()
    if layout == "inference data":  # group by group, as ArviZ 0.x did
        for at, (name, group) in enumerate(made.items()):
            group.to_netcdf(path, mode="w" if at == 0 else "a", group=name, engine="h5netcdf")
    elif layout == "tree":
        xr.DataTree.from_dict(made).to_netcdf(path, engine="h5netcdf")
    else:
        xr.DataTree.from_dict(made).to_zarr(path, zarr_format=2 if layout.endswith("2") else 3, consolidated=False)
    dt = read_posterior(path)
    xr.testing.assert_equal(dt["posterior"].to_dataset(), made["posterior"])
    assert set(dt.children) == {"posterior", "sample_stats"}
    assert (dt["posterior"].attrs["sampler"], dt["posterior"].attrs["sampling_seconds"]) == ("pymc 5.1", 2.5)


def test_a_posterior_without_statistics_has_an_empty_group_of_them(tmp_path):
    posterior = groups()["posterior"]
    posterior.to_netcdf(tmp_path / "p.nc", group="posterior", engine="h5netcdf")
    assert len(read_posterior(tmp_path / "p.nc")["sample_stats"].data_vars) == 0


def test_files_that_are_no_posterior_are_refused(tmp_path, monkeypatch):
    with pytest.raises(NotFound, match=r"no file .none\.nc."):
        read_posterior(tmp_path / "none.nc")
    (tmp_path / "p.pkl").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(InvalidData, match="neither netCDF, zarr nor CmdStan's CSV"):
        read_posterior(tmp_path / "p.pkl")
    xr.DataTree.from_dict({"prior": groups()["posterior"]}).to_netcdf(tmp_path / "prior.nc", engine="h5netcdf")
    with pytest.raises(InvalidData, match="no group “posterior”"):
        read_posterior(tmp_path / "prior.nc")
    flat = groups()["posterior"].isel(chain=0)
    xr.DataTree.from_dict({"posterior": flat}).to_netcdf(tmp_path / "flat.nc", engine="h5netcdf")
    with pytest.raises(InvalidData, match="no draws by chain"):
        read_posterior(tmp_path / "flat.nc")
    good = tmp_path / "good.nc"
    xr.DataTree.from_dict(groups()).to_netcdf(good, engine="h5netcdf")
    (tmp_path / "cut.nc").write_bytes(good.read_bytes()[:3000])
    with pytest.raises(InvalidData, match="the file is damaged"):
        read_posterior(tmp_path / "cut.nc")
    monkeypatch.setattr(elsewhere, "LARGEST", 100)
    with pytest.raises(InvalidData, match="declares more than 100 bytes"):
        read_posterior(good)


def test_links_out_of_a_file_and_codecs_that_run_code_are_refused(tmp_path):
    (tmp_path / "secret").write_bytes(b"0123456789abcdef")
    for name, add in {
        "link": lambda file: file.__setitem__("posterior", h5py.ExternalLink("other.h5", "/")),
        "raw": lambda file: file.create_dataset("x", (2,), "f8", external=[(str(tmp_path / "secret"), 0, 16)]),
    }.items():
        with h5py.File(tmp_path / f"{name}.nc", "w") as file:
            add(file)
        with pytest.raises(InvalidData, match="another file"):
            read_posterior(tmp_path / f"{name}.nc")
    store = tmp_path / "p.zarr"
    xr.DataTree.from_dict(groups()).to_zarr(store, zarr_format=2)
    array = store / "posterior" / "b" / ".zarray"
    told = json.loads(array.read_text())
    array.write_text(json.dumps({**told, "filters": [{"id": "pickle"}]}))
    with pytest.raises(InvalidData, match="packed with 'pickle', which may run code"):
        read_posterior(store)


@pytest.mark.parametrize(("shift", "status"), [(0.0, "passed"), (3.0, "failed")])
def test_a_posterior_from_elsewhere_is_a_run_that_passes_the_same_gates_or_not(tmp_path, shift, status):
    from modelcompose import Workbench

    rng = np.random.default_rng(3)
    draws = rng.normal(size=(4, 500))
    draws[0] += shift  # one chain stays elsewhere
    groups = {
        "posterior": xr.Dataset({"effect": (("chain", "draw"), draws)}),
        "sample_stats": xr.Dataset({"diverging": (("chain", "draw"), np.zeros((4, 500), bool))}),
    }
    xr.DataTree.from_dict(groups).to_netcdf(tmp_path / "fit.nc", engine="h5netcdf")
    bench = Workbench(tmp_path)
    run = bench.import_run(["fit.nc"], model="by hand")
    assert (run["kind"], run["name"], run["status"], run["model"]) == ("imported", "fit", status, "by hand")
    assert [one["step"] for one in run["verdicts"]] == ["sampling"]
    assert bench.get_run(run["id"]) == run
    assert (tmp_path / run["executed"]).exists()


def test_draws_without_divergences_are_not_trusted_whole(tmp_path):
    from modelcompose import Workbench

    rng = np.random.default_rng(4)
    posterior = xr.Dataset({"effect": (("chain", "draw"), rng.normal(size=(4, 500)))})
    xr.DataTree.from_dict({"posterior": posterior}).to_netcdf(tmp_path / "bare.nc", engine="h5netcdf")
    run = Workbench(tmp_path).import_run(["bare.nc"])
    assert run["status"] == "warned"
    with pytest.raises(NotFound, match=r"no file 'gone\.nc'"):
        Workbench(tmp_path).import_run(["gone.nc"])
