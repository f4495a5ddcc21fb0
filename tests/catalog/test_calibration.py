"""Over repeated simulations, intervals hold the truth as often as they say, and checks rarely cry wolf."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from modelcompose import catalog, data, samplers
from modelcompose.analysis import Analysis
from modelcompose.workflow import check

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning"),
]

SIMULATIONS = 8
PROBABILITY = 0.9


def draws_of(dt, name):
    variable, _, level = name.partition("[")
    values = dt["posterior"][variable]
    if level:
        dimension = next(dim for dim in values.dims if dim not in ("chain", "draw"))
        values = values.sel({dimension: level.rstrip("]")})
    return np.asarray(values).ravel()


@pytest.mark.parametrize("entry", catalog.entries(), ids=lambda entry: entry.id)
def test_ninety_percent_intervals_hold_the_truth_in_nine_of_ten_cases(entry, tmp_path):
    """Within the central 99.9% of the binomial; parameters of one fit are not independent, so the band is wide."""
    inside, alarms = [], 0
    for seed in range(SIMULATIONS):
        simulation = entry.simulate(np.random.default_rng((77, seed)), 200)
        path = tmp_path / f"{seed}.csv"
        simulation.table.to_csv(path, index=False)
        dataset = data.load(str(path), simulation.kinds)
        analysis = catalog.complete(
            Analysis.of({"data": str(path), **simulation.choices, "model": entry.id, "on_fail": "warn"}), dataset
        )
        table = dataset.complete_rows(analysis.columns)
        model = catalog.build(analysis, table)
        dt = samplers.fit(model, draws=500, tune=500, chains=4, random_seed=seed)
        for parameter, value in simulation.truth.items():
            low, high = np.quantile(draws_of(dt, parameter), [0.05, 0.95])
            inside.append(low <= value <= high)
        replicated = model.predict(dt, kind="response", inplace=False, random_seed=seed)
        alarms += check.posterior(analysis, table, replicated).status == "fail"
    least, most = binom.ppf([0.0005, 0.9995], len(inside), PROBABILITY)
    print(f"{entry.id}: {sum(inside)} of {len(inside)} inside their 90% interval, {alarms} false alarms")
    assert least <= sum(inside) <= most
    assert alarms <= 2
