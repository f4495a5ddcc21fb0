"""A report as a document to print, to edit or to build upon: PDF, DOCX, or Markdown with tables in LaTeX.

PDF is printed by a browser without a window, since no other program sets the page as readers know it. DOCX is made by
pandoc, which turns equations into ones that can be edited; it comes with the extra ``documents``. Markdown is written
here. Nothing of a notebook passes as markup, neither of Markdown nor of LaTeX, and no converter may fetch or read
anything but the page that it is given.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import modelcompose
from modelcompose.errors import InvalidInput, ModelComposeError
from modelcompose.publish.story import HERE, MARKS, WORDS, Story

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["browser", "latex_table", "write_docx", "write_markdown", "write_pdf"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
SECONDS = 120
FIGURE = "{}.png"
ARGUMENTS = (
    *("--headless", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage", "--disable-extensions"),
    *("--disable-background-networking", "--disable-sync", "--disable-component-update"),
    *("--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer"),
)
LATEX = str.maketrans(
    {
        **{mark: f"\\{mark}" for mark in "&%$#_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
    }
)
MARKDOWN = re.compile(r"([\\`*_\[\]~|$])")
BEGINNING = re.compile(r"^()(#|[-+=](?=[-+=\s]|$)|\d+[.)](?=\s|$))")


# -- PDF ---------------------------------------------------------------------------------------------------------------


def browser() -> Path:
    """Return the browser that prints: the one that ``CHROMIUM`` names, or one that is installed.

    Raises
    ------
    InvalidInput
        When there is none.
    """
    named = os.environ.get("CHROMIUM", "")
    candidates = [named, *(shutil.which(name) or "" for name in BROWSERS), *APPLICATIONS]
    found = next((Path(path) for path in candidates if path and Path(path).is_file()), None)
    if found is None:
        raise InvalidInput(
            "a PDF is printed by Chromium or Chrome, and neither is installed here",
            where="format pdf",
            remedy="Install one (Debian: apt-get install chromium), or name it in CHROMIUM; or print the HTML report.",
        )
    return found


def write_pdf(page: str, path: Path) -> None:
    """Print a page to a file.

    Raises
    ------
    InvalidInput
        When there is no browser.
    ModelComposeError
        When it does not print.
    """
    program = browser()
    with tempfile.TemporaryDirectory(prefix="modelcompose-") as name:
        folder = Path(name)
        (folder / "report.html").write_text(page, "utf-8")
        root = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []  # the rule inside containers
        target = folder / "report.pdf"
        command = [
            *(str(program), *ARGUMENTS, *root, f"--user-data-dir={folder / 'profile'}"),
            *(f"--print-to-pdf={target}", (folder / "report.html").as_uri()),
        ]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        except (subprocess.TimeoutExpired, OSError) as error:
            said = [str(error)]
        if not target.is_file():
            raise ModelComposeError(
                f"{program.name} did not print the report: {' '.join(said)[:300]}",
                where="format pdf",
                remedy="Open the HTML report and print it to a PDF.",
            )
        shutil.copyfile(target, path)


# -- DOCX --------------------------------------------------------------------------------------------------------------


def write_docx(page: str, path: Path) -> None:
    """Turn a page into a document for word processors.

    Raises
    ------
    InvalidInput
        When pandoc is not installed.
    ModelComposeError
        When it refuses the page.
    """
    try:
        import pypandoc
    except ImportError:
        raise InvalidInput(
            "a DOCX is written by pandoc, which is not installed here",
            where="format docx",
            remedy=f"Install it: {sys.executable} -m pip install 'modelcompose[documents]'.",
        ) from None
    title, body = _parts(page)
    try:
        pypandoc.convert_text(
            body,
            "docx",
            format="html",
            outputfile=str(path),
            extra_args=["--sandbox", f"--metadata=pagetitle:{title}", "--metadata=lang:en"],
        )
    except (OSError, RuntimeError) as error:
        raise ModelComposeError(
            f"pandoc did not write the document: {str(error)[:300]}",
            where="format docx",
            remedy="Publish the report as HTML or PDF.",
        ) from None


def _parts(page: str) -> tuple[str, str]:
    """Return the title and what stands in a page, without its drawings, which word processors would not show."""
    title = page.partition("<title>")[2].partition("</title>")[0]
    body = page.partition("<main")[2].partition(">")[2].partition("</main>")[0]
    return " ".join(title.split()), re.sub(r"<svg.*?</svg>", "", body, flags=re.DOTALL)


# -- Markdown ----------------------------------------------------------------------------------------------------------


class _Whole(str):
    """Text that is Markdown already."""

    __slots__ = ()


@cache
def _environment() -> Environment:
    """Return the templates for Markdown; whatever they are given is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(  # noqa: S701  every value passes through ``_text``
        loader=FileSystemLoader(HERE / "templates"),
        finalize=_text,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(code=_code, fenced=_fenced, rows=_rows, whole=_Whole)
    found.globals.update(MARKS=MARKS, WORDS=WORDS)
    return found


def write_markdown(story: Story, path: Path, *, files: Path) -> None:
    """Write a story as Markdown; its pictures, and its tables in LaTeX, go into a folder beside it.

    Parameters
    ----------
    story
        What the notebook says.
    path
        The file to write.
    files
        The folder for pictures and tables; what an earlier report left there is replaced.
    """
    from modelcompose.publish.report import versions

    fresh = files.with_name(f".{files.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for one in story.chapters:
        if one.verdict and one.verdict.picture:
            (fresh / FIGURE.format(one.id)).write_bytes(one.verdict.picture)
    tables = {name: text for name, text in _latex(story) if text}
    for name, text in tables.items():
        (fresh / name).write_text(text, "utf-8")
    page = _environment().get_template("report.md.j2")
    path.write_text(
        page.render(
            story=story,
            results=_results(story),
            files=_Whole(_address(files.name)),
            tables=tables,
            versions=versions(story),
            version=modelcompose.__version__,
        ),
        "utf-8",
    )
    shutil.rmtree(files, ignore_errors=True)
    fresh.replace(files)


def _address(name: str) -> str:
    from urllib.parse import quote

    return quote(name)


def _text(value: object) -> str:
    """Spell a value so that Markdown, and the HTML within Markdown, show it as it is."""
    if isinstance(value, _Whole):
        return value
    text = " ".join(str(value).split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = MARKDOWN.sub(r"\\\1", text)
    return BEGINNING.sub(lambda found: f"{found[1]}{found[2][:-1]}\\{found[2][-1]}", text)


def _code(value: object) -> _Whole:
    """Spell a value as code within a line."""
    text = " ".join(str(value).split())
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    gap = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return _Whole(f"{ticks}{gap}{text}{gap}{ticks}" if text else "")


def _fenced(value: object, language: str = "") -> _Whole:
    """Spell a value as a block of code."""
    text = str(value)
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return _Whole(f"{ticks}{language}\n{text}\n{ticks}")


def _rows(rows: Sequence[dict[str, Any]]) -> _Whole:
    """Spell rows as a table; its columns are those of the first row."""
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([row.get(name, "") for name in names] for row in rows)]
    spelt = ((cell if cell == "---" else _text(cell) for cell in line) for line in lines)
    return _Whole("\n".join(f"| {' | '.join(line)} |" for line in spelt))


# -- tables in LaTeX ---------------------------------------------------------------------------------------------------


def latex_table(head: Sequence[str], rows: Iterable[Sequence[object]], caption: str, columns: str = "") -> str:
    """Return a table for LaTeX with the package ``booktabs``.

    Parameters
    ----------
    head
        The columns' names.
    rows
        What stands in them.
    caption
        What the table shows.
    columns
        How LaTeX sets them; by default all to the left.
    """
    lines = [_latex_row(head), r"\midrule", *map(_latex_row, rows)]
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            r"\begin{table}",
            rf"\caption{{{_latex_text(caption)}}}",
            rf"\begin{{tabular}}{{{columns or 'l' * len(head)}}}",
            *(r"\toprule", *lines, r"\bottomrule"),
            *(r"\end{tabular}", r"\end{table}", ""),
        ]
    )


def _latex_row(cells: Iterable[object]) -> str:
    return f"{' & '.join(map(_latex_text, cells))} \\\\"


def _latex_text(value: object) -> str:
    return " ".join(str(value).split()).translate(LATEX)


def _results(story: Story) -> list[dict[str, str]]:
    """Return the results with the columns that their readers see."""
    names = {
        "quantity": "Quantity",
        "median": "Most plausible",
        "interval": story.interval,
        "direction": "How sure",
    }
    return [{shown: row[name] for name, shown in names.items()} for row in story.results]


def _latex(story: Story) -> Iterator[tuple[str, str]]:
    if story.results and not story.computation_failed:
        rows = _results(story)
        caption = story.estimand or story.title
        cells = [[*row.values()] for row in rows]
        yield "results.tex", latex_table(list(rows[0]), cells, caption, r"lrrp{0.4\linewidth}")
    checks = [
        [one.state.step.title, finding.name, finding.shown, finding.threshold, WORDS[finding.status]]
        for one in story.chapters
        if one.verdict
        for finding in one.verdict.findings
    ]
    if checks:
        head = ["Step", "Check", "Value", "Rule", "Judged"]
        yield "checks.tex", latex_table(head, checks, "The checks, and the rules that they were held against", "lllll")
    chapter = story.chapter("model")
    for rows in list(chapter.tables.values())[:1] if chapter else []:
        names = list(rows[0])
        cells = [[row.get(name, "") for name in names] for row in rows]
        yield "assumed.tex", latex_table(names, cells, "What is assumed before seeing the data")
