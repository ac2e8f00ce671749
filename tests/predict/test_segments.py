"""A recording of any length goes in, an answer for each of its windows comes out."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract, Score
from ecg_lightning.features import Features
from ecg_lightning.models.logistic import Logistic
from ecg_lightning.predict import segments
from ecg_lightning.predict.segments import logits, watch
from ecg_lightning.prepare import Preprocess, prepare, scale_extra
from ecg_lightning.structures import BadRecord, Record, Signal
from ecg_lightning.windowing import Crops, Segments, Window, scale_windows

FS_HZ = 100.0
HOURS = ("hour_sin", "hour_cos")


def a_contract(names: tuple[str, ...] = HOURS, **changes: Any) -> Contract:
    made = Contract(
        task="hypoglycemia",
        network="somebody.Elses",
        arguments={},
        produces="logits",
        problem="binary",
        classes=("normal", "low"),
        class_names={},
        preprocess=Preprocess(("ECG",), FS_HZ, "diagnostic", "butterworth", high_hz=40.0, unit="NU", beats="detected"),
        window=Segments(200, 150),
        features=Features(names, "diagnostic"),
        feature_mean=(0.0,) * len(names),
        feature_std=(1.0,) * len(names),
        temperature=2.0,
        offsets=(0.05,),
        thresholds=(0.4,),
        patients={},
        data={},
        tags={},
        test={},
    )
    return replace(made, **changes)


def a_bundle(**changes: Any) -> Bundle:
    torch.manual_seed(0)
    return Bundle(Logistic(1, 200, 1, (0.0, 0.0), (1.0, 1.0)).eval(), a_contract(**changes))


def a_record(n_samples: int = 1500) -> Record:
    """A beat every 0.8 s in some noise, and another lead before it."""
    rng = np.random.default_rng(0)
    time_s = np.arange(n_samples) / FS_HZ
    beats = np.exp(-(((time_s % 0.8 - 0.4) / 0.02) ** 2))
    ecg = np.stack([rng.standard_normal(n_samples), beats + 0.05 * rng.standard_normal(n_samples)]).astype(np.float32)
    return Record("a", "p", ecg, ("V1", "ECG"), FS_HZ, np.empty(0, np.int64), (), False, "NU", begin_s=1.4e9)


def test_every_window_gets_an_answer() -> None:
    found = watch(a_bundle(), a_record())
    assert list(found.columns) == ["recording", "time_s", "p", "threshold", "called", "class", "bad_share"]
    np.testing.assert_allclose(found["time_s"], 1.5 * np.arange(9))
    p = (logits(a_bundle(), a_record()) / 2.0 + 0.05).sigmoid().flatten()
    np.testing.assert_allclose(found["p"], p, rtol=1e-6)
    assert set(found["threshold"]) == {0.4}
    assert found["called"].tolist() == (found["p"] >= 0.4).tolist()
    assert found["class"].tolist() == np.where(found["called"], "low", "normal").tolist()
    assert 0 < found["called"].sum() < 9


def test_it_is_the_path_of_training() -> None:
    made, record = a_bundle(), a_record()
    alone = replace(record, ecg_mv=record.ecg_mv[1:], leads=("ECG",))
    prepared = prepare(alone, made.contract.preprocess, made.contract.features)
    start = Segments(200, 150).starts(1500)
    ecg = torch.stack([torch.from_numpy(prepared.ecg[:, begin : begin + 200]) for begin in start])
    place = (prepared.ecg, prepared.peak_sample, start, 200, FS_HZ, record.begin_s)
    with torch.no_grad():
        expected = made.network(
            scale_windows(ecg, "window"), torch.from_numpy(made.contract.features.of_segments(*place))
        )
    torch.testing.assert_close(logits(made, record).clone(), expected)


def test_pieces_do_not_change_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = logits(a_bundle(), a_record())
    monkeypatch.setattr(segments, "N_ROWS", 4)
    torch.testing.assert_close(logits(a_bundle(), a_record()), whole)


def test_the_hour_of_the_day_is_heard_where_the_network_is_told() -> None:
    later = replace(a_record(), begin_s=1.4e9 + 6 * 3600)
    assert not torch.allclose(logits(a_bundle(), later), logits(a_bundle(), a_record()))


def test_a_recording_shorter_than_a_window_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"recording a has 199 samples at 100 Hz \(2.0 s\), fewer than the 200 that a window has"
    ):
        watch(a_bundle(), a_record(199))


def test_samples_that_are_no_numbers_are_refused() -> None:
    record = a_record(600)
    record.ecg_mv[:, 10:13] = np.nan
    with pytest.raises(BadRecord, match=r"record a has [0-9]+ samples that are no numbers: fill or cut them out first"):
        watch(a_bundle(), record)


def test_windows_of_a_lead_that_is_off_say_so() -> None:
    record = a_record(600)
    record.ecg_mv[:, 200:400] = 0
    found = watch(a_bundle(), record)
    assert found["bad_share"].iloc[1] > 0.5


class Listener(nn.Module):
    """Adds up what the other signals are worth, each at its own rate."""

    takes, produces, scope, optional = ("ecg", "extra"), "logits", "window", ("extra",)

    def forward(self, ecg: Tensor, extra: dict[str, Tensor]) -> Tensor:
        self.seen = extra
        return ecg.mean(dim=(1, 2))[:, None] + sum(one.sum(dim=(1, 2))[:, None] for one in extra.values())


def hearing() -> Bundle:
    contract = a_contract((), extra_channels={"breathing": 2, "activity": 1})
    return Bundle(Listener().eval(), contract)


def test_other_signals_come_at_their_own_rate_and_are_scaled_as_for_training() -> None:
    made, rng = hearing(), np.random.default_rng(1)
    breathing = Signal(rng.standard_normal((2, 375)).astype(np.float32), 25.0)
    breathing.value[:, 40] = np.nan
    answers = logits(made, replace(a_record(), extra={"breathing": breathing}))
    seen = made.network.seen
    assert (tuple(seen["breathing"].shape), answers.shape) == ((9, 2, 50), (9, 1))
    scaled = scale_extra(breathing)
    for row, begin in enumerate(np.round(1.5 * np.arange(9) * 25).astype(int)):
        np.testing.assert_array_equal(seen["breathing"][row], scaled[:, begin : begin + 50])
    assert not seen["activity"].any(), "the recording has none"
    assert seen["activity"].shape == (9, 1, 2)


def test_another_signal_of_other_channels_is_refused_in_words() -> None:
    one = Signal(np.zeros((1, 375), np.float32), 25.0)
    with pytest.raises(ValueError, match="recording a: signal breathing has 1 channels, but the network takes 2"):
        watch(hearing(), replace(a_record(), extra={"breathing": one}))


def test_a_recording_without_the_lead_is_refused_in_words() -> None:
    with pytest.raises(BadRecord, match="record a: no lead ECG among V1, V5"):
        watch(a_bundle(), replace(a_record(), leads=("V1", "V5")))


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (Window(200, 100), "single beats: use predict.beats.classify"),
        (Crops(200, 100, "mean"), "whole recordings: use predict.recordings.diagnose"),
    ],
)
def test_a_bundle_of_beats_or_recordings_is_refused_in_words(window: Window | Crops, words: str) -> None:
    with pytest.raises(ValueError, match=f"network=somebody.Elses answers for {words}"):
        watch(a_bundle(window=window), a_record())


@pytest.mark.parametrize("problem", ["multilabel", "anomaly"])
def test_a_bundle_of_another_problem_is_refused_in_words(problem: str) -> None:
    score = Score(("mae",), (0.1,), (0.1,), "mean + 2 SD of validation normals") if problem == "anomaly" else None
    with pytest.raises(ValueError, match=f"problem={problem} of the bundle cannot be watched: take one of problem=bin"):
        watch(a_bundle(problem=problem, score=score, offsets=()), a_record())
