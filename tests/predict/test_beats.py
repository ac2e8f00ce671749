"""A recording with marked beats goes in, a class for every beat comes out."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.features import Features
from ecg_lightning.models.logistic import Logistic
from ecg_lightning.predict import beats
from ecg_lightning.predict.beats import classify, logits
from ecg_lightning.prepare import Preprocess, prepare, windows
from ecg_lightning.structures import BadRecord, Record
from ecg_lightning.windowing import Crops, Segments, Window

FS_HZ = 100.0


def a_bundle() -> Bundle:
    torch.manual_seed(0)
    network = Logistic(1, 60, 2, (0.8,), (0.2,)).eval()
    return Bundle(
        network,
        Contract(
            task="arrhythmia",
            network="ecg_lightning.models.logistic.Logistic",
            arguments={},
            produces="logits",
            problem="multiclass",
            classes=("N", "V"),
            class_names={},
            preprocess=Preprocess(("MLII",), FS_HZ, "diagnostic", "butterworth", high_hz=40.0),
            window=Window(60, 30),
            features=Features(("pre_rr_s",), "diagnostic"),
            feature_mean=(0.8,),
            feature_std=(0.2,),
            temperature=2.0,
            thresholds=None,
            patients={},
            data={},
            tags={},
            test={},
        ),
    )


def a_record(n_beats: int = 30) -> Record:
    rng = np.random.default_rng(0)
    ecg_mv = rng.standard_normal((2, 80 * n_beats + 80)).astype(np.float32)
    peak_sample = 80 * np.arange(n_beats) + rng.integers(40, 60, n_beats)
    return Record("a", "p", ecg_mv, ("V1", "MLII"), FS_HZ, peak_sample, (), False)


def test_every_beat_gets_a_class_and_probabilities() -> None:
    found = classify(a_bundle(), a_record())
    assert list(found.columns) == ["recording", "time_s", "class", "p_N", "p_V"]
    assert len(found) == 30
    np.testing.assert_allclose(found["time_s"], a_record().peak_sample / FS_HZ)
    np.testing.assert_allclose(found["p_N"] + found["p_V"], 1, rtol=1e-6)
    assert (found["class"] == np.where(found["p_N"] > found["p_V"], "N", "V")).all()


def test_it_is_the_path_of_training() -> None:
    made, record = a_bundle(), a_record()
    alone = replace(record, ecg_mv=record.ecg_mv[1:], leads=("MLII",))
    prepared = prepare(alone, made.contract.preprocess, made.contract.features)
    ecg = windows(prepared, made.contract.preprocess, made.contract.window)
    with torch.no_grad():
        expected = made.network(ecg, torch.from_numpy(prepared.features))
    torch.testing.assert_close(logits(made, record).clone(), expected)


def test_probabilities_are_calibrated() -> None:
    made, record = a_bundle(), a_record()
    expected = torch.softmax(logits(made, record) / 2.0, dim=1)[:, 1].numpy()
    np.testing.assert_allclose(classify(made, record)["p_V"], expected, rtol=1e-6)


def test_leads_are_found_by_name() -> None:
    record = a_record()
    swapped = replace(record, ecg_mv=record.ecg_mv[::-1].copy(), leads=("MLII", "V1"))
    torch.testing.assert_close(logits(a_bundle(), swapped), logits(a_bundle(), record))


def test_pieces_do_not_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = logits(a_bundle(), a_record())
    monkeypatch.setattr(beats, "N_ROWS", 7)
    torch.testing.assert_close(logits(a_bundle(), a_record()), whole)


def test_a_recording_without_beats_gives_no_rows() -> None:
    found = classify(a_bundle(), replace(a_record(), peak_sample=np.empty(0, np.int64)))
    assert found.empty
    assert list(found.columns) == ["recording", "time_s", "class", "p_N", "p_V"]


def test_a_recording_without_the_lead_is_refused_in_words() -> None:
    with pytest.raises(BadRecord, match="record a: no lead MLII among V1, V5"):
        classify(a_bundle(), replace(a_record(), leads=("V1", "V5")))


class Sequence(nn.Linear):
    """A network that takes beats in a row."""

    takes, scope = ("ecg",), "sequence"


def test_a_network_of_sequences_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"network=.* takes beats in a row: choose a bundle of a network of single"):
        classify(Bundle(Sequence(1, 1), a_bundle().contract), a_record())


def test_a_network_of_whole_recordings_is_refused_in_words() -> None:
    made = a_bundle()
    whole = Bundle(made.network, replace(made.contract, window=Crops(60, 30, "mean")))
    with pytest.raises(ValueError, match=r"answers for whole recordings: use predict.recordings.diagnose"):
        classify(whole, a_record())
    stretches = Bundle(made.network, replace(made.contract, window=Segments(60, 60)))
    with pytest.raises(ValueError, match=r"answers for stretches of recordings: use predict.segments.watch"):
        classify(stretches, a_record())


def test_of_two_classes_the_second_is_called_from_its_threshold_on() -> None:
    torch.manual_seed(0)
    network = Logistic(1, 60, 1, (0.8,), (0.2,)).eval()
    contract = replace(a_bundle().contract, problem="binary", thresholds=(0.6,))
    made = Bundle(network, contract)
    found = classify(made, a_record())
    np.testing.assert_allclose(found["p_V"], (logits(made, a_record())[:, 0] / 2.0).sigmoid(), rtol=1e-6)
    np.testing.assert_allclose(found["p_N"] + found["p_V"], 1, rtol=1e-6)
    assert found["class"].tolist() == np.where(found["p_V"] >= 0.6, "V", "N").tolist()
    assert ((found["p_V"] > 0.5) & (found["class"] == "N")).any()
    assert classify(made, replace(a_record(), peak_sample=np.empty(0, np.int64))).empty
