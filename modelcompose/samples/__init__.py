"""Small real tables to begin with, each beside a page that says where it comes from.

This package imports the standard library and ``modelcompose.errors``, nothing else. To add a sample, put
``<name>.csv`` and ``<name>.md`` here and one entry in `SAMPLES`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelcompose.errors import Conflict, NotFound

__all__ = ["SAMPLES", "Sample", "copy", "path"]


@dataclass(frozen=True)
class Sample:
    """A table that comes with ModelCompose, and a first question to ask of it."""

    name: str
    title: str
    description: str
    credit: str
    rows: int
    question: str
    outcome: str
    predictors: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    trials: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)


SAMPLES: list[Sample] = [
    Sample(
        name="sleepstudy",
        title="Reaction time without enough sleep",
        description="18 people slept 3 hours a night; their average reaction time was measured on 10 days.",
        credit="Belenky et al. (2003), Journal of Sleep Research 12:1–12; distributed with the R package lme4.",
        rows=180,
        question="change-over-time",
        outcome="Reaction",
        predictors=("Days",),
        groups=("Subject",),
        kinds={"Reaction": "continuous", "Days": "count", "Subject": "group"},
        units={"Reaction": "ms", "Days": "days"},
    ),
    Sample(
        name="penguins",
        title="Sizes of three species of penguins",
        description="Size, sex and species of 344 adult penguins on three Antarctic islands, 2007 to 2009.",
        credit="Gorman, Williams & Fraser (2014), PLoS ONE 9:e90081; palmerpenguins by Horst, Hill & Gorman, CC0.",
        rows=344,
        question="effect",
        outcome="body_mass_g",
        predictors=("flipper_length_mm", "species", "sex"),
        kinds={
            "species": "category",
            "island": "category",
            "bill_length_mm": "continuous",
            "bill_depth_mm": "continuous",
            "flipper_length_mm": "continuous",
            "body_mass_g": "continuous",
            "sex": "binary",
            "year": "ordered",
        },
        units={"bill_length_mm": "mm", "bill_depth_mm": "mm", "flipper_length_mm": "mm", "body_mass_g": "g"},
    ),
    Sample(
        name="admissions",
        title="Admission to graduate school by gender",
        description="How many women and men applied to six departments in Berkeley in 1973, and were admitted.",
        credit="Bickel, Hammel & O'Connell (1975), Science 187:398–404.",
        rows=12,
        question="effect",
        outcome="admitted",
        predictors=("gender",),
        groups=("dept",),
        trials="applications",
        kinds={"dept": "group", "gender": "binary", "admitted": "count", "applications": "count"},
    ),
]


def path(name: str) -> Path:
    """Return where the table of a sample lies.

    Raises
    ------
    NotFound
        When no sample has this name.
    """
    names = [sample.name for sample in SAMPLES]
    if name not in names:
        raise NotFound(
            f"There is no sample named “{name}”.", where="sample", remedy=f"Choose one of: {', '.join(names)}."
        )
    return Path(__file__).parent / f"{name}.csv"


def copy(name: str, folder: Path) -> Path:
    """Copy a sample into a folder and return the copy; a file that is already there is kept as it is."""
    source = path(name)
    target = Path(folder) / source.name
    if target.is_file():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as original, target.open("xb") as duplicate:
            shutil.copyfileobj(original, duplicate)
    except OSError as error:
        raise Conflict(
            f"The sample cannot be written to “{target}”: {error.strerror}.",
            where=str(target),
            remedy="Choose a folder you may write to.",
        ) from error
    return target
