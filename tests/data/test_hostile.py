"""No file, however wrong, gives a traceback or changes a value without a word; ``-s`` prints what users are told."""

import re

import pandas as pd
import pytest
from hostile import CASES, READS, told
from hostile_formats import FORMATS

ALL = [*CASES, *FORMATS]
SLOW = {"wide.csv"}
TYPES = {"bool", "boolean", "int64", "float64", "datetime64[us]", "str"}


def test_there_are_enough_of_them_and_no_name_stands_twice():
    names = [case.name for case in ALL]
    assert len(names) >= 60
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.name, marks=[pytest.mark.slow] * (case.name in SLOW)) for case in ALL]
)
def test_a_hostile_file_is_read_as_it_stands_or_refused_in_words(case, tmp_path):
    frame, notes, refusal = told(case, tmp_path)
    assert (tmp_path / case.name).read_bytes() == case.content
    print(f"\n{case.name:28}{refusal or ' '.join(notes) or 'read without a note'}")
    if case.outcome != READS:
        assert refusal, notes
        assert re.search(case.outcome, refusal.message)
        assert refusal.where
        assert refusal.remedy
        return
    assert refusal is None
    assert {str(dtype) for dtype in frame.dtypes} <= TYPES
    found = {name: [None if pd.isna(cell) else cell for cell in frame[name].tolist()] for name in frame}
    assert found == case.frame
    assert re.search(case.notes, " ".join(notes)) if case.notes else notes == ()
