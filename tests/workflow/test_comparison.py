"""Comparison: the field's own numbers, words that do not overstate them, and models that may not be compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import modelcompose as mc
from modelcompose import data, samplers
from modelcompose.analysis import Analysis
from modelcompose.errors import InvalidAnalysis
from modelcompose.workflow import check
from modelcompose.workflow.candidates import BOTH, DENSITY, PROBABILITY, Observed, candidates, observed
from modelcompose.workflow.comparison import compare, stacked, why_not
from modelcompose.workflow.leaving_out import loo
from modelcompose.workflow.policy import default
from modelcompose.workflow.standings import Standing, in_words, stacking_weights, standings

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")

# -- the numbers ---------------------------------------------------------------------------------------------------


def leaves_out(seed, shifts, rows=60):
    """Log likelihoods of normal models with known means, as DataTrees."""
    rng = np.random.default_rng(seed)
    y = rng.normal(0, 1, rows)
    trees = {}
    for name, shift in shifts.items():
        mean = shift + rng.normal(0, 0.1, (4, 250, 1))
        values = stats.norm.logpdf(y, mean, 1)
        trees[name] = xr.DataTree.from_dict(
            {
                "log_likelihood": xr.Dataset({"y": (("chain", "draw", "row"), values)}),
                "posterior": xr.Dataset({"mean": (("chain", "draw"), mean[..., 0])}),
            }
        )
    return trees


def test_standings_are_those_of_arviz():
    import arviz_stats as azs

    trees = leaves_out(1, {"a": 0.0, "b": 0.4, "c": -0.9})
    loos = {name: azs.loo(tree, pointwise=True) for name, tree in trees.items()}
    theirs = azs.compare(loos, round_to="none")
    ours = standings({name: one.elpd_i.values for name, one in loos.items()})
    assert [one.name for one in ours] == list(theirs.index)
    n = 60
    for one in ours:
        row = theirs.loc[one.name]
        assert one.elpd == pytest.approx(row["elpd"])
        assert one.se == pytest.approx(row["se"])
        assert one.difference == pytest.approx(row["elpd_diff"])
        # ArviZ divides by n here and by n - 1 above; ours is n - 1 for both, as in R's loo
        assert one.difference_se == pytest.approx(row["dse"] * np.sqrt(n / (n - 1)))
        assert one.weight == pytest.approx(row["weight"], abs=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_stacking_weights_predict_best(seed):
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(400) < 0.3, rng.normal(-2, 1, 400), rng.normal(2, 1, 400))
    pointwise = np.column_stack([stats.norm.logpdf(y, at, 1) for at in (-2, 2, 6)])
    weights = stacking_weights(pointwise)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] == pytest.approx(0.3, abs=0.07)
    assert weights[2] == pytest.approx(0.0, abs=0.01)

    def score(values):
        return np.log(np.exp(pointwise) @ values).sum()

    others = rng.dirichlet(np.ones(3), 500)
    assert all(score(weights) >= score(one) - 1e-6 for one in others)


def test_a_model_that_is_better_everywhere_takes_all_the_weight():
    y = np.linspace(-1, 1, 30)
    assert stacking_weights(np.column_stack([y, y - 800])) == pytest.approx([1, 0])


@pytest.mark.parametrize(
    ("difference", "error", "rows", "said"),
    [
        (0.0, 0.0, 500, "predicts best"),
        (-3.9, 0.1, 500, "too close to call"),
        (-10.0, 5.1, 500, "too close to call"),
        (-10.0, 4.9, 500, "predicts worse"),
        (-10.0, 2.4, 500, "clearly predicts worse"),
        (-10.0, 2.6, 99, "too close to call"),
        (-10.0, 2.4, 99, "predicts worse"),
        (-10.0, 1.2, 99, "clearly predicts worse"),
    ],
)
def test_words_do_not_overstate_a_difference(difference, error, rows, said):
    assert in_words(Standing("a", -100, 5, difference, error, 0.5), rows, default()) == said


# -- what may be compared ------------------------------------------------------------------------------------------


def explained(formula, family, table):
    import bambi as bmb

    model = bmb.Model(formula, table, family=family, center_predictors=False)
    model.build()
    return observed(model)


def test_a_density_of_logarithms_does_not_compare_with_one_of_the_numbers():
    table = pd.DataFrame({"y": np.exp(np.linspace(0, 2, 20)), "x": np.arange(20.0)})
    plain, logs = explained("y ~ x", "gaussian", table), explained("np.log(y) ~ x", "gaussian", table)
    assert "logarithm" in why_not(plain, logs)
    assert why_not(plain, explained("y ~ 1", "t", table)) == ""


def test_a_probability_does_not_compare_with_a_density():
    table = pd.DataFrame({"y": np.arange(20), "x": np.arange(20.0)})
    counted, measured = explained("y ~ x", "poisson", table), explained("y ~ x", "gaussian", table)
    assert (counted.scale, measured.scale) == (PROBABILITY, DENSITY)
    assert "do not compare" in why_not(counted, measured)
    assert why_not(counted, explained("y ~ x", "negativebinomial", table)) == ""


def test_a_density_with_a_probability_at_zero_is_of_its_own_kind():
    table = pd.DataFrame({"y": np.r_[np.zeros(5), np.linspace(1, 3, 15)], "x": np.arange(20.0)})
    assert explained("y ~ x", "hurdle_gamma", table).scale == BOTH


def test_other_rows_do_not_compare():
    few, many = Observed(np.ones((5, 1)), DENSITY), Observed(np.ones((6, 1)), DENSITY)
    assert why_not(many, few) == "It explains 5 rows, the model of this analysis 6."
    assert "no density" in why_not(many, None)


# -- which candidates there are ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def regression(tmp_path_factory):
    """A table in which one column matters and another does not, with its analysis, model and posterior."""
    rng = np.random.default_rng(7)
    real, noise = rng.standard_normal((2, 150))
    holes = np.where(np.arange(150) < 20, np.nan, real)
    path = tmp_path_factory.mktemp("regression") / "t.csv"
    y = 3 + 1.0 * real + rng.standard_normal(150)
    pd.DataFrame({"y": y, "real": real, "noise": noise, "holes": holes}).to_csv(path, index=False)
    return settled({"data": str(path), "outcome": "y", "predictors": ["real", "noise"], "model": "linear"})


def settled(choices):
    few = {"draws": 300, "tune": 300, "on_fail": "warn"}
    analysis = Analysis.of({**few, **choices})
    dataset = data.load(analysis.data, analysis.kinds)
    analysis = mc.complete(analysis, dataset)
    return analysis, dataset, dataset.rows(analysis)[0]


def test_candidates_are_the_neighbours_and_simpler_models(regression):
    analysis, dataset, table = regression
    found, left_out = candidates(analysis, dataset, table)
    assert left_out == []
    assert [(one.analysis.model, one.analysis.formula) for one in found] == [
        ("robust-linear", "y ~ real + noise"),
        ("linear", "y ~ 1"),
        ("linear", "y ~ noise"),
        ("linear", "y ~ real"),
    ]
    assert [one.answers for one in found] == [True, False, False, True]
    assert found[3].changes == {"predictors": ["real"]}


def test_candidates_that_were_asked_for_come_alone_and_are_refused_in_words(regression):
    analysis, dataset, table = regression
    asked = analysis.changed({"candidates": ["robust-linear", "y ~ real", "linear", "nonsense", "y ~ holes"]})
    found, left_out = candidates(asked, dataset, table)
    assert [one.name for one in found] == ["Robust linear regression", "y ~ real"]
    reasons = {one.name: one.reason for one in left_out}
    assert reasons["linear"] == "It is already among the models."
    assert "there is no model 'nonsense'" in reasons["nonsense"]
    assert "holes has gaps in 20 of the 150 rows" in reasons["y ~ holes"]


def test_a_formula_written_by_hand_is_not_taken_apart(regression):
    analysis, dataset, table = regression
    by_hand = analysis.changed({"formula": "y ~ real * noise"})
    found, _ = candidates(by_hand, dataset, table)
    assert {one.analysis.model for one in found} == {"robust-linear"}


# -- known truth ---------------------------------------------------------------------------------------------------


def compared(analysis, dataset):
    table, gaps = dataset.rows(analysis)
    model = mc.build(analysis, table, gaps)
    dt = samplers.fit(model, draws=analysis.draws, tune=analysis.tune, random_seed=3)
    dt = mc.log_likelihood(model, dt)
    return compare(analysis, dataset, model, dt, loo(analysis, table, model, dt))


@pytest.fixture(scope="module")
def nested(regression, tmp_path_factory):
    """The regression beside itself without each of its columns, stored and read again."""
    analysis, dataset, _ = regression
    analysis = analysis.changed({"candidates": ["y ~ noise", "y ~ real"]})
    file = tmp_path_factory.mktemp("compared") / "compared.nc"
    compared(analysis, dataset).to_netcdf(file, engine="h5netcdf")
    return analysis, dataset, xr.open_datatree(file, engine="h5netcdf").load()


def test_leaving_out_what_matters_predicts_worse_and_leaving_out_noise_does_not(nested):
    analysis, _, tree = nested
    verdict = check.comparison(analysis, tree)
    stands = {one["model"].removesuffix(" (this analysis)"): one["stands"] for one in verdict.details["Models"]}
    assert verdict.status == "pass"
    assert stands["y ~ noise"] == "clearly predicts worse"
    assert {stands["y ~ real"], stands["Linear regression"]} == {"predicts best", "too close to call"}
    assert verdict.sentence.startswith("Too close to call")
    assert "“y ~ real” is the simplest of them" in verdict.sentence


def test_differences_are_those_of_the_exact_predictive_densities(nested):
    """Leave each row out of the conjugate regression, with the residual spread at its estimate."""
    analysis, dataset, tree = nested
    table = dataset.rows(analysis)[0]
    y = table["y"].to_numpy()

    def exact(columns):
        design = np.column_stack([np.ones(len(y)), *(table[name] for name in columns)])
        hat = design @ np.linalg.solve(design.T @ design, design.T)
        left_over = (y - hat @ y) / (1 - np.diag(hat))
        sigma = np.sqrt(np.sum((y - hat @ y) ** 2) / (len(y) - design.shape[1]))
        return stats.norm.logpdf(left_over, 0, sigma * np.sqrt(1 + np.diag(hat) / (1 - np.diag(hat))))

    ours = {str(name): tree["elpd_i"].sel(model=name).values for name in tree["model"].values}
    gained = ours["Linear regression"] - ours["y ~ noise"]
    expected = exact(["real", "noise"]) - exact(["noise"])
    assert gained.sum() == pytest.approx(expected.sum(), rel=0.05)
    assert np.corrcoef(gained, expected)[0, 1] > 0.99


def test_averaged_predictions_lie_between_those_of_the_models(nested):
    analysis, dataset, tree = nested
    table = dataset.rows(analysis)[0]
    mixed = stacked(analysis, dataset, tree, draws=400)
    assert mixed["outcome"].shape == (400, len(table))
    assert float(mixed["weight"].sum()) == pytest.approx(1)
    assert "y ~ noise" not in mixed["model"].values
    assert np.corrcoef(mixed["expected"], 3 + table["real"])[0, 1] > 0.97
    low, high = np.quantile(mixed["outcome"].values, [0.05, 0.95], axis=0)
    assert np.mean((table["y"] > low) & (table["y"] < high)) == pytest.approx(0.9, abs=0.08)


def test_averages_need_models(regression):
    analysis, dataset, _ = regression
    with pytest.raises(InvalidAnalysis, match="no models were compared"):
        stacked(analysis, dataset, xr.DataTree())


@pytest.mark.slow
def test_overdispersed_counts_ask_for_the_model_that_allows_for_it(tmp_path):
    rng = np.random.default_rng(5)
    x = rng.standard_normal(150)
    mean = np.exp(2 + 0.4 * x)
    y = rng.poisson(mean * rng.gamma(1.0, 1.0, 150))
    pd.DataFrame({"y": y, "x": x}).to_csv(tmp_path / "t.csv", index=False)
    choices = {"data": str(tmp_path / "t.csv"), "outcome": "y", "predictors": ["x"], "question": "effect"}
    analysis, dataset, _ = settled({**choices, "model": "poisson", "kinds": {"y": "count"}})
    tree = compared(analysis.changed({"candidates": ["negative-binomial"]}), dataset)
    verdict = check.comparison(analysis, tree)
    assert verdict.status == "warn"
    assert "clearly better" in verdict.sentence
    first = verdict.remedies[0]
    assert first.changes == {"model": "negative-binomial"}
    assert first.score == 0.9
    assert first.cost.startswith("One more fit")
    numbers = verdict.details["comparison"]
    truth = stats.nbinom.logpmf(y, 1.0, 1 / (1 + mean)).sum()
    assert numbers["Negative binomial regression"]["elpd"] == pytest.approx(truth, abs=6)
    assert numbers["Poisson regression"]["difference"] < -100


def test_a_model_without_densities_for_rows_is_not_compared(regression):
    analysis, dataset, _ = regression
    verdict = check.comparison(analysis, compare(analysis, dataset, None, None, xr.DataTree()))
    assert verdict.status == "info"
    assert "no density for each row" in verdict.sentence


# -- the verdict, from made-up numbers -----------------------------------------------------------------------------


def made_up(gaps, *, rows=200, answers=None, bad_k=0, noise=0.1):
    """A comparison whose models differ by known amounts."""
    rng = np.random.default_rng(0)
    names = ["Linear regression", *(f"rival {at}" for at in range(len(gaps)))]
    base = rng.normal(-1, 1, rows)
    pointwise = [base, *(base - gap / rows + (rng.standard_normal(rows) * noise if gap else 0) for gap in gaps)]
    draws = np.stack([rng.normal(at, 1, 500) for at in (answers or [2.0] * len(names))])[:, None, :]
    posterior = xr.Dataset({"a": (("chain", "draw"), np.zeros((1, 10)))}, attrs={"sampling_seconds": 3.0})
    root = xr.Dataset(
        {
            "elpd_i": (("model", "row"), np.array(pointwise)),
            "p_loo": ("model", [3.0] * len(names)),
            "bad_k": ("model", [bad_k] * len(names)),
            "parameters": ("model", [4, *range(5, 4 + len(names))]),
            "seconds": ("model", [1.0] * len(names)),
            "why": ("model", ["for a reason"] * len(names)),
            "changes": ("model", ['{"model": "robust-linear"}'] * len(names)),
            "answers_question": ("model", [True] * len(names)),
        },
        coords={"model": names},
    )
    answer = xr.Dataset(
        {
            "draws": (("model", "quantity", "sample"), draws),
            "lead": ("quantity", ["With x higher by 1, the average of y is"]),
            "kind": ("quantity", ["difference"]),
            "unit": ("quantity", ["kg"]),
        },
        coords={"quantity": ["x, per 1"]},
    )
    groups = {"/": root, "answers": answer} | {f"posterior_{at}": posterior for at in range(len(names))}
    return xr.DataTree.from_dict(groups)


ANALYSIS = Analysis(outcome="y", model="linear", on_fail="warn")


def test_the_best_model_passes_without_a_remedy():
    verdict = check.comparison(ANALYSIS, made_up([40.0]))
    assert (verdict.status, verdict.remedies) == ("pass", ())
    assert "Linear regression predicts rows it has not seen best" in verdict.sentence


def test_a_better_rival_is_offered_and_the_best_first():
    verdict = check.comparison(ANALYSIS, made_up([-20.0, -40.0]))
    assert verdict.status == "warn"
    assert [one.label for one in verdict.remedies] == ["Use rival 1", "Use rival 0"]
    assert verdict.remedies[0].score > verdict.remedies[1].score


def test_few_rows_are_said_and_do_not_fail():
    found = {one.rule: one for one in check.comparison(ANALYSIS, made_up([1.0], rows=60)).findings}
    assert found["rows-to-compare"].status == "info"


def test_a_model_far_behind_is_not_said_to_predict_as_well_because_rows_are_few():
    few = check.comparison(ANALYSIS, made_up([13.0], rows=40, noise=0.4, answers=[3.0, -3.0]))
    assert few.status == "pass"
    assert "Linear regression predicts rows it has not seen best" in few.sentence
    assert "by the rule for few rows not for sure: “rival 0” by " in few.sentence
    assert "As good a prediction" not in few.sentence
    behind = check.comparison(ANALYSIS, made_up([-3.5], rows=40, noise=0.4))
    assert behind.sentence.startswith("Of 2 models, “rival 0” predicts rows it has not seen best. Behind the best")
    assert "“Linear regression” by " in behind.sentence


def test_rows_that_are_hard_to_predict_are_warned_of():
    verdict = check.comparison(ANALYSIS, made_up([1.0], bad_k=3))
    assert {one.rule: one.status for one in verdict.findings}["rows-hard-to-predict"] == "warn"


def test_models_that_predict_as_well_and_answer_differently_are_named():
    verdict = check.comparison(ANALYSIS, made_up([1.0, 1.0], answers=[3.0, 3.1, -3.0]))
    assert verdict.status == "warn"
    assert "As good a prediction, but another answer: rival 1." in verdict.sentence
    assert "tells a direction depends on the model: x, per 1." in verdict.sentence
    same = check.comparison(ANALYSIS, made_up([1.0, 60.0], answers=[3.0, 3.1, -3.0]))
    assert same.status == "pass"


def test_no_sentence_says_more_than_it_may():
    from modelcompose.workflow.words import require_allowed

    for tree in (made_up([40.0]), made_up([-20.0, -40.0]), made_up([1.0, 1.0], answers=[3.0, 3.1, -3.0])):
        verdict = check.comparison(ANALYSIS, tree)
        require_allowed([verdict.sentence, verdict.alt, *(one.sentence for one in verdict.findings), verdict.details])
