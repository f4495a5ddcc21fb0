"""Grids: several values for some choices, and every combination of them."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from modelcompose.analysis import Analysis
from modelcompose.errors import InvalidInput

__all__ = ["combinations", "named", "spelt", "values"]

OPENING, CLOSING, QUOTES = "([{", ")]}", "\"'"
SPELT = 30
"""How many characters a value may have in the name of a run."""


def values(name: str, given: Any) -> list[Any]:
    """Return the values of one choice, typed as the choice is, each once.

    Parameters
    ----------
    name
        The choice.
    given
        A sequence of values; or a text with commas between them, where commas inside brackets or quotes belong to a
        value; or such a text that is a list of values.

    Raises
    ------
    InvalidInput
        When there is no such choice, no value, or one that the choice cannot have.
    """
    listed = isinstance(getattr(Analysis(), name, None), list)
    found = [getattr(Analysis().changed({name: one}), name) for one in _members(given, listed)]
    if not found:
        raise InvalidInput(
            f"there is no value for {name!r}", where="grid", remedy=f"Write the values like {name}=1,2 or leave it out."
        )
    return list({json.dumps(one, sort_keys=True): one for one in found}.values())


def combinations(grid: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return every combination of the values as changes of choices, the last choice varying fastest."""
    return [dict(zip(grid, each, strict=True)) for each in product(*grid.values())]


def named(changes: Mapping[str, Any]) -> str:
    """Say in short which combination this is: ``model=linear prior_scale=0.5``."""
    return " ".join(f"{name}={_short(value)}" for name, value in changes.items())


def _members(given: Any, listed: bool) -> Sequence[Any]:
    """Split what was given into values; ``listed`` says that a value is itself a list."""
    if not isinstance(given, str):
        if not isinstance(given, Sequence):
            raise InvalidInput(f"{given!r} is not a list of values", where="grid", remedy="Write [value, value].")
        return given
    whole = _read(given)
    if isinstance(whole, list) and (not listed or (whole and all(isinstance(one, list) for one in whole))):
        return whole
    return [_unquoted(part.strip()) for part in _split(given) if part.strip()]


def _read(text: str) -> Any:
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text.strip())
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return None


def _split(text: str) -> list[str]:
    """Split at commas outside brackets and quotes."""
    parts, start, depth, quote = [], 0, 0, ""
    for at, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in QUOTES:
            quote = sign
        elif sign in OPENING:
            depth += 1
        elif sign in CLOSING:
            depth -= 1
        elif sign == "," and depth <= 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in QUOTES and text[0] not in text[1:-1]
    return text[1:-1] if quoted else text


def spelt(value: Any) -> str:
    """Spell a value: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(value: Any) -> str:
    text = spelt(value)
    return text if len(text) <= SPELT else f"{text[: SPELT - 1]}…"
