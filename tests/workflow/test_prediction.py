"""Predictions: new rows, the time ahead, slopes and contrasts, and how well classes are told apart."""

from __future__ import annotations

import arviz_stats as azs
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

import modelcompose as mc
from modelcompose import catalog
from modelcompose.errors import InvalidAnalysis, InvalidData
from modelcompose.workflow import new_rows, prediction
from modelcompose.workflow.classification import Classes, auc

# -- classes, by hand ----------------------------------------------------------------------------------------------

ACTUAL = np.array([0, 0, 0, 1, 1, 1, 1, 0])
CHANCE = np.array([0.1, 0.4, 0.6, 0.9, 0.7, 0.4, 0.8, 0.2])
TWO = Classes(ACTUAL, np.stack([1 - CHANCE, CHANCE], 1), ("no", "yes"))


def test_figures_of_two_classes_are_those_counted_by_hand():
    value = {name: figure for name, (figure, _) in TWO.figures().items()}
    assert value["accuracy"] == pytest.approx(6 / 8)
    assert value["accuracy of always saying the most frequent"] == pytest.approx(4 / 8)
    assert value["precision for yes"] == pytest.approx(3 / 4)
    assert value["recall for yes"] == pytest.approx(3 / 4)
    assert value["Brier score"] == pytest.approx(np.mean((CHANCE - ACTUAL) ** 2))
    assert value["log score"] == pytest.approx(np.mean(np.log(np.where(ACTUAL, CHANCE, 1 - CHANCE))))
    assert TWO.confusion().tolist() == [[3, 1], [1, 3]]


def test_three_classes_are_counted_by_the_most_probable():
    three = Classes(
        np.array([0, 1, 2, 2]), np.array([[8, 1, 1], [2, 7, 1], [1, 1, 8], [6, 1, 3]]) / 10, ("a", "b", "c")
    )
    value = {name: figure for name, (figure, _) in three.figures().items()}
    assert three.confusion().tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 1]]
    assert value["precision for a"] == pytest.approx(1 / 2)
    assert value["recall for c"] == pytest.approx(1 / 2)
    assert value["Brier score"] == pytest.approx(np.mean([0.06, 0.14, 0.06, 0.36 + 0.01 + 0.49]))


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.25, 0.5, 0.75]), st.booleans()), min_size=4, max_size=40))
def test_the_area_under_the_curve_is_the_statistic_of_mann_and_whitney(pairs):
    score, is_it = np.array([one for one, _ in pairs]), np.array([one for _, one in pairs])
    found = auc(score, is_it, np.full((1, len(score)), 1 / len(score)))[0]
    if is_it.all() or not is_it.any():
        assert np.isnan(found)
    else:
        expected = mannwhitneyu(score[is_it], score[~is_it]).statistic / (is_it.sum() * (~is_it).sum())
        assert found == pytest.approx(expected)


def test_the_roc_curve_rises_and_bounds_its_area():
    rng = np.random.default_rng(1)
    actual = rng.random(300) < 0.4
    chance = np.clip(0.4 + 0.2 * (actual - 0.4) + 0.15 * rng.standard_normal(300), 0.01, 0.99)
    classes = Classes(actual.astype(int), np.stack([1 - chance, chance], 1), ("no", "yes"))
    curves = classes.roc(1)
    assert (np.diff(curves, axis=1) >= 0).all()
    _, areas = classes.figures()["area under the ROC curve for yes"]
    assert np.trapezoid(curves, dx=0.02, axis=1) == pytest.approx(areas, abs=0.01)


def test_the_uncertainty_of_a_share_is_that_of_a_sample():
    rng = np.random.default_rng(2)
    right = rng.random(400) < 0.8
    classes = Classes(np.where(right, 1, 0), np.tile([0.1, 0.9], (400, 1)), ("no", "yes"))
    _, resampled = classes.figures()["accuracy"]
    assert resampled.std() == pytest.approx(np.sqrt(right.mean() * (1 - right.mean()) / 400), rel=0.1)


def test_well_calibrated_chances_meet_their_bins():
    rng = np.random.default_rng(3)
    chance = rng.uniform(0.05, 0.95, 4000)
    actual = (rng.random(4000) < chance).astype(int)
    bins = Classes(actual, np.stack([1 - chance, chance], 1), ("no", "yes")).calibration(1)
    assert sum(one["rows"] for one in bins) == 4000
    assert sum(one["lower"] <= one["predicted"] <= one["upper"] for one in bins) >= 7


# -- the time ahead, against closed forms --------------------------------------------------------------------------


def draws_of(**values):
    """A posterior that is sure of its parameters: 4000 equal draws."""
    arrays = {name: np.broadcast_to(value, (4, 1000, *np.shape(value))) for name, value in values.items()}
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(
                {
                    name: (("chain", "draw", *(f"{name}_{at}" for at in range(one.ndim - 2))), one)
                    for name, one in arrays.items()
                }
            )
        }
    )


def ahead(model, table, dt, steps):
    analysis = mc.Analysis(outcome="y", time="t", question="trend", model=model)
    return catalog.get(model).ahead(analysis, table, dt, steps)


SERIES = pd.DataFrame({"y": np.linspace(10, 20, 30), "t": np.arange(1, 31)})


def test_a_drifting_level_spreads_with_the_square_root_of_time():
    found = ahead("local-level", SERIES, draws_of(level_raw=SERIES["y"].to_numpy(), drift_sd=2.0, noise_sd=3.0), 9)
    assert found.mean(0) == pytest.approx(np.full(9, 20.0), abs=0.5)
    assert found.std(0) == pytest.approx(np.sqrt(3**2 + 2**2 * np.arange(1, 10)), rel=0.06)


def test_what_is_remembered_fades():
    posterior = draws_of(middle=15.0, trend=0.0, memory=0.5, noise_sd=1.0)
    found = ahead("autoregressive", SERIES, posterior, 5)
    steps = np.arange(1, 6)
    assert found.mean(0) == pytest.approx(15 + 5 * 0.5**steps, abs=0.1)
    assert found.std(0) == pytest.approx(np.sqrt((1 - 0.25**steps) / (1 - 0.25)), rel=0.06)


def test_a_line_goes_on():
    found = ahead("trend-season", SERIES, draws_of(middle=15.0, trend=0.5, noise_sd=1.0), 3)
    assert found.mean(0) == pytest.approx(15 + 0.5 * (29 + np.arange(1, 4) - 14.5), abs=0.1)
    assert found.std(0) == pytest.approx(np.ones(3), rel=0.06)


# -- fitted models -------------------------------------------------------------------------------------------------


class Fitted:
    """A table, a model and its posterior, with all that predictions need."""

    def __init__(self, folder, frame, **choices):
        frame.to_csv(folder / "table.csv", index=False)
        self.folder = folder
        self.dataset = mc.load("table.csv", choices.get("kinds"), root=folder)
        choices = {"data": str(folder / "table.csv"), "random_seed": 1, **choices}
        self.analysis = mc.complete(mc.Analysis.of(choices), self.dataset)
        self.table, gaps = self.dataset.rows(self.analysis)
        self.model = mc.open_gaps(mc.build(self.analysis, self.table), gaps)
        dt = mc.fit(self.model, draws=300, tune=400, chains=2, random_seed=1)
        self.dt = mc.log_likelihood(self.model, mc.predict(self.model, dt, random_seed=1))

    def predicted(self, new=None, **choices):
        if new is not None:
            new.to_csv(self.folder / "new.csv", index=False)
            choices["new_rows"] = str(self.folder / "new.csv")
        analysis = self.analysis.changed(choices)
        return analysis, mc.predictions(analysis, self.dataset, self.model, self.dt)


def people(rng, groups, each):
    """Rows of groups whose levels vary by 3 around a slope of 2, with noise of 1."""
    levels = rng.normal(0, 3, groups)
    who = np.repeat(np.arange(groups), each)
    x = rng.normal(0, 1, groups * each)
    y = 10 + levels[who] + 2 * x + rng.normal(0, 1, groups * each)
    return pd.DataFrame({"y": y, "x": x, "who": [f"p{one:03d}" for one in who]}), levels


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    rng = np.random.default_rng(5)
    frame, levels = people(rng, 25, 8)
    choices = {"outcome": "y", "predictors": ["x"], "groups": ["who"], "model": "varying-intercepts"}
    choices |= {"question": "effect", "kinds": {"y": "continuous", "x": "continuous", "who": "group"}}
    return Fitted(tmp_path_factory.mktemp("grouped"), frame, **choices), levels


def test_new_rows_of_known_groups_are_covered_as_often_as_said(grouped):
    fitted, levels = grouped
    rng = np.random.default_rng(6)
    who, x = rng.integers(0, 25, 400), rng.normal(0, 1, 400)
    y = 10 + levels[who] + 2 * x + rng.normal(0, 1, 400)
    _, found = fitted.predicted(pd.DataFrame({"x": x, "who": [f"p{one:03d}" for one in who]}), ci_prob=0.9)
    single = found["new_rows"]["single"].values
    assert np.mean((single[:, 0] < y) & (y < single[:, 2])) == pytest.approx(0.9, abs=0.05)
    average = found["new_rows"]["average"].values
    assert (average[:, 2] - average[:, 0]).mean() < 0.7 * (single[:, 2] - single[:, 0]).mean()


def test_new_rows_of_new_groups_vary_as_the_groups_do(grouped):
    fitted, _ = grouped
    rng = np.random.default_rng(7)
    x = rng.normal(0, 1, 300)
    y = 10 + rng.normal(0, 3, 300) + 2 * x + rng.normal(0, 1, 300)
    _, found = fitted.predicted(pd.DataFrame({"x": x, "who": [f"new{one}" for one in range(300)]}), ci_prob=0.9)
    single = found["new_rows"]["single"].values
    assert np.mean((single[:, 0] < y) & (y < single[:, 2])) == pytest.approx(0.9, abs=0.06)
    assert all("new who" in one for one in found["new_rows"]["outside"].values)


def test_the_average_slope_is_the_one_that_made_the_data(grouped):
    fitted, _ = grouped
    _, found = fitted.predicted()
    contrasts = found["contrasts"]
    assert list(contrasts["quantity"].values) == ["slope of x, averaged over the rows"]
    assert contrasts["draws"].mean() == pytest.approx(2, abs=0.3)


def test_the_share_of_variation_is_that_of_the_averages(grouped):
    fitted, _ = grouped
    _, found = fitted.predicted()
    frame = fitted.table
    truth = 1 - 1 / frame["y"].var()  # what is scattered around the averages has a variance of 1
    assert float(found["quality"]["r2"].mean()) == pytest.approx(truth, abs=0.03)


def test_the_verdict_tells_good_predictions_and_warns_beyond_the_data(grouped):
    fitted, _ = grouped
    new = pd.DataFrame({"x": [0.0, 50.0], "who": ["p001", "p002"]})
    analysis, found = fitted.predicted(new)
    verdict = mc.check.prediction(analysis, fitted.table, found)
    status = {one.rule: one.status for one in verdict.findings}
    assert status == {"skill": "pass", "extrapolation": "warn"}
    rows = verdict.details["New rows"]
    assert [bool(row["note"]) for row in rows] == [False, True]
    assert set(rows[0]) == {"x", "who", "average", "a single new one", "note"}


def test_each_row_is_predicted_without_itself(grouped):
    """Least squares misses a row that it has not seen by 1 / (1 - leverage) of what it misses when it has."""
    fitted, _ = grouped
    _, found = fitted.predicted()
    quality = found["quality"]
    seen = fitted.dt["posterior_predictive"]["y"].mean(("chain", "draw")).values
    missed, missed_seen = (np.abs(quality["observed"].values - one) for one in (quality["predicted"].values, seen))
    assert bool(quality["left_out"])
    leverage = 26 / 200  # a level for each group, and a slope
    assert missed.mean() / missed_seen.mean() == pytest.approx(1 / (1 - leverage), abs=0.07)


def test_no_average_is_held_against_a_quantile_or_a_wait_that_goes_on(grouped):
    fitted, _ = grouped
    for changes in ({"event": "x"}, {"kinds": {**fitted.analysis.kinds, "y": "circular"}}):
        assert prediction._quality(fitted.analysis.changed(changes), fitted.table, None, fitted.dt) is None


def test_dates_and_numbers_beyond_the_data_are_spelt():
    assert new_rows._said(pd.Timestamp("2024-03-01")) == "2024-03-01"
    assert new_rows._said(2.5) == "2.5"


def test_very_many_rows_are_resampled_less_often():
    classes = Classes(np.zeros(100_000, int), np.tile([0.9, 0.1], (100_000, 1)), ("no", "yes"))
    assert classes.weights.shape == (200, 100_000)


def test_results_survive_being_stored(grouped, tmp_path):
    fitted, _ = grouped
    analysis, found = fitted.predicted(pd.DataFrame({"x": [0.0], "who": ["p001"]}))
    found.to_netcdf(tmp_path / "predicted.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "predicted.nc", engine="h5netcdf") as opened:
        again = mc.check.prediction(analysis, fitted.table, opened.load())
    assert again.details == mc.check.prediction(analysis, fitted.table, found).details


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (pd.DataFrame({"who": ["p001"]}), "lack the column 'x'"),
        (pd.DataFrame({"x": ["much"], "who": ["p001"]}), "x"),
    ],
)
def test_new_rows_that_cannot_be_used_are_refused(grouped, new, said):
    fitted, _ = grouped
    with pytest.raises(InvalidData, match=said):
        fitted.predicted(new)


def test_new_rows_are_prepared_but_not_chosen_and_never_measured_by_themselves(grouped):
    fitted, _ = grouped
    new = pd.DataFrame({"x": [0.1, 5.0], "who": ["p001", "p002"]})
    by_outcome = {"do": "filter", "where": "y < 100 or x != 3"}
    _, found = fitted.predicted(new, recipe=[by_outcome])
    assert found["new_rows"].sizes["row"] == 2
    for step in ({"do": "standardise", "columns": ["x"]}, {"do": "missing", "columns": ["x"], "how": "fill"}):
        with pytest.raises(InvalidData, match="measures the table as a whole"):
            fitted.predicted(new, recipe=[step])


def test_a_model_without_time_makes_no_forecast(grouped):
    fitted, _ = grouped
    with pytest.raises(InvalidAnalysis, match="makes no forecasts"):
        fitted.predicted(horizon=3)


@pytest.fixture(scope="module")
def yes_or_no(tmp_path_factory):
    rng = np.random.default_rng(8)
    x, g = rng.normal(size=250), rng.choice(["a", "b"], 250)
    chance = 1 / (1 + np.exp(-(1.5 * x + (g == "b"))))
    frame = pd.DataFrame({"bought": np.where(rng.random(250) < chance, "yes", "no"), "x": x, "g": g})
    choices = {"outcome": "bought", "predictors": ["x", "g"], "question": "effect", "model": "logistic"}
    return Fitted(tmp_path_factory.mktemp("yes"), frame, **choices), chance


def test_the_chance_of_a_yes_is_told_with_its_slopes(yes_or_no):
    fitted, chance = yes_or_no
    _, found = fitted.predicted()
    contrasts = found["contrasts"].to_dataset()
    slope = contrasts["draws"].sel(quantity="slope of x, averaged over the rows")
    truth = 100 * 1.5 * np.mean(chance * (1 - chance))
    assert slope.mean() == pytest.approx(truth, abs=4 * float(slope.std()))
    assert set(contrasts["unit"].values) == {"percentage points per 1 of x", "percentage points"}


def test_the_class_figures_are_those_of_rows_left_out(yes_or_no):
    fitted, chance = yes_or_no
    analysis, found = fitted.predicted()
    verdict = mc.check.prediction(analysis, fitted.table, found)
    told = {row["figure"]: row["value"] for row in verdict.details["How well classes are told apart"]}
    actual = (fitted.table["bought"] == "yes").to_numpy()
    best = auc(chance, actual, np.full((1, 250), 1 / 250))[0]
    assert float(told["area under the ROC curve for yes"]) == pytest.approx(best, abs=0.03)
    assert "predicted from the others" in verdict.findings[0].sentence
    assert float(told["log score"]) == pytest.approx(azs.loo(fitted.dt).elpd / 250, abs=0.006)
    counted = verdict.details["Rows by actual and predicted class"]
    assert sum(int(row[f"predicted {name}"]) for row in counted for name in ("no", "yes")) == 250


def test_a_level_that_the_model_does_not_know_is_refused(yes_or_no):
    fitted, _ = yes_or_no
    with pytest.raises(InvalidData, match="level 'c'"):
        fitted.predicted(pd.DataFrame({"x": [0.0], "g": ["c"]}))


def test_new_rows_with_gaps_are_left_out_and_counted(yes_or_no):
    fitted, _ = yes_or_no
    analysis, found = fitted.predicted(pd.DataFrame({"x": [0.0, None, 1.0], "g": ["a", "a", "b"]}))
    assert (found["new_rows"].sizes["row"], found["new_rows"].attrs["dropped"]) == (2, 1)
    assert "1 left out for missing values" in mc.check.prediction(analysis, fitted.table, found).sentence
