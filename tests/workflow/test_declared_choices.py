"""What a step depends on is declared: its cells and its check read no other choice, or a cached verdict would lie."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any, ClassVar

import pytest

from modelcompose.analysis import Analysis
from modelcompose.workflow.compose import workflow_folders
from modelcompose.workflow.notebook import source_of, step_of
from modelcompose.workflow.steps import depends_on

WORKFLOWS = sorted({path for folder in workflow_folders() if folder.is_dir() for path in folder.glob("*.ipynb")})
ANEW = {"waivers", "policy", "on_fail"}
"""How a verdict is taken is settled each time; the key of a step has these on its own account."""
CARRIED = {"estimand"}
"""``complete`` looks whether it is empty when rival models are settled; no result depends on it."""


class Recording(Analysis):
    """An analysis that notes which of its choices are read."""

    read_choices: ClassVar[set[str]] = set()

    def __getattribute__(self, name: str) -> Any:
        if name in Analysis.model_fields:
            Recording.read_choices.add(name)
        return super().__getattribute__(name)


def code(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_cells_name_only_choices_that_their_step_declares(path: Path) -> None:
    for cell in code(path):
        if step := step_of(cell):
            source = re.sub(r"#.*|\"[^\"\n]*\"|\.\w+|\b\w+(?==[^=])", "", source_of(cell))
            named = set(re.findall(r"\b[a-z_]+\b", source)) & set(Analysis.model_fields)
            named -= {"model"}  # the variable that the model's cell assigns has the choice's name
            assert named <= depends_on(step) | ANEW, step


CHOICES: dict[str, dict[str, Any]] = {
    "slopes": {"data": "sample:sleepstudy", "outcome": "Reaction"},
    "levels": {
        "data": "sample:penguins",
        "outcome": "sex",
        "predictors": ["flipper_length_mm"],
    },
}
SMALL = {
    "draws": 200,
    "tune": 200,
    "chains": 2,
    "recoveries": 1,
    "universes": 2,
    "simulations": 3,
    "rival_priors": [2.0],
    "decision": {"better": "lower", "value": 1.0, "cost": 2.0},
    "on_fail": "warn",
}


def undeclared(path: Path, choices: dict[str, Any]) -> dict[str, set[str]]:
    """Execute a workflow notebook's cells, and name the choices that each step read without declaring them."""
    space: dict[str, Any] = dict(Analysis.of({**SMALL, **choices}))
    found: dict[str, set[str]] = {}
    for cell in code(path):
        step = step_of(cell)
        if not step:
            continue
        Recording.read_choices.clear()
        exec(compile(source_of(cell), step, "exec"), space)  # noqa: S102
        if step == "data":
            space["analysis"] = recording = Recording.of(space["analysis"].model_dump())
            Recording.read_choices.clear()
            space["mc"].check.data(recording, space["dataset"], space["dataset"].rows(recording)[0])
        found[step] = found.get(step, set()) | (Recording.read_choices - depends_on(step) - ANEW - CARRIED)
    return found


def test_the_simple_workflow_reads_only_what_its_steps_declare() -> None:
    path = next(path for path in WORKFLOWS if path.stem == "simple")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert {step: read for step, read in undeclared(path, CHOICES["slopes"]).items() if read} == {}


@pytest.mark.slow
@pytest.mark.parametrize("choices", CHOICES.values(), ids=CHOICES)
def test_the_full_workflow_reads_only_what_its_steps_declare(choices: dict[str, Any]) -> None:
    path = next(path for path in WORKFLOWS if path.stem == "full")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert {step: read for step, read in undeclared(path, choices).items() if read} == {}


def test_reading_without_declaring_is_noticed() -> None:
    analysis = Recording.of({"ci_prob": 0.8})
    Recording.read_choices.clear()
    assert analysis.ci_prob == 0.8
    assert Recording.read_choices - depends_on("sampling") == {"ci_prob"}
