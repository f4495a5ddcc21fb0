"""The verbs about models: the catalogue with its cards, priors, the four views, and models of one's own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelcompose.analysis import Analysis
from modelcompose.errors import Conflict, InvalidData, InvalidInput, NotFound
from modelcompose.service.workspace import Json, Workspace

if TYPE_CHECKING:
    from modelcompose.catalog.entry import ModelEntry

__all__ = ["Models"]

FOLDER = "models"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
PATIENCE = 300
MODEL_CELL = "model"


class Models(Workspace):
    """What the workbench does with models."""

    # -- the catalogue -----------------------------------------------------------------------------------------

    def list_models(self) -> Json:
        """List the models of the catalogue and the workspace's own."""
        from modelcompose import catalog

        with self._at():
            found = [*catalog.entries(), *catalog.own_models()]
        return {"models": [_summary(one) for one in found]}

    def show_model(self, id: str) -> Json:  # noqa: A002
        """Show a model's card: what it is for, what it assumes, its priors with sources, its limits, its evidence."""
        from modelcompose import catalog
        from modelcompose.catalog.consequences import prior_rows

        with self._at():
            entry = catalog.get(id)
            analysis, table = self._standard(entry)
            mark = catalog.fingerprint(entry, analysis, table)
            evidence = catalog.evidence(entry.id, mark)
            rows = prior_rows(analysis, table)
            code = entry.code(analysis, table)
        formula = "; ".join(analysis.formula_parts)
        return _summary(entry) | {
            "purpose": entry.summary,
            "tutorial": entry.tutorial,
            "assumptions": list(entry.assumptions),
            "limits": list(entry.limits),
            "equation": entry.equation,
            "formula": formula,
            "code": code,
            "priors": [
                {"name": row["label"], "words": row["words"], "meaning": row["range_words"], "source": row["source"]}
                for row in rows
            ],
            "source": entry.source,
            "needs": _needs(entry),
            "remedies": [f"Then try {catalog.get(other).title}." for other in entry.richer],
            "columns": dict(getattr(entry, "columns", {})),
            "evidence": {"status": evidence.status, "sentence": evidence.sentence, **evidence.found},
        }

    def _standard(self, entry: ModelEntry) -> tuple[Analysis, Any]:
        """Return the choices and the table on which a model is shown and calibrated: simulated from itself."""
        import numpy as np

        from modelcompose import catalog
        from modelcompose.catalog.evidence import STANDARD_ROWS, STANDARD_SEED
        from modelcompose.data import load

        simulation = entry.simulate(np.random.default_rng(STANDARD_SEED), STANDARD_ROWS)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "simulated.csv"
            simulation.table.to_csv(path, index=False)
            dataset = load(str(path), simulation.kinds)
        chosen = Analysis.of({"data": "simulated.csv", **simulation.choices, "model": entry.id})
        analysis = catalog.complete(chosen, dataset)
        return analysis, dataset.rows(analysis)[0]

    def _settled(self, analysis: Mapping[str, Any]) -> tuple[Analysis, Any]:
        """Return choices with everything chosen, and their rows."""
        from modelcompose import catalog

        choices = Analysis.of(analysis)
        dataset = self._dataset(choices, self.workspace)
        settled = catalog.complete(choices, dataset)
        return settled, dataset.rows(settled)[0]

    # -- priors and views --------------------------------------------------------------------------------------

    def views(self, analysis: Mapping[str, Any], code: str = "") -> Json:
        """Show a model as formula, equation, graph and code; or read edited code back into choices.

        Parameters
        ----------
        analysis
            Choices with at least ``data``, ``outcome`` and ``model``.
        code
            A model cell that was edited: ``changes`` are the choices it means, ``problem`` says why there are none.
        """
        from modelcompose import catalog
        from modelcompose.catalog import views

        with self._at():
            settled, table = self._settled(analysis)
            entry = catalog.get(settled.model)
            reading = views.read_code(code, entry, settled, table) if code else views.Reading()
            after = settled.changed(reading.changes)
            graph = views.graph(entry, after, table)
            return {
                "formula": after.formula,
                "equation": views.equation(entry, after, table),
                "graph": {
                    "nodes": [{"id": one.id, "label": one.label, "role": one.role} for one in graph.nodes],
                    "edges": [list(edge) for edge in graph.edges],
                },
                "code": code if reading.problem else entry.code(after, table),
                "changes": dict(reading.changes),
                "problem": reading.problem,
                "columns": [str(name) for name in table.columns],
                "functions": list(views.FUNCTIONS),
            }

    def priors(self, analysis: Mapping[str, Any]) -> Json:
        """Show every prior of a model: in words, as a range, as a curve, with its source."""
        from modelcompose.catalog.consequences import prior_rows
        from modelcompose.catalog.priors import DISTRIBUTIONS

        with self._at():
            settled, table = self._settled(analysis)
            rows = prior_rows(settled, table)
        return {"priors": rows, "distributions": {name: sorted(params) for name, params in DISTRIBUTIONS.items()}}

    def prior_predictive(self, analysis: Mapping[str, Any]) -> Json:
        """Say which outcomes the priors lead to, before any data are seen."""
        from modelcompose.workflow.predictive import predictive

        with self._at():
            settled, table = self._settled(analysis)
            return predictive(settled, table)

    def elicit(self, analysis: Mapping[str, Any], name: str, answer: Mapping[str, Any]) -> Json:
        """Turn what somebody knows into priors: a range, quantiles, a drawing, experts, the outcome, or a run.

        Parameters
        ----------
        analysis
            Choices with the model.
        name
            The prior in question; ``""`` when all are.
        answer
            What is known; see `modelcompose.catalog.consequences.elicited`. ``{"how": "run", "run": id}`` takes the
            posterior of a run as the prior.
        """
        from modelcompose.catalog.consequences import elicited, from_posterior
        from modelcompose.workflow import conflict

        with self._at():
            settled, table = self._settled(analysis)
            if answer.get("how") != "run":
                return elicited(settled, table, name, answer)
            found = from_posterior(settled, table, name, self._posterior_of(str(answer.get("run", ""))))
            found["notes"] += conflict.in_words(settled.changed(found["changes"]), table)
            return found

    def _posterior_of(self, run: str) -> dict[str, Any]:
        """Return the draws of a run's single parameters, each with shape (chains × draws,)."""
        import xarray as xr

        store = self._store()
        file = store.artifact(store.get(run).id, "posterior.nc")
        posterior = xr.open_dataset(file, group="posterior", engine="h5netcdf")
        return {str(name): posterior[name].values.ravel() for name in posterior.data_vars if posterior[name].ndim == 2}

    # -- models of one's own -----------------------------------------------------------------------------------

    def new_model(self, name: str, like: str = "") -> Json:
        """Begin a model of one's own: a notebook with a model to start from, its check, and data simulated from it.

        Parameters
        ----------
        name
            What to call it; the notebook is ``models/<name>.ipynb``.
        like
            A model to start from; by default a small regression.
        """
        target = self._free(self._inside(f"{FOLDER}/{_proper(name)}.ipynb"))
        text = self._text_of(like) if like else _template(_proper(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(_notebook(text, target.stem), indent=1, ensure_ascii=False) + "\n", "utf-8")
        return {"path": self._shown(target)}

    def _text_of(self, id: str) -> str:  # noqa: A002
        """Return a model as the text of a model file; one of the catalogue is written out."""
        from modelcompose import catalog

        with self._at():
            entry = catalog.get(id)
            if entry.own:
                return str(getattr(entry, "text", ""))
            analysis, table = self._standard(entry)
            return catalog.as_file(entry, analysis, table)

    def check_model(self, path: str, analysis: Mapping[str, Any] | None = None) -> Json:
        """List every fault of a model file; it is executed in a process of its own.

        Parameters
        ----------
        path
            A Python file, or a notebook made by ``new_model``.
        analysis
            Choices with ``data``, to try it with that table; by default one is made up.
        """
        source = self._model_text(path)
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / f"{Path(path).stem}.py"
            copy.write_text(source, "utf-8")
            table = self._table_for(copy, analysis, Path(folder)) if analysis else None
            found = _checked_apart(copy, table)
        return {"ok": not found, "faults": found}

    def _table_for(self, file: Path, analysis: Mapping[str, Any], folder: Path) -> Path:
        from modelcompose.catalog import OwnModel

        choices = Analysis.of(analysis)
        model = OwnModel(file.name, file, file.read_text("utf-8"))
        rows = self._dataset(choices, self.workspace).complete_rows(model.columns)
        target = folder / "table.pkl"
        rows.to_pickle(target)
        return target

    def _model_text(self, path: str) -> str:
        """Read a model file, or the model's cell of a notebook."""
        file = self._inside(path)
        if not file.is_file():
            raise NotFound(f"there is no file {path!r}", where=str(self.workspace), remedy="Check the path.")
        try:
            text = file.read_text("utf-8")
        except UnicodeDecodeError:
            raise InvalidData(f"{path!r} is not a text", where=path, remedy="Save it as UTF-8.") from None
        if file.suffix == ".stan":
            raise InvalidInput(_about_stan(), where=path, remedy="Write the model in PyMC or Bambi; see models new.")
        return _model_cell(text, path) if file.suffix == ".ipynb" else text

    def add_model(self, path: str) -> Json:
        """Add a model file to the workspace's models, once it has no faults.

        Parameters
        ----------
        path
            A Python file, or a notebook made by ``new_model``.

        Raises
        ------
        InvalidInput
            When it has faults; all are named.
        Conflict
            When there is another model of that name.
        """
        found = self.check_model(path)["faults"]
        if found:
            said = "; ".join(f"{one['where']}: {one['message']}" for one in found)
            raise InvalidInput(f"the model has {len(found)} faults: {said}", where=path, remedy=found[0]["remedy"])
        text = self._model_text(path)
        target = self._inside(f"{FOLDER}/{_proper(Path(path).stem)}.py")
        elsewhere = Path(path).suffix != ".ipynb" and target != self._inside(path)
        if elsewhere and target.exists() and target.read_text("utf-8") != text:
            raise Conflict(
                f"there is another model {target.stem!r}", where=self._shown(target), remedy="Give yours another name."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.write_text(text, "utf-8")
        part.replace(target)
        return {"id": self._shown(target), "path": self._shown(target)}

    def fork_model(self, id: str, name: str) -> Json:  # noqa: A002
        """Copy a model, of the catalogue or one's own, into a file of one's own to change.

        Parameters
        ----------
        id
            The model.
        name
            What to call the copy.
        """
        target = self._inside(f"{FOLDER}/{_proper(name)}.py")
        if target.exists():
            raise Conflict(
                f"there is a model {name!r} already", where=self._shown(target), remedy="Choose another name."
            )
        text = self._text_of(id)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        return {"id": self._shown(target), "path": self._shown(target)}

    def remove_model(self, id: str) -> Json:  # noqa: A002
        """Take a model of one's own out of the list; its file is kept in ``models/removed``."""
        file = self._inside(id)
        if file.parent != self._inside(FOLDER) or file.suffix != ".py":
            raise InvalidInput(f"{id!r} is not a model of your own", where="id", remedy="Only those can be removed.")
        if not file.is_file():
            raise NotFound(f"there is no model {id!r}", where=FOLDER, remedy="Check the name.")
        kept = self._free(self._inside(f"{FOLDER}/removed/{file.name}"))
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file, kept)
        return {"removed": id, "kept": self._shown(kept)}

    def adopt_model(self, id: str, analysis: Mapping[str, Any], mapping: Mapping[str, str] | None = None) -> Json:  # noqa: A002
        """Use a model of one's own on a table: say which columns stand for those it reads.

        Parameters
        ----------
        id
            The model.
        analysis
            Choices with ``data``.
        mapping
            For each column that the model reads, the table's own name of it; equal names need not be given.

        Returns
        -------
        dict
            ``changes`` of the choices: the model with its roles, and a step that renames the columns.
        """
        from modelcompose import catalog

        choices, given = Analysis.of(analysis), dict(mapping or {})
        with self._at():
            model = catalog.get(id)
        if not isinstance(model, catalog.OwnModel):
            raise InvalidInput(
                f"{id!r} is a model of the catalogue", where="id", remedy="Give the columns their roles."
            )
        table = self._dataset(choices, self.workspace)
        renames = {theirs: ours for ours, theirs in given.items() if ours != theirs}
        _require_columns(model, given, set(map(str, table.frame.columns)))
        recipe = [*choices.recipe, {"do": "rename", "columns": renames}] if renames else list(choices.recipe)
        kinds = {renames.get(name, name): kind for name, kind in choices.kinds.items()}
        return {"changes": {**model.roles(), "recipe": recipe, "kinds": {**kinds, **model.columns}}}


def _require_columns(model: Any, given: Mapping[str, str], present: set[str]) -> None:
    unknown = sorted(set(given) - set(model.columns))
    lacking = [name for name in model.columns if given.get(name, name) not in present]
    if unknown or lacking:
        raise InvalidInput(
            f"the model reads no column {unknown[0]!r}" if unknown else f"no column stands for {lacking[0]!r}",
            where="mapping",
            remedy=f"It reads {', '.join(model.columns)}; the table has {', '.join(sorted(present))}.",
        )


def _summary(entry: ModelEntry) -> Json:
    from modelcompose import catalog

    labels = {one.id: one.label for one in catalog.QUESTIONS}
    found = catalog.evidence(entry.id)
    return {
        "id": entry.id,
        "title": entry.title,
        "summary": entry.summary,
        "family": entry.family,
        "questions": [{"id": one, "label": label} for one, label in labels.items() if one in entry.questions],
        "outcome": sorted(entry.outcome),
        "own": entry.own,
        "path": entry.id if entry.own else "",
        "evidence": {"status": found.status, "sentence": found.sentence},
    }


def _needs(entry: ModelEntry) -> list[str]:
    from modelcompose.catalog.questions import WORDS

    kinds = " or ".join(sorted(entry.outcome))
    found = [f"An outcome of kind {kinds}."]
    found += [f"{WORDS[role].capitalize()}{f' ({least} of them)' if least > 1 else ''}." for role, least in
              entry.needs.items()]  # fmt: skip
    return found


def _proper(name: str) -> str:
    if not NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot be the name of a model",
            where="name",
            remedy="Use letters, digits, - and _, beginning with a letter.",
        )
    return name


def _checked_apart(file: Path, table: Path | None) -> list[Json]:
    """Check a file in a process of its own, since it is executed."""
    command = [sys.executable, "-m", "modelcompose.catalog.own", str(file), *([str(table)] if table else [])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return [
            {
                "where": file.name,
                "message": f"it was not built within {PATIENCE} seconds",
                "remedy": "Look for a loop that does not end, or build less.",
            }
        ]
    if done.returncode:
        last = next(iter(done.stderr.strip().splitlines()[-1:]), "the process ended")
        return [{"where": file.name, "message": f"it cannot be checked: {last}", "remedy": "Mend this first."}]
    found: list[Json] = json.loads(done.stdout.splitlines()[-1])
    return found


def _about_stan() -> str:
    from importlib.util import find_spec

    if find_spec("bridgestan") is None:
        return "Stan models need a C++ compiler and the package bridgestan, which is not installed"
    return "Stan models cannot be used here yet, though bridgestan is installed"


def _model_cell(text: str, path: str) -> str:
    try:
        cells = json.loads(text)["cells"]
    except (ValueError, KeyError, TypeError):
        raise InvalidData(f"{path!r} is not a notebook", where=path, remedy="Make one by models new.") from None
    for cell in cells:
        if MODEL_CELL in (cell.get("metadata", {}).get("tags") or []):
            return "".join(cell["source"]).rstrip("\n") + "\n"
    raise InvalidData(
        f"no cell of {path!r} bears the tag {MODEL_CELL!r}", where=path, remedy="Tag the model's cell so."
    )


def _template(name: str) -> str:
    return f'''"""{name.replace("_", " ").replace("-", " ").capitalize()}.

Say here what the model assumes, in words that your colleagues understand.
"""

import pymc as pm

columns = {{"y": "continuous", "x": "continuous"}}  # what it reads, and of which kind
outcome = "y"
answers = {{"slope": "For every step of x, the change of y is"}}  # which parameters answer the question


def build(table):
    with pm.Model() as model:
        x = pm.Data("x", table["x"].to_numpy(), dims="row")
        level = pm.Normal("level", 0, 2)
        slope = pm.Normal("slope", 0, 1)
        sigma = pm.HalfNormal("sigma", 2)
        mu = pm.Deterministic("mu", level + slope * x, dims="row")
        pm.Normal("y", mu, sigma, observed=table["y"].to_numpy(), shape=mu.shape, dims="row")
    return model
'''


ABOUT = """# A model of your own: {name}

Write the model in the next cell; the text at its top is what others will read about it. Run the cell below it after
every change: it lists every fault with its line, and shows data simulated from your assumptions alone. When there is no
fault left, save the notebook and run `modelcompose models add models/{name}.ipynb`, or use the panel."""

TRY = """import modelcompose as mc

mc.check.own(next(cell for cell in reversed(In[:-1]) if "def build(" in cell))"""


def _notebook(text: str, name: str) -> Json:
    def cell(kind: str, at: int, source: str, tags: list[str]) -> Json:
        code: Json = {"outputs": [], "execution_count": None} if kind == "code" else {}
        return {
            "cell_type": kind,
            "id": f"model-{at}",
            "metadata": {"tags": tags} if tags else {},
            "source": source,
            **code,
        }

    return {
        "cells": [
            cell("markdown", 0, ABOUT.format(name=name), []),
            cell("code", 1, text, [MODEL_CELL]),
            cell("code", 2, TRY, []),
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
