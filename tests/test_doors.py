"""Parity of the doors: every verb of the workbench can be reached from the command line and over REST."""

from __future__ import annotations

import inspect
import json

import pytest

from modelcompose import Workbench, cli
from modelcompose.server import ROUTES

VERBS = {name for name, _ in inspect.getmembers(Workbench, inspect.isfunction) if not name.startswith("_")}
ONLY_HERE = {"run"}  # waits until the run has ended; over REST one starts it and follows its events


def test_rest_reaches_every_verb():
    assert {route.verb for route in ROUTES} == VERBS - ONLY_HERE


def test_the_command_line_reaches_every_verb():
    assert set(cli.VERBS.values()) == VERBS


def test_every_command_named_for_a_verb_exists(capsys):
    for command in cli.VERBS:
        with pytest.raises(SystemExit) as stopped:
            cli.main([*command.split(), "--help"])
        assert stopped.value.code == 0
        assert "--workspace" in capsys.readouterr().out


def test_every_verb_says_what_it_does():
    for name in VERBS:
        assert inspect.getdoc(getattr(Workbench, name)).splitlines()[0].endswith((".", ":")), name


def test_requests_name_arguments_that_the_verb_has():
    for route in ROUTES:
        parameters = list(inspect.signature(getattr(Workbench, route.verb)).parameters)[1:]
        places = route.path.count("(")
        fields = set(route.request.model_fields) - {"wait"}
        assert fields <= set(parameters[places:]), route


@pytest.mark.parametrize(
    ("command", "verb", "arguments"),
    [
        (["schema"], "schema", ()),
        (["samples"], "samples", ()),
        (["describe", "data/sleepstudy.csv", "--json"], "describe", ({"data": "data/sleepstudy.csv"},)),
        (
            [
                "models",
                "recommend",
                "data/sleepstudy.csv",
                "--question",
                "effect",
                "--outcome",
                "Reaction",
                "--predictors",
                "Days",
                "--json",
            ],
            "recommend",
            ({"data": "data/sleepstudy.csv", "question": "effect", "outcome": "Reaction", "predictors": ["Days"]},),
        ),
        (["runs", "ls", "--json"], "list_runs", ()),
    ],
)
def test_the_command_line_says_what_python_says(workspace, monkeypatch, capsys, command, verb, arguments):
    monkeypatch.chdir(workspace)
    assert cli.main(command) == 0
    assert json.loads(capsys.readouterr().out) == getattr(Workbench(workspace), verb)(*arguments)
