"""A run on the terminal: bars where somebody looks on, plain lines elsewhere, and a run followed to its end."""

from __future__ import annotations

import io
import json

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from rich.console import Console

from modelcompose import cli
from modelcompose.analysis import Analysis
from modelcompose.cli.progress import Progress, duration
from modelcompose.runs import EventLog, RunStore

CHAIN = {"draws": 450, "total": 600, "tuning": False, "divergences": 2, "step_size": 0.8125}
VERDICT = {"step": "sampling", "title": "[bold]Good?[/]", "status": "fail", "sentence": "No.", "waived": True}
EVENTS = [
    {"type": "run", "run": "x"},
    {"type": "step", "step": "data", "state": "cached", "index": 1, "count": 3},
    {"type": "step", "step": "fit", "state": "started", "index": 2, "count": 3},
    {
        "type": "sampling",
        "finished": 900,
        "total": 1200,
        "divergences": 2,
        "left": 95.0,
        "seconds": 12.0,
        "chains": [CHAIN, {**CHAIN, "tuning": True, "divergences": 0}],
        "agreement": [{"name": "mu", "rhat": 1.013, "ess": 400}],
    },
    {"type": "paused", "finished": 900, "total": 1200, "seconds": 12.0},
    {"type": "continued", "finished": 900, "total": 1200, "seconds": 12.0},
    {"type": "step", "step": "fit", "state": "done", "index": 2, "count": 3},
    {"type": "verdict", **VERDICT},
    {"type": "something new", "of": "tomorrow"},
    {"type": "end", "status": "warned", "message": "Well."},
]


def shown(*, terminal, events=EVENTS):
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=140, color_system=None)
    with Progress(console) as progress:
        for event in events:
            progress.show(event)
            progress._bars.refresh()
    return out.getvalue()


def test_plain_lines_tell_stages_sampling_verdicts_and_the_end():
    lines = shown(terminal=False).splitlines()
    assert lines == [
        "[1/3] data taken over from an earlier run",
        "[2/3] fit started",
        "  900 of 1200 draws, 2 divergences, R-hat 1.01, about 2 min left",
        "  paused at 900 of 1200 draws",
        "  goes on",
        "[2/3] fit done",
        "! [bold]Good?[/] Failed, but waived. No.",
        "! warned  Well.",
    ]


def test_plain_lines_are_few_while_sampling():
    some = [{**EVENTS[3], "seconds": seconds / 5, "finished": 2 * seconds} for seconds in range(500)]
    lines = shown(terminal=False, events=[EVENTS[2], *some]).splitlines()
    assert 9 <= len(lines) - 1 <= 11


def test_a_terminal_shows_each_chain():
    found = shown(terminal=True)
    assert "chain 1" in found
    assert "450/600, 2 divergences, step 0.812" in found
    assert "450/600, warming up, step 0.812" in found
    assert "about 2 min left" in found
    assert "[bold]Good?[/]" in found


@pytest.mark.parametrize(("seconds", "said"), [(3.2, "3 s"), (200, "3 min"), (9000, "2.5 h")])
def test_times_are_spelled(seconds, said):
    assert duration(seconds) == said


def test_a_run_is_followed_to_its_end(tmp_path, monkeypatch, capsys):
    store = RunStore(tmp_path)
    parameters = new_code_cell('data = "t.csv"', metadata={"tags": ["parameters"]})
    run = store.create(
        new_notebook(cells=[parameters]), name="followed", notebook_path="a.ipynb", analysis=Analysis(), here=True
    )
    log = EventLog(store.folder(run.id))
    for event in EVENTS[1:-1]:
        log.append(**event)
    store.finish(run.id, status="failed", message="Oh.")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["runs", "follow", run.id[:12]]) == 1
    assert "✗ failed  Oh." in capsys.readouterr().out
    assert cli.main(["runs", "follow", "followed", "--json", "--since", "3"]) == 1
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["n"] for event in told] == list(range(4, told[-1]["n"] + 1))
    assert (told[-1]["type"], told[-1]["status"]) == ("end", "failed")
    assert cli.main(["runs", "follow", "nope", "--json"]) == 3
