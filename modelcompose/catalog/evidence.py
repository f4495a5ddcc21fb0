"""What is known of how well a model computes: its latest simulation-based calibration, kept with the catalogue.

Evidence speaks of the model as it was spelt when it was made. A fingerprint of that spelling, of formula, priors and
code on a standard table, says whether it still does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis
    from modelcompose.catalog.entry import ModelEntry

__all__ = ["Evidence", "evidence", "fingerprint", "stored"]

FILE = Path(__file__).with_name("evidence.json")
STANDARD_ROWS, STANDARD_SEED = 60, 5


@dataclass(frozen=True)
class Evidence:
    """Whether there is evidence, what it found, and in a sentence what that means."""

    status: Literal["valid", "outdated", "none"]
    sentence: str
    found: dict[str, Any]


def fingerprint(entry: ModelEntry, analysis: Analysis, table: pd.DataFrame) -> str:
    """Hash how a model is spelt on a table."""
    spelling = "\n".join([*analysis.formula_parts, entry.code(analysis, table)])
    return sha256(spelling.encode()).hexdigest()[:16]


@cache
def stored() -> dict[str, dict[str, Any]]:
    """Return the evidence that ships with the catalogue, by the model's id."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}


def evidence(id: str, mark: str = "") -> Evidence:  # noqa: A002
    """Say what is known of a model.

    Parameters
    ----------
    id
        The model.
    mark
        Its fingerprint on its standard table; ``""`` when that has not been worked out.
    """
    found = stored().get(id)
    if found is None:
        return Evidence("none", "This model has not been calibrated: nothing shows yet that it computes rightly.", {})
    if mark and found["fingerprint"] != mark:
        return Evidence("outdated", "The model has changed since it was last calibrated.", found)
    coverage = ", ".join(f"{float(share):.0%} ({level}%)" for level, share in found["coverage"].items())
    verdict = "passed" if found["sbc"] == "pass" else "FAILED"
    return Evidence(
        "valid",
        f"Simulation-based calibration {verdict} on {found['date']} (version {found['version']}, "
        f"{found['simulations']} simulations): intervals held the truth in {coverage} of the cases.",
        found,
    )
