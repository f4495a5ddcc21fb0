"""How long simulation-based calibration of a regression takes, beside simuk.

``python tests/benchmarks/sbc.py`` calibrates a linear regression (50 rows, 3 predictors) 200 times with ModelCompose
and as often with simuk, which is no dependency: install it beside, say with
``pip install --target /tmp/simuk --no-deps simuk``, and put that folder on ``PYTHONPATH``. Both draw 500 + 500 from one
chain of nutpie. Ratios of one run count, not seconds; compiling is part of both. ``--theirs 20`` lets simuk do 20 of
them and multiplies, which is said.
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings

import numpy as np
import pymc as pm

from modelcompose.samplers.many import cores
from modelcompose.workflow.sbc import ranked

ROWS, PREDICTORS, DRAWS, TUNE = 50, 3, 500, 500


def regression() -> pm.Model:
    """Return the model; its outcome is a container, since simuk asks for one."""
    x = np.random.default_rng(0).normal(size=(ROWS, PREDICTORS))
    with pm.Model() as model:
        intercept = pm.Normal("intercept", 0, 1)
        slopes = pm.Normal("slopes", 0, 1, shape=PREDICTORS)
        sigma = pm.HalfNormal("sigma", 1)
        pm.Normal("y", intercept + x @ slopes, sigma, observed=pm.Data("y_data", np.zeros(ROWS)))
    return model


def ours(simulations: int) -> float:
    """Return the seconds that ModelCompose takes."""
    found = ranked(regression(), simulations=simulations, draws=DRAWS, tune=TUNE)
    smallest = min(found.p_values.values())
    print(f"ModelCompose: {found.seconds:7.1f} s, passed: {found.passed}, smallest p {smallest:.3f}", flush=True)
    return found.seconds


def theirs(simulations: int) -> float | None:
    """Return the seconds that simuk takes, or None where it is not installed."""
    try:
        import simuk
    except ImportError:
        print("simuk is not installed: nothing to compare with (see the top of this file).")
        return None
    began = time.monotonic()
    chain = {"draws": DRAWS, "tune": TUNE, "chains": 1, "cores": cores(), "progressbar": False}
    simuk.SBC(regression(), num_simulations=simulations, sample_kwargs=chain, seed=1).run_simulations()
    seconds = time.monotonic() - began
    print(f"simuk:        {seconds:7.1f} s for {simulations}", flush=True)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--theirs", type=int, default=0, help="how many of them simuk does; 0 for all")
    options = parser.parse_args()
    simulations, some = options.simulations, options.theirs or options.simulations
    logging.getLogger("pymc").setLevel("ERROR")
    warnings.simplefilter("ignore")
    mine, other = ours(simulations), theirs(some)
    if other is not None:
        said = "" if some == simulations else f", worked out from {some} of simuk's"
        print(f"{simulations} simulations: {other * simulations / some / mine:.0f} times as fast as simuk{said}")


if __name__ == "__main__":
    main()
