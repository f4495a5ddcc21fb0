import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from modelcompose.errors import InvalidInput, NotFound
from modelcompose.publish import whatif as computing
from modelcompose.widgets import WhatIf, whatif


class Scenarios:
    """Predicts without a model, by the shape of the real one."""

    def __init__(self, *material) -> None:
        self.controls = [{"name": "x", "label": "x", "kind": "number", "min": 0, "max": 9, "step": 1, "unit": ""}]
        self.start = {"x": 4}
        self.seen: list[object] = []

    def predict(self, values):
        self.seen.append(values)
        if values == {"x": 13}:
            raise ZeroDivisionError
        if not isinstance(values, dict):
            raise InvalidInput("no", where="x", remedy="Choose another.")
        return {"sentence": f"x is {values['x']}"}


@pytest.fixture
def widget(monkeypatch, tmp_path: Path):
    (tmp_path / "whatif.js").write_text("export default {}")
    monkeypatch.setattr(whatif, "STATIC", tmp_path)
    monkeypatch.setattr(computing, "Scenarios", Scenarios)
    return WhatIf(None, None, None, None)


def test_it_predicts_at_once(widget):
    assert widget.values == {"x": 4}
    assert widget.result == {"sentence": "x is 4"}
    assert (widget.busy, widget.error) == (False, "")


def test_values_of_the_browser_change_the_result(widget):
    widget.set_state({"values": {"x": 7}})
    assert widget.result == {"sentence": "x is 7"}


@pytest.mark.parametrize("values", [None, 3, "x", [1]])
def test_bad_values_end_in_a_sentence_and_the_last_result_stays(widget, values):
    widget.set_state({"values": values})
    assert widget.error == "x: no. Choose another."
    assert widget.result == {"sentence": "x is 4"}
    assert widget.busy is False
    widget.set_state({"values": {"x": 1}})
    assert widget.error == ""


def test_an_unexpected_failure_is_logged_and_told_without_its_traceback(widget, caplog):
    widget.set_state({"values": {"x": 13}})
    assert widget.error == "These values cannot be predicted. Choose others."
    assert "ZeroDivisionError" in caplog.text


def test_the_front_end_gets_the_traits_that_were_agreed(widget):
    state = widget.get_state()
    assert {"controls", "values", "result", "busy", "error"} <= state.keys()
    assert state["_esm"] == "export default {}"


def test_a_front_end_that_was_not_built_is_said(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(whatif, "STATIC", tmp_path)
    with pytest.raises(NotFound, match="jlpm build"):
        WhatIf(*[SimpleNamespace()] * 4)


def test_importing_the_package_is_cheap():
    code = "import sys, modelcompose.widgets; print([m for m in ('anywidget', 'numpy', 'pymc') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
