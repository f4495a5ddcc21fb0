"""What a notebook's cells say of themselves: which step they are, whether edited by hand, whether out of date.

One implementation serves every door; the panel sends the live cells here instead of deciding by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from modelcompose.analysis import Analysis
from modelcompose.errors import ModelComposeError
from modelcompose.verdict import Verdict, verdict_in
from modelcompose.workflow.steps import STEPS, Step, choices_digest, upstream

__all__ = ["StepState", "digest", "edited", "is_composed", "source_of", "step_of", "steps_in"]

State = Literal["todo", "passed", "warned", "failed", "info"]
STATES: Mapping[str, State] = {"pass": "passed", "warn": "warned", "fail": "failed", "info": "info"}


@dataclass(frozen=True)
class StepState:
    """One step of a notebook as it stands.

    ``stale`` is true when its source or anything above it changed since it ran; ``edited`` when a composed cell of it
    no longer has the source it was composed with.
    """

    step: Step
    cells: tuple[str, ...]
    state: State
    stale: bool
    edited: bool
    verdict: Verdict | None


def digest(source: str) -> str:
    """Hash the source of a cell; a trailing newline does not count."""
    return hashlib.sha256(source.rstrip("\n").encode()).hexdigest()[:16]


def source_of(cell: Mapping[str, Any]) -> str:
    """Return a cell's source as one text."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def step_of(cell: Mapping[str, Any]) -> str:
    """Return the step that a cell belongs to, or ``""``."""
    return str((cell.get("metadata", {}).get("modelcompose") or {}).get("step", ""))


def edited(cell: Mapping[str, Any]) -> bool:
    """Tell whether a composed cell was changed by hand."""
    return _marked(cell) and not is_composed(cell)


def is_composed(cell: Mapping[str, Any]) -> bool:
    """Tell whether a cell was composed and stands as it was."""
    composed = (cell.get("metadata", {}).get("modelcompose") or {}).get("composed")
    return composed is not None and composed == digest(source_of(cell))


def steps_in(nb: Mapping[str, Any]) -> list[StepState]:
    """Describe every step that a notebook has, in the order of the workflow."""
    code = [cell for cell in nb["cells"] if cell["cell_type"] == "code"]
    choices = _choices(nb)
    return [_state(step, code, choices) for step in STEPS if any(step_of(cell) == step.id for cell in code)]


def _choices(nb: Mapping[str, Any]) -> Analysis | None:
    try:
        return Analysis.read(nb)
    except ModelComposeError:
        return None


def _state(step: Step, code: list[Mapping[str, Any]], choices: Analysis | None) -> StepState:
    own = [cell for cell in code if step_of(cell) == step.id]
    verdict = next((found for found in map(_verdict, reversed(own)) if found), None)
    upto = max(at for at, cell in enumerate(code) if step_of(cell) == step.id)
    return StepState(
        step=step,
        cells=tuple(str(cell.get("id", "")) for cell in own),
        state=STATES[verdict.status] if verdict else "todo",
        stale=verdict is not None and _stale(verdict, code[: upto + 1], choices),
        edited=any(edited(cell) for cell in own),
        verdict=verdict,
    )


def _verdict(cell: Mapping[str, Any]) -> Verdict | None:
    return verdict_in(cell.get("outputs", []))


def _stale(verdict: Verdict, above: list[Mapping[str, Any]], choices: Analysis | None) -> bool:
    """Hold choices and cells up to a step against what they were when the step was judged.

    Of the choices only those count that the step depends on; of the cells, those of the steps it needs and those
    that belong to none.
    """
    step = verdict.step
    counting = {step, "", *upstream(step)}
    cells = [cell for cell in _executable(above) if step_of(cell) in counting]
    if choices is not None and verdict.choices == choices_digest(step, choices):
        cells = [cell for cell in cells if not _holds_choices(cell)]
    return any(not _was_executed(cell, verdict) for cell in cells)


def _holds_choices(cell: Mapping[str, Any]) -> bool:
    return bool({"parameters", "injected-parameters"} & set(cell.get("metadata", {}).get("tags") or []))


def _was_executed(cell: Mapping[str, Any], verdict: Verdict) -> bool:
    """Tell whether the session that judged had executed a cell as it is.

    A cell of one's own counts as changed when it was executed again, since nobody knows what it does; a composed one
    does the same each time.
    """
    source = digest(source_of(cell))
    if step_of(cell) and not edited(cell) and _marked(cell):
        return source in verdict.ran.values()
    return verdict.ran.get(str(cell.get("execution_count"))) == source


def _marked(cell: Mapping[str, Any]) -> bool:
    return (cell.get("metadata", {}).get("modelcompose") or {}).get("composed") is not None


def _executable(cells: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (cell for cell in cells if source_of(cell).strip())
