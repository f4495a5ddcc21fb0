"""Checklist: the field's reporting checklists, filled in from what the steps before have shown.

WAMBS asks ten questions on when to worry (Depaoli and van de Schoot 2017, doi:10.1037/met0000065); BARG says in six
steps what a report of a Bayesian analysis holds (Kruschke 2021, doi:10.1038/s41562-021-01177-7). The items stand here
in our own words. None is ticked without the verdict that shows it, and what only a person can do is said to be theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from modelcompose.verdict import Finding, Verdict
from modelcompose.workflow import results, words
from modelcompose.workflow.steps import conclude, step

if TYPE_CHECKING:
    from modelcompose.analysis import Analysis

State = Literal["done", "partly", "not done", "not applicable", "yours"]
SAID: Mapping[State, str] = {
    "done": "done",
    "partly": "partly",
    "not done": "not done",
    "not applicable": "not applicable",
    "yours": "for you to do",
}


@dataclass(frozen=True)
class Filled:
    """One item as it stands: its state, the evidence in a sentence, and the step that shows it."""

    state: State
    evidence: str
    step: str = ""


@dataclass(frozen=True)
class Evidence:
    """What the steps of this session have shown, under the choices as they are."""

    analysis: Analysis
    verdicts: Mapping[str, Verdict]

    def shown(self, name: str, said: str = "", *, on: bool = True) -> Filled:
        """Tick an item that asks to report something, when the step that reports it was judged."""
        verdict = self.verdicts.get(name)
        if verdict is None:
            return Filled("not done", f"The step “{step(name).title}” was not run.", name)
        if not on:
            return Filled("not done", f"Switched off: {verdict.sentence}", name)
        if verdict.status == "fail":
            return Filled("partly", f"Looked at, with a {_word(verdict)}: {verdict.sentence}", name)
        return Filled("done", said or verdict.sentence, name)

    def passed(self, name: str, *rules: str, on: bool = True) -> Filled:
        """Tick an item that asks whether something is so, when the findings of its rules passed."""
        entry = self.shown(name, on=on)
        if entry.state != "done":
            return entry
        verdict = self.verdicts[name]
        found = [one for one in verdict.findings if not rules or one.rule in rules]
        if rules and not found:
            return Filled("not done", f"The step “{step(name).title}” says nothing of it.", name)
        bad = [one for one in found if one.status in ("warn", "fail")]
        if not rules and verdict.status == "warn":
            return Filled("partly", f"Looked at, with a {_word(verdict)}: {verdict.sentence}", name)
        if bad:
            return Filled("partly", f"Looked at, but not as it should be: {_listed(bad)}.", name)
        return Filled("done", f"{_listed(found)}." if rules else verdict.sentence, name)


def _word(verdict: Verdict) -> str:
    return "failure that was let pass" if verdict.waived else {"warn": "warning"}.get(verdict.status, "failure")


def _listed(found: Iterable[Finding]) -> str:
    return "; ".join(f"{one.name}: {one.shown}" for one in found)


@dataclass(frozen=True)
class Item:
    """One item of a checklist, in our own words, and how its state follows from the evidence."""

    text: str
    state: Callable[[Evidence], Filled]


def check(analysis: Analysis) -> Verdict:
    """Fill in the checklists from the verdicts of this session.

    An item is done when a step shows it, partly done when the step warned or failed, not done when it was not run;
    some do not apply, and some are the reader's own. The verdict warns when an item is not done, and never fails.
    """
    evidence = Evidence(analysis, results.current(analysis))
    lists = {name: [(item, item.state(evidence)) for item in items] for name, items in CHECKLISTS.items()}
    entries = [entry for rows in lists.values() for _, entry in rows]
    undone = [item.text for rows in lists.values() for item, entry in rows if entry.state == "not done"]
    partly = sum(entry.state == "partly" for entry in entries)
    details: dict[str, Any] = {name: [_row(*one) for one in rows] for name, rows in lists.items()}
    words.require_allowed([item.text for rows in lists.values() for item, _ in rows])
    return conclude(
        "checklist",
        analysis,
        sentence=_sentence(entries),
        findings=[
            Finding(
                name=name,
                status="warn" if any(entry.state == "not done" for _, entry in rows) else "pass",
                value=sum(entry.state == "done" for _, entry in rows),
                shown=_counted([entry for _, entry in rows]),
                threshold="nothing that applies is left undone",
                sentence="Items that are for you to do are not counted as undone.",
                source=SOURCES[name],
            )
            for name, rows in lists.items()
        ],
        details={**details, "What is not done": undone},
        status="info" if not evidence.verdicts else "warn" if undone else "pass" if not partly else "info",
    )


def _row(item: Item, entry: Filled) -> dict[str, str]:
    return {"item": item.text, "status": SAID[entry.state], "evidence": entry.evidence, "step": entry.step}


def _counted(entries: list[Filled]) -> str:
    counts = {said: sum(entry.state == state for entry in entries) for state, said in SAID.items()}
    return ", ".join(f"{count} {said}" for said, count in counts.items() if count)


def _sentence(entries: list[Filled]) -> str:
    undone = sum(entry.state == "not done" for entry in entries)
    yours = sum(entry.state == "yours" for entry in entries)
    asked = len(entries) - sum(entry.state == "not applicable" for entry in entries)
    said = f"Of {asked} items that apply, {_counted([one for one in entries if one.state != 'not applicable'])}."
    if not undone:
        said += " Nothing that this notebook can show is missing."
    return f"{said} Only you can say the {yours} that are left for you." if yours else said


# -- evidence ------------------------------------------------------------------------------------------------------


def _yours(said: str, name: str = "") -> Callable[[Evidence], Filled]:
    return lambda evidence: Filled("yours", said, name if name in evidence.verdicts else "")


def _shown(name: str, said: str = "") -> Callable[[Evidence], Filled]:
    return lambda evidence: evidence.shown(name, said)


def _passed(name: str, *rules: str) -> Callable[[Evidence], Filled]:
    return lambda evidence: evidence.passed(name, *rules)


def _sensitivity(evidence: Evidence) -> Filled:
    return evidence.passed("sensitivity", on=bool(evidence.analysis.rival_priors))


def _wider_priors(evidence: Evidence) -> Filled:
    """Tick when priors wider than those in use were tried."""
    wider = [width for width in evidence.analysis.rival_priors if width > 1]
    entry = evidence.passed("sensitivity", on=bool(wider))
    if entry.state == "not done" and not wider:
        return Filled("not done", "No wider priors were tried: rival_priors holds no width above 1.", "sensitivity")
    return entry


def _understood_priors(evidence: Evidence) -> Filled:
    shown, plausible = (
        evidence.shown("model", "Every prior is listed with its range and its source."),
        evidence.passed("prior"),
    )
    if shown.state != "done" or plausible.state == "not done":
        return shown if shown.state != "done" else plausible
    return Filled(plausible.state, f"{shown.evidence} {plausible.evidence}", "model")


def _twice_as_long(evidence: Evidence) -> Filled:
    """Say honestly that no second, longer run is made; agreeing chains and many effective draws speak to the same."""
    entry = evidence.passed("sampling", "rhat", "ess")
    if entry.state == "not done":
        return entry
    draws = f"To do it, run again with draws = {2 * evidence.analysis.draws}."
    return Filled(
        "partly", f"The chains were compared instead of running twice as long: {entry.evidence} {draws}", "sampling"
    )


def _variances(evidence: Evidence) -> Filled:
    analysis = evidence.analysis
    if not analysis.groups and not analysis.further:
        return Filled(
            "not applicable", "The model has no groups and no further outcomes, so no variances between them."
        )
    return _sensitivity(evidence)


def _computation(evidence: Evidence) -> Filled:
    analysis = evidence.analysis
    said = (
        f"Sampler {analysis.sampler}, {analysis.chains} chains of {analysis.draws} draws after {analysis.tune} for "
        f"warming up, seed {analysis.random_seed}; a report lists the versions of all packages."
    )
    return evidence.shown("fit", said)


def _decision(evidence: Evidence) -> Filled:
    if not evidence.analysis.decision:
        return Filled(
            "not applicable", "No decision was stated.", "decision" if "decision" in evidence.verdicts else ""
        )
    return evidence.shown("decision")


def _range(evidence: Evidence) -> Filled:
    smallest = evidence.analysis.smallest_effect
    if not smallest:
        return Filled("not applicable", "No smallest effect that matters was stated, so no range is used.")
    said = f"Effects below {smallest:g} were stated as too small to matter; why is for you to say."
    return evidence.shown("answer", said)


def _decision_sensitivity(evidence: Evidence) -> Filled:
    analysis = evidence.analysis
    if not analysis.decision and not analysis.smallest_effect:
        return Filled("not applicable", "Nothing is decided by a threshold.")
    return _sensitivity(evidence)


def _reason_to_decide(evidence: Evidence) -> Filled:
    if not evidence.analysis.decision:
        return Filled("not applicable", "No decision was stated.")
    return Filled(
        "yours", "Say who decides, and what hangs on it.", "decision" if "decision" in evidence.verdicts else ""
    )


def _data_at_hand(evidence: Evidence) -> Filled:
    verdict = evidence.verdicts.get("data")
    if verdict is None:
        return evidence.shown("data")
    digest = str(verdict.details.get("sha256", ""))[:12]
    said = f"The table is {evidence.analysis.data}{f', fingerprint {digest}…' if digest else ''}."
    return Filled("done", f"{said} Whether others may have it is for you to settle.", "data")


WAMBS = "WAMBS: ten points on when to worry"
BARG = "BARG: what a report holds"
SOURCES = {
    WAMBS: "Depaoli and van de Schoot 2017, doi:10.1037/met0000065",
    BARG: "Kruschke 2021, doi:10.1038/s41562-021-01177-7",
}

CHECKLISTS: Mapping[str, tuple[Item, ...]] = {
    WAMBS: (
        Item(
            "1. The priors are understood: what they say, where they come from, what they lead to", _understood_priors
        ),
        Item("2. The chains have settled on the same", _passed("sampling", "rhat")),
        Item("3. They still agree when run twice as long", _twice_as_long),
        Item("4. There are enough draws to see the shape of the posterior", _passed("sampling", "ess")),
        Item("5. Neighbouring draws do not repeat each other too much", _passed("sampling", "ess", "bfmi")),
        Item(
            "6. The posterior makes sense for the subject",
            _yours(
                "Simulated data were held against the real ones; whether the sizes make sense, you know.", "posterior"
            ),
        ),
        Item("7. Other priors for variances and correlations lead to the same", _variances),
        Item("8. Much wider priors lead to the same", _wider_priors),
        Item("9. The results are stable when the assumptions are changed", _sensitivity),
        Item("10. The results are said as probabilities of what was asked", _shown("answer")),
    ),
    BARG: (
        Item("Preamble: why a Bayesian analysis", _yours("Say what your readers gain by probabilities of the answer.")),
        Item("Preamble: the goal of the analysis", _shown("question")),
        Item("1A. The columns, their kinds and what is missing", _shown("data")),
        Item("1B. The likelihood and its parameters", _shown("model", "Formula and equation are shown.")),
        Item("1C. The priors, with a reason for each", _shown("model", "Every prior is listed with its source.")),
        Item("1D. A formal specification", _shown("model", "The model's code and equation stand in the notebook.")),
        Item("1E. A prior predictive check", _passed("prior")),
        Item("2A. The software", _computation),
        Item("2B. Evidence that the chains converged", _passed("sampling", "rhat")),
        Item("2C. Evidence of enough independent draws", _passed("sampling", "ess")),
        Item("3A. A posterior predictive check", _passed("posterior")),
        Item("3B. Middle and interval of each quantity", _shown("answer", "Median and interval are given for each.")),
        Item("3C. If models were compared: how, and how clearly", _shown("comparison")),
        Item("4A. Why something is decided at all", _reason_to_decide),
        Item("4B. What is gained and lost by each choice", _decision),
        Item("4C. The range that is too small to matter, and why", _range),
        Item("4D. The estimates beside the decision", _shown("answer", "The answer gives sizes and intervals.")),
        Item("5A. What broader priors change", _wider_priors),
        Item("5B. What other priors in use change", _sensitivity),
        Item("5C. Whether a decision depends on the priors", _decision_sensitivity),
        Item("6A. The notebook holds every step and can be run again", _shown("fit", "The notebook is the analysis.")),
        Item("6B. The data can be had", _data_at_hand),
        Item(
            "6C. Notebook, data and posterior are published", _yours("Publish them where your readers can find them.")
        ),
    ),
}
