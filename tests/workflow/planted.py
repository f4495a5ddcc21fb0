"""Twelve planted failures: the gate that has to see each of them, and whether its remedies mend it.

    python tests/workflow/planted.py [name …]

prints the table. Each case is a table made with a fixed seed and choices as a user would make them; the steps run in
their order until one fails, then its first remedy is taken and, if that does not help, its second instead.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from modelcompose import catalog, data, samplers
from modelcompose.analysis import Analysis
from modelcompose.verdict import Remedy, Verdict
from modelcompose.workflow import check
from modelcompose.workflow.compose import settle

GATES = ("data", "prior", "sampling", "posterior", "calibration", "influence")
FEW = {"draws": 400, "tune": 500}
MOST_REMEDIES = 2


@dataclass(frozen=True)
class Planted:
    """One planted failure.

    ``gate`` is the step that has to fail, ``rules`` are ids of rules one of which has to be broken there, and
    ``mends`` are the parameters that the remedy which mends it changes.
    """

    name: str
    make: Callable[[Path], Mapping[str, Any]]
    gate: str
    rules: tuple[str, ...]
    mends: tuple[str, ...]
    quick: bool = False


@dataclass
class Walk:
    """An analysis on its way through the steps, without a notebook."""

    analysis: Analysis
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    @classmethod
    def of(cls, choices: Mapping[str, Any]) -> Walk:
        return cls(settle(Analysis.of({**FEW, "on_fail": "warn"}), choices, load)).run()

    def take(self, changes: Mapping[str, Any]) -> Walk:
        """Walk anew with changed choices."""
        return Walk(settle(self.analysis, changes, load)).run()

    @property
    def failed(self) -> str:
        """The step that failed, ``""`` when none did."""
        return next((name for name, verdict in self.verdicts.items() if verdict.status == "fail"), "")

    def run(self) -> Walk:
        """Run the steps in order, up to the first that fails."""
        for name, judged in self._steps():
            self.verdicts[name] = judged
            if judged.status == "fail":
                break
        return self

    def _steps(self):
        chosen = self.analysis
        dataset = load(chosen)
        table, _ = dataset.rows(chosen)
        yield "data", check.data(chosen, dataset, table)
        model = catalog.build(chosen, table)
        prior = catalog.prior_predictive(model, draws=500, random_seed=chosen.random_seed)
        yield "prior", check.prior(chosen, table, prior)
        settings = ("sampler", "draws", "tune", "chains", "target_accept", "random_seed", "metric")
        dt = samplers.fit(model, **{name: getattr(chosen, name) for name in settings})
        yield "sampling", check.sampling(chosen, dt)
        dt = catalog.predict(model, dt, random_seed=chosen.random_seed)
        yield "posterior", check.posterior(chosen, table, dt)
        if hasattr(check, "calibration"):
            dt = catalog.log_likelihood(model, dt)
            yield "calibration", check.calibration(chosen, table, dt)
        if hasattr(check, "influence"):
            from modelcompose.workflow.leaving_out import loo

            yield "influence", check.influence(chosen, table, loo(chosen, table, model, dt))


def load(analysis: Analysis) -> Any:
    return data.load(analysis.data, analysis.kinds)


@dataclass(frozen=True)
class Outcome:
    """What became of a planted failure."""

    before: Walk
    tried: tuple[tuple[Remedy, Walk], ...]
    seconds: float

    @property
    def broken(self) -> set[str]:
        """The rules that were broken at the gate that failed."""
        gate = self.before.verdicts.get(self.before.failed)
        return {one.rule for one in gate.findings if one.status == "fail"} if gate else set()

    @property
    def mended(self) -> tuple[Remedy, Walk] | None:
        """The remedy after which the gate no longer fails, with the walk that followed."""
        last = self.tried[-1] if self.tried else None
        return last if last and _passed(last[1], self.before.failed) else None


def _passed(walk: Walk, gate: str) -> bool:
    return gate in walk.verdicts and walk.verdicts[gate].status != "fail"


def try_out(case: Planted, folder: Path) -> Outcome:
    """Walk through a case, and take its first remedies, one instead of the other, until the gate passes."""
    began = time.monotonic()
    before = Walk.of(case.make(folder))
    tried: list[tuple[Remedy, Walk]] = []
    for remedy in before.verdicts[before.failed].remedies[:MOST_REMEDIES] if before.failed else ():
        tried.append((remedy, before.take(remedy.changes)))
        if _passed(tried[-1][1], before.failed):
            break
    return Outcome(before, tuple(tried), time.monotonic() - began)


def written(folder: Path, **columns: Any) -> str:
    """Write a table and return its path."""
    path = folder / "planted.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    return str(path)


# -- the cases -----------------------------------------------------------------------------------------------------


def funnel(folder: Path) -> Mapping[str, Any]:
    """Forty clinics with two rows each that hardly differ, in the centred form."""
    rng = np.random.default_rng(11)
    clinic = np.repeat(np.arange(40), 2)
    y = 50 + 0.5 * rng.standard_normal(40)[clinic] + 5 * rng.standard_normal(80)
    table = written(folder, y=y, dose=rng.uniform(0, 4, 80), clinic=np.char.add("c", clinic.astype(str)))
    return {
        "data": table,
        "kinds": {"clinic": "group"},
        "question": "effect",
        "outcome": "y",
        "predictors": ["dose"],
        "groups": ["clinic"],
        "model": "varying-intercepts",
        "noncentered": False,
        "draws": 1000,
        "tune": 1000,
    }


def multimodality(folder: Path) -> Mapping[str, Any]:
    """Two sites, and a prior of tails so long that a line may follow either and call the other outliers."""
    rng = np.random.default_rng(12)
    dose, site = rng.uniform(0, 4, 100), np.repeat(["north", "south"], 50)
    y = 20 + 2 * dose + np.where(site == "south", 20, 0) + rng.normal(0, 0.1, 100)
    table = written(folder, y=y, dose=dose, site=site)
    return {
        "data": table,
        "kinds": {"y": "continuous", "dose": "continuous", "site": "category"},
        "question": "effect",
        "outcome": "y",
        "predictors": ["dose"],
        "model": "robust-linear",
        "priors": {"nu": {"dist": "Gamma", "alpha": 70, "beta": 100}},
        "chains": 8,
    }


def separated(folder: Path) -> Mapping[str, Any]:
    """A dose above which everybody was cured, and below which nobody was."""
    rng = np.random.default_rng(5)
    dose = np.round(rng.uniform(0, 10, 60), 2)
    cured, age = (dose > 4.2).astype(int), np.round(rng.normal(50, 9, 60), 1)
    return {
        "data": written(folder, cured=cured, dose=dose, age=age),
        "kinds": {"cured": "binary"},
        "question": "effect",
        "outcome": "cured",
        "predictors": ["dose", "age"],
        "model": "logistic",
    }


def heavy_tails(folder: Path) -> Mapping[str, Any]:
    """Noise with the tails of Student's t with two degrees of freedom."""
    rng = np.random.default_rng(14)
    x = rng.normal(size=150)
    return {
        "data": written(folder, y=3 + x + rng.standard_t(2, 150), x=x),
        "question": "effect",
        "outcome": "y",
        "predictors": ["x"],
        "model": "linear",
    }


def overdispersion(folder: Path) -> Mapping[str, Any]:
    """Counts whose rate varies from row to row."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=300)
    rate = np.exp(1.2 + 0.5 * x) * rng.gamma(0.7, 1 / 0.7, 300)
    return {
        "data": written(folder, events=rng.poisson(rate), x=x),
        "kinds": {"events": "count"},
        "question": "effect",
        "outcome": "events",
        "predictors": ["x"],
        "model": "poisson",
    }


def zero_inflation(folder: Path) -> Mapping[str, Any]:
    """Counts of which four in ten could be nothing but zero."""
    rng = np.random.default_rng(16)
    x = rng.normal(size=300)
    y = rng.poisson(np.exp(1.3 + 0.4 * x)) * (rng.random(300) > 0.4)
    return {
        "data": written(folder, events=y, x=x),
        "kinds": {"events": "count"},
        "question": "effect",
        "outcome": "events",
        "predictors": ["x"],
        "model": "poisson",
    }


def wrong_link(folder: Path) -> Mapping[str, Any]:
    """Effects that multiply, in a model that adds."""
    rng = np.random.default_rng(17)
    x = rng.normal(size=200)
    return {
        "data": written(folder, price=np.exp(2 + 0.8 * x + rng.normal(0, 0.6, 200)), x=x),
        "kinds": {"price": "positive"},
        "question": "effect",
        "outcome": "price",
        "predictors": ["x"],
        "model": "linear",
    }


def conflict(folder: Path) -> Mapping[str, Any]:
    """A prior in grams for an outcome in kilograms."""
    rng = np.random.default_rng(18)
    height = rng.normal(170, 9, 120)
    return {
        "data": written(folder, weight=70 + 0.9 * (height - 170) + rng.normal(0, 8, 120), height=height),
        "question": "effect",
        "outcome": "weight",
        "predictors": ["height"],
        "model": "linear",
        "priors": {"Intercept": {"dist": "Normal", "mu": 70000, "sigma": 5000}},
    }


def influential_point(folder: Path) -> Mapping[str, Any]:
    """One row far away from all others, whose outcome pulls the line towards itself."""
    rng = np.random.default_rng(19)
    x = np.append(rng.normal(0, 1, 60), 7.0)
    y = 1 + 0.5 * x + rng.normal(0, 1, 61)
    y[-1] = -1.0
    return {
        "data": written(folder, y=y, x=x),
        "kinds": {"y": "continuous", "x": "continuous"},
        "question": "effect",
        "outcome": "y",
        "predictors": ["x"],
        "model": "linear",
    }


def autocorrelation(folder: Path) -> Mapping[str, Any]:
    """A trend whose deviations linger, in a model that takes them for new each time."""
    rng = np.random.default_rng(20)
    left = np.zeros(120)
    for at in range(1, 120):
        left[at] = 0.85 * left[at - 1] + rng.normal()
    month = np.arange(120)
    return {
        "data": written(folder, sales=50 + 0.1 * month + 2 * left, month=month),
        "kinds": {"sales": "continuous", "month": "count"},
        "question": "trend",
        "outcome": "sales",
        "time": "month",
        "model": "trend-season",
    }


def too_few_draws(folder: Path) -> Mapping[str, Any]:
    """Forty draws of each chain."""
    rng = np.random.default_rng(21)
    x = rng.normal(size=100)
    return {
        "data": written(folder, y=3 + x + rng.normal(size=100), x=x),
        "question": "effect",
        "outcome": "y",
        "predictors": ["x"],
        "model": "linear",
        "draws": 40,
        "tune": 200,
    }


SWITCHING = '''"""Two kinds of waits.

There are two kinds of rows, and each scatters around its average.
"""

import numpy as np
import pymc as pm

columns = {"wait": "continuous"}
outcome = "wait"


def build(table):
    y = table["wait"].to_numpy(float)
    with pm.Model(coords={"row": np.arange(len(y)), "kind": ["one", "other"]}) as model:
        average = pm.Normal("average", y.mean(), 2 * y.std(), dims="kind")
        sigma = pm.HalfNormal("sigma", y.std(), dims="kind")
        share = pm.Beta("share", 2, 2)
        pm.NormalMixture(
            "wait", w=pm.math.stack([share, 1 - share]), mu=average, sigma=sigma, observed=y, dims="row"
        )
    return model
'''


def label_switching(folder: Path) -> Mapping[str, Any]:
    """A mixture of one's own whose two kinds have no order."""
    rng = np.random.default_rng(22)
    path = folder / "two_kinds.py"
    path.write_text(SWITCHING, "utf-8")
    wait = np.concatenate([rng.normal(54, 6, 90), rng.normal(80, 5, 110)])
    return {
        "data": written(folder, wait=rng.permutation(wait)),
        "kinds": {"wait": "continuous"},
        "model": str(path),
        "outcome": "wait",
        "question": "own",
        "chains": 8,
        "random_seed": 2,
    }


CASES = (
    Planted("funnel", funnel, "sampling", ("divergences", "rhat", "ess", "bfmi"), ("noncentered",)),
    Planted("multimodality", multimodality, "sampling", ("chains-apart",), ("priors", "model")),
    Planted("separation", separated, "data", ("separation",), ("prior_scale",), quick=True),
    Planted("heavy tails", heavy_tails, "posterior", ("tail-probability",), ("model",)),
    Planted("overdispersion", overdispersion, "posterior", ("tail-probability",), ("model",)),
    Planted("zero inflation", zero_inflation, "posterior", ("tail-probability",), ("model",)),
    Planted("wrong link", wrong_link, "posterior", ("tail-probability",), ("model",)),
    Planted(
        "prior-data conflict",
        conflict,
        "prior",
        ("implausible-averages", "prior-data-conflict"),
        ("priors",),
        quick=True,
    ),
    Planted("one influential point", influential_point, "influence", ("pareto-k", "answer-moves"), ("model", "recipe")),
    Planted("autocorrelation", autocorrelation, "posterior", ("tail-probability",), ("model",)),
    Planted("too few draws", too_few_draws, "sampling", ("ess",), ("draws",), quick=True),
    Planted("label switching", label_switching, "sampling", ("chains-apart",), ("model",)),
)


def row(case: Planted, found: Outcome) -> str:
    """Describe what became of a case in a line of the table."""
    right = found.before.failed == case.gate and bool(set(case.rules) & found.broken)
    mended = found.mended
    after = ""
    if mended:
        statuses = {name: verdict.status for name, verdict in mended[1].verdicts.items()}
        after = " ".join(f"{name}:{status}" for name, status in statuses.items() if status not in ("pass", "info"))
        after = after or "all pass"
    how = f"{len(found.tried)}. {mended[0].label}" if mended else "not mended"
    broken = ", ".join(sorted(found.broken))
    return (
        f"{case.name:22} {found.before.failed or 'none':11} {'yes' if right else 'NO':3} {broken:34.34} {how:52.52} "
        f"{after:34} {found.seconds:5.0f} s"
    )


HEAD = f"{'planted':22} {'gate failed':11} {'ok':3} {'rules broken':34} {'remedy':52} {'other gates after it':34}"


def main(names: list[str]) -> None:
    """Print the table of the cases named, or of all."""
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    print(HEAD)
    caught = mended = 0
    cases = [case for case in CASES if not names or case.name in names]
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            found = try_out(case, Path(folder))
        print(row(case, found), flush=True)
        caught += found.before.failed == case.gate
        mended += found.mended is not None
    print(f"{caught} of {len(cases)} caught by the right gate, {mended} mended by the first or second remedy")


if __name__ == "__main__":
    main(sys.argv[1:])
