"""A report: one HTML page that holds everything, runs nothing and fetches nothing; or the same as a document."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import modelcompose
from modelcompose.errors import InvalidInput
from modelcompose.publish.equation import mathml
from modelcompose.publish.lineage import differences, graph
from modelcompose.publish.story import DEPTHS, STYLE, Story, environment, read

__all__ = ["FORMATS", "PACKAGES", "installed", "report", "versions", "write_report"]

FORMATS = ("html", "pdf", "docx", "md")
PACKAGES = ("modelcompose", "pymc", "bambi", "arviz", "nutpie", "numpy", "pandas")


def report(
    nb: Mapping[str, Any],
    *,
    title: str | None = None,
    run: Mapping[str, Any] | None = None,
    depth: str = "analyst",
    whole: bool = False,
) -> str:
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
    depth
        For whom it opens: ``decision-maker``, ``analyst`` or ``statistician``. The reader can switch; the figures are
        the same.
    whole
        Whether it is to be printed: everything is shown, and nothing can be switched or unfolded.

    Returns
    -------
    str
        A self-contained HTML page without scripts. Nothing of the notebook passes as markup.

    Raises
    ------
    InvalidInput
        When the notebook has no choices that can be read, or has not been run; or nobody reads so deep.
    """
    from markupsafe import Markup

    if depth not in DEPTHS:
        raise InvalidInput(
            f"a report is written for nobody called {depth!r}",
            where="depth",
            remedy=f"Name one of: {', '.join(DEPTHS)}.",
        )
    story = read(nb, title=title, run=run)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            story=story,
            style=Markup(STYLE.read_text("utf-8")),  # noqa: S704  our own file
            equation=[mathml(line) for line in story.equation],
            versions=versions(story),
            graph=graph(story.lineage) if story.lineage else None,
            differences=differences(story.lineage) if story.lineage else {},
            version=modelcompose.__version__,
            depth=depth,
            whole=whole,
        )
    )


def write_report(
    nb: Mapping[str, Any],
    path: Path,
    *,
    title: str | None = None,
    run: Mapping[str, Any] | None = None,
    depth: str = "analyst",
) -> Path:
    """Write the report of an executed notebook to a file, whole or not at all, and return its path.

    The file's ending says in which format: ``.html``, or as a document without anything to unfold ``.pdf``, ``.docx``
    or ``.md``, beside which lies a folder with its pictures and its tables in LaTeX.

    Raises
    ------
    InvalidInput
        When there is no such format, or what writes it is not installed.
    """
    from modelcompose.publish import documents

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        match path.suffix.removeprefix("."):
            case "html":
                part.write_text(report(nb, title=title, run=run, depth=depth), "utf-8")
            case "pdf":
                documents.write_pdf(report(nb, title=title, run=run, whole=True), part)
            case "docx":
                documents.write_docx(report(nb, title=title, run=run, whole=True), part)
            case "md":
                story = read(nb, title=title, run=run)
                documents.write_markdown(story, part, files=path.with_name(f"{path.stem}-files"))
            case other:
                raise InvalidInput(
                    f"a report cannot be written as {other!r}",
                    where="format",
                    remedy=f"Name one of: {', '.join(FORMATS)}.",
                )
        return part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def versions(story: Story) -> str:
    """Say by which versions a run was computed, or which are installed where nobody noted it."""
    known = story.run.get("versions") or {name: found for name in PACKAGES if (found := installed(name))}
    shown = [f"{name} {number}" for name, number in known.items()]
    return ", ".join([f"Python {story.python}", *shown] if story.python else shown)


def installed(name: str) -> str:
    """Return the version of a library that is installed, or nothing."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
