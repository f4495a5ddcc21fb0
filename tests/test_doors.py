"""Parity of the doors: every verb of the workbench can be reached from the command line and over REST."""

from __future__ import annotations

import argparse
import inspect
import json

import pytest

from modelcompose import Workbench, cli
from modelcompose.server import ROUTES

VERBS = {name for name, _ in inspect.getmembers(Workbench, inspect.isfunction) if not name.startswith("_")}
ONLY_HERE = {
    "run": "waits until the run has ended; over REST one starts it and follows its events",
    "follow": "lasts as long as the run; over REST one asks for its events, which may wait for more",
}
NOUNS = {
    "data": "stored datasets",
    "models": "the catalogue and models of one's own",
    "plan": "plans locked before the result is seen",
    "registry": "fitted models under names",
    "runs": "what was executed",
}
ALONE = {"lab", "app", "worker", "runs open"}
"""Commands that serve something until they are stopped, and call no verb."""


def test_rest_reaches_every_verb():
    assert {route.verb for route in ROUTES} == VERBS - ONLY_HERE.keys()


def commands(parser, before=()):
    """Walk through all commands: each with its words and its parser."""
    groups = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    if not groups:
        yield " ".join(before), parser
    for name, one in (groups[0].choices if groups else {}).items():
        yield from commands(one, (*before, name))


COMMANDS = dict(commands(cli._parser()))


def test_every_command_calls_a_verb_or_serves_something():
    assert COMMANDS.keys() == cli.VERBS.keys() | ALONE


def test_commands_of_two_words_begin_with_a_noun():
    assert {name.split()[0] for name in COMMANDS if " " in name} == NOUNS.keys()


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - ALONE))
def test_every_command_for_a_verb_takes_a_workspace_and_prints_json(name):
    parser = COMMANDS[name]
    assert {"--workspace", "--json", "--help"} <= {option for one in parser._actions for option in one.option_strings}
    assert parser.description.endswith(".")


@pytest.mark.parametrize(
    ("command", "code", "kind"),
    [
        (["describe", "nope.csv"], 3, "NotFound"),
        (["describe", "../x.csv"], 4, "Forbidden"),
        (["runs", "compare", "a"], 3, "NotFound"),
        (["models", "elicit", "data/sleepstudy.csv", "x", "{"], 2, "InvalidInput"),
    ],
)
def test_errors_have_one_shape_and_an_exit_code_by_kind(workspace, monkeypatch, capsys, command, code, kind):
    monkeypatch.chdir(workspace)
    assert cli.main([*command, "--json"]) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert set(json.loads(told.err)["error"]) == {"type", "message", "where", "remedy"}
    assert json.loads(told.err)["error"]["type"] == kind
    assert cli.main(command) == code
    assert capsys.readouterr().err.startswith("modelcompose: ")


@pytest.mark.parametrize("options", [["--autopilot", "-1"], ["--autopilot", "51"], ["--autopilot", "x"]])
def test_numbers_out_of_bounds_are_refused_by_the_grammar(options, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["run", "x.ipynb", *options])
    assert stopped.value.code == 2
    assert "--autopilot" in capsys.readouterr().err


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
        (["samplers", "--json"], "samplers", ()),
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
