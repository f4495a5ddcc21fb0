"""A report: one HTML page that holds everything, runs nothing and fetches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import modelcompose
from modelcompose.publish.equation import mathml
from modelcompose.publish.lineage import differences, graph
from modelcompose.publish.story import STYLE, Story, environment, read

__all__ = ["report", "write_report"]

PACKAGES = ("modelcompose", "pymc", "bambi", "arviz", "nutpie", "numpy", "pandas")


def report(nb: Mapping[str, Any], *, title: str | None = None, run: Mapping[str, Any] | None = None) -> str:
    """Return the report of an executed notebook.

    Parameters
    ----------
    nb
        A notebook in nbformat 4's form, with its outputs.
    title
        The heading; by default the run's name.
    run
        What is known of the run: ``name``, ``id``, ``status``, ``message``, ``started``, ``ended``, ``notebook``,
        ``git_commit``, ``versions`` (by package), and ``plan`` (the locked plan and what differs from it); each is
        optional.

    Returns
    -------
    str
        A self-contained HTML page without scripts. Nothing of the notebook passes as markup.

    Raises
    ------
    InvalidInput
        When the notebook has no choices that can be read, or has not been run.
    """
    from markupsafe import Markup

    story = read(nb, title=title, run=run)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            story=story,
            style=Markup(STYLE.read_text("utf-8")),  # noqa: S704  our own file
            equation=[mathml(line) for line in story.equation],
            versions=_versions(story),
            graph=graph(story.lineage) if story.lineage else None,
            differences=differences(story.lineage) if story.lineage else {},
            version=modelcompose.__version__,
        )
    )


def write_report(
    nb: Mapping[str, Any], path: Path, *, title: str | None = None, run: Mapping[str, Any] | None = None
) -> Path:
    """Write the report of an executed notebook to a file, whole or not at all, and return its path."""
    page = report(nb, title=title, run=run)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(page, "utf-8")
    part.replace(path)
    return path


def _versions(story: Story) -> str:
    known = story.run.get("versions") or {name: found for name in PACKAGES if (found := _installed(name))}
    shown = [f"{name} {number}" for name, number in known.items()]
    return ", ".join([f"Python {story.python}", *shown] if story.python else shown)


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
