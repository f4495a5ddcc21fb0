import pytest

from modelcompose.catalog import entries
from modelcompose.publish.equation import mathml


def test_indices_and_names_are_drawn():
    found = mathml(r"\mu_i = \alpha + \beta_{\mathrm{body\_mass}}\,\mathrm{x}_i")
    assert "<msub><mi>μ</mi><mi>i</mi></msub>" in found
    assert "body_mass" in found
    assert found.startswith("<math")


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.id)
def test_every_equation_of_the_catalogue_is_read(entry):
    assert mathml(entry.equation).startswith("<math")


@pytest.mark.parametrize("latex", [r"\frac{1}{2}", r"\mathrm{a", "{", "}", "x_", r"\href{javascript:x}{y}", "a_b_c"])
def test_what_is_not_known_is_shown_as_it_is(latex):
    assert mathml(latex).startswith("<code>")


def test_names_are_escaped():
    assert "<script>" not in mathml(r"\mathrm{<script>}_i")
    assert "<script>" not in mathml(r"\unknown <script>")
