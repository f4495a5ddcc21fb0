"""From choices to a notebook, and from changed choices to changed cells.

Cells come from the workflow notebooks; compose adds the choices and spells the model out. A cell that somebody edited
is never overwritten.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelcompose import catalog
from modelcompose.analysis import Analysis
from modelcompose.errors import ModelComposeError, NotFound
from modelcompose.workflow.notebook import digest, edited, source_of, step_of
from modelcompose.workflow.steps import STEPS, choices_digest, upstream

if TYPE_CHECKING:
    from modelcompose.data import Dataset

__all__ = ["Edit", "Revision", "compose", "revise", "settle", "workflow", "workflow_folders"]

Load = Callable[[Analysis], "Dataset"]

KERNEL = {"name": "modelcompose", "display_name": "ModelCompose", "language": "python"}
BUILD = "model = mc.build(analysis, table, gaps)"
FOLDERS = "MODELCOMPOSE_WORKFLOWS"


def workflow_folders() -> list[Path]:
    """Return where workflow notebooks are looked for: a site's own folders first, then ours."""
    site = [Path(folder) for folder in os.environ.get(FOLDERS, "").split(os.pathsep) if folder]
    here = Path(__file__).parent
    return [*site, here / "notebooks", here.parents[1] / "workflows"]


def workflow(name: str = "simple") -> dict[str, Any]:
    """Read a workflow notebook.

    Raises
    ------
    NotFound
        When no folder has it.
    """
    for folder in workflow_folders():
        path = folder / f"{name}.ipynb"
        if path.is_file():
            return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    raise NotFound(
        f"there is no workflow {name!r}",
        where=", ".join(map(str, workflow_folders())),
        remedy="Name one of the notebooks there.",
    )


def compose(analysis: Analysis, dataset: Dataset, name: str = "simple") -> dict[str, Any]:
    """Compose the notebook of an analysis.

    Parameters
    ----------
    analysis
        Choices; what is empty is chosen here.
    dataset
        Its table.
    name
        The workflow notebook to take the cells from.

    Returns
    -------
    dict
        A notebook in nbformat 4's form, without outputs.
    """
    settled = catalog.complete(analysis, dataset)
    nb = copy.deepcopy(workflow(name))
    for cell in nb["cells"]:
        cell["source"] = source_of(cell)
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    settled.write(nb)
    model = _model_cell(nb)
    if model is not None:
        model["source"] = model["source"].replace(BUILD, _model_code(settled, dataset))
    for cell in nb["cells"]:
        if step_of(cell) and cell["cell_type"] == "code":
            _stamp(cell)
    nb["metadata"] = {**nb.get("metadata", {}), "kernelspec": dict(KERNEL)}
    nb["cells"][0]["source"] = _title(settled) + nb["cells"][0]["source"].partition("\n")[2]
    return nb


def _title(analysis: Analysis) -> str:
    return f"# {catalog.question(analysis.question).label}\n\n{analysis.estimand}\n"


def _model_cell(nb: Mapping[str, Any]) -> dict[str, Any] | None:
    return next((cell for cell in nb["cells"] if step_of(cell) == "model" and cell["cell_type"] == "code"), None)


def _model_code(analysis: Analysis, dataset: Dataset) -> str:
    table, _ = dataset.rows(analysis)
    return catalog.get(analysis.model).code(analysis, table)


def _stamp(cell: dict[str, Any]) -> None:
    """Note the hash of what was composed, and fold the code away."""
    cell["metadata"].setdefault("jupyter", {})["source_hidden"] = True
    cell["metadata"]["modelcompose"]["composed"] = digest(cell["source"])


@dataclass(frozen=True)
class Edit:
    """New source and metadata of one cell."""

    cell: str
    source: str
    metadata: dict[str, Any]


@dataclass(frozen=True)
class Revision:
    """What a change of choices does to a notebook.

    ``kept`` names the cells that would have changed but were edited by hand; ``composed`` is what every cell edited by
    hand would be if it were composed now; ``again`` names the steps of the notebook that have to run again, in order.
    """

    analysis: Analysis
    edits: tuple[Edit, ...]
    kept: tuple[str, ...]
    composed: tuple[Edit, ...]
    again: tuple[str, ...]


def revise(nb: Mapping[str, Any], changes: Mapping[str, Any], load: Load) -> Revision:
    """Work out how a notebook's cells change with its choices; the notebook itself is left alone.

    Parameters
    ----------
    nb
        The notebook.
    changes
        New values by parameter name; text is read as on a command line.
    load
        Reads the table of an analysis.

    Raises
    ------
    InvalidAnalysis
        When a change has the wrong type, or the choices do not go together.
    """
    before = Analysis.read(nb)
    after = settle(before, changes, load)
    work = copy.deepcopy(dict(nb))
    for cell in work["cells"]:
        cell["source"] = source_of(cell)
    after.write(work)
    model, kept = _model_cell(work), []
    if model is not None and _composed(model):
        code = _model_code(after, load(after))
        if not edited(model):
            model["source"] = code + _after_model(model["source"])
            _stamp(model)
        elif code != _code_before(before, load):
            kept.append(str(model.get("id", "")))
    edits = tuple(
        Edit(str(new.get("id", "")), new["source"], new["metadata"])
        for new, old in zip(work["cells"], nb["cells"], strict=True)
        if new["source"] != source_of(old)
    )
    return Revision(after, edits, tuple(kept), _anew(work, after, load), _again(nb, edits, before, after))


def _again(nb: Mapping[str, Any], edits: tuple[Edit, ...], before: Analysis, after: Analysis) -> tuple[str, ...]:
    """Name the steps that depend on a changed choice or a changed cell, or whose waivers changed."""
    cells = {str(cell.get("id", "")): step_of(cell) for cell in nb["cells"]}
    touched = {cells[edit.cell] for edit in edits} - {""}
    touched |= {
        one["step"] for one in (*before.waivers, *after.waivers) if (one in before.waivers) != (one in after.waivers)
    }
    present = set(cells.values())
    return tuple(
        one.id
        for one in STEPS
        if one.id in present
        and (
            before.policy != after.policy
            or bool(({one.id} | upstream(one.id)) & touched)
            or choices_digest(one.id, before) != choices_digest(one.id, after)
        )
    )


def _anew(nb: Mapping[str, Any], analysis: Analysis, load: Load) -> tuple[Edit, ...]:
    """Compose the cells again that were edited by hand, to compare them and to take them back."""
    code = [cell for cell in nb["cells"] if cell["cell_type"] == "code"]
    if not any(map(edited, code)):
        return ()
    fresh = [cell for cell in compose(analysis, load(analysis))["cells"] if cell["cell_type"] == "code"]
    return tuple(
        Edit(str(mine.get("id", "")), composed["source"], mine["metadata"] | _marks(composed))
        for step in dict.fromkeys(map(step_of, filter(edited, code)))
        for mine, composed in zip(_of_step(code, step), _of_step(fresh, step), strict=False)
        if edited(mine)
    )


def _of_step(cells: list[dict[str, Any]], step: str) -> list[dict[str, Any]]:
    return [cell for cell in cells if step_of(cell) == step]


def _marks(cell: Mapping[str, Any]) -> dict[str, Any]:
    return {"modelcompose": cell["metadata"]["modelcompose"]}


def _composed(cell: Mapping[str, Any]) -> bool:
    return "composed" in (cell.get("metadata", {}).get("modelcompose") or {})


CHECK = "mc.check.model("


def _after_model(source: str) -> str:
    """Return what stands below the model in a composed cell: its check."""
    at = source.find(f"\n{CHECK}")
    return source[at:] if at >= 0 else ""


def _code_before(before: Analysis, load: Load) -> str:
    try:
        return _model_code(before, load(before))
    except ModelComposeError:
        return ""


def settle(before: Analysis, changes: Mapping[str, Any], load: Load) -> Analysis:
    """Apply changes, and choose anew what followed from the choices that changed.

    A formula or estimand that was composed is composed again when what it was made from changes; one that was
    written by hand stays.
    """
    after = before.changed(changes)
    made_from = (after.model, after.columns, after.data, after.question)
    if made_from != (before.model, before.columns, before.data, before.question):
        followers = {"formula", "estimand"} | ({"model"} if after.question != before.question else set())
        composed = [name for name in followers - set(changes) if _was_composed(before, name, load)]
        after = after.changed(dict.fromkeys(composed, ""))
    completed = catalog.complete(after, load(after))
    return completed.changed(_steps_of_another_model(before, completed, changes))


def _steps_of_another_model(before: Analysis, after: Analysis, changes: Mapping[str, Any]) -> dict[str, float]:
    """Let ``target_accept`` follow the model, unless somebody has chosen it."""
    if before.model == after.model or "target_accept" in changes:
        return {}
    try:
        as_composed = before.target_accept == catalog.get(before.model).target_accept
    except ModelComposeError:
        as_composed = False
    return {"target_accept": catalog.get(after.model).target_accept} if as_composed else {}


def _was_composed(analysis: Analysis, name: str, load: Load) -> bool:
    """Tell whether a choice stands as it would have been composed."""
    if name == "model":
        return True
    try:
        composed = catalog.complete(analysis.changed({name: ""}), load(analysis))
    except ModelComposeError:
        return False
    return bool(getattr(composed, name) == getattr(analysis, name))
