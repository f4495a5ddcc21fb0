"""The rounds of a lineage as a drawing: a tree that grows downwards, the way to the best round straight on the left.

What is drawn is also said in words, for whoever does not see it, and listed in full in the report's table.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap

from modelcompose.publish.story import ROUND_MARKS, ROUND_WORDS
from modelcompose.verdict import Status, worst
from modelcompose.workflow.lineage import Lineage, Round

__all__ = ["Edge", "Graph", "Node", "differences", "graph"]

WIDTH, HEIGHT = 236, 118
ACROSS, DOWN = 24, 40
MARGIN = 6
LETTERS, LABEL_LINES = 26, 2
"""Letters that fit on a line of a box, and the lines that a label may take there."""
LINE, FIRST_LINE = 20, 24


@dataclass(frozen=True)
class Node:
    """One round as a box: where it stands, its lines of text with their heights in it, and how it ended."""

    id: str
    x: int
    y: int
    title: tuple[tuple[int, str], ...]
    lines: tuple[tuple[int, str], ...]
    end: tuple[int, str]
    mark: Status
    best: bool
    kept: bool
    """Whether the way to the best round leads over it."""


@dataclass(frozen=True)
class Edge:
    """A line from a round to one that was made from it, as an SVG path."""

    path: str
    kept: bool


@dataclass(frozen=True)
class Graph:
    """The drawing: boxes of one size, lines between them, and all of it in words."""

    width: int
    height: int
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    words: str
    box: tuple[int, int] = (WIDTH, HEIGHT)


def graph(lineage: Lineage) -> Graph:
    """Lay the rounds of a lineage out."""
    kept = {one.id for one in lineage.path()}
    places = _places(lineage, kept)
    corners = {
        name: (MARGIN + column * (WIDTH + ACROSS), MARGIN + row * (HEIGHT + DOWN)) for name, (column, row) in places
    }
    nodes = tuple(
        _node(one, corners[one.id], best=one.id == lineage.best, kept=one.id in kept) for one in lineage.rounds
    )
    edges = tuple(
        Edge(_path(corners[one.parent], corners[one.id]), one.id in kept) for one in lineage.rounds if one.parent
    )
    return Graph(
        width=max((node.x for node in nodes), default=0) + WIDTH + MARGIN,
        height=max((node.y for node in nodes), default=0) + HEIGHT + MARGIN,
        nodes=nodes,
        edges=edges,
        words=" ".join([*map(_said, lineage.rounds), f"The best is round {lineage.best}." if lineage.best else ""]),
    )


def _places(lineage: Lineage, kept: set[str]) -> list[tuple[str, tuple[int, int]]]:
    """Give every round a column and a row; a round stands above its first child, and the way to the best is first."""
    children: dict[str, list[str]] = {"": []}
    for one in lineage.rounds:
        children[one.parent].append(one.id)
        children[one.id] = []
    found: list[tuple[str, tuple[int, int]]] = []
    free = 0

    def place(id: str, column: int, row: int) -> None:  # noqa: A002
        nonlocal free
        found.append((id, (column, row)))
        for at, child in enumerate(sorted(children[id], key=lambda child: child not in kept)):
            free += 1 if at else 0
            place(child, free if at else column, row + 1)

    for at, root in enumerate(children[""]):
        free += 1 if at else 0
        place(root, free, 0)
    return found


def _path(above: tuple[int, int], below: tuple[int, int]) -> str:
    """Draw from the middle of a box's lower edge to the middle of another's upper edge, bending half way."""
    x, y = above[0] + WIDTH // 2, above[1] + HEIGHT
    to, down = below[0] + WIDTH // 2, below[1]
    bend = down - DOWN // 2
    return f"M {x} {y} V {bend} H {to} V {down}"


def _node(one: Round, corner: tuple[int, int], *, best: bool, kept: bool) -> Node:
    label = wrap(f"{one.id}  {one.label}", LETTERS, max_lines=LABEL_LINES, placeholder=" …")
    elpd = [f"elpd {_signed(one.elpd, '')}"] if one.elpd is not None else []
    below = wrap(one.model or "–", LETTERS, max_lines=1, placeholder="…") + elpd
    heights = [FIRST_LINE + LINE * at for at in range(len(label) + len(below) + 1)]
    return Node(
        id=one.id,
        x=corner[0],
        y=corner[1],
        title=tuple(zip(heights, label, strict=False)),
        lines=tuple(zip(heights[len(label) :], below, strict=False)),
        end=(heights[-1], ROUND_WORDS[one.status]),
        mark=ROUND_MARKS.get(one.status, "fail"),
        best=best,
        kept=kept,
    )


def _said(one: Round) -> str:
    origin = f", from round {one.parent}" if one.parent else ""
    gravest = worst(one.verdicts.values())
    failing = [step for step, status in one.verdicts.items() if status == gravest and status in ("warn", "fail")]
    where = f" in {', '.join(failing)}" if failing else ""
    return f"Round {one.id}{origin}: {one.label}; {ROUND_WORDS[one.status]}{where}."


def differences(lineage: Lineage) -> dict[str, str]:
    """Say for each round how much better it predicts than the one it came from, where that is known."""
    return {one.id: said for one in lineage.rounds if (said := _prediction(one))}


def _prediction(one: Round) -> str:
    if one.gain is not None and one.gain_se is not None:
        return f"{_signed(one.gain)} (standard error {one.gain_se:.1f})"
    if one.elpd is not None and one.elpd_se is not None:
        return f"elpd {_signed(one.elpd, '')} (standard error {one.elpd_se:.1f})"
    return ""


def _signed(value: float, plus: str = "+") -> str:
    return f"{'−' if value < 0 else plus}{abs(value):.1f}"
