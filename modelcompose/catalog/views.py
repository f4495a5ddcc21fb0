"""One model in four views: formula, equation, graph and code; and from edited code back to choices.

Nothing here builds the model. The formula's terms and the priors say what there is; for models written in PyMC the
source itself is read. So a panel can follow every keystroke.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelcompose.catalog.entry import ModelEntry
from modelcompose.catalog.priors import Prior, TermPrior, design
from modelcompose.catalog.written import WrittenEntry

if TYPE_CHECKING:
    import pandas as pd

    from modelcompose.analysis import Analysis

__all__ = ["Graph", "Node", "equation", "graph", "read_code"]

FUNCTIONS = ("center(", "scale(", "np.log(", "np.sqrt(", "bs(", "poly(", "C(", "offset(", "(1 | ")
"""What a formula may hold beside columns, for completion."""


@dataclass(frozen=True)
class Node:
    """Something that a model speaks of; ``role`` is prior, parameter, data or outcome."""

    id: str
    label: str
    role: str


@dataclass(frozen=True)
class Graph:
    """What depends on what: ``edges`` lead from the cause to what it determines."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]


# -- equation ----------------------------------------------------------------------------------------------------


def equation(entry: ModelEntry, analysis: Analysis, table: pd.DataFrame) -> str:
    """Write the model as LaTeX: the distribution of the outcome, and its mean as a sum of terms."""
    if not analysis.formula_parts:
        return entry.equation
    matrices = design(analysis.formula_parts[0], table)
    common = matrices.common.terms if matrices.common is not None else {}
    group = matrices.group.terms if matrices.group is not None else {}
    terms = [_common_term(name, one.kind) for name, one in common.items()] + [_group_term(name) for name in group]
    return f"{entry.equation} \\\\ \\mu_i = {' + '.join(terms) or '0'}"


def _common_term(name: str, kind: str) -> str:
    if kind == "intercept":
        return r"\alpha"
    text = _latex_name(name)
    if kind == "offset":
        return rf"\mathrm{{{text}}}_i"
    return rf"\beta_{{\mathrm{{{text}}}}}\,\mathrm{{{text}}}_i"


def _group_term(name: str) -> str:
    effect, _, group = _latex_name(name).partition(r"\,\vert\,")
    level = rf"\mathrm{{{group}}}[i]"
    return rf"u_{{{level}}}" if effect == "1" else rf"v_{{{level}}}\,\mathrm{{{effect}}}_i"


def _latex_name(name: str) -> str:
    bare = name.replace("\\", "").replace("{", "").replace("}", "")
    return bare.replace("_", r"\_").replace("|", r"\,\vert\,")


# -- graph -------------------------------------------------------------------------------------------------------


def graph(entry: ModelEntry, analysis: Analysis, table: pd.DataFrame) -> Graph:
    """Say what depends on what, as the formula and the priors have it, or as the PyMC source does."""
    if isinstance(entry, WrittenEntry) or not analysis.formula_parts:
        return source_graph(entry.code(analysis, table), analysis.outcome)
    nodes, edges = [Node("mu", "expected " + analysis.outcome, "parameter")], [("mu", "outcome")]
    for one in entry.priors(analysis, table):
        nodes.append(Node(one.name, one.name, "parameter"))
        edges.append((one.name, _leads_to(one)))
        if one.group:
            nodes.append(Node(f"{one.name}_sigma", f"spread of {one.name}", "prior"))
            edges.append((f"{one.name}_sigma", one.name))
    for part in dict.fromkeys(to for _, to in edges if to not in ("mu", "outcome")):
        if all(node.id != part for node in nodes):
            nodes.append(Node(part, part, "parameter"))
            edges.append((part, "outcome"))
    used = [name for name in analysis.columns if name != analysis.outcome]
    nodes += [Node(f"data {name}", name, "data") for name in used]
    edges += [(f"data {name}", "mu") for name in used]
    nodes.append(Node("outcome", analysis.outcome, "outcome"))
    return Graph(tuple(nodes), tuple(dict.fromkeys(edges)))


def _leads_to(one: TermPrior) -> str:
    if one.component:
        return one.component
    return "outcome" if one.term in AUXILIARY else "mu"


AUXILIARY = frozenset({"sigma", "nu", "alpha", "kappa", "psi", "threshold", "lam"})


def source_graph(code: str, outcome: str) -> Graph:
    """Read from PyMC source which variables stand in the definitions of which others.

    Parameters
    ----------
    code
        Source of a model, as in a notebook's cell.
    outcome
        The column whose name the observed variable may have.
    """
    names: dict[str, set[str]] = {}  # Python's variables: which nodes they hold
    nodes: dict[str, Node] = {}
    edges: list[tuple[str, str]] = []

    def inside(tree: ast.AST) -> set[str]:
        found: set[str] = set()
        for one in ast.walk(tree):
            if isinstance(one, ast.Name):
                found |= names.get(one.id, set())
        return found

    for statement in _statements(ast.parse(code)):
        value = getattr(statement, "value", None)
        if value is None:
            continue
        made: set[str] = set()
        for call in [one for one in ast.walk(value) if isinstance(one, ast.Call) and _distribution_of(one)]:
            name = _name_of(call, outcome)
            given = {keyword.arg for keyword in call.keywords}
            role = "outcome" if "observed" in given else "data" if _distribution_of(call) == "Data" else "parameter"
            nodes[name] = Node(name, name, role)
            edges += [(source, name) for source in sorted(inside(call) - {name})]
            made.add(name)
        held = made or inside(value)
        for target in _targets(statement):
            names[target] = names.get(target, set()) | held if isinstance(statement, ast.AugAssign) else held
    return Graph(tuple(nodes.values()), tuple(dict.fromkeys(edges)))


def _statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """Yield assignments and expressions in their order, also inside ``with``, ``if`` and ``for``."""
    for one in ast.iter_child_nodes(tree):
        if isinstance(one, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr):
            yield one
        elif isinstance(one, ast.With | ast.If | ast.For | ast.FunctionDef):
            yield from _statements(one)


def _targets(statement: ast.stmt) -> list[str]:
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    return [one.id for target in targets if target is not None for one in ast.walk(target) if isinstance(one, ast.Name)]


NOT_VARIABLES = frozenset({"Model", "set_data", "draw", "logp", "MutableData"})


def _distribution_of(call: ast.Call) -> str:
    """Name the distribution that a call ``pm.Something("name", …)`` declares; empty for other calls."""
    function = call.func
    if not (isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "pm"):
        return ""
    named = bool(call.args) and not isinstance(call.args[0], ast.Dict | ast.List)
    return function.attr if named and function.attr[0].isupper() and function.attr not in NOT_VARIABLES else ""


def _name_of(call: ast.Call, outcome: str) -> str:
    first = call.args[0]
    return str(first.value) if isinstance(first, ast.Constant) else outcome or ast.unparse(first)


# -- from code back to choices -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """What edited code means: changes of choices, or why there are none that say the same."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


def read_code(code: str, entry: ModelEntry, analysis: Analysis, table: pd.DataFrame) -> Reading:
    """Read an edited model cell back into choices.

    Edits of the formula, of priors and of the parameterisation become changes of choices. Everything else stays the
    user's own code, and the problem says which line it is and what to do.
    """
    composed = entry.code(analysis, table)
    try:
        mine, theirs = ast.parse(code), ast.parse(composed)
    except SyntaxError as error:
        return Reading(problem=f"Line {error.lineno} is not valid Python: {error.msg}.")
    if isinstance(entry, WrittenEntry) or not analysis.formula_parts:
        return _read_written(mine, theirs, entry, analysis, table)
    return _read_formula_cell(mine, theirs, entry, analysis, table)


def _read_formula_cell(
    mine: ast.Module, theirs: ast.Module, entry: ModelEntry, analysis: Analysis, table: pd.DataFrame
) -> Reading:
    call, composed = _model_call(mine), _model_call(theirs)
    if call is None or composed is None:
        return Reading(problem="There is no bmb.Model(…) in the cell any more: it is your own code from here on.")
    changes: dict[str, Any] = {}
    if call.args:
        found = _formula(call.args[0])
        if isinstance(found, str) and found.startswith("!"):
            return Reading(problem=found[1:])
        if found:
            changes["formula"] = found
    keywords = {one.arg: one.value for one in call.keywords}
    standard = {one.arg: one.value for one in composed.keywords}
    for name in keywords.keys() | standard.keys():
        if name in ("priors", "noncentered"):
            continue
        ours, theirs_ = keywords.get(name), standard.get(name)
        if ours is None or theirs_ is None or ast.dump(ours) != ast.dump(theirs_):
            return Reading(problem=_not_a_choice(name, ours, call))
    if _others(mine, call) != _others(theirs, composed):
        return Reading(problem="The cell does more than build the model; that part has no place among the choices.")
    noncentered = keywords.get("noncentered")
    if isinstance(noncentered, ast.Constant) and noncentered.value is not analysis.noncentered:
        changes["noncentered"] = noncentered.value
    after = analysis.changed({name: value for name, value in changes.items() if name == "formula"})
    priors, problem = _read_priors(keywords.get("priors"), entry, (analysis, after), table)
    if problem:
        return Reading(problem=problem)
    if priors != dict(analysis.priors):
        changes["priors"] = priors
    return Reading({name: value for name, value in changes.items() if getattr(analysis, name) != value})


def _model_call(tree: ast.Module) -> ast.Call | None:
    for one in ast.walk(tree):
        if isinstance(one, ast.Call) and ast.unparse(one.func) == "bmb.Model":
            return one
    return None


def _others(tree: ast.Module, call: ast.Call) -> list[str]:
    """Return the statements beside the one that calls for the model."""
    return [ast.dump(one) for one in tree.body if call not in ast.walk(one)]


def _formula(node: ast.expr) -> str | list[str]:
    """Read the first argument: a name stands for the choice, a text or several in ``bmb.Formula`` are a new one."""
    if isinstance(node, ast.Name):
        return ""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "bmb.Formula":
        if len(node.args) == 1 and isinstance(node.args[0], ast.Starred):
            return ""
        if all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in node.args):
            return [str(one.value) for one in node.args if isinstance(one, ast.Constant)]
    return f"!The formula in line {node.lineno} is computed; write it as text between quotation marks."


def _not_a_choice(name: str | None, node: ast.expr | None, call: ast.Call) -> str:
    line = getattr(node, "lineno", call.lineno)
    if name in ("family", "link"):
        return (
            f"Line {line} changes the {name}: that is another model. Choose a model of the catalogue with it, or keep "
            "the cell as your own code."
        )
    return f"Line {line}: {name} is not among the choices, so that the cell is your own code from here on."


def _read_priors(
    node: ast.expr | None, entry: ModelEntry, choices: tuple[Analysis, Analysis], table: pd.DataFrame
) -> tuple[dict[str, Any], str]:
    """Return the priors that differ from the defaults, which are those of the formula before or after its change."""
    if node is None:
        return {}, "Without priors=… the model would use Bambi's own; write them out, or compose the cell anew."
    if not isinstance(node, ast.Dict):
        return {}, f"The priors in line {node.lineno} are computed; write them as a dictionary."
    old, new = ({one.name: one for one in entry.default_priors(each, table)} for each in choices)
    found: dict[str, Any] = {}
    for name, value in _flat_priors(node):
        if name in entry.fixed and _number(value) == entry.fixed[name]:
            continue
        prior = _prior(value, entry.declared.get(name))
        if prior is None:
            return {}, f'Line {value.lineno}: write the prior of {name} as bmb.Prior("Normal", mu=0, sigma=1).'
        known = new.get(name) or old.get(name)
        if known is None:
            return {}, f"Line {value.lineno}: there is no term {name!r}. Terms are: {', '.join(new)}."
        inner = prior.params.get("sigma") if known.group else prior
        one = inner if isinstance(inner, Prior) else prior
        standard = [terms[name].prior for terms in (old, new) if name in terms]
        if one not in standard and name not in new:
            return {}, f"Line {value.lineno}: the formula has no term {name!r} any more; take its prior out too."
        if one not in standard:
            found[name] = {"dist": one.dist, **one.params}
    return found, ""


def _flat_priors(node: ast.Dict, prefix: str = "") -> Iterator[tuple[str, ast.expr]]:
    for key, value in zip(node.keys, node.values, strict=True):
        name = str(key.value) if isinstance(key, ast.Constant) else ast.unparse(key) if key else ""
        if isinstance(value, ast.Dict):
            yield from _flat_priors(value, f"{name}_")
        else:
            yield f"{prefix}{name}", value


def _prior(node: ast.expr, declared: Callable[..., Any] | None = None) -> Prior | None:
    """Read a prior; ``declared`` is the function that its ``dist`` must name."""
    if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
        return None
    params: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg == "dist" and declared and ast.unparse(keyword.value) == declared.__name__:
            continue
        value = _prior(keyword.value) if isinstance(keyword.value, ast.Call) else _number(keyword.value)
        if value is None or keyword.arg is None:
            return None
        params[keyword.arg] = value
    return Prior(str(node.args[0].value), params)


def _number(node: ast.expr) -> float | None:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _read_written(
    mine: ast.Module, theirs: ast.Module, entry: ModelEntry, analysis: Analysis, table: pd.DataFrame
) -> Reading:
    """Compare two PyMC sources: the same but for the numbers and distributions of priors, or own code."""
    named = {one.name: one for one in entry.priors(analysis.changed({"priors": {}}), table)}
    found = {name: call for call in _calls(mine) if (name := _name_of(call, "")) in named}
    standard = {name: call for call in _calls(theirs) if (name := _name_of(call, "")) in named}
    missing = sorted(standard.keys() - found.keys())
    if missing:
        return Reading(problem=f"The parameter {missing[0]!r} is gone, so that the cell is your own code from here on.")
    priors: dict[str, Any] = {}
    for name, call in found.items():
        params = {one.arg: _number(one.value) for one in call.keywords if one.arg not in ("dims", "shape")}
        if call.args[1:] or None in params.values():
            return Reading(problem=f"Line {call.lineno}: write the prior of {name} with names and numbers, as sigma=1.")
        prior = Prior(_distribution_of(call), {str(key): value for key, value in params.items() if value is not None})
        if prior != named[name].prior:
            priors[name] = {"dist": prior.dist, **prior.params}
    for name in found:
        _blank(found[name])
        _blank(standard[name])
    if ast.dump(mine) != ast.dump(theirs):
        return Reading(problem="More than priors has changed: save it as a model of your own to keep it.")
    return Reading({"priors": priors} if priors != dict(analysis.priors) else {})


def _calls(tree: ast.Module) -> list[ast.Call]:
    return [one for one in ast.walk(tree) if isinstance(one, ast.Call) and _distribution_of(one)]


def _blank(call: ast.Call) -> None:
    """Forget which distribution a parameter has, for a comparison of all the rest."""
    call.func = ast.Name("prior")
    call.keywords = [one for one in call.keywords if one.arg in ("dims", "shape")]
