"""Records refuse what cannot be: peaks outside, persons of unknown or impossible numbers."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from ecg_lightning.structures import BadRecord, Record


def record_of(**changed: Any) -> Record:
    known = {"name": "a", "patient": "p", "ecg_mv": np.zeros((1, 100), np.float32), "leads": ("I",), "fs_hz": 100.0}
    known |= {"peak_sample": np.array([0, 99]), "symbol": ("N", "N"), "synthetic": False}
    return Record(**(known | changed))


def test_a_record_may_know_nothing_of_its_person() -> None:
    assert record_of().person == {}
    assert np.isnan(record_of(person={"age_years": float("nan")}).person["age_years"])


@pytest.mark.parametrize("peaks", [[-1, 5], [5, 100]])
def test_peaks_outside_the_record_are_refused_in_words(peaks: list[int]) -> None:
    with pytest.raises(BadRecord, match=f"R peaks run from {peaks[0]} to {peaks[1]}, outside its 100 samples"):
        record_of(peak_sample=np.array(peaks))


@pytest.mark.parametrize(("name", "value"), [("age", 61.0), ("age_years", 610.0), ("sex_female", 7.0)])
def test_impossible_persons_are_refused_in_words(name: str, value: float) -> None:
    with pytest.raises(BadRecord, match=f"person has {name}={value}, but takes age_years from 0 to 130, sex_female"):
        record_of(person={name: value})


ONE_AXIS = """
import numpy as np
from ecg_lightning.structures import Record
Record("mine", "me", np.zeros(100), ("II",), 100.0, np.zeros(0, np.int64), (), False)
"""


def test_a_record_without_an_axis_for_leads_is_refused() -> None:
    """In a process of its own: here jaxtyping would refuse it first."""
    said = subprocess.run([sys.executable, "-c", ONE_AXIS], capture_output=True, text=True).stderr
    assert "BadRecord: record mine: ecg_mv of shape (100,) must be (lead, time)" in said
