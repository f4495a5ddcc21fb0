"""Errors: the tree is as drawn, and each says what, where and what to do."""

from __future__ import annotations

import pickle
import re

import pytest

from modelcompose import errors
from modelcompose.errors import GateFailed, InvalidData, ModelComposeError, NotFound
from modelcompose.verdict import Remedy, Verdict

DRAWN = re.compile(r"^    (?P<branch>[│├└─ ]*)(?P<name>[A-Z]\w+) +(?P<status>\d{3})\b", re.MULTILINE)


def drawn() -> list[tuple[str, str | None, int]]:
    """Read the drawing in the module's docstring: name, parent and status of each error."""
    tree, parents = [], {}
    for found in DRAWN.finditer(errors.__doc__ or ""):
        depth = len(found["branch"]) // 4
        parents[depth] = found["name"]
        tree.append((found["name"], parents.get(depth - 1), int(found["status"])))
    return tree


@pytest.mark.parametrize(("name", "parent", "status"), drawn())
def test_the_tree_is_as_drawn(name: str, parent: str | None, status: int) -> None:
    kind = getattr(errors, name)
    assert kind.__bases__ == (getattr(errors, parent) if parent else Exception,)
    assert kind.http_status == status


def test_every_error_is_drawn_and_public() -> None:
    assert sorted(name for name, _, _ in drawn()) == errors.__all__
    defined = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Exception)}
    assert defined == set(errors.__all__)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NotFound("there is no run 7"), "there is no run 7."),
        (NotFound("Is it there?"), "Is it there?"),
        (InvalidData("odd value", where="a.csv, line 3"), "a.csv, line 3: odd value."),
        (InvalidData("odd value", remedy="Mend it."), "odd value. Mend it."),
        (InvalidData("Odd value.", where="a.csv", remedy="Mend it."), "a.csv: Odd value. Mend it."),
    ],
)
def test_the_message_names_the_place_and_the_remedy(error: ModelComposeError, text: str) -> None:
    assert str(error) == text


def test_every_door_reports_the_same_shape() -> None:
    error = InvalidData("odd value", where="a.csv, line 3", remedy="Mend it.")
    assert error.as_json() == {
        "type": "InvalidData",
        "message": "odd value",
        "where": "a.csv, line 3",
        "remedy": "Mend it.",
    }
    assert NotFound("gone").as_json() == {"type": "NotFound", "message": "gone", "where": None, "remedy": None}


def test_a_notebook_shows_one_line_instead_of_frames() -> None:
    assert NotFound("gone", where="runs")._render_traceback_() == ["NotFound: runs: gone."]


def test_an_error_survives_the_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(InvalidData("odd", where="a.csv", remedy="Mend it.")))  # noqa: S301
    assert (type(error), str(error)) == (InvalidData, "a.csv: odd. Mend it.")


def failed(*remedies: Remedy) -> Verdict:
    return Verdict(step="sampling", title="Did it work?", status="fail", sentence="No.", remedies=remedies)


def test_a_failed_gate_names_its_best_remedy_and_the_way_past() -> None:
    more, fewer = (Remedy(label=label, why="", changes={}) for label in ("Draw more", "Draw fewer"))
    error = GateFailed(failed(more, fewer))
    assert (
        str(error) == 'step sampling: Did it work? No. Try: Draw more; or set on_fail = "warn" to go on in spite of it.'
    )
    assert error.verdict.remedies == (more, fewer)
    assert str(GateFailed(failed())).endswith('No. Set on_fail = "warn" to go on in spite of it.')


def test_a_failed_gate_survives_the_way_between_processes() -> None:
    error = GateFailed(failed())
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301
