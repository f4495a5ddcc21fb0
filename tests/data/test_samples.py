"""The samples are the published tables, and their first question fits them."""

import numpy as np
import pytest

from modelcompose import samples
from modelcompose.data import infer, read
from modelcompose.errors import Conflict, NotFound


@pytest.fixture(params=samples.SAMPLES, ids=lambda sample: sample.name)
def sample(request):
    return request.param


def test_a_sample_is_described_correctly(sample):
    frame, notes = read(samples.path(sample.name))
    assert len(frame) == sample.rows
    assert notes == ()
    assert list(sample.kinds) == list(frame.columns)
    assert {sample.outcome, *sample.predictors, *sample.groups, *sample.units} <= set(frame.columns)
    assert {name: guess.kind for name, guess in infer(frame).items()} == sample.kinds


def test_a_sample_says_where_it_comes_from(sample):
    page = samples.path(sample.name).with_suffix(".md").read_text(encoding="utf-8")
    assert all(f"**{word}" in page for word in ("Origin", "Citation", "Licence"))
    assert all(f"| {column} |" in page for column in sample.kinds)


def test_sleepstudy_is_the_published_table():
    frame, _ = read(samples.path("sleepstudy"))
    assert frame["Reaction"].head(4).tolist() == [249.56, 258.7047, 250.8006, 321.4398]
    assert (frame.groupby("Subject").size() == 10).all()
    assert frame["Subject"].nunique() == 18
    assert frame["Reaction"].mean() == pytest.approx(298.508, abs=5e-4)
    slope, intercept = np.polyfit(frame["Days"], frame["Reaction"], 1)
    assert (intercept, slope) == pytest.approx((251.405, 10.467), abs=5e-4)


def test_penguins_are_the_published_table():
    frame, _ = read(samples.path("penguins"))
    assert frame["species"].value_counts().to_dict() == {"Adelie": 152, "Gentoo": 124, "Chinstrap": 68}
    slope = np.polyfit(*frame[["flipper_length_mm", "body_mass_g"]].dropna().to_numpy().T, 1)[0]
    assert slope == pytest.approx(49.686, abs=5e-4)


def test_admissions_are_the_published_table():
    frame, _ = read(samples.path("admissions"))
    admitted, applied = (frame.groupby("gender")[name].sum().to_dict() for name in ("admitted", "applications"))
    assert (admitted, applied) == ({"female": 557, "male": 1198}, {"female": 1835, "male": 2691})


def test_a_copy_never_overwrites(tmp_path):
    copy = samples.copy("penguins", tmp_path / "data")
    assert copy == tmp_path / "data" / "penguins.csv"
    assert copy.read_bytes() == samples.path("penguins").read_bytes()
    copy.write_text("mine")
    assert samples.copy("penguins", tmp_path / "data") == copy
    assert copy.read_text() == "mine"


def test_an_unknown_sample_and_an_unusable_folder_are_named(tmp_path):
    with pytest.raises(NotFound, match=r"no sample named “iris”.*sleepstudy, penguins, admissions"):
        samples.path("iris")
    with pytest.raises(NotFound):
        samples.path("../penguins")
    (tmp_path / "file").write_text("")
    with pytest.raises(Conflict, match="cannot be written"):
        samples.copy("penguins", tmp_path / "file")
