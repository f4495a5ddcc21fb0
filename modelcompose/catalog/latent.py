"""What cannot be seen: true values behind noisy ones, abilities, shared leftovers, hidden kinds of rows."""

# The body of each model is shown in notebooks, where types would only stand in the way.
# mypy: disable-error-code="var-annotated"

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.catalog.effects import Effect, samples, spreads, target_words
from modelcompose.catalog.entry import ModelEntry, Reason, Rejection, Simulation, quoted, response
from modelcompose.catalog.facts import Facts
from modelcompose.catalog.priors import AUTOSCALE, Prior, Scale, TermPrior, rounded
from modelcompose.catalog.written import WrittenEntry

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

NUMBERS = frozenset({"continuous", "positive", "amount", "duration", "count"})
TRUE_VALUES = (
    "normal and half-normal on the scale of the measured values; Richardson and Gilks 1993, checked by simulation"
)
STANDARD = "in standard deviations of the outcome and of the column, as wide as in rstanarm and Bambi"
KINDS = "as wide as the outcome spreads; Richardson and Green 1997, doi:10.1111/1467-9868.00095"
NO_POINT = (
    "lognormal, so that no kind shrinks to a single value; after Fraley and Raftery 2007, 10.1007/s00357-007-0004-5"
)
OTHERS = ("true_shift", "other_slope")
FEW_LEVELS = 3
FEW_ROWS = 30
EVEN = 5 / 9


class MeasurementError(WrittenEntry):
    id = "measurement-error"
    title = "Regression on a predictor measured with error"
    summary = "The outcome follows the true value of a predictor, of which only a noisy measurement is known."
    equation = (
        r"y_i \sim \mathrm{Normal}(\alpha + \beta \cdot \theta_i, \sigma),\quad "
        r"x_i \sim \mathrm{Normal}(\theta_i, s_i),\quad \theta_i \sim \mathrm{Normal}(\mu, \tau)"
    )
    questions = frozenset({"noisy-predictor"})
    outcome = NUMBERS
    source = "Richardson and Gilks 1993, doi:10.1093/oxfordjournals.aje.a116875; McElreath 2e, ch. 15"
    needs: ClassVar[Mapping[str, int]] = {"predictors": 1, "standard_error": 1}
    takes: ClassVar[frozenset[str]] = frozenset()
    parts = frozenset(
        ("Intercept", "slope", "other_slope", "sigma", "true_average", "true_spread", "true_shift", "row", "other")
    )
    assumptions: ClassVar[tuple[str, ...]] = (
        "The first predictor scatters around its true value with the standard error given, and not to one side.",
        "The error of a measurement has nothing to do with the outcome of its row.",
        "The true values scatter like a bell curve around their average, or around a line in the other predictors.",
        "The average of the outcome follows the true value in a straight line; other predictors are known exactly.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "The answer is only as good as the standard errors; half of them true means half of the correction.",
        "It says what the true value goes with; to predict from a new noisy measurement, the flat line serves better.",
    )
    tutorial = "Noise in a predictor moves points sideways, which makes a slope look flatter than it is."

    @staticmethod
    def model(  # type: ignore[override]
        prior: Any, table: pd.DataFrame, outcome: str, predictors: list[str], standard_error: str
    ) -> Any:
        """Build the model with the true values integrated out, which for bell curves can be written down.

        Given the measurement x, a true value is normal around the average plus trust times (x - average), with the
        standard deviation error times the root of trust (Fuller 1987, Measurement Error Models, section 1.2). What is
        left has one parameter for each thing that is asked, however many rows there are.
        """
        import pymc as pm

        noisy, *others = predictors
        x, error = table[noisy].to_numpy(float), table[standard_error].to_numpy(float)
        y = table[outcome].to_numpy(float)
        known = ((table[others] - table[others].mean()) / table[others].std()).to_numpy(float)
        with pm.Model(coords={"row": np.arange(len(y)), "other": others}) as model:
            average = prior("true_average")
            if others:  # rows that are alike in them may also be alike in the true value
                average += pm.math.dot(known, prior("true_shift", dims="other"))
            spread = prior("true_spread")
            pm.Normal(noisy, average, pm.math.sqrt(spread**2 + error**2), observed=x, dims="row")
            trust = spread**2 / (spread**2 + error**2)  # how much of a measurement's distance from the average is true
            true = average + trust * (x - average)  # the best guess at each true value
            blur = error * pm.math.sqrt(trust)  # and how far from it the true value may be
            slope = prior("slope")
            mu = prior("Intercept") + slope * (true - x.mean())
            if others:
                mu += pm.math.dot(known, prior("other_slope", dims="other"))
            sigma = prior("sigma")
            pm.Normal(outcome, mu, pm.math.sqrt(sigma**2 + (slope * blur) ** 2), observed=y, dims="row")
        return model

    def all_priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        x, y, widen = table[analysis.predictors[0]], self.scale(analysis, table), analysis.prior_scale
        steep = rounded(widen * 2.5 * y.spread / (true_spread(analysis, table) or float(x.std())))
        return [
            TermPrior("true_average", _normal(float(x.mean()), float(x.std())), TRUE_VALUES),
            TermPrior("true_spread", Prior("HalfNormal", {"sigma": rounded(float(x.std()))}), TRUE_VALUES),
            TermPrior("true_shift", _normal(0.0, widen * float(x.std())), TRUE_VALUES),
            TermPrior("Intercept", y.intercept(), AUTOSCALE),
            TermPrior("slope", Prior("Normal", {"mu": 0.0, "sigma": steep}), AUTOSCALE),
            TermPrior("other_slope", _normal(0.0, widen * 2.5 * y.spread), STANDARD),
            TermPrior("sigma", Prior("HalfStudentT", {"nu": 4, "sigma": rounded(y.spread)}), AUTOSCALE),
        ]

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        every = self.all_priors(analysis, table)
        return every if len(analysis.predictors) > 1 else [one for one in every if one.name not in OTHERS]

    def unfit(self, facts: Facts) -> Rejection | None:
        error = facts.table[facts.analysis.standard_error].to_numpy(float)
        if not (error > 0).all():
            return Rejection(
                "errors-positive", f"A standard error in {facts.analysis.standard_error} is not above zero."
            )
        if not true_spread(facts.analysis, facts.table) > 0:
            return Rejection(
                "errors-drown",
                f"The errors in {facts.analysis.standard_error} alone would spread {facts.predictors[0]} as much as it "
                "spreads: nothing is known of its true values. Check the unit of the standard errors.",
            )
        return super().unfit(facts)

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        name, error = facts.predictors[0], facts.table[facts.analysis.standard_error].astype(float)
        noise = float((error**2).mean() / facts.table[name].astype(float).var())
        yield Reason(
            "known-error",
            f"{name} was measured with a standard error of typically {error.median():.3g}: {noise:.0%} of its variance "
            "is noise.",
            4,
        )
        yield Reason("number", f"{facts.outcome} is a number.", 3)

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        unit, name = analysis.units.get(analysis.outcome, ""), analysis.predictors[0]
        step = f"With the true {name} higher by 1 {analysis.units.get(name, '')}".rstrip()
        target, slope, naive = target_words(analysis, table), samples(dt, "slope"), naive_slope(analysis, table)
        spread, error = true_variance(analysis, table, dt), table[analysis.standard_error].to_numpy(float)
        true = 100 * spread / (spread + (error**2).mean())
        found = [
            Effect(f"true {name}", f"{step}, {target} is", "difference", slope, unit),
            Effect("true against plain slope", f"Least squares on {name} as measured gives a slope of {naive:.3g}; the "
                   "true one is", "difference", slope - naive, unit, headline=False),
            Effect(f"true part of {name}", f"Of the variance of {name} as measured, the share that is true is", "level",
                   true, "%", headline=False),
        ]  # fmt: skip
        if analysis.predictors[1:]:
            for other, draws in zip(analysis.predictors[1:], samples(dt, "other_slope").T, strict=True):
                step = f"With {other} higher by 1 {analysis.units.get(other, '')}".rstrip()
                size = draws / float(table[other].std())
                found.append(Effect(other, f"{step}, {target} is", "difference", size, unit, headline=False))
        return found

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        age, error = rng.normal(40, 12, n), rng.uniform(3, 9, n)
        known = (age - age.mean()) / age.std(ddof=1)
        true = 50 - 3 * known + 8 * rng.standard_normal(n)
        y = 20 + 0.6 * (true - 50) + 3 * known + 3 * rng.standard_normal(n)
        table = pd.DataFrame({"health": y, "intake": true + error * rng.standard_normal(n), "se": error, "age": age})
        return Simulation(
            table,
            {"health": "continuous", "intake": "continuous", "se": "standard_error", "age": "continuous"},
            {"question": "noisy-predictor", "outcome": "health", "predictors": ["intake", "age"],
             "standard_error": "se"},
            {"slope": 0.6, "true_average": 50.0, "true_spread": 8.0, "sigma": 3.0,
             "true_shift[age]": -3.0, "other_slope[age]": 3.0},
        )  # fmt: skip


def true_spread(analysis: Analysis, table: pd.DataFrame) -> float:
    """Estimate the standard deviation of the true values: that of the measured ones without the errors' part."""
    x, error = table[analysis.predictors[0]].to_numpy(float), table[analysis.standard_error].to_numpy(float)
    return float(np.sqrt(max(x.var(ddof=1) - (error**2).mean(), 0.0)))


def true_variance(analysis: Analysis, table: pd.DataFrame, dt: Any) -> np.ndarray:
    """Return the draws of the variance of the true values, also of the part that goes with the other predictors."""
    within = samples(dt, "true_spread") ** 2
    if not analysis.predictors[1:]:
        return np.asarray(within)
    correlation = np.corrcoef(table[analysis.predictors[1:]].to_numpy(float), rowvar=False).reshape(-1)
    shift = samples(dt, "true_shift")
    return np.asarray(within + np.einsum("di,ij,dj->d", shift, correlation.reshape(2 * shift.shape[1:]), shift))


def naive_slope(analysis: Analysis, table: pd.DataFrame) -> float:
    """Return the least-squares slope on the first predictor as it was measured, with the other predictors held."""
    x = table[list(analysis.predictors)].to_numpy(float)
    design = np.column_stack([np.ones(len(x)), x - x.mean(0)])
    return float(np.linalg.lstsq(design, table[analysis.outcome].to_numpy(float), rcond=None)[0][1])


def _normal(mu: float, sigma: float) -> Prior:
    return Prior("Normal", {"mu": rounded(mu), "sigma": rounded(sigma)})


class ItemResponse(ModelEntry):
    id = "item-response"
    title = "Rasch model"
    summary = "Whether an answer is right depends on how able the person is, and how hard the item."
    family = "bernoulli"
    link = "logit"
    equation = r"y_i \sim \mathrm{Bernoulli}(p_i),\quad \mathrm{logit}(p_i) = \mu_i"
    questions = frozenset({"ability"})
    outcome = frozenset({"binary"})
    source = "Rasch 1960; De Boeck and Wilson 2004, Explanatory Item Response Models, doi:10.1007/978-1-4757-3990-9"
    needs: ClassVar[Mapping[str, int]] = {"groups": 2}
    takes: ClassVar[frozenset[str]] = frozenset()
    assumptions: ClassVar[tuple[str, ...]] = (
        "One ability is behind all items, and every item tells it equally well.",
        "Nobody guesses right more often than their ability allows.",
        "For a person of a given ability, the answer to one item says nothing about the answer to another.",
        "Abilities scatter around their average like a bell curve, and so do the items' difficulties.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "With few items, a person's ability is known only roughly, and is drawn towards the average.",
        "Items that tell able from less able better than others do are treated like the others.",
    )
    tutorial = "Twenty right answers to hard items say more than twenty to easy ones: both are estimated at once."

    def unfit(self, facts: Facts) -> Rejection | None:
        if len(facts.groups) > 2:
            return Rejection("two-groups", f"{self.title} takes a column of persons and one of items, no further one.")
        for name in facts.groups:
            levels = facts.table[name].nunique()
            if levels < FEW_LEVELS:
                return Rejection("few-levels", f"{name} has {levels} values; {self.title} needs at least {FEW_LEVELS}.")
            if facts.table[name].value_counts().median() < 2:
                return Rejection("repeated-answers", f"Most {name} have one answer, which says nothing about them.")
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        person, item = facts.groups
        persons, items = facts.table[person].nunique(), facts.table[item].nunique()
        yield Reason(
            "answers-by-person-and-item",
            f"There are {facts.n} answers of {persons} {person} to {items} {item}, each of which comes up again.",
            4,
        )
        yield Reason("binary-outcome", f"{facts.outcome} has two values.", 3)

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str:
        terms = " + ".join(f"(1 | {quoted(name)})" for name in analysis.groups)
        return f"{response(analysis, table)} ~ 1 + {terms}"

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return []

    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        return Scale("logit", 0.0, 1.0)

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        """Say the chances at the ends, and how far one standard deviation of ability or difficulty goes."""
        person, item = analysis.groups
        target, middle = target_words(analysis, table), samples(dt, "Intercept")
        found = [
            *_ends(dt, item, ("easiest", "hardest"), f"for a typical {person}, {target} is"),
            _reach(dt, person, f"One standard deviation of ability ({person}) changes {target}, for a "
                   f"typical {item}, by", middle),
            _reach(dt, item, f"One standard deviation of difficulty ({item}) changes {target}, for a "
                   f"typical {person}, by", middle),
        ]  # fmt: skip
        others = _ends(dt, person, ("most able", "least able"), f"for a typical {item}, {target} is", headline=False)
        return [*found, *others, *spreads(dt, link=self.link)]

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        items, persons = 12, max(n // 12, 20)
        ability, ease = 1.2 * _even(rng, persons), 0.9 * _even(rng, items)
        who, what = np.repeat(np.arange(persons), items), np.tile(np.arange(items), persons)
        chance = 1 / (1 + np.exp(-(0.4 + ability[who] + ease[what])))
        right = np.where(rng.random(len(who)) < chance, "yes", "no")
        table = pd.DataFrame(
            {"right": right, "pupil": np.char.add("p", who.astype(str)), "item": np.char.add("i", what.astype(str))}
        )
        return Simulation(
            table,
            {"right": "binary", "pupil": "group", "item": "category"},
            {"question": "ability", "outcome": "right", "groups": ["pupil", "item"]},
            {"Intercept": 0.4, "1|pupil_sigma": 1.2, "1|item_sigma": 0.9},
        )


def _even(rng: np.random.Generator, count: int) -> np.ndarray:
    """Draw numbers whose average is exactly 0 and whose standard deviation is exactly 1."""
    z = rng.standard_normal(count)
    return np.asarray((z - z.mean()) / z.std())


def _expit(log_odds: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def _ends(dt: Any, group: str, names: tuple[str, str], said: str, *, headline: bool = True) -> list[Effect]:
    """Return the chances of the group's levels with the highest and the lowest, as the posterior has them."""
    effects = samples(dt, f"1|{group}")
    dimension = next(dim for dim in dt["posterior"][f"1|{group}"].dims if dim not in ("chain", "draw"))
    levels = dt["posterior"][dimension].values
    chances = 100 * _expit(samples(dt, "Intercept")[:, None] + effects)
    at = effects.mean(0)
    return [
        Effect(f"{name} {group} ({levels[one]})", f"With the {name} {group} ({levels[one]}), {said}", "level",
               chances[:, one], "%", headline=headline)
        for name, one in zip(names, (int(at.argmax()), int(at.argmin())), strict=True)
    ]  # fmt: skip


def _reach(dt: Any, group: str, lead: str, middle: np.ndarray) -> Effect:
    half = samples(dt, f"1|{group}_sigma") / 2
    points = 100 * (_expit(middle + half) - _expit(middle - half))
    return Effect(f"one standard deviation of {group}", lead, "spread", points, "percentage points")


class MultivariateOutcome(WrittenEntry):
    id = "multivariate-outcome"
    title = "Regression of several outcomes"
    summary = "Several numbers at once: how each changes with the predictors, and how what is left over goes together."
    equation = r"y_i \sim \mathrm{MvNormal}(\mu_i, \mathrm{Cov})"
    questions = frozenset({"several-outcomes"})
    outcome = NUMBERS
    source = "Zellner 1962, doi:10.1080/01621459.1962.10480664; Lewandowski, Kurowicka and Joe 2009 for correlations"
    needs: ClassVar[Mapping[str, int]] = {"further": 1}
    parts = frozenset(("Intercept", "slope", "sigma", "mu", "correlation", "root_raw", "row", "effect", "pair"))
    assumptions: ClassVar[tuple[str, ...]] = (
        "What the predictors leave over scatters like a bell curve, in each outcome and in all of them together.",
        "Each outcome follows each predictor in a straight line.",
        "Before the data are seen, correlations of 0 count as somewhat more likely than strong ones: LKJ(2).",
        "Rows are independent.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "A correlation tells that outcomes go together, not that one acts on the other.",
        "Each pair of outcomes has a correlation of its own: with ten outcomes these are 45.",
    )
    tutorial = "Tall people weigh more: what is left of height and of weight, given age, still goes together."

    @staticmethod
    def model(  # type: ignore[override]
        prior: Any, table: pd.DataFrame, outcome: str, further: list[str], predictors: list[str]
    ) -> Any:
        import pymc as pm
        import pytensor.tensor as pt

        names = [outcome, *further]
        y = table[names].to_numpy(float)
        one, two = np.triu_indices(len(names), 1)
        pairs = [f"{names[a]} with {names[b]}" for a, b in zip(one, two, strict=True)]
        with pm.Model(coords={"row": np.arange(len(y)), "outcome": names, "pair": pairs}) as model:
            x = {}
            for name in predictors:  # numbers in standard deviations, levels as yes or no
                if hasattr(table[name], "cat"):
                    code = pm.Data(name, table[name].cat.codes.to_numpy(int), dims="row")
                    x |= {f"{name} {is_}": pt.eq(code, at) for at, is_ in enumerate(table[name].cat.categories) if at}
                else:
                    number = pm.Data(name, table[name].to_numpy(float), dims="row")
                    x |= {name: (number - table[name].mean()) / table[name].std()}
            scaled = prior("Intercept", dims="outcome") + (0 if x else np.zeros((len(y), 1)))
            if x:
                model.add_coord("effect", [f"{name}: {term}" for term in x for name in names])
                slope = prior("slope", dims="effect")
                scaled += pt.stack(list(x.values()), axis=1) @ slope.reshape((len(x), len(names)))
            mu = pm.Deterministic("mu", y.mean(0) + y.std(0) * scaled, dims=("row", "outcome"))
            sigma = prior("sigma", dims="outcome")
            root = pm.LKJCorr("root_raw", n=len(names), eta=2)  # the Cholesky factor of the correlations
            pm.Deterministic("correlation", (root @ root.T)[one, two], dims="pair")
            chol = (y.std(0) * sigma)[:, None] * root
            pm.MvNormal(outcome, mu=mu, chol=chol, observed=y, dims=("row", "outcome"))
        return model

    def all_priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return [
            TermPrior("Intercept", Prior("Normal", {"mu": 0.0, "sigma": 2.5}), STANDARD),
            TermPrior("slope", _normal(0.0, 2.5 * analysis.prior_scale), STANDARD),
            TermPrior("sigma", Prior("HalfStudentT", {"nu": 4, "sigma": 1.0}), STANDARD),
        ]

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        every = self.all_priors(analysis, table)
        return every if analysis.predictors else [one for one in every if one.name != "slope"]

    def unfit(self, facts: Facts) -> Rejection | None:
        names = [facts.outcome, *facts.given("further")]
        if facts.n < 5 * len(names):
            return Rejection(
                "rows-for-outcomes",
                f"{facts.n} rows say too little about how {len(names)} outcomes go together; take at least "
                f"{5 * len(names)} rows, or fewer outcomes.",
            )
        return super().unfit(facts)

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        names = [facts.outcome, *facts.given("further")]
        plain = np.corrcoef(facts.table[names].to_numpy(float), rowvar=False)
        strongest = float(np.abs(plain[np.triu_indices(len(names), 1)]).max())
        yield Reason(
            "measured-together",
            f"{len(names)} numbers were measured on the same {facts.n} rows; the strongest plain correlation between "
            f"two of them is {strongest:.2f} in size.",
            4,
        )
        yield Reason("numbers", f"{', '.join(names)} are numbers.", 3)

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        same = f"At the same {', '.join(analysis.predictors)}, the" if analysis.predictors else "The"
        pairs = zip(map(str, dt["posterior"]["pair"].values), samples(dt, "correlation").T, strict=True)
        found = [
            Effect(f"correlation of {pair}", f"{same} correlation of {pair} (0: none; 1 or -1: one tells the other) is",
                   "effect", draws)
            for pair, draws in pairs
        ]  # fmt: skip
        return [*found, *_slopes(analysis, table, dt)] if analysis.predictors else found

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        dose, soil = rng.normal(10, 3, n), rng.choice(["clay", "sand"], n)
        left = rng.standard_normal((n, 3)) @ np.linalg.cholesky([[1, 0.6, -0.3], [0.6, 1, 0], [-0.3, 0, 1]]).T
        height = 50 + 1.5 * (dose - 10) + 6 * (soil == "sand") + 8 * left[:, 0]
        weight = 900 - 20 * (dose - 10) + 90 * left[:, 1]
        table = pd.DataFrame({"height": height, "weight": weight, "ripe": 30 + 2 * left[:, 2], "dose": dose})
        slope = 1.5 * float(dose.std(ddof=1)) / float(height.std())
        return Simulation(
            table.assign(soil=soil),
            {**dict.fromkeys(("height", "weight", "ripe", "dose"), "continuous"), "soil": "binary"},
            {"question": "several-outcomes", "outcome": "height", "further": ["weight", "ripe"],
             "predictors": ["dose", "soil"]},
            {"correlation[height with weight]": 0.6, "correlation[height with ripe]": -0.3,
             "slope[height: dose]": slope, "sigma[weight]": 90 / float(weight.std())},
        )  # fmt: skip


def _slopes(analysis: Analysis, table: pd.DataFrame, dt: Any) -> Iterator[Effect]:
    """Yield how each outcome changes with each predictor: for one more of a number, for a level instead."""
    slopes = dict(zip(map(str, dt["posterior"]["effect"].values), samples(dt, "slope").T, strict=True))
    for outcome in (analysis.outcome, *analysis.further):
        unit, spread = analysis.units.get(outcome, ""), float(table[outcome].to_numpy(float).std())
        for name in analysis.predictors:
            for term, step, width in _steps(analysis, table, name):
                draws = slopes[f"{outcome}: {term}"] * spread / width
                lead = f"{step}, the average of {outcome} is"
                yield Effect(f"{outcome}: {term}", lead, "difference", draws, unit, headline=False)


def _steps(analysis: Analysis, table: pd.DataFrame, name: str) -> Iterator[tuple[str, str, float]]:
    """Yield for each slope of a predictor the model's name for it, the change in words, and what it is divided by."""
    column = table[name]
    if hasattr(column, "cat"):
        first, *levels = column.cat.categories
        for level in levels:
            yield f"{name} {level}", f"With {name} {level} instead of {first}", 1.0
    else:
        yield name, f"With {name} higher by 1 {analysis.units.get(name, '')}".rstrip(), float(column.std())


class Mixture(WrittenEntry):
    id = "mixture"
    title = "Mixture of two kinds"
    summary = "Two hidden kinds of rows, each with an average and a spread of its own."
    equation = (
        r"y_i \sim \pi \cdot \mathrm{Normal}(\mu_1, \sigma_1) + (1 - \pi) \cdot \mathrm{Normal}(\mu_2, \sigma_2),"
        r"\quad \mu_1 < \mu_2"
    )
    questions = frozenset({"subgroups"})
    outcome = NUMBERS
    source = "Frühwirth-Schnatter 2006, Finite Mixture and Markov Switching Models, doi:10.1007/978-0-387-35768-3"
    takes: ClassVar[frozenset[str]] = frozenset()
    parts = frozenset(("lower", "apart", "share", "sigma", "average", "row", "kind"))
    assumptions: ClassVar[tuple[str, ...]] = (
        "There are two kinds of rows, and each scatters around its average like a bell curve.",
        "Which kind a row is has nothing to do with its neighbours.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "A lopsided distribution of one kind can look like two: ask what the kinds would be before you believe them.",
        "Closer together than about two standard deviations, two kinds look like one.",
    )
    tutorial = "A histogram with two humps is often two histograms, one laid over the other."

    @staticmethod
    def model(prior: Any, table: pd.DataFrame, outcome: str) -> Any:  # type: ignore[override]
        import pymc as pm

        y = table[outcome].to_numpy(float)
        with pm.Model(coords={"row": np.arange(len(y)), "kind": ["lower", "higher"]}) as model:
            lower = prior("lower")
            apart = prior("apart")  # above zero, so that the two kinds cannot change places
            average = pm.Deterministic("average", pm.math.stack([lower, lower + apart]), dims="kind")
            sigma = prior("sigma", dims="kind")
            share = prior("share")
            pm.NormalMixture(
                outcome, w=pm.math.stack([share, 1 - share]), mu=average, sigma=sigma, observed=y, dims="row"
            )
        return model

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        y, widen = self.scale(analysis, table), analysis.prior_scale
        narrow = {"mu": rounded(float(np.log(y.spread / 2))), "sigma": 0.5}
        return [
            TermPrior("lower", _normal(y.centre - y.spread, 1.5 * widen * y.spread), KINDS),
            TermPrior("apart", Prior("HalfNormal", {"sigma": rounded(2 * widen * y.spread)}), KINDS),
            TermPrior("sigma", Prior("LogNormal", narrow), NO_POINT),
            TermPrior("share", Prior("Beta", {"alpha": 2, "beta": 2}), "either kind may be the rarer one; as in Bambi"),
        ]

    def unfit(self, facts: Facts) -> Rejection | None:
        if facts.n < FEW_ROWS:
            return Rejection(
                "rows-for-kinds",
                f"{facts.n} rows cannot tell two kinds from one; {self.title} needs at least {FEW_ROWS}.",
            )
        return super().unfit(facts)

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("kinds-asked", f"You ask whether {facts.n} rows of {facts.outcome} are of two kinds.", 4)
        coefficient = bimodality(facts.table[facts.outcome].to_numpy(float))
        said = f"The bimodality coefficient of {facts.outcome} is {coefficient:.2f}, "
        if coefficient > EVEN:
            yield Reason("two-humps", said + "above the 0.56 of an even spread: two humps, or a long tail.", 2)
        else:
            yield Reason(
                "no-two-humps", said + "not above the 0.56 of an even spread: two kinds, if any, overlap much.", -1
            )

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        name, unit = analysis.outcome, analysis.units.get(analysis.outcome, "")
        average, sigma, share = samples(dt, "average"), samples(dt, "sigma"), samples(dt, "share")
        apart = samples(dt, "apart") / np.sqrt((sigma**2).mean(1))
        return [
            Effect("average of the lower kind", f"Of two hidden kinds of rows, the lower has an average {name} of",
                   "level", average[:, 0], unit),
            Effect("average of the higher kind", f"The higher kind has an average {name} of", "level",
                   average[:, 1], unit),
            Effect("share of the lower kind", "The share of rows that are of the lower kind is", "level",
                   100 * share, "%"),
            Effect("standard deviations apart", "In standard deviations within a kind (above 2, they are two humps), "
                   "the averages are apart by", "spread", apart),
            Effect("spread within the lower kind", "Within the lower kind, the standard deviation is", "spread",
                   sigma[:, 0], unit, headline=False),
            Effect("spread within the higher kind", "Within the higher kind, the standard deviation is", "spread",
                   sigma[:, 1], unit, headline=False),
        ]  # fmt: skip

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        low = np.arange(n) < round(0.36 * n)
        y = np.where(low, rng.normal(54, 6, n), rng.normal(80, 5, n))
        return Simulation(
            pd.DataFrame({"wait": rng.permutation(y)}),
            {"wait": "continuous"},
            {"question": "subgroups", "outcome": "wait"},
            {"average[lower]": 54.0, "average[higher]": 80.0, "share": 0.36, "sigma[lower]": 6.0, "sigma[higher]": 5.0},
        )


def bimodality(values: np.ndarray) -> float:
    """Return Sarle's bimodality coefficient: 1/3 for a bell curve, 5/9 for an even spread, towards 1 for two points.

    Corrected for small samples as in SAS; Pfister et al. 2013, doi:10.3389/fpsyg.2013.00700.
    """
    from scipy.stats import kurtosis, skew

    n = len(values)
    excess = float(kurtosis(values, bias=False))
    return float((skew(values, bias=False) ** 2 + 1) / (excess + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))))


ENTRIES: tuple[type[ModelEntry], ...] = (MeasurementError, ItemResponse, MultivariateOutcome, Mixture)
