"""Comparing groups: two of them robustly, many of them with partial pooling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelcompose.catalog.effects import Effect, group_levels, outcome_unit, spreads
from modelcompose.catalog.entry import (
    MeasuredEntry,
    ModelEntry,
    Reason,
    Rejection,
    Simulation,
    quoted,
)
from modelcompose.catalog.facts import Facts
from modelcompose.catalog.priors import Prior, TermPrior

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

NU = TermPrior(
    "nu",
    Prior("Gamma", {"alpha": 2, "beta": 0.1}),
    "Juárez and Steel 2010, doi:10.1198/jbes.2009.07145",
)


class TwoGroups(MeasuredEntry):
    id = "two-groups"
    title = "Two groups, robust, with unequal spreads"
    summary = "Compares two averages; unusual values weigh little, and each group has a spread of its own."
    family = "t"
    equation = r"y_i \sim \mathrm{StudentT}(\nu, \mu_i, \sigma_i)"
    questions = frozenset({"compare-two"})
    source = "Kruschke 2013, doi:10.1037/a0029146"
    assumptions: ClassVar[tuple[str, ...]] = (
        "Within each group values scatter as far above its average as below, and some may lie far out.",
        "Rows do not depend on each other: nothing was measured twice.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "Other columns are left out of account, even if the groups differ in them.",
        "For lopsided values, ratios of medians often say more than a difference of averages.",
    )
    tutorial = "Each group has an average and a spread of its own, so that the noisier one does not blur the other."

    def unfit(self, facts: Facts) -> Rejection | None:
        if len(facts.predictors) != 1 or facts.levels != 2:
            return Rejection("one-binary", f"{self.title} needs exactly one predictor, with two values.")
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason("two-groups", f"You compare {facts.outcome} between the two values of {facts.predictors[0]}.", 4)
        if facts.outliers:
            yield Reason(
                "outliers", f"{facts.outliers} of {facts.n} values lie unusually far out; it tolerates them.", 1
            )
        if facts.sd_ratio and facts.sd_ratio > 2:
            yield Reason("unequal-spread", f"One group's spread is {facts.sd_ratio:.1f} times the other's.", 1)

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> list[str]:
        name = analysis.predictors[0]
        group = quoted(name) if hasattr(table[name], "cat") else f"C({quoted(name)})"
        return [f"{quoted(analysis.outcome)} ~ 0 + {group}", f"sigma ~ 0 + {group}"]

    def auxiliary(self, analysis: Analysis, table: pd.DataFrame) -> list[TermPrior]:
        return [NU, *super().auxiliary(analysis, table)]

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        arm = np.repeat(["control", "treated"], n // 2)
        mean = np.where(arm == "control", 10.0, 13.0)
        spread = np.where(arm == "control", 2.0, 4.0)
        table = pd.DataFrame({"y": mean + spread * rng.standard_t(20, len(arm)), "arm": arm})
        return Simulation(
            table,
            {"y": "continuous", "arm": "binary"},
            {"question": "compare-two", "outcome": "y", "predictors": ["arm"]},
            {
                "arm[control]": 10.0,
                "arm[treated]": 13.0,
                "sigma_arm[control]": np.log(2),
                "sigma_arm[treated]": np.log(4),
            },
        )


class ManyGroups(MeasuredEntry):
    id = "many-groups"
    title = "Many groups with partial pooling"
    summary = "Estimates every group's average; groups with little data are drawn towards the overall average."
    family = "gaussian"
    equation = r"y_i \sim \mathrm{Normal}(\mu_i, \sigma)"
    questions = frozenset({"compare-many"})
    source = "Gelman and Hill 2007, ch. 12"
    assumptions: ClassVar[tuple[str, ...]] = (
        "The groups' averages scatter around a common one like a bell curve.",
        "Within groups values scatter like a bell curve, equally wide in all.",
    )
    limits: ClassVar[tuple[str, ...]] = (
        "A group that is truly unlike all others is drawn towards them, the more the fewer rows it has.",
        "With fewer than five groups, how much they differ is mostly assumed.",
    )
    tutorial = "A group with two rows says little by itself, so it borrows from what the other groups are like."
    needs: ClassVar[Mapping[str, int]] = {"groups": 1}
    takes: ClassVar[frozenset[str]] = frozenset()

    def unfit(self, facts: Facts) -> Rejection | None:
        if facts.n_groups < 3:
            return Rejection("three-groups", f"{self.title} needs at least 3 groups; there are {facts.n_groups}.")
        if facts.rows_per_group < 2:
            return Rejection(
                "one-row-each",
                f"Most {facts.groups[0]} have one row, so that differences between them and noise look the same.",
            )
        return None

    def reasons(self, facts: Facts) -> Iterator[Reason]:
        yield Reason(
            "partial-pooling",
            f"{facts.groups[0]} has {facts.n_groups} groups with a median of {facts.rows_per_group:g} rows each.",
            3,
        )
        if facts.n_groups < 5:
            yield Reason("few-groups", f"With {facts.n_groups} groups the spread between them is hard to learn.", -1)

    def formula(self, analysis: Analysis, table: pd.DataFrame) -> str:
        return f"{quoted(analysis.outcome)} ~ 1 + (1 | {quoted(analysis.groups[0])})"

    def effects(self, analysis: Analysis, table: pd.DataFrame, model: Any, dt: Any) -> list[Effect]:
        return group_levels(analysis, table, model, dt) + spreads(dt, unit=outcome_unit(analysis, table))

    def simulate(self, rng: np.random.Generator, n: int) -> Simulation:
        import pandas as pd

        groups = 12
        site = np.tile(np.arange(groups), max(n // groups, 3))
        means = 50 + 8 * rng.standard_normal(groups)
        table = pd.DataFrame(
            {"y": means[site] + 5 * rng.standard_normal(len(site)), "site": np.char.add("s", site.astype(str))}
        )
        return Simulation(
            table,
            {"y": "continuous", "site": "group"},
            {"question": "compare-many", "outcome": "y", "groups": ["site"]},
            {"sigma": 5.0},
        )


ENTRIES: tuple[type[ModelEntry], ...] = (TwoGroups, ManyGroups)
