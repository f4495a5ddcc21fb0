"""A run made again is graded by what chance explains, and by nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from modelcompose.verdict import Finding, Verdict
from modelcompose.workflow.reproduction import Changed, Result, grade

COUNT = 10


def draws(seed, *, chains=4, size=500, keeps=0.6, names=("b",), **attrs):
    """Chains that wander as real ones do, around 0 with a spread of 1."""
    rng = np.random.default_rng(seed)
    variables = {}
    for name in names:
        steps = rng.normal(size=(chains, size, COUNT))
        values = np.empty_like(steps)
        values[:, 0] = steps[:, 0]
        for at in range(1, size):
            values[:, at] = keeps * values[:, at - 1] + np.sqrt(1 - keeps**2) * steps[:, at]
        variables[name] = (("chain", "draw", "level"), values)
    return xr.DataTree.from_dict({"posterior": xr.Dataset(variables, attrs=attrs)})


def moved(dt, by, scale=1.0, level=3):
    posterior = dt["posterior"].to_dataset().copy(deep=True)
    posterior["b"][..., level] = posterior["b"][..., level] * scale + by
    return xr.DataTree.from_dict({"posterior": posterior})


def verdict(step="sampling", status="pass", sentence="All is well.", value=1.001, **details):
    found = Finding(name="R-hat, largest", rule="rhat", status=status, value=value, shown=f"{value:.3f}")
    return Verdict(step=step, title="So?", status=status, sentence=sentence, findings=[found], details=details)


def test_the_same_draws_and_figures_are_identical():
    found = grade(Result(draws(1), [verdict()]), Result(draws(1), [verdict()]))
    assert (found.grade, found.compared, found.changes, found.figures) == ("identical", 0, (), ())
    assert found.sentence == "Every draw, every figure and every word is the same."


def test_other_draws_of_the_same_posterior_agree_within_their_error():
    found = grade(Result(draws(1), [verdict()]), Result(draws(2), [verdict(value=1.002)]))
    assert found.grade == "within Monte Carlo error"
    assert (found.compared, found.different) == (5 * COUNT, ())
    assert found.furthest.distance < found.furthest.limit
    assert [one.name for one in found.figures] == ["sampling: R-hat, largest"]
    assert found.sentence == (
        "The draws are others; 50 of 50 quantities agree within Monte Carlo error. "
        "1 figure of the checks moved without consequence."
    )


@pytest.mark.parametrize(("by", "scale", "what"), [(0.5, 1.0, "mean"), (0.0, 1.6, "sd")])
def test_a_quantity_that_moved_by_more_than_chance_is_named_with_both_values(by, scale, what):
    before, after = draws(1), moved(draws(2), by, scale)
    found = grade(Result(before, []), Result(after, []))
    assert found.grade == "different"
    assert {one.name for one in found.different} == {"b[3]"}
    told = next(one for one in found.different if one.what == what)
    values = {"mean": np.mean, "sd": np.std}[what]
    assert told.before == pytest.approx(values(before["posterior"]["b"].values[..., 3]))
    assert told.after == pytest.approx(values(after["posterior"]["b"].values[..., 3]))
    assert told.distance > told.limit > 3.5
    assert "Furthest apart is b[3]" in found.sentence


def test_right_runs_are_rarely_called_different():
    called = [grade(Result(draws(2 * at, size=150), []), Result(draws(2 * at + 1, size=150), [])) for at in range(10)]
    assert sum(one.grade == "different" for one in called) <= 1


def test_completed_tables_are_compared_each_by_itself():
    apart = moved(draws(1, chains=2), 5.0, level=slice(None))
    both = xr.concat([draws(1, chains=2)["posterior"].to_dataset(), apart["posterior"].to_dataset()], "chain")
    again = xr.concat(
        [
            draws(3, chains=2)["posterior"].to_dataset(),
            moved(draws(4, chains=2), 5.0, level=slice(None))["posterior"].to_dataset(),
        ],
        "chain",
    )
    trees = [xr.DataTree.from_dict({"posterior": one.assign_attrs(chains_each=2)}) for one in (both, again)]
    found = grade(Result(trees[0], []), Result(trees[1], []))
    assert (found.grade, found.compared) == ("within Monte Carlo error", 2 * 5 * COUNT)
    assert found.furthest.name.endswith(("table 1", "table 2"))


def test_a_verdict_that_turned_or_an_answer_in_other_words_is_different():
    same = draws(1)
    found = grade(Result(same, [verdict()]), Result(same, [verdict(status="warn", value=1.02)]))
    assert found.grade == "different"
    assert found.changes == (Changed(name="verdict of step sampling", before="pass", after="warn"),)
    said = [verdict("answer", sentence=f"It {what} by 10.{digit} ms.") for what, digit in (("rises", 4), ("falls", 5))]
    other_words = grade(Result(same, said[:1]), Result(same, said[1:]))
    assert (other_words.grade, other_words.changes[0].name) == ("different", "answer")
    digits = verdict("answer", sentence="It rises by 10.5 ms.")
    assert grade(Result(same, said[:1]), Result(same, [digits])).grade == "within Monte Carlo error"


def test_a_posterior_or_a_parameter_on_one_side_only_is_different():
    assert grade(Result(draws(1), []), Result(None, [])).grade == "different"
    found = grade(Result(draws(1), []), Result(draws(1, names=("b", "c")), []))
    assert found.grade == "different"
    assert found.changes[0] == Changed(name="c[0]", before="none", after="there")
    assert grade(Result(None, [verdict()]), Result(None, [verdict()])).grade == "identical"


def test_figures_of_the_answer_and_the_predictive_density_count_by_their_own_error():
    def told(median, elpd, error=0.1):
        effect = {"lower": 1.0, "median": median, "upper": 3.0, "error": error, "independent": 1000.0}
        return [
            verdict("answer", effects={"slope": effect}),
            verdict("influence", elpd={"elpd": elpd, "se": 9.0, "error": error}),
        ]

    near = grade(Result(None, told(2.0, -100.0)), Result(None, told(2.2, -100.3)))
    assert (near.grade, near.compared) == ("within Monte Carlo error", 4)
    far = grade(Result(None, told(2.0, -100.0)), Result(None, told(2.0, -101.0)))
    assert [(one.name, one.what) for one in far.different] == [("log predictive density", "elpd")]
    unknown = grade(Result(None, told(2.0, -100.0, error=0.0)), Result(None, told(9.0, -900.0, error=0.0)))
    assert unknown.compared == 0


def test_a_constant_that_only_rounding_moves_is_the_same():
    """The diagonal of a correlation matrix is 1 but for the last digit, which another machine rounds otherwise."""
    rng = np.random.default_rng(3)
    exact, rounded = np.ones((4, 200)), 1 + rng.choice([-2e-16, 0, 2e-16], size=(4, 200))
    trees = [
        xr.DataTree.from_dict({"posterior": xr.Dataset({"corr": (("chain", "draw"), one)})}) for one in (exact, rounded)
    ]
    found = grade(Result(trees[0], [verdict()]), Result(trees[1], [verdict()]))
    assert found.grade == "within Monte Carlo error", found.sentence
