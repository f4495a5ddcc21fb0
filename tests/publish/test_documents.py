"""Documents say what the report says; nothing of a notebook passes as markup in any of them."""

import re
import sys
from pathlib import Path
from zipfile import ZipFile

import mistune
import pytest

from modelcompose.errors import InvalidInput
from modelcompose.publish import report, write_report
from modelcompose.publish.documents import browser, latex_table
from modelcompose.verdict import MIME
from modelcompose.workflow.steps import STEPS
from tests.publish.conftest import NASTY, Executed
from tests.publish.test_report import RUN, Page

EVIL = "](javascript:alert(1)) | \n\n# ![x](https://evil.example/x.png) <https://evil.example> </code></style>"
HOSTILE = f"{NASTY} {EVIL}"
KEPT = {"version", "step", "status", "picture", "sha256", "effects"}


def poisoned(value):
    """Put hostile text into every string, as a table from a stranger could."""
    if isinstance(value, dict):
        return {name: one if name in KEPT else poisoned(one) for name, one in value.items()}
    if isinstance(value, list):
        return [poisoned(one) for one in value]
    return f"{value} {HOSTILE}" if isinstance(value, str) else value


@pytest.fixture
def hostile(executed: Executed):
    """A notebook with hostile text wherever text can stand: names, levels, verdicts, code, Markdown, other outputs."""
    executed.statuses |= {"prior": "warn", "posterior": "fail"}
    nb = executed.notebook()
    for cell in nb["cells"]:
        for output in cell["outputs"]:
            output["data"][MIME] = poisoned(output["data"][MIME])
            output["data"]["text/html"] = HOSTILE
    parameters = {"outcome": HOSTILE, "predictors": [HOSTILE], "units": {HOSTILE: HOSTILE}, "estimand": HOSTILE}
    nb["cells"][0]["source"] += "".join(f"\n{name} = {value!r}" for name, value in parameters.items())
    nb["cells"].append({"cell_type": "markdown", "id": "m", "metadata": {}, "source": HOSTILE})
    nb["cells"].append(
        {"cell_type": "code", "id": "c", "metadata": {}, "source": HOSTILE, "outputs": [], "execution_count": 99}
    )
    return nb


DEVIATION = dict.fromkeys(("what", "planned", "now"), HOSTILE)
RUNS = {**RUN, "versions": {HOSTILE: HOSTILE}, "plan": {"plan": {}, "deviations": [DEVIATION]}}


def harmless(page: Page, tags=()):
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "iframe", "object", "embed", "link", "form", "base", "meta", "style"} - set(tags)
    for _, found in page.tags:
        assert not [name for name in found if name.startswith("on")]
        addresses = [found[name] or "" for name in ("href", "src", "action") if name in found]
        assert all(one.startswith(("#", "data:image/png", "a-files/")) for one in addresses), addresses


@pytest.mark.parametrize("whole", [False, True])
def test_nothing_hostile_passes_as_markup_in_a_report(hostile, whole: bool):
    page = Page(report(hostile, title=HOSTILE, run=RUNS, whole=whole))
    harmless(page, {"meta", "style"})
    assert len([tag for tag, _ in page.tags if tag == "style"]) == 1
    assert page.text.count("evil.example") > 50
    assert "evil.example" not in "".join(page.attributes("style") + page.attributes("class"))


def test_nothing_hostile_passes_as_markup_in_markdown(hostile, tmp_path: Path):
    path = write_report(hostile, tmp_path / "a.md", title=HOSTILE, run=RUNS)
    text = path.read_text("utf-8")
    render = mistune.create_markdown(escape=False, plugins=["table", "strikethrough", "url"])
    page = Page(str(render(text)))
    harmless_but_named = [(tag, found) for tag, found in page.tags if tag != "a"]
    page.tags = harmless_but_named
    harmless(page)
    links = re.findall(r'href="([^"]+)"', str(mistune.create_markdown(escape=False, plugins=["table"])(text)))
    assert all(one.startswith("a-files/") for one in links)
    assert page.text.count("evil.example") > 50


def test_markdown_says_what_the_report_says_and_brings_its_pictures(executed: Executed, tmp_path: Path):
    executed.partial.add("fit")
    path = write_report(executed.notebook(), tmp_path / "a.md", run=RUN)
    page = Page(str(mistune.create_markdown(escape=False, plugins=["table"])(path.read_text("utf-8"))))
    for said in ("1.23", "0.50 to 2.00", "95% interval", "Partial result.", "random_seed = 20261121", "ab" * 32):
        assert said in page.text
    pictures = page.attributes("src")
    assert len(pictures) == len(set(pictures)) == len(STEPS)
    assert all((tmp_path / one).read_bytes().startswith(b"\x89PNG") for one in pictures)
    assert all(page.attributes("alt"))


def test_results_checks_and_assumptions_are_tables_in_latex(executed: Executed, tmp_path: Path):
    write_report(executed.notebook(), tmp_path / "a.md")
    found = {path.name: path.read_text("utf-8") for path in (tmp_path / "a-files").glob("*.tex")}
    assert found.keys() == {"results.tex", "checks.tex", "assumed.tex"}
    for text in found.values():
        assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == text.count(r"\midrule") == 1
    assert "1.23 & 0.50 to 2.00" in found["results.tex"]


def test_text_stays_text_in_latex():
    text = latex_table(["a_b", "50%"], [[r"\input{/etc/passwd}", "#1 ~ ^ {x} $y$ & z"]], NASTY)
    body = text.partition("tabular}{ll}")[2]
    assert r"\textbackslash{}input\{/etc/passwd\}" in body
    assert r"\#1 \textasciitilde{} \textasciicircum{} \{x\} \$y\$ \& z" in body
    assert r"a\_b & 50\%" in body


def test_numbers_of_a_failed_computation_are_held_back_everywhere(executed: Executed, tmp_path: Path):
    executed.statuses["sampling"] = "fail"
    path = write_report(executed.notebook(), tmp_path / "a.md")
    assert "0.50 to 2.00" not in path.read_text("utf-8")
    assert not (tmp_path / "a-files" / "results.tex").exists()


def test_an_earlier_document_is_replaced_whole(executed: Executed, tmp_path: Path):
    write_report(executed.notebook(), tmp_path / "a.md")
    (tmp_path / "a-files" / "old.png").write_bytes(b"")
    write_report(executed.notebook(), tmp_path / "a.md")
    assert not (tmp_path / "a-files" / "old.png").exists()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a-files", "a.md"]


@pytest.mark.parametrize("depth", ["decision-maker", "statistician"])
def test_a_report_opens_for_the_reader_that_is_named(executed: Executed, depth: str):
    page = Page(report(executed.notebook(), depth=depth))
    radios = {found["id"]: "checked" in found for tag, found in page.tags if tag == "input"}
    assert [name for name, checked in radios.items() if checked] == [f"depth-{depth}"]
    assert len(radios) == 3


def test_what_is_printed_has_nothing_to_unfold_or_switch(executed: Executed):
    page = Page(report(executed.notebook(), whole=True))
    assert not [tag for tag, _ in page.tags if tag in ("input", "fieldset")]
    assert all("open" in found for tag, found in page.tags if tag == "details")


def test_a_picture_without_words_is_given_the_verdicts(executed: Executed):
    nb = executed.notebook()
    for cell in nb["cells"][1:]:
        cell["outputs"][0]["data"][MIME]["alt"] = ""
    page = Page(report(nb))
    assert all(alt.startswith("Sentence of") for alt in page.attributes("alt"))


@pytest.mark.parametrize(("depth", "name"), [("everybody", "a.html"), ("analyst", "a.odt"), ("analyst", "a")])
def test_an_unknown_reader_or_format_is_named(executed: Executed, tmp_path: Path, depth: str, name: str):
    with pytest.raises(InvalidInput, match="Name one of"):
        write_report(executed.notebook(), tmp_path / name, depth=depth)
    assert list(tmp_path.iterdir()) == []


def test_without_a_browser_a_pdf_says_what_to_install(executed: Executed, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("modelcompose.publish.documents.BROWSERS", ())
    monkeypatch.setattr("modelcompose.publish.documents.APPLICATIONS", ())
    monkeypatch.setenv("CHROMIUM", "/nowhere")
    with pytest.raises(InvalidInput, match="Chromium"):
        write_report(executed.notebook(), tmp_path / "a.pdf")
    assert list(tmp_path.iterdir()) == []


def test_without_pandoc_a_docx_says_what_to_install(executed: Executed, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pypandoc", None)
    with pytest.raises(InvalidInput, match=r"modelcompose\[documents\]"):
        write_report(executed.notebook(), tmp_path / "a.docx")
    assert list(tmp_path.iterdir()) == []


def test_a_docx_holds_text_tables_equations_and_pictures_with_their_words(hostile, tmp_path: Path):
    pytest.importorskip("pypandoc")
    with ZipFile(write_report(hostile, tmp_path / "a.docx", title=HOSTILE, run=RUNS)) as document:
        names = document.namelist()
        body = document.read("word/document.xml").decode()
        relations = document.read("word/_rels/document.xml.rels").decode()
    assert any(name.startswith("word/media/") for name in names)
    for mark in ("<m:oMath>", "<w:tbl>", 'descr="Picture of', "Sentence of fit", "evil.example"):
        assert mark in body
    assert 'TargetMode="External"' not in relations


@pytest.mark.slow
def test_a_pdf_is_printed(executed: Executed, tmp_path: Path):
    try:
        browser()
    except InvalidInput:
        pytest.skip("there is no browser here")
    executed.statuses["prior"] = "warn"
    path = write_report(executed.notebook(), tmp_path / "a.pdf")
    assert path.read_bytes().startswith(b"%PDF-")
    assert path.stat().st_size > 20_000
