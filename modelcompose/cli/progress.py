"""A run on the terminal: its stages, its chains while they draw, its verdicts; plain lines where nobody looks on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["MARKS", "Progress", "duration", "judged"]

MARKS = {
    "pass": "✓",
    "warn": "!",
    "fail": "✗",
    "info": "·",
    "passed": "✓",
    "warned": "!",
    "failed": "✗",
    "error": "✗",
    "stopped": "■",
    "cancelled": "■",
}
STYLES = {"✓": "green", "!": "yellow", "✗": "red"}
EVERY = 10.0  # seconds between two plain lines about sampling


class Progress:
    """Shows the events of a run.

    Parameters
    ----------
    console
        Where to; by default standard output. On a terminal bars move; elsewhere a line is printed for each stage, each
        verdict, and about every ten seconds of sampling.
    """

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bars

        self._console = console or Console()
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._stage: Any = None
        self._chains: list[Any] = []
        self._told = -EVERY

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()

    def show(self, event: Mapping[str, Any]) -> None:
        """Show one event; what nobody needs to see is passed over."""
        shower = getattr(self, f"_show_{event['type']}", None)
        if shower is not None:
            shower(event)

    def _show_step(self, event: Mapping[str, Any]) -> None:
        place = f"[{event['index']}/{event['count']}] {event['step']}"
        self._drop()
        if event["state"] == "started":
            self._stage = self._bars.add_task(_escaped(place), total=None, note="")
        if not self._console.is_terminal or event["state"] in ("cached", "failed"):
            self._print(f"{place} {'taken over from an earlier run' if event['state'] == 'cached' else event['state']}")

    def _show_verdict(self, event: Mapping[str, Any]) -> None:
        line = judged(event)
        self._print(line, STYLES.get(line[:1], ""))

    def _show_sampling(self, event: Mapping[str, Any]) -> None:
        if not self._console.is_terminal:
            seconds = float(event.get("seconds") or 0.0)
            whole = event["total"] and event["finished"] >= event["total"]
            if seconds - self._told >= EVERY or (whole and self._told > -EVERY):
                self._told = float("inf") if whole else seconds
                self._print(f"  {_drawn(event)}")
            return
        if self._stage is None:
            return
        self._bars.update(
            self._stage, total=event["total"] or None, completed=event["finished"], note=_escaped(_drawn(event))
        )
        chains = event.get("chains") or []
        while len(self._chains) < len(chains):
            self._chains.append(self._bars.add_task(f"  chain {len(self._chains) + 1}", total=None, note=""))
        for task, chain in zip(self._chains, chains, strict=False):
            self._bars.update(
                task, total=chain.get("total"), completed=chain.get("draws", 0), note=_escaped(_of_chain(chain))
            )

    def _show_paused(self, event: Mapping[str, Any]) -> None:
        self._print(f"  paused at {event['finished']} of {event['total']} draws")

    def _show_continued(self, _event: Mapping[str, Any]) -> None:
        self._print("  goes on")

    def _show_cluster(self, event: Mapping[str, Any]) -> None:
        self._print(f"  {event['elsewhere']} of {event['pieces']} pieces were done on the cluster {event['address']}")
        if event["problem"]:
            self._print(f"  {event['problem']}; what was left was done here")

    def _show_round(self, event: Mapping[str, Any]) -> None:
        self._drop()
        self._print(f"Round {event['id']}: {event['label']}. {event['why']}", "bold")

    def _show_end(self, event: Mapping[str, Any]) -> None:
        self._drop()
        line = f"{MARKS.get(event['status'], ' ')} {event['status']}"
        self._print(f"{line}  {event['message']}" if event.get("message") else line, "bold")

    def _print(self, line: str, style: str = "") -> None:
        from rich.text import Text

        self._console.print(Text(line, style=style), soft_wrap=not self._console.is_terminal)

    def _drop(self) -> None:
        for task in [*self._chains, *([] if self._stage is None else [self._stage])]:
            self._bars.remove_task(task)
        self._chains, self._stage, self._told = [], None, -EVERY


def judged(verdict: Mapping[str, Any]) -> str:
    """Say a verdict in a line; a failure that was waived counts as a warning."""
    waived = verdict.get("waived", False)
    mark = MARKS["warn"] if waived else MARKS.get(verdict["status"], " ")
    words = "Failed, but waived. " * waived + "Partial. " * verdict.get("partial", False)
    return f"{mark} {verdict['title']} {words}{verdict['sentence']}"


def duration(seconds: float) -> str:
    """Spell a time as a person would."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _drawn(event: Mapping[str, Any]) -> str:
    left = event.get("left")
    worst = [one for one in event.get("agreement") or [] if one.get("rhat") is not None]
    agreement = f", R-hat {max(one['rhat'] for one in worst):.2f}" if worst else ""
    return (
        f"{event['finished']} of {event['total']} draws, {event['divergences']} divergences{agreement}"
        f"{'' if left is None else f', about {duration(left)} left'}"
    )


def _of_chain(chain: Mapping[str, Any]) -> str:
    step = chain.get("step_size")
    parts = [
        f"{chain.get('draws', 0)}/{chain.get('total', '?')}",
        *(["warming up"] if chain.get("tuning") else []),
        *([f"{chain['divergences']} divergences"] if chain.get("divergences") else []),
        *([f"step {step:.3g}"] if step else []),
    ]
    return ", ".join(parts)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
