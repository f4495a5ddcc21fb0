"""What the commands share: how they are declared, how choices are read, how answers are printed."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelcompose.analysis import Analysis
from modelcompose.errors import NotFound
from modelcompose.service import Workbench

__all__ = ["choice_options", "choices", "command", "show_json", "show_table", "verb", "whole", "workbench"]

TRACKING = "record at this address of MLflow (default: as modelcompose.toml says, or in the workspace)"


def command(commands: Any, name: str, action: Callable[[Any], int | None], text: str) -> argparse.ArgumentParser:
    """Add a command."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.set_defaults(command=action)
    return parser


def verb(commands: Any, name: str, action: Callable[[Any], int | None], text: str) -> argparse.ArgumentParser:
    """Add a command that calls a verb of the workbench."""
    parser = command(commands, name, action, text)
    parser.add_argument("--workspace", default=".", help="the workspace folder (default: the current one)")
    parser.add_argument("--tracking", metavar="URI", help=TRACKING)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def choice_options(parser: argparse.ArgumentParser, names: set[str]) -> None:
    """Add an option for each of these choices."""
    for name, field in Analysis.model_fields.items():
        if name in names:
            text = (field.description or "").replace("%", "%%")
            parser.add_argument(f"--{name.replace('_', '-')}", dest=f"choice_{name}", metavar="VALUE", help=text)


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return what reads a whole number between bounds from the command line."""

    def number(text: str) -> int:
        try:
            found = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if found < least or (most is not None and found > most):
            bounds = f"{least} or more" if most is None else f"between {least} and {most}"
            raise argparse.ArgumentTypeError(f"{text} is not allowed; it must be {bounds}")
        return found

    return number


def workbench(options: Any) -> Workbench:
    """Return the workbench of the workspace that was named."""
    workspace = Path(options.workspace)
    if not workspace.is_dir():
        raise NotFound(f"there is no folder {options.workspace!r}", remedy="Make it, or name another --workspace.")
    return Workbench(workspace, options.tracking)


def show_json(content: Any) -> None:
    """Print JSON."""
    print(json.dumps(content, indent=2, ensure_ascii=False))


def choices(options: Any) -> dict[str, Any]:
    """Gather the choices given as options, each read by its type."""
    given = {
        name.removeprefix("choice_"): value
        for name, value in vars(options).items()
        if name.startswith("choice_") and value is not None
    }
    changed = Analysis().changed({**given, "data": options.data})
    return changed.model_dump(include={*given, "data"})


def show_table(head: list[str], rows: list[list[Any]]) -> None:
    """Print a table."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*head, box=None, header_style="bold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console().print(table)
