"""Beats and peaks are matched as EC57 has it, and refusals are heard."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.stream import main
from ecg_lightning.predict.detector_quality import pairs


def test_pairs_are_each_others_nearest_within_the_tolerance() -> None:
    rng = np.random.default_rng(0)
    true = np.cumsum(rng.integers(20, 200, 100))
    found = np.unique(np.concatenate([true[::2] + rng.integers(-40, 40, 50), rng.integers(0, true[-1], 30)]))
    own, other = pairs(true, found, 200.0)
    expected = []
    for k, beat in enumerate(true):
        j = int(np.abs(found - beat).argmin())
        if int(np.abs(true - found[j]).argmin()) == k and abs(found[j] - beat) <= 30:
            expected.append((k, j))
    assert len(expected) > 30
    assert list(zip(own.tolist(), other.tolist(), strict=True)) == expected


def test_nothing_matches_nothing() -> None:
    none = np.zeros(0, np.int64)
    assert [len(some) for some in pairs(none, np.array([5]), 100.0)] == [0, 0]
    assert [len(some) for some in pairs(np.array([5]), none, 100.0)] == [0, 0]


def test_a_run_that_is_not_there_is_refused_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "run"), str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("error: bundle=")
