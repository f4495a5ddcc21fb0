"""What people note on runs: a star, a sentence or two, tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from modelcompose.errors import InvalidInput
from modelcompose.runs.filters import NOTE, STARRED, WORDS

if TYPE_CHECKING:
    from modelcompose.runs.run import Run
    from modelcompose.runs.store import RunStore

__all__ = ["OURS", "annotate", "require_ours"]

OURS = ("mlflow.", "modelcompose.", "dataset.")
"""How the tags begin that are not people's own."""
NAME, VALUE, TEXT = 100, 300, 3000


def annotate(
    store: RunStore,
    id: str,  # noqa: A002
    *,
    starred: bool | None = None,
    note: str | None = None,
    tags: Mapping[str, str | None] | None = None,
) -> Run:
    """Note something on a run, whatever became of it; what is None stays as it is.

    Parameters
    ----------
    id
        The run's id, a unique beginning of it, or its name.
    starred
        Whether it is one to come back to.
    note
        A text; an empty one removes it.
    tags
        New values by name; a tag whose value is None is removed.

    Raises
    ------
    InvalidInput
        When a tag's name is not for people, or something is too long to be kept whole.
    """
    run = store.get(id)
    given = dict(tags or {})
    for name, value in given.items():
        require_ours(name)
        _require_short(value or "", VALUE, f"tags.{name}")
    _require_short(note or "", TEXT, "note")
    kept = {name: value for name, value in {**run.tags, **given}.items() if value is not None}
    text = run.note if note is None else note
    noted = " ".join([text, *(f"{name} {value}" for name, value in kept.items())]).replace("\n", " ").strip()
    record = store.tracking.find(run.id)
    about = (record.data.tags.get(WORDS, run.name) if record else run.name).partition("\n")[0]
    written = {name: value for name, value in given.items() if value is not None} | {WORDS: f"{about}\n{noted}"}
    if starred is not None:
        written[STARRED] = str(starred).lower()
    if note is not None:
        written[NOTE] = note
    store.tracking.tag(run.id, written)
    for name in given.keys() & run.tags.keys():
        if given[name] is None:
            store.tracking.client.delete_tag(run.id, name)
    return store.get(run.id)


def require_ours(name: str) -> None:
    """Refuse a tag's name that is not for people, or that no filter could name.

    Raises
    ------
    InvalidInput
        When it is so.
    """
    if not name.strip() or name.startswith(OURS) or len(name) > NAME or any(mark in name for mark in '`="\n'):
        raise InvalidInput(f"a tag cannot be called {name[:NAME]!r}", where="tags", remedy="Choose another name.")


def _require_short(text: str, most: int, where: str) -> None:
    if len(text) > most:
        raise InvalidInput(f"{len(text)} characters are too many; {most} fit", where=where, remedy="Shorten it.")
