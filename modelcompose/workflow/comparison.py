"""Comparison: fits rival models to the same rows, and asks which predicts rows best that it has not seen."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog
from modelcompose.catalog.effects import Effect
from modelcompose.errors import InvalidAnalysis, ModelComposeError
from modelcompose.verdict import Finding, Remedy, Verdict
from modelcompose.workflow import words
from modelcompose.workflow.candidates import (
    STOPPED,
    WAITING,
    Candidate,
    LeftOut,
    Observed,
    answered,
    build,
    candidates,
    fit,
    not_to_trust,
    observed,
    present,
)
from modelcompose.workflow.fit import another
from modelcompose.workflow.leaving_out import loo as leave_out_each
from modelcompose.workflow.policy import Policy, policy_of
from modelcompose.workflow.results import effects_of
from modelcompose.workflow.standings import Standing, in_words, is_close, standard_error, standings, strictness
from modelcompose.workflow.steps import conclude, figure

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis
    from modelcompose.data import Dataset

__all__ = ["check", "compare", "stacked"]

QUANTITIES = 24
EFFECT_DRAWS = 4000
KEPT_DRAWS, KEPT_BYTES = 1000, 5_000_000
CAUTION = (
    "Better predictions make a model neither true nor its answer right: a model may predict better because it uses "
    "columns that the question must leave out."
)

Array = np.ndarray[Any, np.dtype[Any]]

# -- fitting the rivals --------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Fitted:
    candidate: Candidate
    model: Any
    dt: Any
    loo: Any
    answers: Mapping[str, Array]
    seconds: float


def compare(analysis: Analysis, dataset: Dataset, model: Any, dt: Any, loo: Any) -> Any:
    """Fit the rivals of a model to the same rows, and work out how well each predicts rows that it has not seen.

    The rivals are those of ``analysis.candidates``, or the catalogue's neighbours and simpler models. One whose draws
    cannot be trusted, or whose outcome is not the same on the same scale, is left out with the reason. An interrupt
    ends the comparison and keeps the rivals that are complete; the attribute ``stopped`` then says so.

    Parameters
    ----------
    model, dt
        The analysis' own model and its posterior.
    loo
        Its expected log predictive density by row, as ``mc.loo`` gives it.

    Returns
    -------
    xarray.DataTree
        Over the dimension ``model``, the analysis' own first: ``elpd_i`` (model, row), ``p_loo``, ``bad_k`` (rows
        whose density could not be estimated well), ``parameters`` (free values), ``seconds`` of the fit. Group
        ``answers``: ``draws`` (model, quantity, sample) of the headline. Group ``left_out``: ``name`` and ``reason``.
        Groups ``posterior_0``, …: up to 1000 draws of each model, for averages. Empty when the analysis' own model has
        no density for each row; the attribute ``why_not`` then says so.
    """
    import xarray as xr

    if not _has_rows(loo):
        return xr.DataTree(xr.Dataset(attrs={"why_not": NO_DENSITIES}))
    table, gaps = dataset.rows(analysis)
    headline = _headline(effects_of(analysis, table, model, dt))
    own = _Fitted(
        present(analysis),
        model,
        dt,
        loo,
        {one.name: one.draws for one in headline},
        float(dt["posterior"].attrs.get("sampling_seconds", np.nan)),
    )
    found, left_out = candidates(analysis, dataset, table)
    fitted, stopped = [own], False
    for rival, built in _comparable(found, own, table, gaps, left_out):
        try:
            one = LeftOut(rival.name, WAITING) if stopped else _fitted(rival, built, own, headline, table)
        except KeyboardInterrupt:
            one = LeftOut(rival.name, STOPPED)
        fitted.append(one) if isinstance(one, _Fitted) else left_out.append(one)
        stopped |= one.loo.attrs.get("stopped", 0) if isinstance(one, _Fitted) else one.reason == STOPPED
    tree = _as_tree(fitted, headline, left_out)
    tree.attrs["stopped"] = int(stopped)
    return tree


NO_DENSITIES = "This model gives no density for each row, so that there is nothing to compare."


def _has_rows(loo: Any) -> bool:
    return "elpd_i" in loo and loo["elpd_i"].size > 0


def _headline(effects: list[Effect]) -> list[Effect]:
    return ([one for one in effects if one.headline] or effects)[:QUANTITIES]


def _comparable(
    found: Sequence[Candidate], own: _Fitted, table: pd.DataFrame, gaps: Any, left_out: list[LeftOut]
) -> list[tuple[Candidate, Any]]:
    """Build the rivals and keep those that explain the same rows on the same scale, those with fewest values first."""
    kept = []
    for rival in found:
        try:
            one, model = build(rival, table, gaps)
        except (ModelComposeError, ValueError, KeyError, IndexError) as error:
            reason = error.message if isinstance(error, ModelComposeError) else str(error).splitlines()[0]
            left_out.append(LeftOut(rival.name, f"It cannot be built for these rows: {reason}"))
            continue
        reason = why_not(observed(own.model), observed(model))
        left_out.append(LeftOut(rival.name, reason)) if reason else kept.append((one, model))
    return sorted(kept, key=lambda pair: _parameters(pair[1]))


def why_not(ours: Observed | None, theirs: Observed | None) -> str:
    """Say why two models cannot be compared by their predictions; ``""`` when they can.

    Densities are comparable only if they are of the same variable: that of a logarithm differs from that of the
    number itself by the Jacobian, and a probability is no density (Vehtari, CV-FAQ).
    """
    if ours is None or theirs is None:
        return "It gives no density for each row."
    if len(ours.values) != len(theirs.values):
        return f"It explains {len(theirs.values)} rows, the model of this analysis {len(ours.values)}."
    if ours.values.shape != theirs.values.shape or not np.allclose(ours.values, theirs.values, equal_nan=True):
        return (
            "It explains other values of the outcome, such as their logarithm, so that the densities do not compare; "
            "use a family with a log scale instead of taking logarithms."
        )
    if ours.scale != theirs.scale:
        return f"It gives {theirs.scale} of the outcome, the model of this analysis {ours.scale}; these do not compare."
    return ""


def _parameters(model: Any) -> int:
    pymc = catalog.pymc_model(model)
    shapes = pymc.eval_rv_shapes()
    return int(sum(np.prod(shapes[one.name], dtype=int) for one in pymc.free_RVs))


def _fitted(
    rival: Candidate, model: Any, own: _Fitted, headline: Sequence[Effect], table: pd.DataFrame
) -> _Fitted | LeftOut:
    """Fit a rival; rows are left out the costly way only where the outcome of the comparison may hang on it."""
    started = time.monotonic()
    try:
        dt = fit(rival.analysis, model)
        reason = not_to_trust(rival.analysis, dt)
        if reason:
            return LeftOut(rival.name, reason)
        dt = catalog.log_likelihood(model, dt)
        found = leave_out_each(rival.analysis, table, model, dt, budget=0.0)
        if not _has_rows(found):
            return LeftOut(rival.name, "It gives no density for each row.")
        if found.attrs["bad_k"] and not _hopeless(own, found):
            found = leave_out_each(rival.analysis, table, model, dt)
        answers = answered(headline, rival.analysis, table, model, dt) if rival.answers else {}
    except ModelComposeError as error:
        return LeftOut(rival.name, error.message)
    return _Fitted(rival, model, dt, found, answers, time.monotonic() - started)


def _hopeless(own: _Fitted, found: Any) -> bool:
    """Tell whether a model is clearly behind though rows that are hard to leave out make it look better than it is."""
    pointwise = {"own": own.loo["elpd_i"].values, "rival": found["elpd_i"].values}
    rows = len(pointwise["own"])
    rival = next(one for one in standings(pointwise) if one.name == "rival")
    return in_words(rival, rows, policy_of(own.candidate.analysis)) == "clearly predicts worse"


def _as_tree(fitted: Sequence[_Fitted], headline: Sequence[Effect], left_out: Sequence[LeftOut]) -> Any:
    import xarray as xr

    root = xr.Dataset(
        {
            "elpd_i": (("model", "row"), np.stack([np.asarray(one.loo["elpd_i"].values, float) for one in fitted])),
            "p_loo": ("model", [float(one.loo.attrs["p_loo"]) for one in fitted]),
            "bad_k": ("model", [int(one.loo.attrs["bad_k"]) for one in fitted]),
            "parameters": ("model", [_parameters(one.model) for one in fitted]),
            "seconds": ("model", [one.seconds for one in fitted]),
            "why": ("model", [one.candidate.why for one in fitted]),
            "id": ("model", [one.candidate.analysis.model for one in fitted]),
            "changes": ("model", [json.dumps(dict(one.candidate.changes)) for one in fitted]),
            "choices": ("model", [one.candidate.analysis.model_dump_json() for one in fitted]),
            "answers_question": ("model", [one.candidate.answers for one in fitted]),
        },
        coords={"model": [one.candidate.name for one in fitted]},
    )
    groups = {
        "/": root,
        "answers": _answers(fitted, headline),
        "left_out": xr.Dataset(
            {name: ("candidate", [getattr(one, name) for one in left_out]) for name in ("name", "reason")}
        )
        if left_out
        else xr.Dataset(),
    }
    groups |= {f"posterior_{at}": _thinned(one.dt) for at, one in enumerate(fitted)}
    return xr.DataTree.from_dict(groups)


def _answers(fitted: Sequence[_Fitted], headline: Sequence[Effect]) -> Any:
    """Return draws of the headline under each model, shape (model, quantity, sample); NaN where it has none."""
    import xarray as xr

    size = min(EFFECT_DRAWS, *(draws.size for one in fitted for draws in one.answers.values()))
    none = np.full(size, np.nan)
    draws = [
        [evenly(one.answers[effect.name], size) if effect.name in one.answers else none for effect in headline]
        for one in fitted
    ]
    return xr.Dataset(
        {
            "draws": (
                ("model", "quantity", "sample"),
                np.array(draws, float).reshape(len(fitted), len(headline), size),
            ),
            "lead": ("quantity", [one.lead for one in headline]),
            "kind": ("quantity", [str(one.kind) for one in headline]),
            "unit": ("quantity", [one.unit for one in headline]),
        },
        coords={"quantity": [one.name for one in headline]},
    )


def evenly(draws: Array, size: int) -> Array:
    """Return so many draws, taken evenly."""
    return np.asarray(draws[np.linspace(0, len(draws) - 1, size).astype(int)])


def _thinned(dt: Any) -> Any:
    """Return as many draws of a posterior as are worth keeping for averages, in one chain."""
    posterior = dt["posterior"].to_dataset()
    drawn = posterior.sizes["chain"] * posterior.sizes["draw"]
    size = int(np.clip(KEPT_BYTES // max(1, posterior.nbytes // drawn), 10, min(drawn, KEPT_DRAWS)))
    flat = posterior.drop_vars(["chain", "draw"], errors="ignore").stack(sample=("chain", "draw"), create_index=False)
    chosen = flat.isel(sample=np.linspace(0, drawn - 1, size).astype(int)).rename(sample="draw")
    return chosen.expand_dims(chain=[0]).assign_coords(draw=range(size)).transpose("chain", "draw", ...)


# -- averages ------------------------------------------------------------------------------------------------------


def stacked(
    analysis: Analysis, dataset: Dataset, compared: Any, rows: pd.DataFrame | None = None, *, draws: int = 1000
) -> Any:
    """Average the predictions of several models by their stacking weights.

    Models with a weight below the threshold of the rule ``stacking-weight`` are left out, and the others share theirs.

    Parameters
    ----------
    compared
        What ``compare`` returned.
    rows
        Rows to predict, typed like the table; by default those that the models were fitted to.
    draws
        How many draws the mixture is to have.

    Returns
    -------
    xarray.Dataset
        ``expected`` (__obs__), the weighted mean of the models' posterior predictive means; ``outcome`` (draw,
        __obs__), single observations drawn from each model in proportion to its ``weight`` (model).

    Raises
    ------
    InvalidAnalysis
        When nothing was compared, or a model cannot predict new rows.
    """
    import xarray as xr

    if not _has_models(compared):
        raise InvalidAnalysis("no models were compared", where="comparison", remedy="Compare models first.")
    table, gaps = dataset.rows(analysis)
    weights = averaging_weights(analysis, compared)
    counts = _shares(list(weights.values()), draws)
    names = list(map(str, compared["model"].values))
    drawn = []
    for (name, _), count in zip(weights.items(), counts, strict=True):
        at = names.index(name)
        chosen = type(analysis).model_validate_json(str(compared["choices"].values[at]))
        model = catalog.build(chosen, table, gaps)
        values = _outcomes(chosen, model, _posterior(compared, at), rows)
        drawn.append((values.mean(0), evenly(values, count)))
    expected = np.average([mean for mean, _ in drawn], axis=0, weights=list(weights.values()))
    return xr.Dataset(
        {
            "expected": ("__obs__", expected),
            "outcome": (("draw", "__obs__"), np.concatenate([values for _, values in drawn])),
            "weight": ("model", list(weights.values())),
        },
        coords={"model": list(weights)},
    )


def averaging_weights(analysis: Analysis, compared: Any) -> dict[str, float]:
    """Return the stacking weights of the models that count, the largest first; they sum to one."""
    rule = policy_of(analysis)["stacking-weight"]
    found = {one.name: one.weight for one in standings(_pointwise(compared)) if rule.status(one.weight) == "pass"}
    total = sum(found.values())
    return {name: weight / total for name, weight in sorted(found.items(), key=lambda item: -item[1])}


def _shares(weights: Sequence[float], total: int) -> list[int]:
    """Divide a number by weights into whole parts that add up to it."""
    ends = np.round(np.cumsum(weights) * total).astype(int)
    return [int(one) for one in np.diff(ends, prepend=0)]


def _outcomes(analysis: Analysis, model: Any, dt: Any, rows: pd.DataFrame | None) -> Array:
    """Draw single observations of each row, shape (draws, rows)."""
    from modelcompose.catalog.predictions import outcome_draws
    from modelcompose.catalog.unseen import unseen

    if rows is not None:
        return unseen(model, dt, rows, outcome=analysis.outcome, random_seed=analysis.random_seed).outcome
    found = catalog.predict(model, dt, analysis.random_seed)
    return outcome_draws(found["posterior_predictive"].to_dataset(), analysis.outcome)


def _posterior(compared: Any, at: int) -> Any:
    import xarray as xr

    return xr.DataTree.from_dict({"posterior": compared[f"posterior_{at}"].to_dataset()})


def _pointwise(compared: Any) -> dict[str, Array]:
    return dict(zip(map(str, compared["model"].values), compared["elpd_i"].values, strict=True))


def _has_models(compared: Any) -> bool:
    return "elpd_i" in compared


# -- the verdict ---------------------------------------------------------------------------------------------------


def check(analysis: Analysis, compared: Any) -> Verdict:
    """Judge a model by how well its rivals predict.

    It passes unless a rival is ahead by a difference of 4 or more and by more than 2 standard errors (Sivula et al.
    2020, arXiv:2008.10296; Vehtari, CV-FAQ); then there is a warning, since the better prediction need not be the
    better answer. Rivals that predict as well and answer differently are named.

    Parameters
    ----------
    compared
        What ``mc.compare`` returned.
    """
    left_out = _left_out(compared)
    if not _has_models(compared):
        return conclude("comparison", analysis, sentence=str(compared.attrs.get("why_not", NO_DENSITIES)))
    contest = _Contest.of(analysis, compared)
    if len(contest.order) < 2:
        return conclude(
            "comparison",
            analysis,
            sentence="No rival model could be compared with this one." if left_out else "There is no rival to compare.",
            findings=[_unused(left_out)] if left_out else [],
            details={"Left out": [{"model": one.name, "why": one.reason} for one in left_out]} if left_out else {},
            partial=bool(compared.attrs.get("stopped", 0)),
        )
    answers = _Answers.of(analysis, compared, contest)
    return conclude(
        "comparison",
        analysis,
        sentence=" ".join([contest.sentence(), *answers.sentences()]),
        findings=[
            contest.finding(),
            *contest.cautions(),
            *answers.findings(),
            *([_unused(left_out)] if left_out else []),
        ],
        remedies=contest.remedies(),
        details={
            "Models": contest.rows(),
            **answers.details(),
            **({"Left out": [{"model": one.name, "why": one.reason} for one in left_out]} if left_out else {}),
            "comparison": contest.numbers(),
            "caution": CAUTION,
        },
        picture=contest.picture(),
        alt=contest.alt(),
        partial=bool(compared.attrs.get("stopped", 0)),
    )


def _left_out(compared: Any) -> list[LeftOut]:
    group = compared["left_out"].to_dataset() if "left_out" in compared.children else {}
    if "name" not in group:
        return []
    return [
        LeftOut(str(name), str(why)) for name, why in zip(group["name"].values, group["reason"].values, strict=True)
    ]


def _unused(left_out: Sequence[LeftOut]) -> Finding:
    return Finding(
        name="Models that were left out",
        status="info",
        value=len(left_out),
        shown=f"{len(left_out)} ({', '.join(one.name for one in left_out)})",
        sentence=" ".join(f"{one.name}: {one.reason}" for one in left_out),
    )


@dataclass(frozen=True)
class _Contest:
    """The models in the order of how well they predict, and where the analysis' own stands among them."""

    analysis: Analysis
    compared: Any
    policy: Policy
    order: tuple[Standing, ...]
    own: str
    rows_used: int

    @classmethod
    def of(cls, analysis: Analysis, compared: Any) -> _Contest:
        return cls(
            analysis=analysis,
            compared=compared,
            policy=policy_of(analysis),
            order=tuple(standings(_pointwise(compared))),
            own=str(compared["model"].values[0]),
            rows_used=int(compared.sizes["row"]),
        )

    @property
    def best(self) -> Standing:
        return self.order[0]

    @property
    def mine(self) -> Standing:
        return next(one for one in self.order if one.name == self.own)

    @property
    def as_good(self) -> list[Standing]:
        """The rivals that predict as well as the best, as far as can be told."""
        return [one for one in self.order if one.name not in (self.own, *self.far) and self.close(one)]

    def close(self, one: Standing) -> bool:
        return one.difference == 0 or is_close(one, self.rows_used, self.policy)

    def of_model(self, name: str, variable: str) -> Any:
        return self.compared[variable].sel(model=name).item()

    def sentence(self) -> str:
        ties = [one.name for one in self.as_good if one.difference < 0 or self.mine.difference < 0]
        if self.mine.difference == 0 and not ties:
            nearest = self.order[1]
            said = (
                f"Of {len(self.order)} models, {self.own} predicts rows it has not seen best; the nearest, "
                f"{nearest.name}, is {-nearest.difference:.1f} behind ({_errors(nearest)})."
            )
            return " ".join(filter(None, [said, self._too_few_rows()]))
        if not self.close(self.mine):
            clearly = in_words(self.mine, self.rows_used, self.policy).startswith("clearly")
            return (
                f"{self.best.name} predicts rows it has not seen {'clearly ' if clearly else ''}better than "
                f"{self.own}: by {-self.mine.difference:.1f} ({_errors(self.mine)})."
            )
        simplest = min([self.own, *ties], key=lambda name: self.of_model(name, "parameters"))
        said = (
            f"Too close to call: {_listed([f'“{name}”' for name in (self.own, *ties)])} predict rows they have not "
            f"seen equally well, as far as can be told; “{simplest}” is the simplest of them.{self._leaves_out(ties)}"
            if self.own not in self.far
            else f"Of {len(self.order)} models, “{self.best.name}” predicts rows it has not seen best."
        )
        return " ".join(filter(None, [said, self._too_few_rows()]))

    @property
    def far(self) -> dict[str, Standing]:
        """The models that are behind by as much as would count with more rows, but not with so few."""
        small, behind = self.policy["elpd-difference"], self.policy["elpd-behind"]
        return {
            one.name: one
            for one in self.order
            if self.close(one) and small.status(-one.difference) != "pass" and behind.status(one.behind) != "pass"
        }

    def _too_few_rows(self) -> str:
        """Say of the models far behind that so few rows do not settle it."""
        if not self.far:
            return ""
        listed = [f"“{name}” by {-one.difference:.1f} ({_errors(one)})" for name, one in self.far.items()]
        return f"Behind the best, but by the rule for few rows not for sure: {_listed(listed)}."

    def _leaves_out(self, ties: Sequence[str]) -> str:
        """Warn of taking a model for an answer that leaves out what was asked about."""
        if all(self.of_model(name, "answers_question") for name in ties):
            return ""
        return " A column that adds little to predictions may still be what the question is about: keep it."

    def finding(self) -> Finding:
        """Say how far the analysis' own model is behind the best."""
        behind = self.policy["elpd-behind"]
        scale = strictness(self.rows_used, self.policy)
        small = self.policy["elpd-difference"].status(-self.mine.difference) == "pass"
        if self.mine.difference == 0:
            shown = "nothing: it predicts best"
        else:
            shown = f"{-self.mine.difference:.1f} behind {self.best.name} ({_errors(self.mine)})"
        least = format(self.policy["elpd-difference"].limit, "g")
        limit = format(behind.limit * scale, "g")
        return behind.finding(
            "Expected log predictive density lost to the best model",
            0.0 if small else self.mine.behind,
            shown,
            "How much less probable the model takes rows to be that it has not seen, in logarithms, over all rows.",
            scale=scale,
            words=f"below {least}, or within {limit} standard errors",
        )

    def cautions(self) -> list[Finding]:
        """Say what makes the differences less sure than they look."""
        found = []
        enough = self.policy["rows-to-compare"].finding(
            "Rows to compare by",
            self.rows_used,
            str(self.rows_used),
            "With few rows the standard errors are too small; twice as many of them are asked for here.",
        )
        if enough.status != "pass":
            found.append(enough.model_copy(update={"status": "info"}))
        hard = {one.name: int(self.of_model(one.name, "bad_k")) for one in self.order if self._matters(one)}
        worst = max(hard, key=lambda name: hard[name])
        found.append(
            self.policy["rows-hard-to-predict"].finding(
                "Rows whose density could not be estimated well, at most in one model",
                hard[worst],
                f"{hard[worst]} of {self.rows_used} ({worst})" if hard[worst] else "none",
                "Where there are such rows, a model may look better than it is.",
            )
        )
        return found

    def _matters(self, one: Standing) -> bool:
        return one.name == self.own or in_words(one, self.rows_used, self.policy) != "clearly predicts worse"

    def remedies(self) -> list[Remedy]:
        """Offer the better models that answer the question, when they are better beyond doubt."""
        if self.close(self.mine):
            return []
        ahead = [one for one in self.order if one.difference > self.mine.difference]
        names = list(map(str, self.compared["model"].values))
        found = []
        for place, one in enumerate(one for one in ahead if self.of_model(one.name, "answers_question")):
            lead = Standing("", 0, 0, self.mine.difference - one.difference, self._error_between(one), 0)
            said = in_words(lead, self.rows_used, self.policy)
            if said == "too close to call":
                continue
            found.append(
                Remedy(
                    label=f"Use {one.name}",
                    why=f"It predicts rows it has not seen better, by {-lead.difference:.1f} ({_errors(lead)}).",
                    changes=json.loads(self.of_model(one.name, "changes")),
                    cost=another(_posterior(self.compared, names.index(one.name))),
                    score=(0.9 if said.startswith("clearly") else 0.7) / (1 + place),
                )
            )
        return found

    def _error_between(self, one: Standing) -> float:
        pointwise = _pointwise(self.compared)
        return standard_error(pointwise[one.name] - pointwise[self.own])

    def rows(self) -> list[dict[str, str]]:
        return [
            {
                "model": f"{one.name} (this analysis)" if one.name == self.own else one.name,
                "stands": "behind, if not for sure"
                if one.name in self.far
                else in_words(one, self.rows_used, self.policy),
                "behind the best": f"{-one.difference:.1f} ({_errors(one)})" if one.difference else "",
                "log density": f"{one.elpd:.1f} (standard error {one.se:.1f})",
                "weight in the average": f"{one.weight:.0%}",
                "effective parameters": f"{self.of_model(one.name, 'p_loo'):.1f}",
                "why it is here": str(self.of_model(one.name, "why")),
            }
            for one in self.order
        ]

    def numbers(self) -> dict[str, dict[str, float]]:
        return {
            one.name: {
                "elpd": one.elpd,
                "se": one.se,
                "difference": one.difference,
                "difference_se": one.difference_se,
                "weight": one.weight,
            }
            for one in self.order
        }

    def picture(self) -> Any:
        fig, axes = figure(height=1.2 + 0.32 * len(self.order))
        for at, one in enumerate(reversed(self.order)):
            reach = 2 * one.difference_se
            colour = "#3a6ea5" if one.name == self.own else "#777777"
            axes.plot([one.difference - reach, one.difference + reach], [at, at], color=colour, linewidth=1.5)
            axes.plot(one.difference, at, "o", color="white", markeredgecolor=colour)
        axes.axvline(0, color="#888888", linestyle=":")
        axes.axvspan(-self.policy["elpd-difference"].limit, 0, color="#888888", alpha=0.12, linewidth=0)
        labels = [f"{one.name} (this)" if one.name == self.own else one.name for one in reversed(self.order)]
        axes.set(yticks=range(len(labels)), yticklabels=[label.replace("$", r"\$") for label in labels])
        axes.tick_params(axis="y", labelsize=7)
        axes.set(xlabel="behind the best, in log predictive density (± 2 standard errors)")
        axes.xaxis.label.set_fontsize(8)
        return fig

    def alt(self) -> str:
        told = (f"{one.name}: {one.difference:.1f} ± {2 * one.difference_se:.1f}" for one in self.order)
        return (
            f"Log predictive density lost to the best model: {'; '.join(told)}. Below 4 is shaded as too small to tell."
        )


def _errors(one: Standing) -> str:
    return f"{one.behind:.1f} standard errors" if one.difference_se > 0 else "no standard error"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# -- what they answer ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Answers:
    """What the models that predict as well as the best say on the question."""

    analysis: Analysis
    contest: _Contest
    effects: Mapping[str, Mapping[str, Effect]]
    """By quantity and model."""

    @classmethod
    def of(cls, analysis: Analysis, compared: Any, contest: _Contest) -> _Answers:
        group = compared["answers"].to_dataset()
        effects = {}
        for quantity in map(str, group["quantity"].values):
            one = group.sel(quantity=quantity)
            draws = {str(name): one["draws"].sel(model=name).values for name in group["model"].values}
            lead, kind, unit = (str(one[name].item()) for name in ("lead", "kind", "unit"))
            effects[quantity] = {
                name: Effect(quantity, lead, kind, values, unit)  # type: ignore[arg-type]
                for name, values in draws.items()
                if not np.isnan(values).any()
            }
        return cls(analysis, contest, effects)

    def _moves(self) -> list[tuple[float, str, str, bool]]:
        """Return by how many posterior standard deviations an answer moves in models that predict as well."""
        found = []
        for quantity, by_model in self.effects.items():
            mine = by_model.get(self.contest.own)
            for one in self.contest.as_good if mine is not None else []:
                if mine is None or one.name not in by_model:
                    continue
                other = by_model[one.name]
                move = abs(np.median(other.draws) - np.median(mine.draws)) / max(mine.draws.std(), 1e-300)
                found.append((float(move), quantity, one.name, self._side(mine) != self._side(other)))
        return sorted(found, reverse=True)

    def _side(self, effect: Effect) -> int:
        """Return on which side of no effect the interval lies; 0 where it holds no effect, or there is none."""
        none = words.NONE.get(effect.kind)
        edge = (1 - self.analysis.ci_prob) / 2
        low, high = np.quantile(effect.draws, [edge, 1 - edge])
        return 0 if none is None else int(low > none) - int(high < none)

    def findings(self) -> list[Finding]:
        moves = self._moves()
        if not moves:
            return []
        move, quantity, name, _ = moves[0]
        return [
            self.contest.policy["answer-of-candidates"].finding(
                "Largest move of the answer among models that predict as well",
                move,
                f"{move:.1f} posterior standard deviations ({quantity}, in {name})",
                "Where such models answer differently, the data do not settle which answer is right.",
            )
        ]

    def sentences(self) -> list[str]:
        rule = self.contest.policy["answer-of-candidates"]
        apart = {name for move, _, name, _ in self._moves() if rule.status(move) != "pass"}
        flipped = dict.fromkeys(quantity for _, quantity, _, flips in self._moves() if flips)
        said = []
        if apart:
            said.append(f"As good a prediction, but another answer: {_listed(sorted(apart))}.")
        if flipped:
            said.append(f"Whether the interval tells a direction depends on the model: {_listed(list(flipped))}.")
        return said

    def details(self) -> dict[str, Any]:
        rows = [
            {"quantity": quantity, "model": name, "answer": _interval(effect, self.analysis.ci_prob)}
            for quantity, by_model in self.effects.items()
            for name, effect in by_model.items()
        ]
        found: dict[str, Any] = {"The answer under each model": rows} if rows else {}
        averaged = list(self._averaged())
        return found | ({"The answer averaged over the models": averaged} if averaged else {})

    def _averaged(self) -> Iterable[dict[str, str]]:
        """Mix the answers by weight, where every model that counts gives one."""
        weights = averaging_weights(self.analysis, self.contest.compared)
        if len(weights) < 2:
            return
        for quantity, by_model in self.effects.items():
            if set(weights) <= set(by_model):
                size = next(iter(by_model.values())).draws.size
                counts = _shares(list(weights.values()), size)
                draws = [evenly(by_model[name].draws, count) for name, count in zip(weights, counts, strict=True)]
                first = next(iter(by_model.values()))
                mixed = Effect(quantity, first.lead, first.kind, np.concatenate(draws), first.unit)
                yield {
                    "quantity": quantity,
                    "answer": _interval(mixed, self.analysis.ci_prob),
                    "weights": ", ".join(f"{name} {weight:.0%}" for name, weight in weights.items()),
                }


def _interval(effect: Effect, ci_prob: float) -> str:
    one = words.Figures(effect, ci_prob)
    return f"{one.amount(one.quantiles[1])} ({one.interval})"
