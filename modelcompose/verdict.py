"""A verdict: what one step of the workflow found, by which published rule, and what to do when it failed.

A verdict travels inside the notebook. In a cell's output it stands as its own MIME type, which the panel, the run
record and the report read back, beside HTML and a picture that any notebook viewer can show.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

__all__ = ["MIME", "Finding", "Remedy", "Status", "Verdict", "Waiver", "verdict_in", "worst"]

MIME = "application/vnd.modelcompose.verdict.v1+json"

Status = Literal["pass", "info", "warn", "fail"]
SEVERITY: tuple[Status, ...] = ("info", "pass", "warn", "fail")
WORDS: Mapping[Status, str] = {
    "pass": "Passed",
    "info": "For information",
    "warn": "Warning",
    "fail": "Failed",
}
PARTIAL = "Sampling was stopped early: this rests on fewer draws than asked for."
# Readable on a light and on a dark page alike.
COLOURS: Mapping[Status, str] = {"pass": "#2a8a50", "info": "#3f7fbf", "warn": "#a8730a", "fail": "#d93a2b"}


def worst(statuses: Iterable[Status]) -> Status:
    """Return the gravest of some statuses; ``"info"`` when there are none."""
    return max(statuses, key=SEVERITY.index, default="info")


def _finite(value: Any) -> Any:
    """Put None for every number that JSON has no word for: NaN and the infinities."""
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value


JsonObject = Annotated[dict[str, Any], AfterValidator(_finite)]


def _order(validated: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Return the details as they were written: a saved notebook has its keys by the alphabet."""
    details = validated.get("details") or {}
    return tuple((name, *(_columns(value) if _is_table(value) else ())) for name, value in details.items())


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _columns(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(map(str, rows[0]))


class Remedy(BaseModel):
    """A way out of a failed check: nothing but a change of parameters."""

    model_config = ConfigDict(frozen=True)

    label: str = Field(description="What to do, as an imperative: “Draw twice as many samples”.")
    why: str = Field(description="Why this is expected to help.")
    changes: JsonObject = Field(description="New values of parameters of the analysis.")
    cost: str = Field(default="", description="What it costs: “one more fit, about twice as long”.")
    score: float = Field(
        default=0.5, ge=0, le=1, description="How likely it is to mend what failed, by experience; the list's order."
    )


class Finding(BaseModel):
    """One measured quantity held against one rule."""

    model_config = ConfigDict(frozen=True)

    name: str
    rule: str = Field(default="", description="The id of the rule in the table of thresholds.")
    status: Status
    value: Annotated[float | None, AfterValidator(_finite)] = Field(
        default=None, description="The measured value; None where there is no number."
    )
    shown: str = Field(description="The value as a reader sees it, with its unit.")
    threshold: str = Field(default="", description="The rule in words: “below 1.01”.")
    sentence: str = Field(default="", description="What this means, in plain words.")
    source: str = Field(default="", description="Where the rule is published.")


class Waiver(BaseModel):
    """A failed gate that a named person takes upon themselves, with a reason."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    step: str = Field(min_length=1, description="The step whose failure is waived.")
    by: str = Field(min_length=1, description="Who answers for it.")
    reason: str = Field(min_length=1, description="Why the result may be used nevertheless.")
    when: str = Field(default="", description="When it was waived, ISO time.")


class Verdict(BaseModel):
    """The judgement of one step.

    ``picture`` (PNG) is shown and stored beside the JSON, never inside it.
    """

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    step: str
    title: str = Field(description="The question that the step answers, in plain words.")
    status: Status
    sentence: str
    findings: tuple[Finding, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    details: JsonObject = Field(default_factory=dict, description="Further results, as JSON values.")
    order: tuple[tuple[str, ...], ...] = Field(
        default_factory=_order,
        description="The names of the details in their order, each followed by the columns of its table.",
    )
    partial: bool = Field(default=False, description="True when it rests on sampling that was stopped early.")
    alt: str = Field(default="", description="Text alternative of the picture.")
    waived: Waiver | None = Field(default=None, description="Who lets a failure pass, and why.")
    policy: str = Field(default="", description="The thresholds that were in force.")
    choices: str = Field(default="", description="Digest of the choices that the step and those before it depend on.")
    ran: dict[str, str] = Field(
        default_factory=dict,
        description="What this session had executed before: execution count → hash of the cell's source.",
    )
    picture: bytes | None = Field(default=None, exclude=True, repr=False)

    @property
    def gate(self) -> Status:
        """The status as the rest of the workflow has to take it: a waived failure is a warning."""
        return "warn" if self.status == "fail" and self.waived else self.status

    def html(self) -> str:
        """The verdict as a self-contained card; everything that came from a user is escaped."""
        colour = COLOURS[self.status]
        parts = [
            f'<div id="step-{escape(self.step, quote=True)}" style="border-left: 4px solid {colour}; '
            'padding: 4px 12px; margin: 4px 0; max-width: 900px">',
            f'<p><strong>{escape(self.title)}</strong> &nbsp; <strong style="color: {colour}">'
            f"{WORDS[self.status]}</strong></p>",
            f"<p>{escape(self.sentence)}</p>",
            f"<p><strong>Partial.</strong> {PARTIAL}</p>" if self.partial else "",
            self._waiver_html(),
            self._findings_html(),
            self._details_html(),
            self._remedies_html(),
            self._picture_html(),
            "</div>",
        ]
        return "\n".join(part for part in parts if part)

    def _waiver_html(self) -> str:
        if self.waived is None:
            return ""
        said = f"Waived by {self.waived.by}{f' on {self.waived.when}' if self.waived.when else ''}: "
        return f"<p><strong>{escape(said)}</strong>{escape(self.waived.reason)}</p>"

    def _findings_html(self) -> str:
        rows = "".join(
            f'<tr><td style="text-align: left">{escape(finding.name)}</td>'
            f'<td style="text-align: left">{escape(finding.shown)}</td>'
            f'<td style="text-align: left">{escape(finding.threshold)}</td>'
            f'<td style="text-align: left; color: {COLOURS[finding.status]}">{WORDS[finding.status]}</td>'
            f'<td style="text-align: left">{escape(finding.sentence)} <small>{escape(finding.source)}</small></td></tr>'
            for finding in self.findings
        )
        head = f"<tr>{_heads('Check', 'Value', 'Rule', 'Result', 'Meaning and source')}</tr>"
        return f"<table>{head}{rows}</table>" if rows else ""

    def _details_html(self) -> str:
        """Render what is meant for reading: texts, LaTeX under "equation", sentences, and lists of flat mappings."""
        orders = {name: columns for name, *columns in self.order}
        names = [*(name for name in orders if name in self.details), *(n for n in self.details if n not in orders)]
        return "".join(_detail_html(name, self.details[name], orders.get(name, [])) for name in names)

    def _remedies_html(self) -> str:
        items = "".join(
            f"<li>{escape(remedy.label)}: {escape(remedy.why)} {escape(_as_sentence(remedy.cost))} "
            f"<code>{escape(', '.join(f'{name} = {value!r}' for name, value in remedy.changes.items()))}</code></li>"
            for remedy in self.remedies
        )
        return f"<p>What would help, most promising first:</p><ol>{items}</ol>" if items else ""

    def _picture_html(self) -> str:
        if not self.picture:
            return ""
        data = base64.b64encode(self.picture).decode("ascii")
        return f'<img alt="{escape(self.alt, quote=True)}" src="data:image/png;base64,{data}">'

    def text(self) -> str:
        """The verdict as plain text, a line for each finding."""
        lines = [f"{WORDS[self.status]}: {self.title} {self.sentence}"]
        lines += [f"  partial: {PARTIAL}"] if self.partial else []
        lines += [f"  waived by {self.waived.by}: {self.waived.reason}"] if self.waived else []
        lines += [
            f"  {WORDS[f.status]:>15}  {f.name}: {f.shown} ({f.threshold or 'no threshold'})" for f in self.findings
        ]
        lines += [f"  remedy: {remedy.label} {remedy.changes}" for remedy in self.remedies]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle: dict[str, Any] = {
            MIME: self.model_dump(mode="json"),
            "text/html": self.html(),
            "text/plain": self.text(),
        }
        if self.picture:
            bundle["image/png"] = base64.b64encode(self.picture).decode("ascii")
        return bundle


def _as_sentence(said: str) -> str:
    return f"{said[0].upper()}{said[1:].removesuffix('.')}." if said else ""


def _heads(*names: str) -> str:
    return "".join(f'<th style="text-align: left">{escape(name)}</th>' for name in names)


def _detail_html(name: str, value: Any, columns: Sequence[str]) -> str:
    if name == "equation":
        return f"<p>$$\\begin{{gathered}}{escape(value)}\\end{{gathered}}$$</p>"
    if isinstance(value, str):
        return f"<p><strong>{escape(name.capitalize())}</strong> &nbsp; {escape(value)}</p>"
    if _is_table(value):
        return _table_html(name, value, columns or _columns(value))
    if isinstance(value, list) and value and all(isinstance(line, str) for line in value):
        lines = "".join(f"<p>{escape(line)}</p>" for line in value)
        return f"<details><summary><strong>{escape(name)}</strong></summary>{lines}</details>"
    return ""


def _table_html(caption: str, rows: list[dict[str, Any]], columns: Sequence[str]) -> str:
    head = _heads(*columns)
    body = "".join(
        "<tr>"
        + "".join(f'<td style="text-align: left">{_cell_html(column, row.get(column, ""))}</td>' for column in columns)
        + "</tr>"
        for row in rows
    )
    return f"<p><strong>{escape(caption)}</strong></p><table><tr>{head}</tr>{body}</table>"


def _cell_html(column: str, value: Any) -> str:
    """Render a value of a table; the name of a step leads to its verdict."""
    text = escape(str(value), quote=True)
    return f'<a href="#step-{text}">{text}</a>' if column == "step" and text else text


def verdict_in(outputs: Iterable[Mapping[str, Any]]) -> Verdict | None:
    """Find the verdict in a notebook cell's outputs, the last one if there are several.

    An output that was tampered with, or that a later version wrote in another form, counts as none.

    Parameters
    ----------
    outputs
        A code cell's ``outputs`` in nbformat's form, on disk (where text may be a list of lines) or in memory.
    """
    found: Verdict | None = None
    for output in outputs:
        data = output.get("data") or {}
        if MIME not in data:
            continue
        try:
            verdict = Verdict.model_validate(data[MIME])
        except ValidationError:
            continue
        found = verdict.model_copy(update={"picture": _picture(data.get("image/png"))})
    return found


def _picture(encoded: str | list[str] | None) -> bytes | None:
    text = "".join(encoded) if isinstance(encoded, list) else encoded
    try:
        return base64.b64decode(text) if text else None
    except ValueError:
        return None
