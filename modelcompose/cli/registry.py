"""``modelcompose registry …``: fitted models under names, in versions, with aliases."""

from __future__ import annotations

from typing import Any

from modelcompose.cli.grammar import show_json, show_table, verb, workbench

__all__ = ["VERBS", "add"]

VERBS = {
    "registry add": "register_model",
    "registry ls": "list_registered",
    "registry show": "show_registered",
    "registry alias": "alias_model",
    "registry rollback": "roll_back_model",
    "registry describe": "describe_model",
}


def add(commands: Any) -> None:
    """Add the commands."""
    group = commands.add_parser("registry", help="keep fitted models under names, to be loaded anywhere")
    group = group.add_subparsers(required=True, metavar="COMMAND")
    one = verb(group, "add", _add, "store the fitted model of a run as the next version of a name")
    one.add_argument("id", help="the run's id, a beginning of it, or its name")
    one.add_argument("name", help="what the model is called")
    one.add_argument("--alias", default="", help="what is to name this version from now on, such as champion")
    one.add_argument("--description", default="", help="what is to be known of this version")
    one.add_argument("--allow-dirty", action="store_true", help="though files differed from the commit; it is recorded")
    one.add_argument("--reason", default="", help="why, though the run did not pass its checks; it is recorded")
    verb(group, "ls", _ls, "list the registered models")
    verb(group, "show", _show, "show a model's versions and aliases").add_argument("name")
    alias = verb(group, "alias", _alias, "let an alias name a version")
    alias.add_argument("name")
    alias.add_argument("alias", help="such as champion")
    which = alias.add_mutually_exclusive_group(required=True)
    which.add_argument("version", nargs="?", default="", help="its number, or another alias that names it")
    which.add_argument("--remove", action="store_true", help="take the alias away")
    back = verb(group, "rollback", _rollback, "let an alias name the version again that it named before")
    back.add_argument("name")
    back.add_argument("alias")
    describe = verb(group, "describe", _describe, "describe a model, or one of its versions")
    describe.add_argument("name")
    describe.add_argument("text")
    describe.add_argument("--version", default="", help="its number or an alias (default: the model as a whole)")


def _add(options: Any) -> None:
    found = workbench(options).register_model(
        options.id, options.name, options.alias, options.description, options.allow_dirty, options.reason
    )
    if options.json:
        return show_json(found)
    print(f"{found['name']}/{found['version']}  commit {found['commit'][:10]}  data {found['sha256'][:12]}")
    for note in found["notes"]:
        print(f"  note: {note}")
    return None


def _ls(options: Any) -> None:
    found = workbench(options).list_registered()
    if options.json:
        return show_json(found)
    show_table(
        ["name", "newest", "aliases", "created", "description"],
        [
            [
                one["name"],
                one["versions"][0]["version"] if one["versions"] else "",
                _aliases(one),
                one["versions"][0]["created"][:19] if one["versions"] else "",
                one["description"],
            ]
            for one in found["registered"]
        ],
    )
    return None


def _show(options: Any) -> None:
    _shown(options, workbench(options).show_registered(options.name))


def _alias(options: Any) -> None:
    _shown(options, workbench(options).alias_model(options.name, options.alias, options.version))


def _rollback(options: Any) -> None:
    _shown(options, workbench(options).roll_back_model(options.name, options.alias))


def _describe(options: Any) -> None:
    _shown(options, workbench(options).describe_model(options.name, options.text, options.version))


def _shown(options: Any, found: dict[str, Any]) -> None:
    if options.json:
        return show_json(found)
    print(f"{found['name']}  {_aliases(found)}\n{found['description']}".rstrip())
    show_table(
        ["version", "aliases", "run", "commit", "data", "created", "note"],
        [
            [
                one["version"],
                ", ".join(one["aliases"]),
                one["run"][:8],
                one["commit"][:10] + (" (dirty)" if one["dirty"] else ""),
                f"{one['data']} {one['sha256'][:12]}",
                one["created"][:19],
                "; ".join(filter(None, [one["description"], one["forced"]])),
            ]
            for one in found["versions"]
        ],
    )
    return None


def _aliases(one: dict[str, Any]) -> str:
    return ", ".join(f"{alias} = {version}" for alias, version in sorted(one["aliases"].items()))
