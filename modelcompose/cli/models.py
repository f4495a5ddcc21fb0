"""``modelcompose models …``: the catalogue, priors, views, and models of one's own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from modelcompose.analysis import Analysis
from modelcompose.cli.grammar import choice_options, choices, show_json, show_table, verb, workbench
from modelcompose.errors import InvalidInput

__all__ = ["VERBS", "add"]

VERBS = {
    "models ls": "list_models",
    "models show": "show_model",
    "models recommend": "recommend",
    "models priors": "priors",
    "models elicit": "elicit",
    "models predict": "prior_predictive",
    "models views": "views",
    "models new": "new_model",
    "models check": "check_model",
    "models add": "add_model",
    "models fork": "fork_model",
    "models rm": "remove_model",
    "models adopt": "adopt_model",
}

CHOICES = set(Analysis.model_fields) - {"data"}


def add(commands: Any) -> None:
    """Add the commands."""
    group = commands.add_parser("models", help="choose, look at, change and write models").add_subparsers(
        required=True, metavar="COMMAND"
    )
    verb(group, "ls", _ls, "list the models, and how far each is proven")
    show = verb(group, "show", _show, "show a model's card: purpose, assumptions, priors, limits, evidence")
    show.add_argument("id")
    for name, action, text in (
        ("recommend", _recommend, "recommend models for a question, with reasons"),
        ("priors", _priors, "show every prior in words, with its source"),
        ("predict", _predict, "say which outcomes the priors lead to"),
    ):
        one = verb(group, name, action, text)
        one.add_argument("data")
        choice_options(one, CHOICES)
    views = verb(group, "views", _views, "show a model as formula, equation, graph and code")
    views.add_argument("data")
    views.add_argument("--code", default="", metavar="FILE", help="an edited model cell to read back into choices")
    choice_options(views, CHOICES)
    elicit = verb(group, "elicit", _elicit, "turn what is known into priors")
    elicit.add_argument("data")
    elicit.add_argument("name", help='the prior, or "" when the answer is about the outcome or a run')
    elicit.add_argument("answer", help='as JSON: {"how": "range", "low": 0, "high": 5, "mass": 0.9}')
    choice_options(elicit, CHOICES)
    new = verb(group, "new", _new, "begin a model of your own in a notebook")
    new.add_argument("name")
    new.add_argument("--like", default="", help="a model to start from")
    check = verb(group, "check", _check, "list every fault of a model file")
    check.add_argument("path")
    check.add_argument("--data", default="", help="a table to try it with (default: one is made up)")
    for name, action, text in (
        ("add", _add, "add a model file without faults to your models"),
        ("rm", _rm, "take a model of your own out of the list"),
    ):
        verb(group, name, action, text).add_argument("path")
    fork = verb(group, "fork", _fork, "copy a model into a file of your own to change")
    fork.add_argument("id")
    fork.add_argument("name")
    adopt = verb(group, "adopt", _adopt, "use a model of your own on a table: which columns stand for those it reads")
    adopt.add_argument("id")
    adopt.add_argument("data")
    adopt.add_argument(
        "--map", action="append", default=[], metavar="COLUMN=COLUMN", help="the model's, then the table's"
    )


def _ls(options: Any) -> None:
    found = workbench(options).list_models()
    if options.json:
        return show_json(found)
    show_table(
        ["model", "what it is", "answers", "evidence"],
        [
            [one["id"], one["title"], ", ".join(asked["id"] for asked in one["questions"]), one["evidence"]["status"]]
            for one in found["models"]
        ],
    )
    return None


def _show(options: Any) -> None:
    card = workbench(options).show_model(options.id)
    if options.json:
        return show_json(card)
    print(f"{card['title']} ({card['id']})\n{card['purpose']}")
    for head, lines in (
        ("Think of it so", [card["tutorial"]]),
        ("Assumes", card["assumptions"]),
        ("Needs", card["needs"]),
        ("Limits", card["limits"]),
        ("Priors", [f"{one['name']}: {one['words']}. {one['meaning']}. [{one['source']}]" for one in card["priors"]]),
        ("Evidence", [card["evidence"]["sentence"]]),
        ("Source", [card["source"]]),
    ):
        if any(lines):
            print(f"\n{head}", *(f"  {line}" for line in lines if line), sep="\n")
    return None


def _recommend(options: Any) -> None:
    found = workbench(options).recommend(choices(options))
    if options.json:
        return show_json(found)
    print(found["estimand"])
    for number, one in enumerate(found["recommended"], 1):
        print(f"{number}. {one['id']}: {one['title']}. {one['formula']}")
        for reason in one["reasons"]:
            print(f"     {reason['sentence']} [{reason['rule']}]")
    if found["none"]:
        print(f"No model fits. {found['none']}")
    for one in found["rejected"]:
        print(f"   not {one['id']}: {one['sentence']} [{one['rule']}]")
    return None


def _priors(options: Any) -> None:
    found = workbench(options).priors(choices(options))
    if options.json:
        return show_json(found)
    for one in found["priors"]:
        print(f"{one['name']}: {one['words']}. {one['label']}: {one['range_words']}. [{one['source']}]")
    return None


def _predict(options: Any) -> None:
    found = workbench(options).prior_predictive(choices(options))
    show_json(found) if options.json else print(found["sentence"])


def _views(options: Any) -> None:
    code = Path(options.code).read_text("utf-8") if options.code else ""
    found = workbench(options).views(choices(options), code)
    if options.json:
        return show_json(found)
    formula = found["formula"]
    print(formula if isinstance(formula, str) else "; ".join(formula), found["equation"], "", found["code"], sep="\n")
    for edge in found["graph"]["edges"]:
        print(f"  {edge[0]} → {edge[1]}")
    if found["changes"] or found["problem"]:
        print(found["problem"] or f"means: {json.dumps(found['changes'], ensure_ascii=False)}")
    return None


def _elicit(options: Any) -> None:
    try:
        answer = json.loads(options.answer)
    except ValueError as error:
        raise InvalidInput(
            f"the answer is not JSON: {error}", where="answer", remedy="See models elicit --help."
        ) from None
    found = workbench(options).elicit(choices(options), options.name, answer)
    if options.json:
        return show_json(found)
    print(found["sentence"], *found["notes"], sep="\n")
    print(f"--priors '{json.dumps(found['changes']['priors'])}'")
    return None


def _new(options: Any) -> None:
    found = workbench(options).new_model(options.name, options.like)
    show_json(found) if options.json else print(found["path"])


def _check(options: Any) -> int:
    analysis = {"data": options.data} if options.data else None
    found = workbench(options).check_model(options.path, analysis)
    if options.json:
        show_json(found)
    for one in [] if options.json else found["faults"]:
        print(f"{one['where']}: {one['message']}. {one['remedy']}", file=sys.stderr)
    if found["ok"] and not options.json:
        print("no faults")
    return 0 if found["ok"] else 1


def _add(options: Any) -> None:
    found = workbench(options).add_model(options.path)
    show_json(found) if options.json else print(found["id"])


def _rm(options: Any) -> None:
    found = workbench(options).remove_model(options.path)
    show_json(found) if options.json else print(f"removed {found['removed']}; kept as {found['kept']}")


def _fork(options: Any) -> None:
    found = workbench(options).fork_model(options.id, options.name)
    show_json(found) if options.json else print(found["id"])


def _adopt(options: Any) -> None:
    pairs = [one.partition("=")[::2] for one in options.map]
    show_json(workbench(options).adopt_model(options.id, {"data": options.data}, dict(pairs))["changes"])
