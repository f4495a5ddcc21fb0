"""A frozen page: the answer, and sliders over predictions that were all computed beforehand; it needs no server.

The page holds its script, its style and its predictions within itself. Its policy lets no other script run and nothing
be fetched, so that it works from a folder, from a mail or from any host, with the network off.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import modelcompose
from modelcompose.errors import NotFound
from modelcompose.publish.app import refusal
from modelcompose.publish.story import STYLE, environment, read

__all__ = ["SCRIPT", "write_page"]

SCRIPT = Path(modelcompose.__file__).parent / "widgets" / "static" / "frozen.js"


def write_page(
    nb: Mapping[str, Any],
    path: Path,
    scenarios: Callable[[], Mapping[str, Any]],
    *,
    title: str | None = None,
    run: Mapping[str, Any] | None = None,
) -> Path:
    """Write the frozen page of an executed notebook to a file, whole or not at all, and return its path.

    Parameters
    ----------
    nb
        A notebook in nbformat 4's form, with its outputs.
    path
        The file to write.
    scenarios
        Returns what ``Scenarios.frozen`` does; it is not asked when there is nothing to try out, as after a computation
        that failed its checks.
    title, run
        As for a report.

    Raises
    ------
    InvalidInput
        When the notebook has no choices that can be read, or has not been run.
    NotFound
        When the front end has not been built.
    """
    from markupsafe import Markup

    story = read(nb, title=title, run=run)
    reason = refusal(story)
    frozen = None if reason else scenarios()
    script = "" if reason else _script()
    page = (
        environment()
        .get_template("page.html.j2")
        .render(
            story=story,
            refusal=reason,
            frozen=frozen,
            packed=_packed(frozen) if frozen else "",
            first=frozen["cells"][_first(frozen)]["sentence"] if frozen else "",
            script=Markup(script),  # noqa: S704  our own file
            digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
            style=Markup(STYLE.read_text("utf-8")),  # noqa: S704  our own file
            version=modelcompose.__version__,
        )
    )
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(page, "utf-8")
    return part.replace(path)


def _script() -> str:
    """Return the page's script, which may not hold the mark that ends it."""
    try:
        return SCRIPT.read_text("utf-8").replace("</script", "<\\/script").strip()
    except FileNotFoundError:
        raise NotFound(
            "the front end of the frozen page has not been built",
            where="modelcompose/widgets/static/frozen.js",
            remedy="Build it: run jlpm install and jlpm build in the folder extension, or install the package anew.",
        ) from None


def _packed(frozen: Mapping[str, Any]) -> str:
    """Return values as base64 of gzip, in which no markup can stand."""
    text = json.dumps(frozen, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


def _first(frozen: Mapping[str, Any]) -> int:
    """Return the place of the start among the cells; the last control changes fastest."""
    at = 0
    for control in frozen["controls"]:
        value = frozen["start"][control["name"]]
        if control["kind"] == "category":
            index, size = control["levels"].index(value), len(control["levels"])
        else:
            index = round((value - control["min"]) / control["step"])
            size = round((control["max"] - control["min"]) / control["step"]) + 1
        at = at * size + index
    return at
