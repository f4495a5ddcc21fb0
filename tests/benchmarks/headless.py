"""How long a checked answer takes, beside a notebook that somebody wrote by hand.

``python tests/benchmarks/headless.py`` fits a regression with varying intercepts to a table of 1000 rows in two ways:

* by hand: a plain PyMC notebook, read, prior predictive, nutpie, posterior predictive, log likelihood, LOO, pictures
  and MLflow, executed by papermill in a process of its own;
* ``modelcompose run --fresh`` of a composed notebook, with every verdict, picture and record.

Both start a process, with all caches on disk warm: (a) on the very table they have seen, (b) on a new table of the
same structure. Pairs are interleaved, medians are told, and of ours how much was sampling. Ratios of one run count, not
seconds. The simple workflow has no step for log likelihood and LOO: ``--no-loo`` leaves them out by hand, too.
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
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from nbformat import write
from nbformat.v4 import new_code_cell, new_notebook

GROUPS, CHAINS, DRAWS = 40, 4, 1000
PARAMETERS = 'data = "a.csv"\nseed = 1'
SET_UP = """
import warnings
import arviz as az
import matplotlib.pyplot as plt
import mlflow
import numpy as np
import pandas as pd
import pymc as pm
warnings.filterwarnings("ignore")
mlflow.set_tracking_uri("sqlite:///by_hand.db")
mlflow.set_experiment("by hand")
"""
READ = """
table = pd.read_csv(data)
site, sites = pd.factorize(table.site, sort=True)
dose, age = table.dose - table.dose.mean(), table.age - table.age.mean()
table.describe()
"""
MODEL = """
spread = table.score.std()
with pm.Model(coords={"site": sites, "row": table.index}) as model:
    intercept = pm.Normal("intercept", table.score.mean(), 2.5 * spread)
    b_dose = pm.Normal("b_dose", 0, 2.5 * spread / dose.std())
    b_age = pm.Normal("b_age", 0, 2.5 * spread / age.std())
    site_sd = pm.HalfNormal("site_sd", spread)
    offset = pm.Normal("offset", dims="site")
    level = pm.Deterministic("level", site_sd * offset, dims="site")
    sigma = pm.HalfStudentT("sigma", nu=4, sigma=spread)
    mu = intercept + b_dose * dose.to_numpy() + b_age * age.to_numpy() + level[site]
    pm.Normal("score", mu, sigma, observed=table.score, dims="row")
"""
PRIOR = """
with model:
    prior = pm.sample_prior_predictive(500, random_seed=seed)
az.plot_ppc_dist(prior, group="prior_predictive", num_samples=40)
plt.show()
"""
FIT = f"""
with model:
    dt = pm.sample(draws={DRAWS}, tune={DRAWS}, chains={CHAINS}, target_accept=0.9, nuts_sampler="nutpie",
                   random_seed=seed, progressbar=False)
names = ["intercept", "b_dose", "b_age", "site_sd", "sigma"]
az.summary(dt, var_names=names)
"""
TRACE = """
az.plot_trace(dt, var_names=names)
plt.savefig("trace.png")
plt.show()
"""
POSTERIOR = """
with model:
    dt.update(pm.sample_posterior_predictive(dt, random_seed=seed, progressbar=False))
az.plot_ppc_dist(dt, num_samples=40)
plt.savefig("ppc.png")
plt.show()
"""
LOO = """
with model:
    dt = pm.compute_log_likelihood(dt, progressbar=False)
loo = az.loo(dt)
loo
"""
ANSWER = """
az.plot_forest(dt, var_names=names)
plt.savefig("forest.png")
plt.show()
"""
RECORD = f"""
with mlflow.start_run():
    mlflow.log_params({{"data": data, "seed": seed, "draws": {DRAWS}, "chains": {CHAINS}}})
    table_of = az.summary(dt, var_names=names)
    mlflow.log_metric("rhat", float(table_of["r_hat"].astype(float).max()))
    mlflow.log_metric("b_dose", float(dt.posterior["b_dose"].mean()))
    dt.to_netcdf("posterior.nc")
    for file in ("trace.png", "ppc.png", "forest.png", "posterior.nc"):
        mlflow.log_artifact(file)
"""


def table(seed: int) -> pd.DataFrame:
    """Return rows of sites that differ a little."""
    rng = np.random.default_rng(seed)
    site, level = rng.integers(0, GROUPS, ROWS), rng.normal(0, 0.5, GROUPS)
    dose, age = rng.gamma(2, 2, ROWS).round(2), rng.normal(50, 12, ROWS).round(1)
    score = 20 + 1.3 * dose - 0.08 * age + level[site] + rng.normal(0, 3, ROWS)
    return pd.DataFrame({"site": [f"s{one:02d}" for one in site], "dose": dose, "age": age, "score": score.round(3)})


ROWS = 1000


def by_hand(folder: Path, *, loo: bool) -> None:
    """Write the notebook."""
    cells = [SET_UP, READ, MODEL, PRIOR, FIT, TRACE, POSTERIOR, *([LOO] if loo else []), ANSWER, RECORD]
    first = new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    nb = new_notebook(cells=[first, *map(new_code_cell, map(str.strip, cells))])
    nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    write(nb, folder / "by_hand.ipynb")


def composed(folder: Path) -> None:
    """Compose the notebook."""
    from modelcompose import Workbench

    choices = {
        "data": "first.csv",
        "question": "effect",
        "outcome": "score",
        "predictors": ["dose", "age"],
        "groups": ["site"],
        "model": "varying-intercepts",
        "draws": DRAWS,
        "tune": DRAWS,
        "chains": CHAINS,
        "on_fail": "warn",
    }
    Workbench(folder).compose(choices, "composed.ipynb")


def taken(command: list[str], folder: Path) -> tuple[float, str]:
    """Return the seconds of a process from start to end, and what it printed."""
    quiet = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONWARNINGS": "ignore"}
    began = time.perf_counter()
    told = subprocess.run(command, cwd=folder, env=quiet, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if told.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{told.stdout[-2000:]}\n{told.stderr[-4000:]}")
    return seconds, told.stdout


def theirs(folder: Path, data: str) -> float:
    papermill = [sys.executable, "-m", "papermill", "by_hand.ipynb", "by_hand_out.ipynb", "--no-progress-bar"]
    return taken([*papermill, "-p", "data", data], folder)[0]


def ours(folder: Path, data: str) -> tuple[float, float]:
    """Return the seconds of a run, and how many of them were sampling."""
    command = [sys.executable, "-m", "modelcompose", "run", "composed.ipynb", "--fresh", "--json"]
    seconds, told = taken([*command, "--set", f"data={data}"], folder)
    run: dict[str, Any] = json.loads(told)
    verdicts = json.loads((folder / ".modelcompose" / "runs" / run["id"] / "verdicts.json").read_text())
    return seconds, next(one["details"]["seconds"] for one in verdicts if one["step"] == "fit")


def main() -> None:
    global ROWS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--no-loo", action="store_true")
    options = parser.parse_args()
    ROWS = options.rows
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table(0).to_csv(folder / "first.csv", index=False)
        by_hand(folder, loo=not options.no_loo)
        composed(folder)
        theirs(folder, "first.csv"), ours(folder, "first.csv")  # fills the caches
        print(f"{'seconds, medians of ' + str(options.times):>28} {'by hand':>8} {'ours':>6} {'ratio':>6}", end="")
        print(f" {'sampling':>9} {'beyond sampling':>16}")
        for label, fresh in (("(a) the same data", False), ("(b) new data", True)):
            found = []
            for at in range(options.times):
                data = f"new{at}.csv" if fresh else "first.csv"
                if fresh:
                    table(100 + at).to_csv(folder / data, index=False)
                found.append((theirs(folder, data), *ours(folder, data)))
            hand, mine, sampling = (statistics.median(one[at] for one in found) for at in range(3))
            ratio = statistics.median(one[0] / one[1] for one in found)
            beyond = statistics.median(one[1] - one[2] for one in found)
            print(f"{label:>28} {hand:8.1f} {mine:6.1f} {ratio:6.1f} {sampling:9.1f} {beyond:16.1f}", flush=True)


if __name__ == "__main__":
    main()
