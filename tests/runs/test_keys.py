"""What changes the work of a step changes its key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelcompose.analysis import Analysis
from modelcompose.runs.keys import Keys, _content, _imported
from modelcompose.workflow.notebook import digest

from .conftest import new_code_cell, new_notebook

CHOICES = 'data = "table.csv"\noutcome = "a"'


def key(folder: Path, own: str) -> str | None:
    """Return the key of the step that reads the data, below a cell of somebody's own."""
    (folder / "table.csv").write_text("a,b\n1,2\n")
    source = "mc.check.data()"
    composed = new_code_cell(source, metadata={"modelcompose": {"step": "data", "composed": digest(source)}})
    nb = new_notebook(cells=[new_code_cell(CHOICES, metadata={"tags": ["parameters"]}), new_code_cell(own), composed])
    return Keys(nb, Analysis.read(nb), folder, "python3").of("data")


@pytest.mark.parametrize("own", ["import mine", "from mine.parts import two", "if True:\n    import os, mine as m"])
@pytest.mark.parametrize("place", ["mine.py", "mine/__init__.py", "mine/parts.py"])
def test_a_module_beside_the_notebook_counts_where_it_is_imported(tmp_path: Path, own: str, place: str) -> None:
    module = tmp_path / place
    module.parent.mkdir(exist_ok=True)
    (module.parent / "__init__.py").write_text("") if module.parent != tmp_path else None
    module.write_text("two = 2")
    before, apart = key(tmp_path, own), key(tmp_path, "import os")
    assert before == key(tmp_path, own)
    module.write_text("two = 3")
    assert key(tmp_path, own) != before
    assert key(tmp_path, "import os") == apart


def test_imports_are_found_by_their_first_names() -> None:
    found = _imported("import a.b, c as d\nfrom e.f import g\n  import h\nx = 'import i'\nfrom . import j")
    assert found == {"a", "c", "e", "h"}


def test_a_file_of_the_same_age_and_size_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("a,b\n1,2\n")
    before, state = _content(file), file.stat()
    file.write_text("a,b\n1,3\n")
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert _content(file) != before
