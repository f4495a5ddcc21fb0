"""Default priors on the scale of the data, each with its source.

The scale of a prior follows from the design matrix: a slope's prior says how much the outcome may plausibly change
over the spread of its column. Numbers are rounded to three digits, so that what is built is what is printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose.errors import InvalidAnalysis

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["Prior", "TermPrior", "design", "rounded", "term_priors"]

AUTOSCALE = "weakly informative on the scale of the data, as in rstanarm and Bambi"
LOGIT = "McElreath, Statistical Rethinking 2e, ch. 11; Gelman et al. 2008, doi:10.1214/08-AOAS191"
LOGARITHM = "on the scale of the outcome's logarithm, where effects multiply; tightness: Lemoine 2019, Oikos 128:912"
LOG = "same logic as McElreath 2e, ch. 11; checked by prior prediction"
GROUP = "half-normal on the scale of the outcome; Gelman 2006, doi:10.1214/06-BA117A"
YOURS = "chosen by you"
DECLARED = "from the plausible range that you declared, which is taken to hold 95% of the values"


@dataclass(frozen=True)
class Prior:
    """A distribution by PyMC's name and parameters; a parameter may itself be a prior."""

    dist: str
    params: Mapping[str, float | Prior] = field(default_factory=dict)

    def code(self) -> str:
        """Spell it as Bambi code."""
        arguments = [
            f"{name}={value.code() if isinstance(value, Prior) else repr(value)}" for name, value in self.params.items()
        ]
        return f"bmb.Prior({', '.join([repr(self.dist).replace(chr(39), chr(34)), *arguments])})"

    def words(self) -> str:
        """Spell it as the field writes it: ``Normal(0, 49)``."""
        return f"{self.dist}({', '.join(_shown(value) for value in self.params.values())})"

    def bambi(self) -> Any:
        """Return the Bambi object."""
        import bambi as bmb

        return bmb.Prior(
            self.dist,
            **{name: value.bambi() if isinstance(value, Prior) else value for name, value in self.params.items()},
        )


def _shown(value: float | Prior) -> str:
    return value.words() if isinstance(value, Prior) else f"{value:g}"


@dataclass(frozen=True)
class TermPrior:
    """The prior of one term of one part of the model.

    ``component`` is ``""`` for the outcome's mean, else the name of the parameter that has a formula of its own.
    ``group`` marks group-specific terms, whose prior is that of their standard deviation.
    """

    term: str
    prior: Prior
    source: str
    component: str = ""
    group: bool = False

    @property
    def name(self) -> str:
        """The key under which ``Analysis.priors`` overrides it."""
        return f"{self.component}_{self.term}" if self.component else self.term

    @property
    def complete(self) -> Prior:
        """The prior as the model takes it: of the effects themselves."""
        return Prior("Normal", {"mu": 0, "sigma": self.prior}) if self.group else self.prior


@dataclass(frozen=True)
class Scale:
    """What sets the scale of a part's priors: its link, its centre and its spread on the link's scale."""

    link: str
    centre: float
    spread: float
    declared: bool = False

    @property
    def source(self) -> str:
        if self.declared:
            return DECLARED
        return {"identity": AUTOSCALE, "logarithm": LOGARITHM, "logit": LOGIT, "log": LOG}[self.link]

    def intercept(self) -> Prior:
        if self.declared:  # averages lie closer together than single values
            return _normal(self.centre, 0.75 * self.spread)
        wide = {"identity": 2.5 * self.spread, "logarithm": self.spread, "logit": 1.5, "log": 1.0}[self.link]
        return _normal(self.centre, wide)

    def slope(self, column_sd: float, *, indicator: bool, widen: float) -> Prior:
        if self.declared:  # one predictor is thought to explain up to about half of what varies
            return _normal(0.0, widen * self.spread * (1.0 if indicator else 0.5 / column_sd))
        per_sd = {"identity": 2.5 * self.spread, "logarithm": self.spread, "logit": 1.0, "log": 0.5}[self.link]
        per_level = {"identity": 2.5 * self.spread, "logarithm": 1.5 * self.spread, "logit": 1.5, "log": 1.0}[self.link]
        return _normal(0.0, widen * (per_level if indicator else per_sd / column_sd))

    def within(self, low: float, high: float) -> Scale:
        """Return the scale that a range of plausible values gives: its middle, and a quarter of its width.

        The range is taken to hold 95% of the values; on logarithms and log-odds, ends that these cannot have are left
        to the data.
        """
        if self.link in ("log", "logarithm"):
            low, high = (np.log(low), np.log(high)) if low > 0 else (np.nan, np.nan)
        if self.link == "logit":
            inside = 0 < low < high < 1
            low, high = (np.log(low / (1 - low)), np.log(high / (1 - high))) if inside else (np.nan, np.nan)
        if not np.isfinite([low, high]).all():
            return self
        spread = (high - low) / 4
        kept = spread if self.link in ("identity", "logarithm") else self.spread
        return replace(self, centre=(low + high) / 2, spread=kept, declared=self.link in ("identity", "logarithm"))

    def group(self, column_sd: float, *, widen: float) -> Prior:
        return Prior("HalfNormal", {"sigma": rounded(widen * self.spread / column_sd)})


def design(formula: str, table: pd.DataFrame) -> Any:
    """Evaluate a formula against a table.

    Returns
    -------
    formulae's design matrices: ``response``, ``common`` and ``group``.

    Raises
    ------
    InvalidAnalysis
        When the formula cannot be read or names a column that the table lacks.
    """
    from formulae import design_matrices

    try:
        return design_matrices(formula, table, na_action="error", extra_namespace={"np": np})
    except KeyError as error:
        name = str(error.args[0])
        raise InvalidAnalysis(
            f"the formula {formula!r} names {name!r}, which is neither a column nor a known function",
            where="formula",
            remedy=f"Columns are: {', '.join(map(str, table.columns))}.",
        ) from None
    except Exception as error:
        raise InvalidAnalysis(
            f"the formula {formula!r} cannot be read: {error}",
            where="formula",
            remedy="Write it like: outcome ~ predictor + (1 | group).",
        ) from None


def term_priors(
    formula: str, table: pd.DataFrame, scale: Scale, *, widen: float = 1.0, component: str = ""
) -> list[TermPrior]:
    """Give every term of one part of a formula its default prior.

    Parameters
    ----------
    formula
        The part; the response stands on its left, also for parts that have another one in the model.
    table
        Complete rows.
    scale
        The scale of the part.
    widen
        Factor on the scale of all effects, not on that of the intercept.
    component
        Name of the part, ``""`` for the outcome's mean.
    """
    matrices = design(formula, table)
    common = matrices.common.terms if matrices.common is not None else {}
    group = matrices.group.terms if matrices.group is not None else {}
    has_intercept = any(term.kind == "intercept" for term in common.values())
    found = [_common(name, term, scale, widen, has_intercept) for name, term in common.items() if term.kind != "offset"]
    found += [_group(name, term, scale, widen) for name, term in group.items()]
    return [replace(one, component=component) for one in found]


def _common(name: str, term: Any, scale: Scale, widen: float, has_intercept: bool) -> TermPrior:
    if term.kind == "intercept":
        return TermPrior(name, scale.intercept(), scale.source)
    if term.kind == "categoric" and not has_intercept and getattr(term, "spans_intercept", False):
        return TermPrior(name, scale.intercept(), scale.source)
    indicator = term.kind == "categoric" or _only_zero_and_one(term.data)
    return TermPrior(name, scale.slope(_column_sd(name, term.data), indicator=indicator, widen=widen), scale.source)


def _group(name: str, term: Any, scale: Scale, widen: float) -> TermPrior:
    data = np.asarray(term.expr.data, float) if term.kind == "numeric" else None
    column_sd = _column_sd(name, data) if data is not None and not _only_zero_and_one(data) else 1.0
    return TermPrior(name, scale.group(column_sd, widen=widen), GROUP, group=True)


def _only_zero_and_one(data: Any) -> bool:
    return bool(np.isin(np.asarray(data, float), (0.0, 1.0)).all())


def _column_sd(name: str, data: Any) -> float:
    column = np.asarray(data, float)
    spread = float(np.mean(np.std(column.reshape(len(column), -1), axis=0, ddof=1)))
    if not spread > 0:
        raise InvalidAnalysis(
            f"the term {name!r} has the same value in every row",
            where="formula",
            remedy="Leave it out: a constant column explains nothing.",
        )
    return spread


def _normal(mu: float, sigma: float) -> Prior:
    return Prior("Normal", {"mu": rounded(mu), "sigma": rounded(sigma)})


def rounded(value: float) -> float:
    """Round to three significant digits."""
    return float(f"{value:.3g}")


def overridden(priors: list[TermPrior], analysis: Analysis) -> list[TermPrior]:
    """Put the user's own priors in the place of the defaults.

    Raises
    ------
    InvalidAnalysis
        When a prior is given for a term that the model lacks, or its distribution is unknown.
    """
    names = {one.name for one in priors}
    for term, given in analysis.priors.items():
        if term not in names:
            raise InvalidAnalysis(
                f"there is no term {term!r} to give a prior to",
                where="priors",
                remedy=f"Terms are: {', '.join(sorted(names))}.",
            )
        if given["dist"] not in KNOWN:
            raise InvalidAnalysis(
                f"{given['dist']!r} is not a known distribution for the prior of {term!r}",
                where="priors",
                remedy=f"Known are: {', '.join(KNOWN)}.",
            )
        _require_parameters(term, given)
    return [
        replace(one, prior=_given(analysis.priors[one.name]), source=YOURS) if one.name in analysis.priors else one
        for one in priors
    ]


DISTRIBUTIONS: Mapping[str, frozenset[str]] = {
    "Cauchy": frozenset({"alpha", "beta"}),
    "Exponential": frozenset({"lam"}),
    "Gamma": frozenset({"alpha", "beta", "mu", "sigma"}),
    "HalfCauchy": frozenset({"beta"}),
    "HalfNormal": frozenset({"sigma"}),
    "HalfStudentT": frozenset({"nu", "sigma"}),
    "InverseGamma": frozenset({"alpha", "beta"}),
    "Laplace": frozenset({"mu", "b"}),
    "LogNormal": frozenset({"mu", "sigma"}),
    "Normal": frozenset({"mu", "sigma"}),
    "StudentT": frozenset({"nu", "mu", "sigma"}),
    "Uniform": frozenset({"lower", "upper"}),
}
"""Distributions of parameters, which may be elicited, with their parameters."""

KNOWN: Mapping[str, frozenset[str]] = {**DISTRIBUTIONS, "Beta": frozenset({"alpha", "beta", "mu", "sigma"})}
"""Every distribution that a prior may have; that of a share is written out by its parameters."""


def _require_parameters(term: str, given: Mapping[str, Any]) -> None:
    known = KNOWN[given["dist"]]
    wrong = sorted(set(given) - known - {"dist"})
    if wrong:
        raise InvalidAnalysis(
            f"{given['dist']} has no parameter {wrong[0]!r} (prior of {term!r})",
            where="priors",
            remedy=f"Its parameters are: {', '.join(sorted(known))}.",
        )


def _given(prior: Mapping[str, Any]) -> Prior:
    return Prior(prior["dist"], {name: float(value) for name, value in prior.items() if name != "dist"})
