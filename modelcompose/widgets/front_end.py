"""The front ends of widgets: built from the panel's components, one file each."""

from __future__ import annotations

from pathlib import Path

from modelcompose.errors import NotFound

__all__ = ["STATIC", "front_end"]

STATIC = Path(__file__).parent / "static"


def front_end(name: str, folder: Path = STATIC) -> str:
    """Return the module of a widget.

    Raises
    ------
    NotFound
        When it has not been built.
    """
    try:
        return (folder / f"{name}.js").read_text("utf-8")
    except FileNotFoundError:
        raise NotFound(
            f"the front end of the widget {name!r} has not been built",
            where=f"modelcompose/widgets/static/{name}.js",
            remedy="Build it: run jlpm install and jlpm build in the folder extension, or install the package anew.",
        ) from None
