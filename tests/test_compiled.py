"""A model is compiled once for all data of its kind, and what is compiled is its density."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

from modelcompose.errors import InvalidInput
from modelcompose.samplers import compiled as compilation
from modelcompose.samplers.compiled import Compiled, called, compiled, shelf
from modelcompose.samplers.compiled.machine import open_graphs
from modelcompose.samplers.compiled.structure import Graphs, Structure, Unliftable

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")


def line(
    seed: int = 0, rows: int = 30, *, groups: int = 0, width: float = 2.7, robust: bool = False, lower: float = -50.0
) -> Any:
    """A line through points, perhaps with groups, whose predictor stands in a data container."""
    import pymc as pm

    rng = np.random.default_rng(seed)
    with pm.Model(coords={"row": range(rows), "group": range(groups)}) as model:
        x = pm.Data("x", rng.normal(size=rows), dims="row")
        a = pm.Normal("a", 0, 7.3)
        b = pm.TruncatedNormal("b", 0, width, lower=lower)
        noise = pm.HalfNormal("noise", 1.9)
        mu = a + b * x * rng.normal(size=rows)
        if groups:
            spread = pm.HalfNormal("spread", 1.1)
            effect = pm.Normal("effect", 0, spread, dims="group")
            mu = mu + effect[rng.integers(groups, size=rows)]
        y = rng.normal(1, 1, size=rows)
        if robust:
            pm.StudentT("y", nu=5, mu=mu, sigma=noise, observed=y, dims="row")
        else:
            pm.Normal("y", mu, noise, observed=y, dims="row")
        pm.Deterministic("twice", 2 * b)
    return model


def key(model: Any, var_names: tuple[str, ...] = ("a", "b", "noise")) -> str:
    return Structure(Graphs.of(model, list(var_names))).key


def test_the_key_knows_nothing_of_data_rows_levels_and_widths_of_priors() -> None:
    grouped = key(line(groups=5))
    assert grouped == key(line(1, groups=5)) == key(line(1, 47, groups=9)) == key(line(groups=5, width=0.8))


def test_another_model_has_another_key() -> None:
    models = [line(), line(groups=5), line(robust=True), line(lower=0.0)]
    assert len({key(one) for one in models}) == len(models)
    assert key(line()) != key(line(), ("a", "b", "noise", "twice"))


def test_a_number_that_rewrites_look_for_belongs_to_the_structure() -> None:
    assert key(line(width=1.0)) != key(line(width=2.7))


def test_what_depends_on_constants_only_is_worked_out_beforehand() -> None:
    import pymc as pm
    import pytensor.tensor as pt

    table = np.random.default_rng(0).normal(size=(20, 3))
    with pm.Model() as model:
        b = pm.Normal("b", shape=3)
        pm.Normal("y", pt.dot(pt.sin(pt.as_tensor(table) * 3.7) ** 2, b), 1.7, observed=table[:, 0])
    structure = Structure(Graphs.of(model, ["b"]))
    assert "Sin" not in structure.text
    assert any(np.allclose(slot.now(), np.sin(table * 3.7) ** 2) for slot in structure.slots if len(slot.ones) == 2)


class Twice(Op):
    """Work of somebody's own, which may change from one day to the next."""

    __props__ = ()

    def make_node(self, value: Any) -> Apply:
        return Apply(self, [value], [value.type()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any) -> None:
        output_storage[0][0] = 2 * inputs[0]


def test_code_that_can_change_without_its_version_is_not_kept() -> None:
    import pymc as pm

    with pm.Model() as model:
        b = pm.Normal("b")
        pm.Potential("own", Twice()(b))
    with pytest.raises(Unliftable, match="may change"):
        Structure(Graphs.of(model, ["b"]))


def scaled(value: Any, factor: float) -> Any:
    """A quantity whose gradient alone is multiplied by a factor."""
    from pytensor.gradient import grad_scale

    return grad_scale(value, factor)


def clipped(value: Any, bound: float) -> Any:
    """A quantity whose gradient alone is cut off."""
    from pytensor.gradient import grad_clip

    return grad_clip(value, -bound, bound)


@pytest.mark.parametrize("way", [scaled, clipped])
def test_what_changes_the_gradient_alone_belongs_to_the_structure(way: Any) -> None:
    import pymc as pm

    models = []
    for number in (2.0, 3.0):
        with pm.Model() as model:
            pm.Potential("own", -(way(pm.Normal("b"), number) ** 2))
        models.append(model)
    assert key(models[0], ("b",)) != key(models[1], ("b",))


def test_a_function_of_the_users_that_is_made_an_operation_is_not_kept() -> None:
    import pymc as pm
    import pytensor.tensor as pt
    from pytensor.compile.ops import as_op

    @as_op(itypes=[pt.dscalar], otypes=[pt.dscalar])
    def more(value: np.ndarray) -> np.ndarray:
        return np.asarray(value + 1.0)

    with pm.Model() as model:
        b = pm.Normal("b")
        pm.Deterministic("own", more(b))
        pm.Normal("y", b, 1.7, observed=np.arange(5.0))
    with pytest.raises(Unliftable, match="may change"):
        Structure(Graphs.of(model, ["b", "own"]))


def plain_density(model: Any, values: list[Any]) -> tuple[float, np.ndarray]:
    """Work out log density and gradient as PyMC writes them down, without any of our code."""
    import pytensor.tensor as pt
    from pymc.pytensorf import compile as function

    free, density = model.value_vars, model.logp()
    work = function(free, [density, *pt.grad(density, free)], mode="FAST_COMPILE", on_unused_input="ignore")
    found, *slopes = work(*values)
    return float(found), np.concatenate([np.ravel(one) for one in slopes])


def points(model: Any, count: int) -> list[list[np.ndarray]]:
    """Return points around the starting point: values in the order of the free variables."""
    rng, start = np.random.default_rng(1), model.initial_point()
    return [
        [np.asarray(start[one.name] + 0.3 * rng.normal(size=np.shape(start[one.name]))) for one in model.value_vars]
        for _ in range(count)
    ]


def flat(values: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(one) for one in values]).astype(float)


def check_open_graphs(model: Any) -> None:
    """Compare the density with open slots, before it is compiled, with PyMC's own."""
    from pymc.pytensorf import compile as function

    graphs = Graphs.of(model, [one.name for one in model.free_RVs])
    structure = Structure(graphs)
    arguments, density, expanded = open_graphs(graphs, structure)
    work = function(arguments, [*density, *expanded], mode="FAST_COMPILE", on_unused_input="ignore")
    for values in points(model, 3):
        sizes = np.array([size for one in values for size in one.shape], dtype=np.int64)
        found, slope, kept = work(flat(values), sizes, *(slot.now() for slot in structure.slots))
        due, due_slope = plain_density(model, values)
        assert found == pytest.approx(due, rel=1e-6)
        assert slope == pytest.approx(due_slope, rel=1e-6, abs=1e-6)
        assert kept[: flat(values).size] == pytest.approx(flat(values))


def catalogue() -> list[Any]:
    from modelcompose import catalog

    quick = {"varying-slopes", "proportion"}  # the others: nightly
    names = [entry.id for entry in catalog.entries()]
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


def built(name: str, tmp_path: Path, seed: int, rows: int) -> Any:
    from modelcompose import catalog, data
    from modelcompose.analysis import Analysis

    [entry] = [one for one in catalog.entries() if one.id == name]
    simulation = entry.simulate(np.random.default_rng(seed), rows)
    path = tmp_path / f"{seed}.csv"
    simulation.table.to_csv(path, index=False)
    dataset = data.load(str(path), simulation.kinds)
    asked = Analysis.of({"data": str(path), **simulation.choices, "model": name})
    analysis = catalog.complete(asked, dataset)
    return catalog.pymc_model(catalog.build(analysis, dataset.complete_rows(analysis.columns)))


@pytest.mark.parametrize("name", catalogue())
def test_the_density_of_every_model_of_the_catalogue_is_pymcs_own(name: str, tmp_path: Path) -> None:
    check_open_graphs(built(name, tmp_path, 5, 120))


@pytest.mark.parametrize("name", catalogue())
def test_the_key_of_every_model_of_the_catalogue_knows_nothing_of_the_table(name: str, tmp_path: Path) -> None:
    models = [built(name, tmp_path, seed, rows) for seed, rows in ((5, 240), (6, 300))]
    names = [one.name for one in models[0].free_RVs]
    assert len({key(one, tuple(names)) for one in models}) == 1


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for compiled models."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def elsewhere(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(compilation.FOLDER, str(kept))


@pytest.fixture(scope="module")
def first(kept: Path) -> Compiled:
    """The model of the first table, compiled and kept."""
    before = os.environ.get(compilation.FOLDER)
    os.environ[compilation.FOLDER] = str(kept)
    try:
        return compiled(line(), ["a", "b", "noise"])
    finally:
        os.environ.pop(compilation.FOLDER) if before is None else os.environ.update({compilation.FOLDER: before})


def check_called(found: Any, model: Any) -> None:
    for values in points(model, 3):
        value, slope, refused = called(found, flat(values))
        due, due_slope = plain_density(model, values)
        assert refused == 0
        assert value == pytest.approx(due, rel=1e-6)
        assert slope == pytest.approx(due_slope, rel=1e-6)


def test_what_is_compiled_is_the_density(first: Compiled) -> None:
    assert first.key
    check_called(first.now, line())


def test_another_table_is_taken_from_memory(first: Compiled) -> None:
    other = line(3, 55, width=0.6)
    found = compiled(other, ["a", "b", "noise"])
    assert found.now.compiled_logp_func.library is first.now.compiled_logp_func.library
    check_called(found.now, other)


def test_another_process_takes_it_from_the_disk(first: Compiled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation, "IN_MEMORY", {})
    other = line(4, 21)
    found = compiled(other, ["a", "b", "noise"])
    assert found.key == first.key
    assert found.now.compiled_logp_func.library is not first.now.compiled_logp_func.library
    assert found.now.compiled_logp_func.library.metadata is None  # what numba has compiled itself has some
    check_called(found.now, other)


def test_containers_can_be_filled_anew(first: Compiled) -> None:
    import pymc as pm

    other, x = line(), np.linspace(-1, 2, 30)
    pm.set_data({"x": x}, model=other)
    check_called(first.with_data(x=x), other)
    check_called(first.now, line())


def test_lengths_of_dimensions_follow_the_data(first: Compiled) -> None:
    import pymc as pm

    with pm.Model(coords={"row": range(30)}) as model:
        pm.Data("x", np.zeros(30), dims="row")
        pm.Potential("own", -(pm.Normal("b") ** 2) * model.dim_lengths["row"])
    slots = tuple(Structure(Graphs.of(model, ["b"])).slots)
    pm.set_data({"x": np.zeros(47)}, model=model, coords={"row": range(47)})
    arguments = Compiled(first.now, "key", slots=slots).again().shared_data["arguments"]
    assert any(np.array_equal(one, 47) for one in arguments)
    assert not any(np.array_equal(one, 30) for one in arguments)


def test_a_container_that_does_not_exist_or_fit_is_refused(first: Compiled) -> None:
    with pytest.raises(InvalidInput, match="no data container 'z'"):
        first.with_data(z=1.0)
    with pytest.raises(InvalidInput, match=r"x cannot take values of shape \(2, 2\)"):
        first.with_data(x=np.ones((2, 2)))


@pytest.mark.parametrize("damage", [b"", b"not machine code", None])
def test_what_is_damaged_counts_as_nothing(first: Compiled, damage: bytes | None) -> None:
    place = compilation.folder() / first.key
    whole = place.read_bytes()
    try:
        place.write_bytes(whole[:-9] if damage is None else damage)
        assert shelf.read(first.key) is None
    finally:
        place.write_bytes(whole)
    assert shelf.read(first.key) is not None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps who may write elsewhere")
def test_what_somebody_else_can_have_written_is_not_executed(first: Compiled) -> None:
    folder = compilation.folder()
    for place in (folder / first.key, folder):
        before = place.stat().st_mode
        place.chmod(before | 0o022)
        assert shelf.read(first.key) is None
        place.chmod(before)
    assert shelf.read(first.key) is not None


def test_code_under_another_key_is_not_executed(first: Compiled) -> None:
    folder = compilation.folder()
    (folder / "another").write_bytes((folder / first.key).read_bytes())
    assert shelf.read("another") is None


def test_code_that_gives_other_variables_is_not_used(first: Compiled) -> None:
    model = line()
    graphs = Graphs.of(model, ["a", "b", "noise", "twice"])
    code = compilation.IN_MEMORY[first.key]
    assert compilation._wrapped(model, graphs, Structure(graphs), code) is None


def test_how_pytensor_is_set_belongs_to_the_key() -> None:
    from pytensor.configdefaults import config

    model, before = line(), key(line())
    with config.change_flags(numba__fastmath=not config.numba__fastmath):
        assert key(model) != before


def test_parameters_that_are_whole_numbers_are_refused() -> None:
    import pymc as pm

    with pm.Model() as model:
        kinds = pm.Poisson("kinds", 2.7)
        pm.Normal("y", kinds, 1.7, observed=np.arange(5.0))
    with pytest.raises(InvalidInput, match="kinds cannot"):
        compiled(model, ["kinds"])


def test_the_folder_keeps_what_was_used_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "MOST_BYTES", 25)
    for age, name in enumerate(("last", "middle", "first")):
        (tmp_path / name).write_bytes(bytes(10))
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    shelf._forget_the_oldest(tmp_path)
    assert {one.name for one in tmp_path.iterdir()} == {"last", "middle"}


def test_a_folder_that_cannot_be_written_is_no_error(first: Compiled, tmp_path: Path, monkeypatch: Any) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    monkeypatch.setenv(compilation.FOLDER, str(occupied))
    shelf.write(first.key, [first.now.compiled_logp_func.library])
    assert shelf.read(first.key) is None


DRAW = """
import sys, numpy as np
sys.path.insert(0, {here!r})
from test_compiled import line
from modelcompose import samplers
from modelcompose.samplers import compiled
made, compiled.build = [], (lambda known: lambda *given: (made.append(1), known(*given))[1])(compiled.build)
dt = samplers.fit(line({seed}), draws=50, tune=50, chains=2, random_seed=4)
print(len(made), np.asarray(dt["posterior"]["b"]).tobytes().hex())
"""


def begun(seed: int, cache: Path) -> subprocess.Popen[str]:
    code = DRAW.format(here=str(Path(__file__).parent), seed=seed)
    environment = {**os.environ, compilation.FOLDER: str(cache)}
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)


def drawn(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    made, values = out.split()
    return int(made), values


@pytest.mark.slow
def test_processes_that_compile_at_once_and_those_that_come_later_draw_the_same(tmp_path: Path) -> None:
    at_once = [drawn(one) for one in [begun(0, tmp_path), begun(0, tmp_path)]]
    later, other = drawn(begun(0, tmp_path)), drawn(begun(7, tmp_path))
    assert later == (0, at_once[0][1]) == (0, at_once[1][1])
    assert other[0] == 0
    assert other[1] != later[1]
    assert len(list((tmp_path / "compiled").iterdir())) == 1


@pytest.mark.slow
def test_a_damaged_entry_is_compiled_again(tmp_path: Path) -> None:
    once = drawn(begun(0, tmp_path))
    [entry] = (tmp_path / "compiled").iterdir()
    entry.write_bytes(entry.read_bytes()[:1000])
    assert drawn(begun(0, tmp_path)) == (1, once[1])
    assert drawn(begun(0, tmp_path)) == (0, once[1])
