"""Well-specified controls: how often do the gates fail although model and data suit each other?

    python tests/workflow/controls.py [--each 10] [model …]

Data sets are simulated from ready-made models at the values that these call their truth, and walk through the same
steps as the planted failures. A gate that fails then is a false alarm.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
from planted import Walk

from modelcompose import catalog

MODELS = (
    *("typical-value", "two-groups", "linear", "robust-linear", "lognormal"),
    *("varying-intercepts", "logistic", "poisson", "negative-binomial", "ordinal"),
)
EACH, ROWS, SEED = 10, 100, 1000
USUAL = {"draws": 1000, "tune": 1000}  # as many as an analysis makes by default


@dataclass(frozen=True)
class Control:
    """One simulated data set and the verdicts on it."""

    model: str
    seed: int
    walk: Walk

    @property
    def alarm(self) -> str:
        """The step that failed with the rules that were broken, ``""`` when none did."""
        return self._said(self.walk.failed, "fail") if self.walk.failed else ""

    @property
    def warnings(self) -> list[str]:
        """The steps that warned."""
        return [self._said(name, "warn") for name, one in self.walk.verdicts.items() if one.status == "warn"]

    def _said(self, step: str, status: str) -> str:
        broken = [f"{one.name} {one.shown}" for one in self.walk.verdicts[step].findings if one.status == status]
        return f"{step}: {'; '.join(broken)}"


def controls(models: Sequence[str] = MODELS, each: int = EACH) -> Iterator[Control]:
    """Simulate data sets from each model, and judge them; pictures, which judge nothing, are not rendered."""
    with patch("modelcompose.workflow.steps._png", return_value=b""):
        yield from _controls(models, each)


def _controls(models: Sequence[str], each: int) -> Iterator[Control]:
    for seed in range(SEED, SEED + each):
        for model in models:
            simulation = catalog.get(model).simulate(np.random.default_rng(seed), ROWS)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "control.csv"
                simulation.table.to_csv(path, index=False)
                choices = {"data": str(path), "kinds": dict(simulation.kinds), **simulation.choices, "model": model}
                yield Control(model, seed, Walk.of({**choices, **USUAL, "random_seed": seed}))


def main() -> None:
    """Print the false alarms and warnings of every model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=EACH)
    parser.add_argument("models", nargs="*", default=MODELS)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    made: Counter[str] = Counter()
    alarms: Counter[str] = Counter()
    warned: Counter[str] = Counter()
    for one in controls(options.models or MODELS, options.each):
        made[one.model] += 1
        alarms[one.model] += bool(one.alarm)
        warned[one.model] += bool(one.warnings)
        for said in [f"FALSE ALARM {one.alarm}"] * bool(one.alarm) + [f"warning {said}" for said in one.warnings]:
            print(f"  {one.model} {one.seed}: {said}", flush=True)
        steps = ", ".join(one.walk.verdicts)
        print(f"  {one.model} {one.seed}: {one.walk.failed or 'no alarm'} ({steps})", flush=True)
    for model, count in made.items():
        print(f"{model:22} {alarms[model]:2} of {count} false alarms, {warned[model]:2} with a warning")
    total, false = made.total(), alarms.total()
    print(f"{false} false alarms in {total} data sets ({false / total:.1%}); {warned.total()} with a warning")


if __name__ == "__main__":
    main()
