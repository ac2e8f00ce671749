"""Which rows are drawn, and how pictures of them are cut."""

import numpy as np
import pandas as pd
import pytest
import torch

from ecg_lightning.explain.cases import Cases
from ecg_lightning.explain.chosen import classes_of, for_averages, judged, to_look_at
from ecg_lightning.explain.trace_figures import around_peaks
from ecg_lightning.predictions import Predictions
from ecg_lightning.structures import Refused
from tests.corpora.anomaly_bundle import anomaly_bundle
from tests.explain.bundles import MeanLead, a_bundle


def a_table(logit: np.ndarray, label: np.ndarray, patient: list[str], side: str = "test") -> Predictions:
    table = pd.DataFrame(
        {
            **{"row": range(len(label)), "record": patient, "patient": patient, "time_s": 1.0, "side": side, "fold": 0},
            **{"label": label, "logit_V": logit},
        }
    )
    return Predictions(table, "arrhythmia", "binary", ("N", "V"), {}, False, least_specificity=None)


def test_patients_take_turns() -> None:
    patient = ["a"] * 90 + ["b"] * 3 + ["c"] * 7
    about = a_table(np.full(100, 2.0), np.ones(100, int), patient)
    found = judged(a_bundle(MeanLead(), "binary"), about)
    chosen = for_averages(about, found, "test", 1, 12, seed=0)
    assert about.table["patient"].iloc[chosen].value_counts().to_dict() == {"a": 5, "c": 4, "b": 3}
    assert list(chosen) == sorted(set(chosen))
    assert not np.array_equal(chosen, for_averages(about, found, "test", 1, 12, seed=1))
    assert len(for_averages(about, found, "test", 0, 12, seed=0)) == 0


def test_right_and_wrong_are_as_predict_decides() -> None:
    logit = np.array([3.0, 2.0, -1.0, -2.0, 4.0, -3.0])
    about = a_table(logit, np.array([1, 1, 1, 1, 0, 0]), list("abcdef"))
    found = judged(a_bundle(MeanLead(), "binary"), about)
    np.testing.assert_allclose(found.p[:, 1], 1 / (1 + np.exp(-logit)))
    right, wrong = to_look_at(about, found, "test", 1, seed=0)
    assert (list(right), list(wrong)) == ([0, 1], [2, 3])
    right, wrong = to_look_at(about, found, "test", 0, seed=0)
    assert (list(right), list(wrong)) == ([5], [4])


def test_the_score_of_an_anomaly_is_its_score_whatever_is_called() -> None:
    made = anomaly_bundle()
    table = pd.DataFrame(
        {
            **{"row": range(2), "record": ["a", "b"], "patient": ["a", "b"], "time_s": 1.0, "side": "test", "fold": 0},
            **{"label": [0, 1], "kind_V": [0, 1], "score_mae": 0.1, "score_weighted": 0.1},
            **{"score_latent": [0.9, 2.9], "score_rhythm": [0.6, 2.1]},
        }
    )
    about = Predictions(
        table,
        "anomaly",
        "anomaly",
        ("normal", "anomaly"),
        {},
        False,
        score=("latent", "rhythm"),
        kinds={"V": "V"},
        n_sd=2.0,
    )
    found = judged(made, about)
    np.testing.assert_allclose(found.p, [[-0.5, -0.5], [6.0, 6.0]])
    assert found.called.tolist() == [[True, False], [False, True]]


def test_classes_are_asked_for_by_name() -> None:
    about = a_table(np.zeros(2), np.array([0, 1]), ["a", "b"])
    assert classes_of(about, ()) == (0, 1)
    assert classes_of(about, ("V",)) == (1,)
    with pytest.raises(Refused, match="classes=X are unknown: choose from N, V"):
        classes_of(about, ("V", "X"))


def test_beats_are_cut_round_their_peaks_where_they_lie_wholly_inside() -> None:
    ecg = np.arange(40.0).reshape(2, 1, 20)
    cut, value = around_peaks(ecg, -ecg, [np.array([1, 10]), np.array([17, 19])], (2, 3))
    assert cut[:, 0].tolist() == [[8, 9, 10, 11, 12], [35, 36, 37, 38, 39]]
    assert (value == -cut).all()
    none, _ = around_peaks(ecg, ecg, [np.array([1]), np.empty(0, int)], (2, 3))
    assert none.shape == (0, 1, 5)


def test_a_crop_takes_its_peaks_and_waves_along() -> None:
    about = a_table(np.zeros(2), np.array([0, 1]), ["a", "b"])
    wave = np.arange(20).reshape(2, 10)
    peaks, sure = (np.array([1, 6]), np.array([4])), (np.array([True, False]), np.array([True]))
    fields = {"ecg": torch.zeros(2, 1, 10), "features": torch.zeros(2, 0), "extra": {}}
    whole = Cases(about, fields, peaks, wave, sure, "mV", torch.tensor([0, 5]))
    part = whole.of_crops(torch.ones(2, 1, 5), np.array([5, 0]), "SD")
    assert part.wave.tolist() == [[5, 6, 7, 8, 9], [10, 11, 12, 13, 14]]
    assert [one.tolist() for one in part.peaks] == [[1], [4]]
    assert [one.tolist() for one in part.delineated] == [[False], [True]]
    assert part.starts is None
    assert (whole.unit, part.unit) == ("mV", "SD")
    second = part.where(np.array([1]))
    assert second.patients.tolist() == ["b"]
    assert second.start is not None
    assert second.start.tolist() == [0]
