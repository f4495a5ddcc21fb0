"""Shares: counts out of a number of attempts, proportions, and experiments with variants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.catalog.effects import Effect, expected, group_levels, samples, spreads, target_words
from modelcompose.catalog.entry import ModelEntry, Reason, Rejection, Simulation, quoted, right_side, term
from modelcompose.catalog.facts import Facts
from modelcompose.catalog.priors import LOGIT, Prior, Scale, TermPrior, rounded
from modelcompose.catalog.written import WrittenEntry

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

EXTRA = 1.5
"""Times the binomial variance from which on counts vary too much for it; the same limit as for counts of events."""
FLAT = "flat: every share counts as equally plausible (Bayes and Laplace); Gelman et al. 2013, BDA3, ch. 2"
CONCENTRATION = "gamma; ModelCompose's own, wide enough for the scatter in the data"


def _out_of(facts: Facts) -> Rejection | None:
    """Refuse a count without the number of attempts."""
    if facts.kind == "count" and not facts.analysis.trials:
        return Rejection(
            "needs-trials",
            f"{facts.outcome} is a count: say which column has the number of attempts, or no share can be had.",
        )
    return None


def _successes(table: pd.DataFrame, analysis: Analysis) -> tuple[int, int]:
    """Count successes and attempts over all rows."""
    y = table[analysis.outcome]
    yes = y.cat.codes if hasattr(y, "cat") else y
    return int(yes.sum()), int(table[analysis.trials].sum()) if analysis.trials else len(table)


def _share_words(table: pd.DataFrame, analysis: Analysis) -> str:
    """Name the share that is asked for."""
    if analysis.trials:
        return target_words(analysis, table)
    y = table[analysis.outcome]
    level = y.cat.categories[-1] if hasattr(y, "cat") else 1
    return f"the share of rows with {analysis.outcome} = {level}"


def _begun(words: str) -> str:
    return words[:1].upper() + words[1:]


class Share(WrittenEntry):
    id = "proportion"
    title = "One share"
    summary = "How often something is the case, and how sure that is with so many attempts."
    equation = r"k_i \sim \mathrm{Binomial}(n_i, \theta)"
    questions = frozenset({"share"})
    outcome = frozenset({"binary", "count"})
    source = "Gelman et al. 2013, Bayesian Data Analysis 3e, ch. 2"
    richer: ClassVar[tuple[str, ...]] = ("beta-binomial",)
    takes: ClassVar[frozenset[str]] = frozenset({"trials"})
    assumptions: ClassVar[tuple[str, ...]] = (
        "Every attempt has the same chance, whichever row it stands in.",
        "Attempts do not depend on each other.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "If the chance differs from row to row, it is surer of itself than it may be.",
        "It speaks of attempts like these; rows that were chosen in another way have another share.",
    )
    tutorial = "Before the data every share is equally plausible; each yes and each no moves that a little."

    @staticmethod
    def model(prior: Any, table: pd.DataFrame, outcome: str, trials: str) -> Any:  # type: ignore[override]
        import pymc as pm

        yes = table[outcome].cat.codes if hasattr(table[outcome], "cat") else table[outcome]
        tried = table[trials].to_numpy(int) if trials else np.ones(len(table), int)
        with pm.Model(coords={"row": np.arange(len(table))}) as model:
            share = prior("share_of_yes")
            pm.Binomial(outcome, tried, share, observed=yes.to_numpy(int), dims="row")
        return model

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return [TermPrior("share_of_yes", Prior("Beta", {"alpha": 1.0, "beta": 1.0}), FLAT)]

    def unfit(self, facts: Facts) -> Rejection | None:
        return _out_of(facts)

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yes, tried = _successes(facts.table, facts.analysis)
        yield Reason("one-share", f"You ask for one share; {yes} of {tried} were counted.", 4)

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        share, words = samples(dt, "share_of_yes"), _share_words(table, analysis)
        next_ones = np.random.default_rng(1).binomial(100, share).astype(float)
        return [
            Effect(f"share of {analysis.outcome}", f"{_begun(words)} is", "level", 100 * share, "%"),
            Effect("of the next 100", "Of the next 100 attempts, the number that succeed would be", "level", next_ones,
                   headline=False),
        ]  # fmt: skip

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        return Simulation(
            pd.DataFrame({"y": rng.binomial(1, 0.3, n)}),
            {"y": "binary"},
            {"question": "share", "outcome": "y"},
            {"share_of_yes": 0.3},
        )


class Variants(WrittenEntry):
    id = "ab-test"
    title = "Variants compared"
    summary = "Each variant has a share of its own; says which is higher, by how much, and what a wrong choice costs."
    equation = r"k_i \sim \mathrm{Binomial}(n_i, \theta_{\mathrm{variant}[i]})"
    questions = frozenset({"ab-test"})
    outcome = frozenset({"binary", "count"})
    source = "Stucchio 2015, Bayesian A/B Testing at VWO; Gelman et al. 2013, BDA3, ch. 2"
    needs: ClassVar[Mapping[str, int]] = {"predictors": 1}
    takes: ClassVar[frozenset[str]] = frozenset({"trials"})
    assumptions: ClassVar[tuple[str, ...]] = (
        "Chance decided who got which variant.",
        "Within a variant every attempt has the same chance, and attempts do not depend on each other.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "Without chance deciding who got which variant, the difference may come from something else.",
        "It takes a higher share for better, and knows no costs other than a lower share.",
    )
    tutorial = "Ask what you lose if you choose wrongly, not only whether the variants differ."

    @staticmethod
    def model(  # type: ignore[override]
        prior: Any, table: pd.DataFrame, outcome: str, predictors: list[str], trials: str
    ) -> Any:
        import pymc as pm

        variant = table[predictors[0]].astype("category").cat
        yes = table[outcome].cat.codes if hasattr(table[outcome], "cat") else table[outcome]
        tried = table[trials].to_numpy(int) if trials else np.ones(len(table), int)
        with pm.Model(coords={"row": np.arange(len(table)), "variant": variant.categories}) as model:
            share = prior("share_of_yes", dims="variant")
            chance = share[variant.codes.to_numpy()]
            pm.Binomial(outcome, tried, chance, observed=yes.to_numpy(int), dims="row")
        return model

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return [TermPrior("share_of_yes", Prior("Beta", {"alpha": 1.0, "beta": 1.0}), FLAT)]

    def unfit(self, facts: Facts) -> Rejection | None:
        if len(facts.predictors) != 1 or not 2 <= facts.levels <= max(20, facts.n // 2):
            return Rejection(
                "one-column-of-variants",
                f"{self.title} needs exactly one column that says which variant each row had, with 2 variants or more.",
            )
        return _out_of(facts)

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yes, tried = _successes(facts.table, facts.analysis)
        yield Reason(
            "variants",
            f"{facts.predictors[0]} has {facts.levels} variants with {yes} successes in {tried} attempts.",
            4,
        )
        extra = _left_over(facts) if facts.analysis.trials else None
        if extra is not None and extra > EXTRA:
            yield Reason("extra-scatter", f"{_scatter(facts)} {extra:.1f} times as much as luck alone allows.", -3)

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        shares = 100 * samples(dt, "share_of_yes")
        names = [str(one) for one in table[analysis.predictors[0]].astype("category").cat.categories]
        words = _share_words(table, analysis)
        best = int(shares.mean(0).argmax())
        differences = [_against_first(at, names, shares, words) for at in range(1, len(names))]
        if best:
            differences.insert(0, differences.pop(best - 1))
        first, *others = differences
        costs = list(_costs(best, names, shares))
        return [first, *costs, *others, *_levels(names, shares, words)]

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        variant = rng.choice(["a", "b", "c"], n)
        chance = pd.Series(variant).map({"a": 0.3, "b": 0.45, "c": 0.35}).to_numpy()
        return Simulation(
            pd.DataFrame({"bought": rng.binomial(1, chance), "page": pd.Categorical(variant)}),
            {"bought": "binary", "page": "category"},
            {"question": "ab-test", "outcome": "bought", "predictors": ["page"]},
            {"share_of_yes[a]": 0.3, "share_of_yes[b]": 0.45, "share_of_yes[c]": 0.35},
        )


def _against_first(at: int, names: list[str], shares: np.ndarray, words: str) -> Effect:
    lead = f"With {names[at]} instead of {names[0]}, {words} is"
    draws = shares[:, at] - shares[:, 0]
    return Effect(f"{names[at]} against {names[0]}", lead, "difference", draws, "percentage points")


def _costs(best: int, names: list[str], shares: np.ndarray) -> Iterator[Effect]:
    """Say what each choice would cost against the variant that is truly best, the best choice first.

    Nothing is said of a choice that costs nothing in any draw.
    """
    for at in (best, *(one for one in range(len(names)) if one != best)):
        draws = shares.max(1) - shares[:, at]
        lead = (
            f"Choosing {names[at]} costs {draws.mean():.2g} percentage points on average over all that is plausible, "
            "compared with the variant that is truly best. In the middle of all that is plausible, the cost is"
        )
        name = f"cost of choosing {names[at]}"
        if draws.any():
            yield Effect(name, lead, "level", draws, "percentage points", headline=at == best)


def _levels(names: list[str], shares: np.ndarray, words: str) -> Iterator[Effect]:
    top = np.bincount(shares.argmax(1), minlength=len(names)) / len(shares)
    for at, name in enumerate(names):
        lead = f"{name} has the highest share with a probability of {_chance(top[at], len(shares))}; {words} with it is"
        yield Effect(f"share with {name}", lead, "level", shares[:, at], "%", headline=False)


def _chance(share: float, draws: int) -> str:
    """Say a probability no closer to 0 or 1 than so many draws can tell."""
    edge = 3 / draws
    if edge <= share <= 1 - edge:
        return f"{share:.1%}"
    return f"more than {1 - edge:.1%}" if share > 0.5 else f"less than {edge:.1%}"


USUAL = 1.5
"""Log-odds up to which a share counts as neither rare nor common: 18% to 82%."""
RARE = "; centred at the overall share, which is rare or common"


def logit_scale(share: float) -> Scale:
    """Return the scale of a share's priors: around one half, or around the overall share when it is rare or common.

    Normal(0, 1.5) on the log-odds has nearly no room for shares such as one in a thousand, as prior prediction shows.

    Parameters
    ----------
    share
        Overall share, from 0 to 1.
    """
    edge = min(max(share, 1e-6), 1 - 1e-6)
    odds = float(np.log(edge / (1 - edge)))
    return Scale("logit", odds if abs(odds) > USUAL else 0.0, 1.0)


def with_source(priors: list[TermPrior]) -> list[TermPrior]:
    """Say of each intercept on the logit scale when its centre is not zero."""
    return [
        replace(one, source=one.source + RARE)
        if one.term == "Intercept" and one.source == LOGIT and one.prior.params["mu"]
        else one
        for one in priors
    ]


# -- with predictors and groups ------------------------------------------------------------------------------------


def _left_over(facts: Facts) -> float | None:
    """Return Pearson's statistic over its degrees of freedom after a quick logistic fit of predictors and groups.

    It is 1 when counts vary as a binomial does, and larger when rows with the same columns still differ (McCullagh and
    Nelder 1989, section 4.5). None where too few rows are left to tell.
    """
    k, n = (facts.table[name].to_numpy(float) for name in (facts.outcome, facts.analysis.trials))
    design = quick_design(facts)
    free = len(k) - np.linalg.matrix_rank(design)
    if free < LEAST_FREE:
        return None
    expected_share = quick_shares(design, k, n)
    variance = np.maximum(n * expected_share * (1 - expected_share), 1e-12)
    return float(np.sum((k - n * expected_share) ** 2 / variance) / free)


LEAST_FREE = 5


def quick_design(facts: Facts) -> np.ndarray:
    """Return the columns of a quick fit: one, predictors, and groups of several rows; each centred and scaled."""
    import pandas as pd

    groups = list(facts.groups) if facts.repeated else []
    chosen = facts.table[[*facts.predictors, *groups]].astype(dict.fromkeys(groups, str))
    wide = np.asarray(pd.get_dummies(chosen, drop_first=True), float) if chosen.shape[1] else np.empty((facts.n, 0))
    varying = wide[:, wide.std(0) > 0]
    return np.column_stack([np.ones(facts.n), (varying - varying.mean(0)) / varying.std(0)])


def quick_shares(design: np.ndarray, k: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Fit a logistic regression by iteratively reweighted least squares, with a touch of ridge.

    Parameters
    ----------
    design
        Columns, shape (rows, columns).
    k, n
        Successes and attempts, shape (rows,).
    """
    ridge = 1e-3 * np.eye(design.shape[1])
    slopes = np.zeros(design.shape[1])
    for _ in range(25):
        p = 1 / (1 + np.exp(-np.clip(design @ slopes, -30, 30)))
        weights = np.maximum(n * p * (1 - p), 1e-9)
        step = np.linalg.solve(design.T @ (design * weights[:, None]) + ridge, design.T @ (k - n * p) - ridge @ slopes)
        slopes = slopes + np.clip(step, -5, 5)
    return np.asarray(1 / (1 + np.exp(-np.clip(design @ slopes, -30, 30))))


class Binomial(ModelEntry):
    id = "binomial"
    title = "Binomial regression"
    summary = (
        "The share of successes in so many attempts, and how it changes; groups may each have a share of their own."
    )
    family = "binomial"
    link = "logit"
    equation = r"k_i \sim \mathrm{Binomial}(n_i, p_i),\quad \mathrm{logit}(p_i) = \mu_i"
    questions = frozenset({"compare-two", "compare-many", "effect", "change-over-time"})
    outcome = frozenset({"count"})
    source = "Gelman, Hill and Vehtari 2020, section 15.3"
    needs: ClassVar[Mapping[str, int]] = {"trials": 1}
    richer: ClassVar[tuple[str, ...]] = ("beta-binomial",)
    takes: ClassVar[frozenset[str]] = frozenset({"predictors", "groups"})
    assumptions: ClassVar[tuple[str, ...]] = (
        "Rows with the same values in the columns have the same chance; only luck makes their shares differ.",
        "Attempts do not depend on each other.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "If shares differ for reasons that no column knows, it is surer of itself than it may be.",
    )
    tutorial = "A row with many attempts tells more than one with few, so both numbers are needed."

    def unfit(self, facts: Facts) -> Rejection | None:
        if facts.n < 2:
            return Rejection("one-row", f"{self.title} needs at least 2 rows; ask for the share of one instead.")
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield from self._attempts(facts)
        extra = _left_over(facts)
        if extra is not None and extra <= EXTRA:
            yield Reason("binomial-scatter", f"{_scatter(facts)} {extra:.1f} times as much as luck alone.", 2)

    def _attempts(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("counts-out-of", f"{facts.outcome} counts successes out of {facts.analysis.trials}.", 3)
        if facts.groups:
            yield Reason("grouped", f"Each of the {facts.n_groups} {facts.groups[0]} gets a level of its own.", 1)

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str:
        terms = [term(name, table) for name in analysis.predictors]
        terms += [f"(1 | {quoted(name)})" for name in analysis.groups]
        return f"p({quoted(analysis.outcome)}, {quoted(analysis.trials)}) ~ {right_side(terms)}"

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return []

    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        yes, tried = _successes(table, analysis)
        return logit_scale((yes + 0.5) / (tried + 1))

    def default_priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return with_source(super().default_priors(analysis, table))

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        return _percentages(super().effects(analysis, table, model, dt), analysis, table, model, dt)

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        rows = max(n // 4, 20)
        x, tried = rng.normal(0, 1, rows), rng.integers(5, 40, rows)
        chance = 1 / (1 + np.exp(-(-0.8 + 0.5 * x)))
        return Simulation(
            pd.DataFrame({"k": self._draw(rng, tried, chance), "n": tried, "x": x}),
            {"k": "count", "n": "count", "x": "continuous"},
            {"question": "effect", "outcome": "k", "trials": "n", "predictors": ["x"]},
            {"Intercept": -0.8, "x": 0.5},
        )

    def _draw(self, rng: np.random.Generator, tried: np.ndarray, chance: np.ndarray) -> np.ndarray:
        return np.asarray(rng.binomial(tried, chance))


def _scatter(facts: Facts) -> str:
    given = " and ".join(facts.predictors)
    return f"With the same {given}, shares of {facts.outcome} vary" if given else f"Shares of {facts.outcome} vary"


def _percentages(found: list[Effect], analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
    """Say differences between shares in percentage points, and shares of groups, or of all rows, in percent."""
    differences = [replace(one, draws=100 * one.draws, unit="percentage points") for one in found]
    levels = group_levels(analysis, table, model, dt) if analysis.question == "compare-many" else []
    if not found and not levels:
        lead = f"{_begun(target_words(analysis, table))} is"
        levels = [Effect(f"share of {analysis.outcome}", lead, "level", expected(model, dt, table).mean(1))]
    return [
        *differences,
        *(replace(one, draws=100 * one.draws, unit="%") for one in levels),
        *spreads(dt, link="logit"),
    ]


class BetaBinomial(Binomial):
    id = "beta-binomial"
    title = "Beta-binomial regression"
    summary = "The share of successes in so many attempts, where shares vary more than luck alone would make them."
    family = "beta_binomial"
    equation = r"k_i \sim \mathrm{BetaBinomial}(n_i, p_i, \kappa),\quad \mathrm{logit}(p_i) = \mu_i"
    questions = frozenset({"share", "ab-test", "compare-two", "compare-many", "effect", "change-over-time"})
    source = "McElreath 2020, Statistical Rethinking 2e, ch. 12"
    richer: ClassVar[tuple[str, ...]] = ()
    assumptions: ClassVar[tuple[str, ...]] = (
        "Rows with the same values in the columns have chances that scatter around a common one.",
        "Attempts within a row share its chance, and do not depend on each other otherwise.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "It says that shares vary, not why; a column that explains it would be better.",
        "With one attempt in each row the extra scatter cannot be seen.",
    )
    tutorial = "Every row tosses a coin of its own; the coins resemble each other as much as the data say."

    def unfit(self, facts: Facts) -> Rejection | None:
        if facts.groups and not facts.repeated:
            return Rejection(
                "one-row-each",
                f"Most {facts.groups[0]} have one row; a level of each and extra scatter would say the same twice.",
            )
        if facts.n < LEAST_FREE or facts.table[facts.analysis.trials].max() < 2:
            return Rejection(
                "scatter-unseen",
                f"{self.title} needs at least {LEAST_FREE} rows with 2 attempts or more to see shares vary.",
            )
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield from self._attempts(facts)
        extra = _left_over(facts)
        if extra is not None and extra > EXTRA:
            yield Reason("extra-scatter", f"{_scatter(facts)} {extra:.1f} times as much as luck alone.", 2)

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return [TermPrior("kappa", Prior("Gamma", {"alpha": 2, "beta": 0.1}), CONCENTRATION)]

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        found = super().simulate(rng, n)
        return replace(found, truth={**found.truth, "kappa": 8.0})

    def _draw(self, rng: np.random.Generator, tried: np.ndarray, chance: np.ndarray) -> np.ndarray:
        return np.asarray(rng.binomial(tried, rng.beta(8 * chance, 8 * (1 - chance))))


class Beta(ModelEntry):
    id = "beta"
    title = "Beta regression"
    summary = "A share between 0 and 1 that was measured rather than counted, and how it changes."
    family = "beta"
    link = "logit"
    equation = r"y_i \sim \mathrm{Beta}(p_i \kappa, (1 - p_i) \kappa),\quad \mathrm{logit}(p_i) = \mu_i"
    questions = frozenset({"compare-two", "compare-many", "effect", "change-over-time"})
    outcome = frozenset({"proportion"})
    source = "Ferrari and Cribari-Neto 2004, doi:10.1080/0266476042000214501"
    takes: ClassVar[frozenset[str]] = frozenset({"predictors", "groups"})
    assumptions: ClassVar[tuple[str, ...]] = (
        "Shares lie strictly between 0 and 1 and scatter around their average, less so near 0 and 1.",
        "Rows do not depend on each other beyond the groups they belong to.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "Exact zeros and ones cannot come from it.",
        "If the share was counted out of a number of attempts, the counts tell more.",
    )
    tutorial = "Near 0 and 1 there is less room to move, which a straight line would overlook."

    def unfit(self, facts: Facts) -> Rejection | None:
        if facts.lowest is None or facts.highest is None or 0 < facts.lowest <= facts.highest < 1:
            return None
        if facts.highest > 1:
            said = f"{facts.outcome} goes up to {facts.highest:g}; divide it by 100 or its maximum to make it a share."
            return Rejection("above-one", said)
        y = facts.table[facts.outcome].to_numpy(float)
        return Rejection(
            "exact-zero-or-one",
            f"{int((y <= 0).sum())} values of {facts.outcome} are 0 and {int((y >= 1).sum())} are 1, which "
            f"{self.title} cannot have; give the successes and the attempts as two columns, and a binomial model takes "
            "them.",
        )

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason(
            "share-outcome",
            f"{facts.outcome} is a share between {facts.lowest:.2g} and {facts.highest:.2g}.",
            3,
        )
        if facts.groups:
            yield Reason("grouped", f"Each of the {facts.n_groups} {facts.groups[0]} gets a level of its own.", 1)

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str:
        terms = [term(name, table) for name in analysis.predictors]
        terms += [f"(1 | {quoted(name)})" for name in analysis.groups]
        return f"{quoted(analysis.outcome)} ~ {right_side(terms)}"

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        y = table[analysis.outcome].to_numpy(float)
        least = y.mean() * (1 - y.mean()) / max(float(y.var()), 1e-9) - 1
        rate = min(0.1, 2 / (3 * max(least, 1.0)))
        return [TermPrior("kappa", Prior("Gamma", {"alpha": 2, "beta": rounded(rate)}), CONCENTRATION)]

    def scale(self, analysis: Analysis, table: pd.DataFrame) -> Scale:
        return logit_scale(float(table[analysis.outcome].mean()))

    def default_priors(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return with_source(super().default_priors(analysis, table))

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        return _percentages(super().effects(analysis, table, model, dt), analysis, table, model, dt)

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        x = rng.normal(0, 1, n)
        mean = 1 / (1 + np.exp(-(-0.5 + 0.4 * x)))
        y = np.clip(rng.beta(12 * mean, 12 * (1 - mean)), 1e-6, 1 - 1e-6)
        return Simulation(
            pd.DataFrame({"share": y, "x": x}),
            {"share": "proportion", "x": "continuous"},
            {"question": "effect", "outcome": "share", "predictors": ["x"]},
            {"Intercept": -0.5, "x": 0.4, "kappa": 12.0},
        )


ENTRIES: tuple[type[ModelEntry], ...] = (Share, Variants, Binomial, BetaBinomial, Beta)
