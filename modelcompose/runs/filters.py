"""What is typed into the filter of a list of runs, and what it is sorted by, in MLflow's words.

    sleep "night shift" status:passed model:slopes tag:owner=me starred elpd > -100 r_hat_max <= 1.01

Words are held by a run's name, notebook, model, table, outcome, note or tags; everything must hold at once. A figure is
named as MLflow has it (``sampling.r-hat-largest``) or by parts of that name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import get_args

from modelcompose.analysis import Analysis
from modelcompose.errors import InvalidInput
from modelcompose.runs.run import RunKind, RunStatus

__all__ = ["NOTE", "STARRED", "WORDS", "Filter", "order", "quoted"]

STARRED = "modelcompose.starred"
NOTE = "mlflow.note.content"
"""MLflow shows what stands in this tag as the run's description."""
WORDS = "modelcompose.words"
"""The tag that is searched for words: what the run is about in its first line, what people noted in the second."""
HELP = (
    'Write words, status:passed, model:…, data:…, sampler:…, tag:NAME=VALUE, starred, or a figure as in "elpd > -100".'
)
HELD = ("model", "data", "sampler", "question", "notebook")
PART = re.compile(
    r"""\s*(?:
      (?P<key>status|kind|tag|is|model|data|sampler|question|notebook):(?P<value>"[^"]*"|\S+)
    | (?P<name>[^\W\d][\w.-]*)\s*(?P<sign><=|>=|!=|=|<|>)\s*(?P<wanted>"[^"]*"|[^\s<>=]+)
    | (?P<word>"[^"]*"|\S+)
    )""",
    re.VERBOSE,
)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
PLAIN = {"elpd": "elpd", "elpd.se": "elpd.se", "elpd_se": "elpd.se", "seconds": "seconds"}
"""Figures that every version of ModelCompose calls so."""
SYNONYMS = {"max": "largest", "min": "smallest", "ess": "effectivesamplesize", "rhat": "rhat", "bfmi": "ebfmi"}
FIRST = "sampling."
"""Where a name fits the figures of several steps, the check of the sampler is meant."""
SORTS = {
    "started": "attributes.start_time",
    "ended": "attributes.end_time",
    "name": "attributes.run_name",
    "status": "tags.`modelcompose.status`",
    "starred": f"tags.`{STARRED}`",
    **{name: f"tags.`modelcompose.{name}`" for name in HELD},
}
SHOWN = 8


@dataclass(frozen=True)
class Filter:
    """What a filter asks for: a status, of which MLflow does not know all, and the rest in MLflow's words."""

    status: str
    where: tuple[str, ...]

    @classmethod
    def read(cls, text: str, known: Callable[[], Iterable[str]]) -> Filter:
        """Read what somebody typed.

        Parameters
        ----------
        text
            See the head of this module.
        known
            Returns the names of the figures that runs have; asked only where a name is not written in full.

        Raises
        ------
        InvalidInput
            When a part of it cannot be read, or no run has such a figure.
        """
        status, where = "", []
        for part in PART.finditer(text.strip()):
            if part["key"] == "status":
                if status and status != _bare(part["value"]):
                    raise _unread(part[0], "a run stands in one way only")
                status = _one_of(_bare(part["value"]), get_args(RunStatus), "status")
            elif part["key"]:
                where.append(_pair(part["key"], _bare(part["value"])))
            elif part["name"]:
                where.append(_compared(part["name"], part["sign"], _bare(part["wanted"]), known))
            else:
                where.append(_word(part["word"]))
        return cls(status, tuple(where))


def order(sort: str, known: Callable[[], Iterable[str]]) -> str:
    """Say in MLflow's words what runs are sorted by.

    Parameters
    ----------
    sort
        ``started``, ``ended``, ``name``, ``status``, ``model``, ``data``, ``sampler``, ``starred`` or a figure; with
        ``-`` before it the largest first. Empty for the newest first.
    known
        As for ``Filter.read``.

    Raises
    ------
    InvalidInput
        When no run has such a figure.
    """
    name = sort.removeprefix("-") or "started"
    down = sort.startswith("-") or not sort
    return f"{SORTS.get(name) or f'metrics.`{_figure(name, known)}`'} {'DESC' if down else 'ASC'}"


def quoted(text: str) -> str:
    """Spell a text as MLflow's filters want it; they know no way to write both kinds of quotation marks."""
    return f"'{text}'" if "'" not in text else '"' + text.replace('"', "_") + '"'


def _bare(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _word(word: str) -> str:
    if word == "starred":
        return f"tags.`{STARRED}` = 'true'"
    if word[0] != '"' and re.search("[<>=]", word):
        raise _unread(word, "it compares nothing")
    return f"tags.`{WORDS}` ILIKE {quoted(f'%{_bare(word)}%')}"


def _pair(key: str, value: str) -> str:
    if key == "is":
        _one_of(value, ("starred",), "is")
        return f"tags.`{STARRED}` = 'true'"
    if key == "kind":
        kinds = tuple(kind for kind in get_args(RunKind) if kind != "run")
        return f"tags.`modelcompose.kind` = {quoted(_one_of(value, kinds, 'kind'))}"
    if key == "tag":
        name, given, wanted = value.partition("=")
        if not name or "`" in name:
            raise _unread(f"tag:{value}", "it names no tag")
        return f"tags.`{name}` = {quoted(wanted)}" if given else f"tags.`{name}` LIKE '%'"
    return f"tags.`modelcompose.{key}` ILIKE {quoted(f'%{value}%')}"


def _compared(name: str, sign: str, wanted: str, known: Callable[[], Iterable[str]]) -> str:
    if name in Analysis.model_fields and name not in PLAIN:
        if sign not in {"=", "!="}:
            raise _unread(f"{name} {sign} {wanted}", "choices are compared by = and != only")
        text = wanted if NUMBER.fullmatch(wanted) or wanted in {"true", "false"} else f'"{wanted}"'
        return f"params.`{name}` {sign} {quoted(text)}"
    if not NUMBER.fullmatch(wanted):
        raise _unread(f"{name} {sign} {wanted}", f"{wanted!r} is no number")
    return f"metrics.`{_figure(name, known)}` {sign} {float(wanted)!r}"


def _figure(name: str, known: Callable[[], Iterable[str]]) -> str:
    """Return the name that MLflow has for a figure."""
    if name in PLAIN:
        return PLAIN[name]
    names = set(known())
    if name in names:
        return name
    parts = [_flat(SYNONYMS.get(part.casefold(), part)) for part in re.split(r"[\s._-]+", name) if part]
    fitting = sorted(one for one in names if parts and all(part in _flat(one) for part in parts))
    meant = [one for one in fitting if one.startswith(FIRST)] or fitting
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise InvalidInput(
            f"{name!r} may be any of {len(meant)} figures", where="text", remedy=f"Name one of: {_some(meant)}."
        )
    raise InvalidInput(
        f"no run has a figure called {name!r}",
        where="text",
        remedy=f"Name one of: {_some(sorted({*PLAIN.values(), *names}))}." if names else HELP,
    )


def _flat(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")


def _one_of(value: str, known: Iterable[str], where: str) -> str:
    if value not in known:
        raise InvalidInput(f"there is no {where} {value!r}", where=where, remedy=f"Choose among {', '.join(known)}.")
    return value


def _unread(part: str, why: str) -> InvalidInput:
    return InvalidInput(f"{part.strip()!r} in the filter cannot be read: {why}", where="text", remedy=HELP)
