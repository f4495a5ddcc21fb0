"""Reports, pages and apps: the commands publish, apps, unpublish and app."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from modelcompose.cli.grammar import command, show_json, show_table, verb, workbench
from modelcompose.errors import NotFound

__all__ = ["VERBS", "add"]

VERBS = {"publish": "publish", "apps": "list_published", "unpublish": "unpublish"}
MODES = ("report", "page", "app")
FORMATS = ("html", "pdf", "docx", "md")
DEPTHS = ("decision-maker", "analyst", "statistician")
DAY = 10


def add(commands: Any) -> None:
    """Add the commands."""
    publish = verb(commands, "publish", _publish, "make a report to read, or a page or an app to try, from a run")
    publish.add_argument("id", help="the run's id, a beginning of it, or its name")
    publish.add_argument("--as", dest="mode", choices=MODES, default="", help="what to make (default: report and app)")
    publish.add_argument("--format", choices=FORMATS, default="html", help="of a report (default: html)")
    publish.add_argument(
        "--depth", choices=DEPTHS, default="analyst", help="for whom a report opens; readers can switch"
    )
    apps = verb(commands, "apps", _apps, "list what is published, and what has changed since")
    apps.add_argument("what", nargs="?", default="", help="only this path, or what was made of this run")
    unpublish = verb(commands, "unpublish", _unpublish, "take a report, a page or an app away; its run stays")
    unpublish.add_argument("what", help="its path; or a run, for all that was made of it")
    app = command(commands, "app", _app, "serve a published app")
    app.add_argument("--workspace", default=".", help="the workspace folder (default: the current one)")
    app.add_argument("app", help="the app's notebook, as publish printed it")
    app.add_argument("--port", type=int, default=8866)


def _publish(options: Any) -> None:
    found = workbench(options).publish(options.id, options.mode, options.format, options.depth)
    if options.json:
        return show_json(found)
    for mode, path in found.items():
        if path:
            print(f"{mode:<7} {path}")
    if found["app"]:
        print(f"        modelcompose app {found['app']}")
    elif not options.mode:
        print("app     none, since there is no posterior, or its table is no file of the workspace")
    return None


def _apps(options: Any) -> int:
    found = workbench(options).list_published(options.what)
    if options.json:
        show_json(found)
        return 0
    rows = [
        [
            one["path"],
            one["mode"] if one["format"] == "html" else f"{one['mode']} ({one['format']})",
            one["when"][:DAY],
            "; ".join(one["stale"]) or "nothing",
            one["url"],
        ]
        for one in found["published"]
    ]
    show_table(["published", "as", "on", "changed since", "served at"], rows)
    return 0


def _unpublish(options: Any) -> None:
    found = workbench(options).unpublish(options.what)
    if options.json:
        return show_json(found)
    for path in found["removed"]:
        print(f"removed {path}")
    return None


def _app(options: Any) -> int:
    from modelcompose.publish import Shelf, serve_command

    path = Path(options.workspace) / options.app
    if not path.is_file():
        raise NotFound(f"there is no app {options.app!r}", remedy="Publish a run first.")
    url = f"http://127.0.0.1:{options.port}/"
    shown = path.resolve()
    workspace = Path(options.workspace).resolve()
    name = shown.relative_to(workspace).as_posix() if shown.is_relative_to(workspace) else shown.as_posix()
    with Shelf(workspace).served(name, url, options.port):
        return subprocess.run(serve_command(path, port=options.port), check=False).returncode
