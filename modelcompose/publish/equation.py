"""The equation of a model as MathML, which every browser draws without a script.

Reads the small part of LaTeX in which equations of models are written; one that holds anything else is shown as LaTeX.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from markupsafe import Markup

__all__ = ["mathml"]

GREEK = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "eta": "η",
    "kappa": "κ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "phi": "φ",
    "pi": "π",
    "psi": "ψ",
    "sigma": "σ",
    "tau": "τ",
    "theta": "θ",
}
OPERATORS = {"sim": "∼", "cdot": "·", "times": "×", "vert": "|", "leq": "≤", "geq": "≥"}
RESERVED = frozenset("}_^&$#%~")
SPACES = {",": "0.17em", ";": "0.28em", "quad": "1em", "qquad": "2em"}
TOKEN = re.compile(r"\\(?:[A-Za-z]+|.)|\d+(?:\.\d+)?|.", re.DOTALL)


class _UnknownError(Exception):
    """The equation holds something that is not read here."""


def mathml(latex: str) -> Markup:
    """Return an equation as MathML, or as LaTeX in a code element when it holds anything unknown."""
    reader = _Reader(TOKEN.findall(latex))
    try:
        row = reader.row()
        if reader.rest:
            raise _UnknownError
    except (_UnknownError, IndexError, RecursionError):
        return Markup("<code>{}</code>").format(latex)
    return Markup('<math display="block">{}</math>').format(row)


@dataclass
class _Reader:
    tokens: list[str]
    at: int = field(default=0)

    @property
    def rest(self) -> list[str]:
        return self.tokens[self.at :]

    def next(self) -> str:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def row(self) -> Markup:
        """Read up to the end or a closing brace."""
        parts = []
        while self.rest and self.rest[0] != "}":
            if self.rest[0].isspace():
                self.next()
            else:
                parts.append(self.scripted())
        return Markup("<mrow>{}</mrow>").format(Markup("").join(parts))

    def scripted(self) -> Markup:
        """Read one element with its index and its power."""
        base = self.element()
        scripts = {}
        while self.rest and self.rest[0] in "_^":
            mark = self.next()
            if mark in scripts:
                raise _UnknownError
            scripts[mark] = self.element()
        if len(scripts) == 2:
            return Markup("<msubsup>{}{}{}</msubsup>").format(base, scripts["_"], scripts["^"])
        for mark, script in scripts.items():
            shape = Markup("<msub>{}{}</msub>") if mark == "_" else Markup("<msup>{}{}</msup>")
            return shape.format(base, script)
        return base

    def element(self) -> Markup:
        token = self.next()
        if token == "{":  # noqa: S105
            row = self.row()
            self.next()
            return row
        if token.startswith("\\"):
            return self.command(token[1:])
        if token in RESERVED:
            raise _UnknownError
        if token[0].isdigit():
            return Markup("<mn>{}</mn>").format(token)
        return (Markup("<mi>{}</mi>") if token.isalpha() else Markup("<mo>{}</mo>")).format(token)

    def command(self, name: str) -> Markup:
        if name == "mathrm":
            return Markup('<mi mathvariant="normal">{}</mi>').format(self.words())
        if name in GREEK:
            return Markup("<mi>{}</mi>").format(GREEK[name])
        if name in OPERATORS:
            return Markup("<mo>{}</mo>").format(OPERATORS[name])
        if name in SPACES:
            return Markup('<mspace width="{}"/>').format(SPACES[name])
        raise _UnknownError

    def words(self) -> str:
        """Read a group as plain text, such as the name of a column."""
        if self.next() != "{":
            raise _UnknownError
        found = ""
        while (token := self.next()) != "}":
            name = token[1:]
            if not token.startswith("\\"):
                found += token
            elif name in OPERATORS or name in GREEK:
                found += OPERATORS.get(name) or GREEK[name]
            elif name in SPACES:
                continue
            elif name.isalpha():
                raise _UnknownError
            else:
                found += name
        return found
