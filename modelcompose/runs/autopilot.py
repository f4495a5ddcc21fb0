"""Autopilot: a run whose checks fail takes the most promising remedy, runs again what became stale, and goes on.

Every round is a run of its own, so that it has its record, its notebook and its events; steps that a change does not
reach are taken from the step cache. The run that somebody started is the first round: it lasts until the last round
has ended, hears the events of all of them, and shows the lineage as it grows.

Autopilot changes only how the question is answered. What is asked, which data answer it, and by which rules it is
judged are left to people: no row is dropped, no threshold loosened and no failure waived by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from modelcompose.analysis import Analysis, paths_from
from modelcompose.errors import Conflict, ModelComposeError
from modelcompose.runs.engine import Control
from modelcompose.runs.events import EventLog
from modelcompose.runs.execute import execute
from modelcompose.runs.files import read_json, write_json
from modelcompose.runs.notebook import SOURCE, read_executed
from modelcompose.runs.queue import Terms
from modelcompose.runs.run import Run, RunStatus, verdicts_in
from modelcompose.runs.store import DIED, LINEAGE, RunStore
from modelcompose.verdict import Verdict

if TYPE_CHECKING:
    from modelcompose.workflow.lineage import Ending, Lineage, Round, Way

__all__ = ["Prepare", "Ready", "autopilot"]

WAY = "way.json"
NAMED = 4
"""How many checks or remedies a sentence names before it says that there are more."""


@dataclass(frozen=True)
class Ready:
    """A notebook ready to be run: without outputs, its choices settled, and its table's name and hash."""

    nb: Mapping[str, Any]
    analysis: Analysis
    data: str
    sha256: str = ""


Prepare = Callable[[Mapping[str, Any], Mapping[str, Any], str], Ready]
"""Applies changes to a notebook that stands at a path; raises Conflict when a hand-edited cell would have to change."""


def autopilot(
    store: RunStore,
    run_id: str,
    rounds: int,
    prepare: Prepare,
    on_event: Callable[[dict[str, Any]], object] | None = None,
    *,
    control: Control | None = None,
) -> Run:
    """Execute a run that was created, and then one remedy after the other, until all checks pass or nothing helps.

    Parameters
    ----------
    store, run_id, on_event, control
        As for ``execute``. A stop ends the round that is running, as it would end a run, and with it the chain.
    rounds
        How many remedies to try at most.
    prepare
        Applies changes to a notebook.

    Returns
    -------
    Run
        The run that was started, whose ``lineage`` names the best round and says why there are no more.

    Raises
    ------
    NotFound, Conflict
        As for ``execute``.
    """
    chain = _Chain(store, run_id, rounds, prepare, on_event, control or Control())
    return execute(store, run_id, on_event, control=chain.control, afterwards=chain.follow)


@dataclass(frozen=True)
class _Tried:
    """A round with all that the next one is made from."""

    round: Round
    ending: Ending
    source: Mapping[str, Any]


class _Chain:
    """The rounds that follow the first one."""

    def __init__(
        self,
        store: RunStore,
        run_id: str,
        rounds: int,
        prepare: Prepare,
        on_event: Callable[[dict[str, Any]], object] | None,
        control: Control,
    ) -> None:
        self.store = store
        self.run_id = run_id
        self.rounds = rounds
        self.prepare = prepare
        self.on_event = on_event
        self.control = control
        self.log = EventLog(store.folder(run_id))
        self.tried: set[str] = set()
        self.hindered: dict[str, None] = {}
        self.used = 0
        self.unfinished: list[str] = []
        """The runs of rounds that an earlier process has not brought to an end."""
        self.lineage: Lineage
        self.best: _Tried

    def follow(self, status: RunStatus, message: str) -> str:
        """Go on from the first round, whose cells have ended; return what to say of the run in the end."""
        run = self.store.get(self.run_id)
        with paths_from((self.store.workspace / run.notebook).parent):
            self._begin(run, status)
            try:
                sentence = self._mended(run)
            except Exception as error:  # the rounds so far are kept, whatever went wrong between them
                sentence = f"Stopped: autopilot broke off with {type(error).__name__}: {error}"
        self.lineage = self.lineage.ended(sentence)
        self.store.write_lineage(self.run_id, self.lineage.model_dump(mode="json"))
        best = self.best.round
        told = f"{message} Autopilot {sentence[0].lower()}{sentence[1:]}"
        if best.run == self.run_id:
            return told
        self.store.write_lineage(best.run, self.lineage.model_dump(mode="json"))
        return f"{told} Round {best.id} (run {best.run[:8]}) is the best."

    def _begin(self, run: Run, status: RunStatus) -> None:
        """Enter the first round, or the rounds that an earlier process had brought to an end."""
        from modelcompose.workflow.lineage import Lineage

        if (kept := self._kept()) is not None:
            self._go_on(kept, run, status)
            return
        analysis = self._analysis(run.id)
        nb = read_executed(self.store.folder(run.id))
        earlier = Lineage.read(nb) or Lineage()
        self.lineage = earlier.model_copy(update={"stopped": ""})
        entered = self._entered(run.id, analysis, status, _seconds(self.log.read()), parent=self._latest(earlier))
        self.best = entered
        self.tried.add(_key(analysis))
        self._record(entered, best=True)

    def _kept(self) -> Lineage | None:
        """Return the lineage of this chain as an earlier process has left it; None when this is the first."""
        from modelcompose.workflow.lineage import Lineage

        told = read_json(self.store.folder(self.run_id) / LINEAGE)
        kept = Lineage.model_validate(told) if told else None
        return kept if kept and any(one.run == self.run_id for one in kept.rounds) else None

    def _go_on(self, kept: Lineage, run: Run, status: RunStatus) -> None:
        """Take up a chain that was stopped or whose process died: rounds that had ended stay as they are."""
        from modelcompose.workflow.lineage import Ending

        runs = [one.run for one in kept.rounds]
        at = runs.index(self.run_id)
        self.lineage = kept.model_copy(update={"rounds": kept.rounds[:at], "stopped": ""})
        analysis = self._analysis(run.id)
        self.best = self._entered(
            run.id, analysis, status, _seconds(self.log.read()), parent=kept.rounds[at].parent, id=kept.rounds[at].id
        )
        self.tried.add(_key(analysis))
        self._record(self.best, best=True)
        for one in kept.rounds[at + 1 :]:
            if self._broken_off(one.run):
                continue
            folder = self.store.folder(one.run)
            analysis = self._analysis(one.run)
            self.tried.add(_key(analysis))
            self.used += 1
            ending = Ending(analysis, _last_verdicts(folder), one.status)
            tried = _Tried(one, ending, json.loads((folder / SOURCE).read_text("utf-8")))
            self.lineage = self.lineage.with_round(one, best=one.id == kept.best)
            self.best = tried if one.id == kept.best else self.best
        self.store.write_lineage(self.run_id, self.lineage.model_dump(mode="json"))
        begun = [str(event["run"]) for event in self.log.read() if event["type"] == "round"]
        done = {one.run for one in self.lineage.rounds}
        self.unfinished = [one for one in dict.fromkeys(begun) if one not in done and self._broken_off(one)]

    def _broken_off(self, run_id: str) -> bool:
        """Tell whether a round did not come to its end: it was stopped, or its process died."""
        round = self.store.get(run_id)  # noqa: A001
        return round.status == "stopped" or (round.status == "error" and round.message == DIED)

    @staticmethod
    def _latest(earlier: Lineage) -> str:
        """Name the round of an earlier lineage that the notebook stands at: the last that somebody took."""
        return earlier.rounds[-1].id if earlier.rounds else ""

    def _mended(self, run: Run) -> str:
        """Take remedies while there are any; say why there are no more rounds."""
        while not self.control.stopping and self.unfinished:
            self._take_up(self.unfinished.pop(0))
        while not self.control.stopping:
            if self.best.ending.passes:
                return self._passed()
            found = self._next(run) if self.used < self.rounds else None
            if found is None:
                return self._given_up(self.used)
            if self.control.stopping:
                break
            way, ready = found
            self._take(run, way, ready)
        return f"Stopped by {self.control.by} in round {self.lineage.rounds[-1].id}; what was done is kept."

    def _next(self, run: Run) -> tuple[Way, Ready] | None:
        """Find the first remedy of the best round that was not tried, and make its notebook ready."""
        from modelcompose.workflow.lineage import ways_out

        self.hindered.clear()
        for way in ways_out(self.best.ending):
            label = f"“{way.remedy.label}”"
            if way.personal:
                self.hindered[f"{label} is for a person to decide."] = None
                continue
            try:
                ready = self.prepare(self.best.source, way.remedy.changes, run.notebook)
            except Conflict:
                self.hindered[f"{label} would change a cell that was edited by hand."] = None
                continue
            except ModelComposeError as error:
                self.hindered[f"{label} cannot be taken: {error.message}."] = None
                continue
            if _key(ready.analysis) not in self.tried:
                return way, ready
        return None

    def _take(self, run: Run, way: Way, ready: Ready) -> None:
        """Run the notebook with a remedy, and build upon it if it is better than the best so far."""
        number = self.lineage.next_id
        self.tried.add(_key(ready.analysis))
        child = self.store.create(
            ready.nb,
            name=f"{run.name}-round-{number}",
            notebook_path=run.notebook,
            analysis=ready.analysis,
            data=ready.data,
            parent=self.run_id,
            here=True,
            terms=self._terms(),
        )
        origin = self.best.round.id
        told = {"id": number, "origin": origin, "step": way.step, "remedy": way.remedy.model_dump(mode="json")}
        write_json(self.store.folder(child.id) / WAY, told)
        self._run(child.id, number, way, ready.analysis, origin)

    def _terms(self) -> Terms:
        """Return what holds for every round as it does for the first: where its fits are spread over."""
        place = self.store.queue.place(self.run_id)
        return Terms(cluster=place.terms.cluster if place else "")

    def _take_up(self, run_id: str) -> None:
        """Go on with a round that did not come to its end, under its id."""
        from modelcompose.verdict import Remedy
        from modelcompose.workflow.lineage import Way

        told = read_json(self.store.folder(run_id) / WAY)
        if told is None or told["origin"] not in {one.id for one in self.lineage.rounds}:
            return
        analysis = self._analysis(run_id)
        self.tried.add(_key(analysis))
        way = Way(told["step"], Remedy.model_validate(told["remedy"]), personal=False)
        self.store.reopen(run_id, here=True)
        self._run(run_id, told["id"], way, analysis, told["origin"])

    def _run(self, run_id: str, number: str, way: Way, analysis: Analysis, origin: str) -> None:
        """Execute a round that was made from round ``origin``."""
        from modelcompose.workflow.lineage import better

        remedy = way.remedy
        self.used += 1
        self._tell("round", id=number, label=remedy.label, why=remedy.why, step=way.step, run=run_id)
        begun = monotonic()

        def ended(status: RunStatus, message: str) -> str:
            tried = self._entered(run_id, analysis, status, monotonic() - begun, way, origin, number)
            improved = status not in {"stopped", "cancelled"} and better(tried.ending, self.best.ending, way.step)
            self._record(tried, best=improved)
            self.store.write_lineage(run_id, self.lineage.model_dump(mode="json"))
            self.best = tried if improved else self.best
            return message

        own = Control()
        with self.control.attached(own.stop, own.abort):
            if self.control.stopping:  # asked while the round was made ready
                own.stop()
            execute(self.store, run_id, lambda event: self._forward(number, event), control=own, afterwards=ended)
        self.control.stopping |= own.stopping

    def _entered(
        self,
        run_id: str,
        analysis: Analysis,
        status: RunStatus,
        seconds: float,
        way: Way | None = None,
        parent: str = "",
        id: str = "",  # noqa: A002
    ) -> _Tried:
        """Describe a round whose cells have ended."""
        from modelcompose.workflow.lineage import Ending, Round, changes_between

        folder = self.store.folder(run_id)
        verdicts = _last_verdicts(folder)
        ending = Ending(analysis, verdicts, status)
        predicted = ending.predicted()
        origin = self.best.ending.predicted() if way else None
        gain = predicted.above(origin) if predicted and origin else None
        taken = {"label": way.remedy.label, "why": way.remedy.why, "cost": way.remedy.cost} if way else {}
        one = Round.model_validate(
            {
                "id": id or self.lineage.next_id,
                "parent": parent,
                **taken,
                "step": way.step if way else "",
                "changes": way.remedy.changes if way else {},
                "model": analysis.model,
                "formula": "; ".join(analysis.formula_parts),
                "verdicts": {verdict.step: verdict.gate for verdict in verdicts},
                "findings": changes_between(self.best.ending.verdicts if way else (), verdicts),
                "elpd": predicted.elpd if predicted else None,
                "elpd_se": predicted.se if predicted else None,
                "gain": gain[0] if gain else None,
                "gain_se": gain[1] if gain else None,
                "seconds": round(seconds, 1),
                "status": status,
                "run": run_id,
            }
        )
        return _Tried(one, ending, json.loads((folder / SOURCE).read_text("utf-8")))

    def _record(self, tried: _Tried, *, best: bool) -> None:
        self.lineage = self.lineage.with_round(tried.round, best=best)
        self.store.write_lineage(self.run_id, self.lineage.model_dump(mode="json"))
        self._tell("lineage", id=tried.round.id, status=tried.round.status, best=self.lineage.best)

    def _analysis(self, run_id: str) -> Analysis:
        return Analysis.of(json.loads((self.store.folder(run_id) / "analysis.json").read_text("utf-8")))

    def _forward(self, number: str, event: Mapping[str, Any]) -> None:
        """Tell an event of a round in the log of the first one, which goes on when a round ends."""
        content = {name: value for name, value in event.items() if name not in ("n", "time", "type")}
        if event["type"] not in ("claimed", "resume", "end"):
            self._tell(event["type"], **content, round=number)

    def _tell(self, kind: str, **content: Any) -> None:
        event = self.log.append(kind, **content)
        if self.on_event is not None:
            self.on_event(event)

    def _passed(self) -> str:
        changes = len([one for one in self.lineage.path() if one.changes])
        return f"Stopped: all checks pass {_after(changes)}."

    def _given_up(self, used: int) -> str:
        ending = self.best.ending
        if ending.status == "error":
            return "Stopped: the notebook broke off with an error, for which no check offers a remedy."
        changes = len([one for one in self.lineage.path() if one.changes])
        failing = ending.titles("fail")
        left = _named(failing or ending.titles("warn"))
        if used >= self.rounds:
            now = f"what fails still: {left}" if failing else f"nothing fails {_after(changes)}, with warnings: {left}"
            return f"Stopped: {_rounds(used)} {'is' if used == 1 else 'are'} used up; {now}."
        why = " ".join(list(self.hindered)[:NAMED])
        if failing:
            return f"Stopped: no remedy is left for: {left}. {why}".rstrip()
        return (
            f"Stopped: nothing fails {_after(changes)}; no promising remedy is left for the warnings: {left}. {why}"
        ).rstrip()


def _last_verdicts(folder: Path) -> tuple[Verdict, ...]:
    """Return the last verdict of each step of a run, in the order of the steps."""
    return tuple({one.step: one for one in verdicts_in(read_executed(folder))}.values())


def _key(analysis: Analysis) -> str:
    return json.dumps(analysis.model_dump(mode="json"), sort_keys=True)


def _seconds(events: list[dict[str, Any]]) -> float:
    """Say how long a run's events took."""
    from datetime import datetime

    times = [datetime.fromisoformat(event["time"]) for event in events if event["type"] in ("step", "verdict")]
    return (times[-1] - times[0]).total_seconds() if times else 0.0


def _after(changes: int) -> str:
    if changes == 0:
        return "as it is"
    return f"after {changes} change{'s' if changes > 1 else ''}"


def _rounds(number: int) -> str:
    return "the one round" if number == 1 else f"all {number} rounds"


def _named(names: list[str]) -> str:
    distinct = list(dict.fromkeys(names))
    more = f" and {len(distinct) - NAMED} more" if len(distinct) > NAMED else ""
    return f"{', '.join(distinct[:NAMED])}{more}"
