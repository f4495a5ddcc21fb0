"""What an executed notebook says, in the order in which a reader wants it; report and app are both told from this."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from modelcompose import catalog
from modelcompose.analysis import Analysis, literal
from modelcompose.errors import InvalidInput, ModelComposeError
from modelcompose.verdict import Status, Verdict, worst
from modelcompose.workflow.lineage import Lineage
from modelcompose.workflow.notebook import StepState, source_of, step_of, steps_in
from modelcompose.workflow.words import number

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["DEPTHS", "ROUND_MARKS", "ROUND_WORDS", "STYLE", "Banner", "Chapter", "Story", "environment", "read"]

HERE = Path(__file__).parent
STYLE = HERE / "share" / "voila" / "templates" / "modelcompose" / "static" / "modelcompose.css"
MARKS: Mapping[str, str] = {"pass": "✓", "info": "i", "warn": "!", "fail": "✕", "todo": "–"}
WORDS: Mapping[str, str] = {
    "pass": "passed",
    "info": "for information",
    "warn": "warning",
    "fail": "failed",
    "todo": "not run",
}
KNOWN = ("name", "id", "status", "message", "started", "ended", "notebook", "git_commit", "versions", "plan")
ROUND_WORDS: Mapping[str, str] = {
    "passed": "all checks pass",
    "warned": "passes with warnings",
    "failed": "a check fails",
    "stopped": "stopped",
    "cancelled": "cancelled",
    "error": "broke off",
    "running": "running",
    "queued": "waits its turn",
}
ROUND_MARKS: Mapping[str, Status] = {"passed": "pass", "warned": "warn", "running": "info", "queued": "info"}
LEADING = ("column", "item", "choice", "what", "term", "model", "quantity", "kind", "prior", "95% of values", "missing")
DEPTHS: Mapping[str, str] = {
    "decision-maker": "a decision maker",
    "analyst": "an analyst",
    "statistician": "a statistician",
}
"""How deep a report goes: each shows what the one before it shows, and more of what the same figures rest on."""
FOR: Mapping[str, str] = {"For the decision maker": "", "For the analyst": "mc-analyst"}
COMPUTED = frozenset({"data", "model", "fit"})


@dataclass(frozen=True)
class Banner:
    """What a reader must know before reading on."""

    level: Literal["warn", "fail"]
    title: str
    text: str


@dataclass(frozen=True)
class Chapter:
    """One step of the workflow with what it found and the code that found it."""

    state: StepState
    code: str

    @property
    def verdict(self) -> Verdict | None:
        return self.state.verdict

    @property
    def id(self) -> str:
        return self.state.step.id

    @property
    def status(self) -> str:
        return self.verdict.status if self.verdict else "todo"

    @property
    def gate(self) -> str:
        """The status as the rest has to take it: a waived failure is a warning."""
        return self.verdict.gate if self.verdict else "todo"

    @property
    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """The details that are tables: lists of flat mappings."""
        details = self.verdict.details if self.verdict else {}
        return {
            name: [_led(row) for row in value]
            for name, value in details.items()
            if isinstance(value, list) and value and all(isinstance(row, dict) for row in value)
        }

    @property
    def texts(self) -> dict[str, list[str]]:
        """The details that are lists of sentences."""
        details = self.verdict.details if self.verdict else {}
        return {
            name: value
            for name, value in details.items()
            if isinstance(value, list) and value and all(isinstance(line, str) for line in value)
        }


@dataclass(frozen=True)
class Story:
    """An executed notebook as its readers see it."""

    analysis: Analysis
    chapters: tuple[Chapter, ...]
    other_code: tuple[str, ...]
    banners: tuple[Banner, ...]
    title: str
    python: str
    run: Mapping[str, Any]
    lineage: Lineage | None = None

    def chapter(self, step: str) -> Chapter | None:
        return next((one for one in self.chapters if one.id == step), None)

    def details(self, step: str) -> Mapping[str, Any]:
        chapter = self.chapter(step)
        return chapter.verdict.details if chapter and chapter.verdict else {}

    @property
    def question(self) -> str:
        try:
            return catalog.question(self.analysis.question).label if self.analysis.question else ""
        except ModelComposeError:
            return ""

    @property
    def estimand(self) -> str:
        question = self.chapter("question")
        found = self.details("answer").get("estimand") or self.analysis.estimand
        return str(found or (question.verdict.sentence if question and question.verdict else ""))

    @property
    def answer(self) -> Verdict | None:
        """The answer, if the notebook came to one; it is held back when the computation failed."""
        chapter = self.chapter("answer")
        return chapter.verdict if chapter else None

    @property
    def computation_failed(self) -> bool:
        """Whether numbers from this posterior must not be shown."""
        return any(one.gate == "fail" for one in self.chapters if one.id in ("sampling", "answer"))

    @property
    def trust(self) -> str:
        """How the checks came out, in a sentence."""
        found = [one.gate for one in self.chapters if one.verdict]
        bad = {"warn": "gave a warning", "fail": "failed"}
        counts = [f"{found.count(gate)} {said}" for gate, said in bad.items() if gate in found]
        if not counts:
            return f"All {len(found)} checks passed." if len(found) > 1 else "The only check passed."
        good = sum(gate in ("pass", "info") for gate in found)
        return f"{good} of {len(found)} checks passed, {' and '.join(counts)}."

    @property
    def policy(self) -> str:
        """The thresholds in force, where they are not the ones that ship with ModelCompose."""
        named = next((one.verdict.policy for one in reversed(self.chapters) if one.verdict and one.verdict.policy), "")
        return (named or self.analysis.policy) if self.analysis.policy else ""

    @property
    def results(self) -> list[dict[str, str]]:
        """The quantities of the answer: name, median, interval, and what is said of their direction."""
        details = self.details("answer")
        numbers = details.get("effects") or {}
        return [_result(row, numbers.get(row.get("quantity")) or {}) for row in details.get("Results") or []]

    @property
    def interval(self) -> str:
        return f"{self.analysis.ci_prob:.0%} interval"

    @property
    def equation(self) -> list[str]:
        """The equation in LaTeX, line by line."""
        lines = str(self.details("model").get("equation", "")).split(r"\\")
        return [line.strip() for line in lines if line.strip()]

    @property
    def formula(self) -> str:
        return str(self.details("model").get("formula") or "; ".join(self.analysis.formula_parts))

    @property
    def parameters(self) -> str:
        """Every choice as the line of Python that makes it."""
        choices = self.analysis.model_dump()
        return "\n".join(f"{name} = {literal(value, len(name) + 3)}" for name, value in choices.items())

    @property
    def outdated(self) -> bool:
        """Whether the posterior may belong to other data or another model than the notebook now has."""
        return any(one.state.stale for one in self.chapters if one.id in COMPUTED)


def read(nb: Mapping[str, Any], *, title: str | None = None, run: Mapping[str, Any] | None = None) -> Story:
    """Read an executed notebook.

    Parameters
    ----------
    nb
        A notebook in nbformat 4's form, with its outputs.
    title
        The heading; by default the run's name, or what was asked.
    run
        What is known of the run that executed it: ``name``, ``id``, ``status``, ``message``, ``started``, ``ended``,
        ``notebook``, ``git_commit``, ``versions``, and ``plan`` with ``plan`` and ``deviations``; each is optional.

    Raises
    ------
    InvalidInput
        When it has no choices that can be read, or has not been run.
    """
    analysis = Analysis.read(nb)
    states = steps_in(nb)
    if not any(state.verdict for state in states):
        raise InvalidInput(
            "the notebook holds no verdicts to publish", where="notebook", remedy="Run it first, then publish it."
        )
    known = {**dict.fromkeys(KNOWN), **(run or {})}
    chapters = tuple(Chapter(state, _code(nb, state.step.id)) for state in states)
    return Story(
        analysis=analysis,
        chapters=chapters,
        other_code=tuple(_other_code(nb)),
        banners=tuple(_banners(nb, chapters, known)),
        title=title or str(known.get("name") or "") or f"An analysis of {analysis.outcome}",
        python=str(nb.get("metadata", {}).get("language_info", {}).get("version", "")),
        run=known,
        lineage=Lineage.read(nb),
    )


def _code(nb: Mapping[str, Any], step: str) -> str:
    own = [cell for cell in nb["cells"] if cell["cell_type"] == "code" and step_of(cell) == step]
    return "\n\n".join(source_of(cell) for cell in own)


def _other_code(nb: Mapping[str, Any]) -> Iterator[str]:
    """Yield the code that belongs to no step and is not the choices, such as cells somebody added."""
    for cell in nb["cells"]:
        tags = cell.get("metadata", {}).get("tags") or []
        choices = {"parameters", "injected-parameters"} & set(tags)
        if cell["cell_type"] == "code" and not step_of(cell) and not choices and source_of(cell).strip():
            yield source_of(cell)


def _banners(nb: Mapping[str, Any], chapters: tuple[Chapter, ...], run: Mapping[str, Any]) -> Iterator[Banner]:
    """Say what stands against the answer, the gravest first."""
    error = _error(nb)
    if error:
        yield Banner("fail", "The notebook did not run to its end.", error)
    elif run.get("status") in ("error", "stopped", "cancelled"):
        yield Banner("fail", "The run did not come to its end by itself.", str(run.get("message", "")))
    failed = [one for one in chapters if one.gate == "fail"]
    if failed:
        yield Banner("fail", "A check failed: do not rely on the numbers.", _sentences(failed))
    if not any(one.id == "answer" and one.verdict for one in chapters):
        yield Banner("fail", "There is no answer.", "The notebook has not come to its last step.")
    for one in chapters:
        if one.verdict and one.verdict.waived:
            by, when = one.verdict.waived.by, one.verdict.waived.when[:10]
            title = f"Waived by {by}{f' on {when}' if when else ''}: a check that failed."
            reason = one.verdict.waived.reason.rstrip(".")
            yield Banner("warn", title, f"Because: {reason}. What failed: {_sentences([one])}")
    stale = [one for one in chapters if one.state.stale]
    if stale:
        text = f"The notebook changed after these steps had run: {_titles(stale)}. Run it again."
        yield Banner("warn", "Out of date.", text)
    partial = [one for one in chapters if one.verdict and one.verdict.partial]
    if partial:
        text = "Sampling was stopped before all draws were made; the results rest on fewer draws than asked for."
        yield Banner("warn", "Partial result.", text)
    warned = [one for one in chapters if one.status == "warn"]
    if warned:
        yield Banner("warn", "Provisional: a check gave a warning.", _sentences(warned))
    edited = [one for one in chapters if one.state.edited]
    if edited:
        text = f"The code of these steps is no longer as it was composed: {_titles(edited)}. It stands below."
        yield Banner("warn", "Edited by hand.", text)


def _error(nb: Mapping[str, Any]) -> str:
    for cell in nb["cells"]:
        for output in cell.get("outputs", []):
            if output.get("output_type") == "error" and output.get("ename") != "GateFailed":
                return f"{output.get('ename', '')}: {str(output.get('evalue', ''))[:600]}"
    return ""


def _sentences(chapters: list[Chapter]) -> str:
    return " ".join(f"{one.verdict.title} {one.verdict.sentence}" for one in chapters if one.verdict)


def _titles(chapters: list[Chapter]) -> str:
    return ", ".join(f"“{one.state.step.title}”" for one in chapters)


def _led(row: Mapping[str, Any]) -> dict[str, Any]:
    """Put what a row is about first; a notebook file keeps names in the order of the alphabet."""
    names = [name for name in LEADING if name in row]
    return {name: row[name] for name in [*names, *(name for name in row if name not in names)]}


def _result(row: Mapping[str, Any], numbers: Mapping[str, Any]) -> dict[str, str]:
    name = str(row.get("quantity", ""))
    shown = {"quantity": name[:1].upper() + name[1:], "direction": str(row.get("direction", ""))}
    if "median" in row and "interval" in row:
        return {**shown, "median": str(row["median"]), "interval": str(row["interval"])}
    try:
        median, lower, upper, sd = (float(numbers[name]) for name in ("median", "lower", "upper", "sd"))
    except (KeyError, TypeError, ValueError):
        return {**shown, "median": str(row.get("in words", "")), "interval": ""}
    return {**shown, "median": number(median, sd), "interval": f"{number(lower, sd)} to {number(upper, sd)}"}


@cache
def environment() -> Environment:
    """Return the templates; whatever they are given is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["picture"] = _data_uri
    found.filters["literal"] = literal
    found.globals.update(
        MARKS=MARKS, WORDS=WORDS, ROUND_MARKS=ROUND_MARKS, ROUND_WORDS=ROUND_WORDS, DEPTHS=DEPTHS, FOR=FOR, worst=_worst
    )
    return found


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _worst(banners: tuple[Banner, ...]) -> Status:
    return worst(banner.level for banner in banners)
