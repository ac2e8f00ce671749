"""What comes back for a recording is what the commands say of it; a window gives what it gives in its recording."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from ecg_lightning.bundle import Bundle
from ecg_lightning.models.logistic import Logistic
from ecg_lightning.predict.beats import classify
from ecg_lightning.predict.inputs import inputs
from ecg_lightning.predict.recordings import diagnose
from ecg_lightning.predict.segments import watch
from ecg_lightning.serve import payload, replies
from tests.corpora.anomaly_bundle import anomaly_bundle
from tests.corpora.sequence_gru import SequenceGRU
from tests.corpora.small_bundles import BEATS, RECORDINGS, SEGMENTS, sent_recording, small_bundle

SAMPLES = {name: value for name, value in sent_recording().items() if name != "peak_sample"}


def a_window(bundle: Bundle, first: int) -> dict[str, Any]:
    """60 samples of the recording, preprocessed with all of it but not yet scaled."""
    record = payload.recording("0", sent_recording(), bundle.contract)
    ecg = inputs(bundle.contract, record).prepared.ecg[:, first : first + 60]
    return {"ecg_mv": ecg.tolist(), "leads": list(bundle.contract.preprocess.leads)}


def test_beats_come_with_time_class_and_probabilities() -> None:
    made = small_bundle(BEATS)
    found = replies.reply(made, "0", sent_recording())
    expected = classify(made, payload.recording("0", sent_recording(), made.contract))
    assert (found["task"], found["sent"], found["per"]) == ("arrhythmia", "recording", "beat")
    assert found["classes"] == {"N": "normal", "V": "ventricular"}
    assert found["research"] == "For research. Not a medical device."
    assert (len(found["answers"]), found["notes"]) == (10, [])
    assert found["answers"][3].keys() == {"time_s", "class", "p"}
    assert [one["class"] for one in found["answers"]] == expected["class"].tolist()
    np.testing.assert_allclose([one["p"]["V"] for one in found["answers"]], expected["p_V"], atol=1e-6)


def test_a_filtered_window_says_what_the_beat_says_in_its_recording() -> None:
    made, sent = small_bundle(BEATS), sent_recording()
    whole = replies.reply(made, "0", sent)["answers"][2]
    at = sent["peak_sample"][2]
    alone = replies.reply(made, "0", a_window(made, at - 30) | {"features": {"pre_rr_s": 0.8}})
    assert alone["answers"] == [{"class": whole["class"], "p": {c: pytest.approx(p) for c, p in whole["p"].items()}}]
    assert (alone["sent"], alone["per"]) == ("window", "window")
    (note,) = alone["notes"]
    assert note.startswith("a window is taken as it is: filter=butterworth of the contract must have been done by the")
    unfiltered = small_bundle(RECORDINGS)
    crop = {"ecg_mv": [row[:60] for row in SAMPLES["ecg_mv"]], "leads": SAMPLES["leads"], "features": [60, 1]}
    assert "it is: scale=record of the contract" in replies.reply(unfiltered, "0", crop)["notes"][0]


def test_recordings_come_with_every_class_at_once() -> None:
    made = small_bundle(RECORDINGS)
    found = replies.reply(made, "0", SAMPLES | {"age_years": 60})
    expected = diagnose(made, payload.recording("0", SAMPLES | {"age_years": 60}, made.contract)).set_index("class")
    (answer,) = found["answers"]
    assert answer["p"] == pytest.approx(expected["p"].to_dict(), abs=1e-6)
    assert answer["threshold"] == {"MI": 0.2, "CD": 0.8}
    assert answer["called"] == expected.index[expected["called"]].tolist()
    assert found["notes"] == ["sex_female not known: the network goes on without"]


def test_a_crop_says_what_a_recording_of_its_length_says() -> None:
    made = small_bundle(RECORDINGS, preprocess=replace(RECORDINGS["preprocess"], scale="window"))
    short = {"ecg_mv": [row[:60] for row in SAMPLES["ecg_mv"]], "leads": SAMPLES["leads"]}
    alone = replies.reply(made, "0", short | {"features": [60, 1]})
    whole = replies.reply(made, "0", short | {"fs_hz": 100, "age_years": 60, "sex_female": 1})
    assert alone["answers"] == whole["answers"]


def test_stretches_come_with_both_classes_and_how_bad_they_are() -> None:
    made = small_bundle(SEGMENTS, extra_channels={}, data={"synthetic": True})
    sent = SAMPLES | {"begin_s": 1.4e9}
    found = replies.reply(made, "0", sent)
    expected = watch(made, payload.recording("0", sent, made.contract))
    assert found["per"] == "window"
    assert found["answers"][0].keys() == {"time_s", "p", "threshold", "called", "class", "bad_share"}
    both = [sum(one["p"].values()) for one in found["answers"]]
    np.testing.assert_allclose(both, 1)
    np.testing.assert_allclose([one["p"]["low"] for one in found["answers"]], expected["p"], atol=1e-6)
    assert found["notes"] == ["the network learned from synthetic data: its answers mean nothing"]
    window = replies.reply(made, "0", {"ecg_mv": SAMPLES["ecg_mv"], "leads": SAMPLES["leads"]} | first_window(sent))
    assert window["answers"][0].keys() == {"p", "threshold", "called", "class"}
    assert window["answers"][0]["p"] == pytest.approx(found["answers"][0]["p"])


def first_window(sent: dict[str, Any]) -> dict[str, Any]:
    """The first 60 samples, and the feature that the recording gives them."""
    made = small_bundle(SEGMENTS)
    feature = inputs(made.contract, payload.recording("0", sent, made.contract)).features[0]
    return {"ecg_mv": [row[:60] for row in sent["ecg_mv"]], "features": feature.tolist()}


def test_anomalies_come_with_their_score_and_its_parts() -> None:
    made = anomaly_bundle()
    found = replies.reply(made, "0", sent_recording())
    expected = classify(made, payload.recording("0", sent_recording(), made.contract))
    assert found["answers"][0].keys() == {"time_s", "class", "score", "threshold", "parts"}
    np.testing.assert_allclose([one["score"] for one in found["answers"]], expected["score"], atol=1e-6)
    assert found["answers"][0]["parts"]["latent"] == pytest.approx(expected["score_latent"][0], abs=1e-6)


def test_peaks_that_were_found_and_signals_that_were_not_sent_are_told() -> None:
    made = small_bundle(BEATS)
    found = replies.reply(made, "0", SAMPLES)
    assert found["notes"] == [f"R peaks were not sent: {len(found['answers'])} were detected, which looks ahead"]
    other = small_bundle(BEATS, extra_channels={"breathing": 1})
    assert replies.reply(other, "0", sent_recording())["notes"] == ["breathing taken as not recorded"]


class Nowhere(Logistic):
    """Answers NaN."""

    def forward(self, ecg: Tensor, features: Tensor) -> Tensor:
        return super().forward(ecg, features) * torch.nan


def test_an_answer_that_is_no_number_is_refused() -> None:
    made = small_bundle(BEATS)
    lost = Bundle(Nowhere(**made.contract.arguments).eval(), made.contract)
    with pytest.raises(ValueError, match=r"answer has no finite p_N: look at the unit of what was sent"):
        replies.reply(lost, "0", sent_recording())


def test_a_network_of_beats_in_a_row_is_refused_before_it_is_served() -> None:
    made = small_bundle(BEATS)
    replies.check_servable(made)
    with pytest.raises(ValueError, match=r"network=\S+ takes beats in a row: choose a bundle of a network of single"):
        replies.check_servable(Bundle(SequenceGRU(60, 1, 2, both_ways=False), made.contract))


def test_everybody_may_know_how_to_ask_but_not_who_the_patients_were() -> None:
    said = replies.public(small_bundle(BEATS).contract)
    assert said["class_names"] == {"N": "normal", "V": "ventricular"}
    assert (said["leads"], said["fs_hz"], said["window"]["n_samples"]) == (["MLII"], 100.0, 60)
    assert said["research"] == "For research. Not a medical device."
    assert "Ann" not in str(said)


def test_the_table_is_that_of_the_commands() -> None:
    made = small_bundle(BEATS)
    found = replies.table(made, "7", sent_recording())
    pd.testing.assert_frame_equal(found, classify(made, payload.recording("7", sent_recording(), made.contract)))
    assert list(found["recording"].unique()) == ["7"]
