"""How long it takes from a model to something that can be drawn from, beside nutpie doing it without us.

``python tests/benchmarks/compile.py`` compiles some classes of models in processes whose libraries are loaded and
have compiled something else before: with empty caches, then, in other processes, the same data, new data of other size,
and new priors. Caches are those of this run alone. A table of medians is printed; ratios of one run count, not seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

CASES = {"cold": (0, 300, 1.3), "same data": (0, 300, 1.3), "new data": (1, 360, 1.3), "new priors": (0, 300, 0.7)}


def table(seed: int, rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, z, group = rng.normal(size=rows), rng.normal(size=rows), rng.integers(8 + seed, size=rows)
    y = 1 + 0.5 * x - 0.3 * z + rng.normal(0, 0.4, 8 + seed)[group] + rng.normal(size=rows)
    return pd.DataFrame({"y": y, "x": x, "z": z, "g": [f"g{one}" for one in group]})


def bambi(formula: str, seed: int, rows: int, width: float) -> Any:
    import bambi as bmb

    model = bmb.Model(formula, table(seed, rows), priors={"x": bmb.Prior("Normal", mu=0, sigma=width)})
    model.build()
    return model.backend.model


def process(seed: int, rows: int, width: float) -> Any:
    """A Gaussian process over few points."""
    import pymc as pm

    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0, 10, rows // 8))[:, None]
    with pm.Model() as model:
        reach, height, noise = pm.Gamma("reach", 5, 3.3), pm.HalfNormal("height", width), pm.HalfNormal("noise", width)
        latent = pm.gp.Marginal(cov_func=height**2 * pm.gp.cov.Matern52(1, ls=reach))
        latent.marginal_likelihood("y", X=x, y=np.sin(x[:, 0]) + rng.normal(0, 0.3, len(x)), sigma=noise)
    return model


def own(seed: int, rows: int, width: float) -> Any:
    """A model that somebody wrote with PyMC: counts that level off, with more spread than Poisson's."""
    import pymc as pm

    rng = np.random.default_rng(seed)
    dose = rng.uniform(0, 5, rows)
    with pm.Model() as model:
        top, half, spread = pm.LogNormal("top", 2.2, width), pm.HalfNormal("half", width), pm.Exponential("spread", 0.7)
        mu = top * dose / (half + dose)
        pm.NegativeBinomial("y", mu=mu, alpha=spread, observed=rng.poisson(9 * dose / (1.2 + dose)))
    return model


MODELS: dict[str, Callable[[int, int, float], Any]] = {
    "regression": lambda *given: bambi("y ~ x + z", *given),
    "varying slopes": lambda *given: bambi("y ~ x + z + (x|g)", *given),
    "spline": lambda *given: bambi("y ~ x + bs(z, df=6)", *given),
    "Gaussian process": process,
    "own model": own,
}


def measure(who: str, name: str, cases: list[str]) -> dict[str, float]:
    """Return the seconds each case takes in this process, after it has compiled another model."""
    import nutpie
    import pymc as pm

    from modelcompose.samplers import compiled

    def work(model: Any) -> None:
        kept = [one.name for one in model.free_RVs]
        if who == "ours":
            compiled.IN_MEMORY.clear()  # what counts is the disk
            compiled.compiled(model, kept)
        else:
            nutpie.compile_pymc_model(model, var_names=kept)

    with pm.Model() as other:
        pm.Normal("b", 0.3, 1.7)
    work(other)
    found = {}
    for case in cases:
        model = MODELS[name](*CASES[case])
        started = time.perf_counter()
        work(model)
        found[case] = time.perf_counter() - started
    return found


def measured(who: str, name: str, cases: list[str], caches: Path) -> dict[str, float]:
    """Measure in a process of its own."""
    environment = {
        **os.environ,
        "MODELCOMPOSE_CACHE_DIR": str(caches / "ours"),
        "PYTENSOR_FLAGS": f"base_compiledir={caches / 'pytensor'}",
        "NUMBA_CACHE_DIR": str(caches / "numba"),
    }
    command = [sys.executable, __file__, "--measure", who, name, *cases]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main(names: list[str], times: int) -> None:
    print(f"{'model':18}{'case':12}{'nutpie, s':>10}{'ours, s':>10}{'ratio':>8}")
    for name in names:
        found: dict[str, dict[str, list[float]]] = {"nutpie": {}, "ours": {}}
        with tempfile.TemporaryDirectory() as folder:
            for who, by_case in found.items():
                caches = Path(folder) / who
                caches.mkdir()
                by_case["cold"] = [measured(who, name, ["cold"], caches)["cold"]]
            for turn in range(times):
                for case in list(CASES)[1:]:  # a process for each: what nutpie has compiled stays in memory
                    for who in list(found)[:: 1 if turn % 2 else -1]:
                        # new data are new each time to PyTensor's cache as well: it is emptied of them by a fresh copy
                        found[who].setdefault(case, []).append(fresh(who, name, case, Path(folder) / who))
        for case in CASES:
            plain, ours = (statistics.median(found[who][case]) for who in ("nutpie", "ours"))
            print(f"{name:18}{case:12}{plain:10.2f}{ours:10.2f}{plain / ours:8.1f}", flush=True)


def fresh(who: str, name: str, case: str, caches: Path) -> float:
    """Measure a case with a copy of the caches as they were after the first data."""
    import shutil

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "caches"
        shutil.copytree(caches, copy)
        return measured(who, name, [case], copy)[case]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("--measure", nargs="+", default=[])
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--times", type=int, default=3)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure[0], asked.measure[1], asked.measure[2:])))
    else:
        main(asked.models, asked.times)
