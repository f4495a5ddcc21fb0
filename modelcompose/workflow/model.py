"""Model: formula, equation, priors and graph, in the open before anything is fitted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from modelcompose import catalog
from modelcompose.catalog import batched, views
from modelcompose.verdict import Finding, Verdict
from modelcompose.workflow.steps import conclude, figure

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

DRAWS = 2000


def check(analysis: Analysis, table: pd.DataFrame, model: Any) -> Verdict:
    """Show what the model assumes, and hold it against the choices it was composed from.

    A model cell that was edited, so that family or priors differ from the choices, is pointed out; it is the user's
    right to do so.
    """
    entry = catalog.get(analysis.model)
    declared = {one.name: one for one in entry.priors(analysis, table)}
    written = not hasattr(model, "backend")
    actual = _written_priors(model) if written else _actual_priors(model)
    expected = {name: _as_drawn(one.complete) if written else one.complete.words() for name, one in declared.items()}
    ranges = _ranges_in_words(actual, model)
    return conclude(
        "model",
        analysis,
        sentence=f"{entry.title}: {entry.summary}",
        findings=[
            _family(model, entry),
            _priors(actual, expected),
        ],
        details={
            "formula": "; ".join(analysis.formula_parts),
            "equation": equation(analysis, table, model),
            "Assumed before seeing the data": [
                {
                    "term": name,
                    "prior": words,
                    "95% of values": ranges.get(name, ""),
                    "source": declared[name].source if expected.get(name) == words else "the model cell",
                }
                for name, words in actual.items()
            ],
        },
        picture=_graph(model),
        alt=f"Graph of the model: {', '.join(actual)} lead to {analysis.outcome}.",
    )


def _family(model: Any, entry: catalog.ModelEntry) -> Finding:
    family = model.family.name if hasattr(model, "family") else "written in PyMC"
    same = family == entry.family
    return Finding(
        name="Family",
        status="pass" if same else "warn",
        shown=family,
        threshold=f"{entry.family}, as chosen",
        sentence="What kind of noise is around the average."
        if same
        else f"The model cell builds another family than the model {entry.id!r} has; compose it anew or choose so.",
    )


def _priors(actual: dict[str, str], declared: dict[str, str]) -> Finding:
    differing = sorted(name for name in actual.keys() | declared.keys() if actual.get(name) != declared.get(name))
    return Finding(
        name="Priors",
        status="info" if differing else "pass",
        value=len(differing),
        shown=f"{len(differing)} differ" if differing else f"{len(actual)} as chosen",
        threshold="as the choices say",
        sentence=f"The model cell differs in: {', '.join(differing)}."
        if differing
        else "What is assumed of each term.",
    )


def _actual_priors(model: Any) -> dict[str, str]:
    """Read the priors back from the built model, by the name of the term."""
    found = {}
    for part, component in model.parameters.items():
        prefix = "" if part == model.family.likelihood.parent else f"{part}_"
        if not hasattr(component, "terms") and isinstance(component.prior, int | float):
            continue  # a constant of the family
        if not hasattr(component, "terms"):
            found[part] = _words(component.prior)
            continue
        for name, one in component.terms.items():
            if getattr(one, "kind", "") != "offset" and one.prior is not None:
                found[f"{prefix}{name}"] = _words(one.prior)
    return found


def _written_priors(model: Any) -> dict[str, str]:
    """Read the priors back from a PyMC model, without the raw parts of what is reported."""
    return {variable.name: _drawn_words(variable) for variable in model.free_RVs if not variable.name.endswith("_raw")}


def _as_drawn(prior: catalog.Prior) -> str:
    """Spell a prior as it is read back from a PyMC model."""
    import pymc as pm

    return _drawn_words(getattr(pm, prior.dist).dist(**dict(prior.params)))


def _drawn_words(variable: Any) -> str:
    """Spell a random variable: constants as numbers, what depends on other variables as dots."""
    node = variable.owner
    name = str(node.op._print_name[0]) if hasattr(node.op, "_print_name") else str(node.op)
    found = []
    for one in node.op.dist_params(node) if hasattr(node.op, "dist_params") else ():
        try:
            value = one.eval()
            found.append(f"{float(value.ravel()[0]):.4g}")
        except Exception:  # what has free parameters above it has no value of its own
            found.append("…")
    return f"{name}({', '.join(found)})"


def _words(prior: Any) -> str:
    if not hasattr(prior, "args"):
        return f"{float(prior):g}"
    return f"{prior.name}({', '.join(_words(value) for value in prior.args.values())})"


def _ranges_in_words(names: Iterable[str], model: Any) -> dict[str, str]:
    """Say between which values priors put 95% of their mass, by simulation from the priors themselves."""
    inner = catalog.pymc_model(model)
    variables = {
        name: variable
        for name in names
        if (variable := inner.named_vars.get(f"{name}_sigma", inner.named_vars.get(name))) is not None
    }
    found = {}
    for name, draws in _prior_draws(inner, variables).items():
        low, high = np.quantile(draws, [0.025, 0.975])
        subject = "spread between groups " if "|" in name else ""
        found[name] = f"{subject}{low:.3g} to {high:.3g}"
    return found


def _prior_draws(inner: Any, variables: Mapping[str, Any]) -> dict[str, np.ndarray]:
    import pymc as pm

    drawn = batched.from_priors(inner, DRAWS, 1, [one.name for one in variables.values()]) if variables else {}
    if drawn is None:
        return {
            name: np.asarray(pm.draw(one, DRAWS, random_seed=1, mode="FAST_COMPILE")) for name, one in variables.items()
        }
    return {name: drawn[one.name] for name, one in variables.items()}


def equation(analysis: Analysis, table: pd.DataFrame, model: Any) -> str:
    """Write the model as LaTeX, with the formula that was built, which may have been edited in the cell."""
    built = analysis
    if hasattr(model, "formula"):
        built = analysis.changed({"formula": [model.formula.main, *model.formula.additionals]})
    return views.equation(catalog.get(analysis.model), built, table)


def _graph(model: Any) -> Any:
    """Draw the model's graph in layers: what has no parents on top, the outcome at the bottom."""
    from pymc.model_graph import ModelGraph

    pymc_model = catalog.pymc_model(model)
    parents = _without_offsets(
        {
            name: {parent for parent in above if parent in pymc_model.named_vars}
            for name, above in ModelGraph(pymc_model).make_compute_graph().items()
        }
    )
    layers = _layers(parents)
    fig, axes = figure(height=1.0 + 0.8 * len(layers))
    places = {
        name: ((at + 1) / (len(layer) + 1), -float(depth))
        for depth, layer in enumerate(layers)
        for at, name in enumerate(layer)
    }
    observed = {variable.name for variable in pymc_model.observed_RVs}
    for name, above in parents.items():
        for parent in above:
            axes.annotate(
                "",
                xy=places[name],
                xytext=places[parent],
                arrowprops={"arrowstyle": "->", "color": "#888888", "shrinkA": 12, "shrinkB": 12},
            )
    for name, (x, y) in places.items():
        colour = "#c9d8ea" if name in observed else "#ffffff"
        box = {"boxstyle": "round", "facecolor": colour, "edgecolor": "#3a6ea5"}
        axes.text(x, y, name.replace("$", r"\$"), ha="center", va="center", fontsize=8, bbox=box)
    axes.set(xlim=(0, 1), ylim=(-len(layers) + 0.5, 0.5))
    axes.axis("off")
    return fig


def _without_offsets(parents: dict[str, set[str]]) -> dict[str, set[str]]:
    """Leave out the standardised offsets of the non-centred form, which say nothing about the model."""
    return {
        name: {parent for parent in above if not parent.endswith("_offset")}
        for name, above in parents.items()
        if not name.endswith("_offset")
    }


def _layers(parents: dict[str, set[str]]) -> list[list[str]]:
    depth: dict[str, int] = {}

    def deep(name: str) -> int:
        if name not in depth:
            depth[name] = 1 + max((deep(parent) for parent in parents.get(name, ())), default=-1)
        return depth[name]

    for name in parents:
        deep(name)
    return [[name for name in parents if depth[name] == level] for level in range(max(depth.values()) + 1)]
