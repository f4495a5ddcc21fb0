"""Make the evidence of the catalogue anew: recovery, coverage, simulation-based calibration and time of every model.

    python tests/evidence.py [--simulations 100] [model …]

Each model is calibrated on the standard table that it simulates itself, and fitted once more to a larger one, for the
time and for the recovery of known parameters. The result is written beside the catalogue, where the models' cards read
it, and printed as a table.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

import modelcompose
from modelcompose import catalog, data, samplers
from modelcompose.analysis import Analysis
from modelcompose.catalog.evidence import FILE, STANDARD_ROWS, STANDARD_SEED
from modelcompose.workflow import sampling
from modelcompose.workflow.sbc import ranked

RECOVERY_ROWS, RECOVERY_SEED = 300, 7


def prepared(entry, rows, seed):
    """Simulate from a model and prepare the table the way a user's would be."""
    simulation = entry.simulate(np.random.default_rng(seed), rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "simulated.csv"
        simulation.table.to_csv(path, index=False)
        dataset = data.load(str(path), simulation.kinds)
    chosen = Analysis.of({"data": "simulated.csv", **simulation.choices, "model": entry.id, "on_fail": "warn"})
    analysis = catalog.complete(chosen, dataset)
    return simulation, analysis, dataset.rows(analysis)[0]


def draws_of(dt, name):
    """Return the draws of ``b`` or ``b[level]``."""
    variable, _, level = name.partition("[")
    values = dt["posterior"][variable]
    if level:
        dimension = next(dim for dim in values.dims if dim not in ("chain", "draw"))
        values = values.sel({dimension: type(values[dimension].values[0])(level.rstrip("]"))})
    return np.asarray(values).ravel()


def recovered(entry):
    """Fit once to a larger table: how far off in posterior standard deviations, the seconds, and the gates."""
    simulation, analysis, table = prepared(entry, RECOVERY_ROWS, RECOVERY_SEED)
    model = catalog.build(analysis, table)
    began = time.monotonic()
    dt = samplers.fit(model, draws=1000, tune=1000, chains=4, random_seed=RECOVERY_SEED)
    seconds = time.monotonic() - began
    off = [
        abs(draws_of(dt, name).mean() - truth) / draws_of(dt, name).std() for name, truth in simulation.truth.items()
    ]
    worst = max((one.status for one in sampling.judge(dt)), key=["pass", "info", "warn", "fail"].index)
    return max(off, default=0.0), seconds, worst


def evidence_of(entry, simulations):
    """Return what is kept of a model."""
    _, analysis, table = prepared(entry, STANDARD_ROWS, STANDARD_SEED)
    calibration = ranked(catalog.build(analysis, table), simulations=simulations)
    off, seconds, worst = recovered(entry)
    return {
        "fingerprint": catalog.fingerprint(entry, analysis, table),
        "date": datetime.now(UTC).date().isoformat(),
        "version": modelcompose.__version__,
        "simulations": calibration.simulations,
        "failed": calibration.failed,
        "coverage": {f"{100 * level:.0f}": round(share, 3) for level, share in calibration.coverage.items()},
        "sbc": "pass" if calibration.passed else "fail",
        "p_smallest": round(min(calibration.p_values.values()) * len(calibration.names), 4),
        "parameters": list(calibration.names),
        "recovery": round(off, 2),
        "sampling": worst,
        "seconds": round(seconds, 1),
    }


def line(name, one):
    """Return a row of the table."""
    cover = "  ".join(f"{100 * one['coverage'][level]:3.0f}%" for level in ("50", "80", "90"))
    return (
        f"{name:34} {one['recovery']:5.1f}  {cover}  {one['sbc']:4}  {one['p_smallest']:7.4f}  {one['failed']:3}  "
        f"{one['sampling']:5} {one['seconds']:6.1f}"
    )


HEAD = f"{'model':34} {'off':>5}   50%   80%   90%  SBC   p·params  bad  gates seconds"


def main():
    """Calibrate the models named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=100)
    parser.add_argument("models", nargs="*")
    options = parser.parse_args()
    logging.getLogger("pymc").setLevel("ERROR")
    warnings.simplefilter("ignore")
    names = options.models or [entry.id for entry in catalog.entries()]
    print(HEAD)
    for name in names:
        try:
            found = evidence_of(catalog.get(name), options.simulations)
        except Exception as error:
            print(f"{name:34} could not be calibrated: {type(error).__name__}: {str(error)[:200]}", flush=True)
            continue
        print(line(name, found), flush=True)
        kept = (json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}) | {name: found}
        known = [entry.id for entry in catalog.entries() if entry.id in kept]
        FILE.write_text(json.dumps({one: kept[one] for one in known}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
