"""The registry: one shape for our models, for those of other packages, and for files of one's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from modelcompose import catalog, data
from modelcompose.analysis import Analysis
from modelcompose.catalog import registry
from modelcompose.catalog.regression import Linear
from modelcompose.errors import NotFound


class Theirs(Linear):
    id = "their-regression"
    title = "Their regression"


@dataclass
class Point:
    """What an installed package declares under ``[project.entry-points."modelcompose.models"]``."""

    name: str = "their-regression"

    def load(self):
        return Theirs


@pytest.fixture
def installed(monkeypatch):
    asked = []
    monkeypatch.setattr(registry, "entry_points", lambda group: asked.append(group) or [Point()])
    registry.entries.cache_clear()
    yield asked
    registry.entries.cache_clear()


def test_a_model_of_another_package_is_an_entry_like_ours(installed, tmp_path):
    assert catalog.get("their-regression").title == "Their regression"
    assert installed == ["modelcompose.models"]
    simulation = catalog.get("their-regression").simulate(np.random.default_rng(1), 80)
    simulation.table.to_csv(tmp_path / "t.csv", index=False)
    dataset = data.load(str(tmp_path / "t.csv"), simulation.kinds)
    found = catalog.recommend(Analysis.of(dict(simulation.choices)), dataset)
    assert "their-regression" in [one.entry.id for one in found.candidates]


def test_every_family_names_its_entries_and_ids_are_unique():
    ids = [one.id for one in catalog.entries()]
    assert len(ids) == len(set(ids))
    assert len(ids) >= 36
    families = {type(one).__module__.rpartition(".")[2] for one in catalog.entries()}
    assert families == set(registry.FAMILIES)


def test_an_unknown_model_is_answered_with_those_there_are():
    with pytest.raises(NotFound, match=r"no model 'nope'.*linear"):
        catalog.get("nope")
