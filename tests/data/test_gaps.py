"""Rows with gaps: counted openly, and filled as the other columns suggest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from modelcompose.analysis import Analysis
from modelcompose.data.dataset import Dataset
from modelcompose.data.gaps import completed
from modelcompose.data.kinds import infer


def gappy(n: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.normal(size=n),
            "income": rng.lognormal(3, 1, n),
            "site": rng.choice(["a", "b", "c"], n),
            "person": [f"p{number}" for number in np.arange(n) % 20],
        }
    ).astype({"site": "str", "person": "str"})
    for place, name in enumerate(("y", "x", "income", "site", "person")):
        frame.loc[rng.random(n) < 0.05 * (place + 1), name] = None
    return frame


def dataset(frame: pd.DataFrame) -> Dataset:
    return Dataset("gappy", frame, infer(frame), (), "")


ROLES = {"outcome": "y", "predictors": ["x", "income", "site"], "groups": ["person"]}


@pytest.mark.parametrize("how", ["drop", "impute", "multiple"])
def test_rows_used_and_dropped_make_the_total(how: str) -> None:
    table = dataset(gappy())
    analysis = Analysis.of({**ROLES, "missing": how, "imputations": 2})
    account = table.account(analysis)
    rows, gaps = table.rows(analysis)
    assert account.used + account.dropped == account.total == 200
    assert len(rows) == account.used
    assert not rows[analysis.columns].isna().any(axis=None)
    assert (
        sum(map(len, gaps.rows.values()))
        == {
            "drop": 0,
            "impute": int(
                table.frame[table.frame[["y", "site", "person"]].notna().all(axis=1)][["x", "income"]]
                .isna()
                .sum()
                .sum()
            ),
            "multiple": int(
                table.frame[table.frame[["y", "person"]].notna().all(axis=1)][["x", "income", "site"]]
                .isna()
                .sum()
                .sum()
            ),
        }[how]
    )


def test_only_gaps_change_and_matched_values_occur() -> None:
    table = dataset(gappy())
    analysis = Analysis.of({**ROLES, "missing": "multiple", "imputations": 3})
    _, gaps = table.rows(analysis)
    known = table.frame.dropna(subset=["y", "person"]).reset_index(drop=True)
    for filled in gaps.tables:
        for name in ("x", "income", "site"):
            kept = known[name].notna().to_numpy()
            assert (filled[name][kept].astype("object") == known[name][kept].astype("object")).all()
        assert set(filled["income"]) <= set(known["income"].dropna())
        assert set(filled["site"].astype(str)) <= {"a", "b", "c"}
    assert not gaps.tables[0].equals(gaps.tables[1])


def test_the_same_seed_fills_the_same_values() -> None:
    table = dataset(gappy())
    analysis = Analysis.of({**ROLES, "missing": "multiple", "imputations": 2})
    first, again = table.rows(analysis)[1], table.rows(analysis)[1]
    other = table.rows(analysis.changed({"random_seed": 5}))[1]
    assert all(one.equals(two) for one, two in zip(first.tables, again.tables, strict=True))
    assert not first.tables[0].equals(other.tables[0])


def slope(frame: pd.DataFrame) -> tuple[float, float]:
    """Return the slope of y on x beside z by least squares, and its variance."""
    design = np.column_stack([np.ones(len(frame)), frame["x"], frame["z"]])
    inverse = np.linalg.inv(design.T @ design)
    found = inverse @ design.T @ frame["y"]
    left = frame["y"] - design @ found
    return float(found[1]), float(inverse[1, 1] * (left @ left) / (len(frame) - 3))


def test_pooled_answers_are_unbiased_and_cover_where_complete_rows_are_not() -> None:
    """Gaps in x that depend on y bias the complete rows; Rubin's rules on filled tables cover the true slope of 2."""
    times, covered, pooled, complete = 60, 0, [], []
    for seed in range(times):
        rng = np.random.default_rng(seed)
        z = rng.normal(size=300)
        x = 0.7 * z + 0.7 * rng.normal(size=300)
        y = 1 + 2 * x - z + rng.normal(size=300)
        frame = pd.DataFrame({"y": y, "x": np.where(rng.random(300) < 1 / (1 + np.exp(1.2 - y)), np.nan, x), "z": z})
        found = [slope(one) for one in completed(frame, ["y", "x", "z"], ["x"], 20, seed, ["x"])]
        means, variances = map(np.array, zip(*found, strict=True))
        spread = np.sqrt(variances.mean() + (1 + 1 / 20) * means.var(ddof=1))
        covered += abs(means.mean() - 2) < 1.97 * spread
        pooled.append(means.mean())
        complete.append(slope(frame.dropna())[0])
    assert abs(np.mean(pooled) - 2) < 0.03
    assert abs(np.mean(complete) - 2) > 0.2
    assert covered >= 0.85 * times
