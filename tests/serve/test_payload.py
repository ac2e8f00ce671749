"""What is no recording and no window is refused in one sentence, before anything is computed."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch

from ecg_lightning.features import Features
from ecg_lightning.prepare import Preprocess
from ecg_lightning.serve import payload
from ecg_lightning.serve.payload import BadPayload
from ecg_lightning.structures import BadRecord
from tests.corpora.small_bundles import BEATS, RECORDINGS, SEGMENTS, sent_recording, small_bundle

CONTRACT = small_bundle(BEATS).contract
PLAIN: dict[str, Any] = BEATS | {"preprocess": Preprocess(("MLII",), 100.0, "diagnostic", "none", scale="none")}
GOOD: dict[str, Any] = {"ecg_mv": [[0.0, 1.0, 2.0]], "leads": ["MLII"], "fs_hz": 100.0, "peak_sample": [1]}
WINDOW: dict[str, Any] = {"ecg_mv": [[0.0, 1.0, 2.0] * 20], "leads": ["MLII"], "features": [0.7]}


def test_a_recording_is_read_as_it_was_sent() -> None:
    record = asdict(payload.recording("0", GOOD, CONTRACT))
    np.testing.assert_array_equal(record["ecg_mv"], np.float32([[0, 1, 2]]))
    np.testing.assert_array_equal(record["peak_sample"], [1])
    assert (record["leads"], record["fs_hz"], record["unit"]) == (("MLII",), 100.0, "mV")
    assert np.isnan(record["begin_s"])


def test_lists_and_arrays_are_read_alike() -> None:
    sent = sent_recording()
    arrays = sent | {name: np.array(sent[name]) for name in ("ecg_mv", "peak_sample")}
    arrays["leads"] = np.array(sent["leads"], object)
    found, expected = (asdict(payload.recording("0", one, CONTRACT)) for one in (arrays, sent))
    np.testing.assert_array_equal(found.pop("ecg_mv"), expected.pop("ecg_mv"))
    np.testing.assert_array_equal(found.pop("peak_sample"), expected.pop("peak_sample"))
    assert str(found) == str(expected)


def test_what_is_known_of_the_person_and_the_clock_comes_along() -> None:
    contract = small_bundle(RECORDINGS).contract
    said = GOOD | {"leads": ["V1", "MLII"], "ecg_mv": [[0.0, 1.0]] * 2, "age_years": 63, "begin_s": 1.4e9}
    record = payload.recording("0", said, contract)
    assert (dict(record.person), record.begin_s, record.unit) == ({"age_years": 63.0}, 1.4e9, "NU")


def test_microvolts_in_the_name_of_millivolts_are_refused() -> None:
    with pytest.raises(BadRecord, match=r"moves by 2e\+03 mV within 2 s, .* given as mV, in uV it would be usual"):
        payload.recording("0", GOOD | {"ecg_mv": [[0.0, 1000.0, 2000.0]]}, CONTRACT)
    flat = payload.recording("0", GOOD | {"ecg_mv": [[0.0, 0.0, 0.0]]}, CONTRACT)
    assert not flat.ecg_mv.any(), "a line without amplitude is no wrong unit"


def test_r_peaks_that_were_not_sent_are_found_where_beats_are() -> None:
    at = np.arange(50, 1950, 80)
    ecg = np.zeros(2000)
    ecg[at], ecg[at - 2], ecg[at + 2] = 1.0, -0.1, -0.2
    sent = {"ecg_mv": [np.zeros(2000).tolist(), ecg.tolist()], "leads": ["V1", "MLII"], "fs_hz": 100.0}
    np.testing.assert_array_equal(payload.recording("0", sent, CONTRACT).peak_sample, at)
    assert not len(payload.recording("0", sent | {"peak_sample": []}, CONTRACT).peak_sample), "none is an answer"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"leads": ["MLII", "V1"]}, r"recording 3: ecg_mv has 1 leads of \[3\] samples for 2 names"),
        ({"ecg_mv": [[0.0], [1.0, 2.0]], "leads": ["MLII", "V1"]}, r"ecg_mv has 2 leads of \[1, 2\] samples"),
        ({"ecg_mv": []}, r"ecg_mv has 0 leads of \[\] samples for 1 names"),
        ({"ecg_mv": [[]]}, "ecg_mv has no samples"),
        ({"ecg_mv": 3}, "ecg_mv is of kind int and must be a list of lists, one per lead"),
        ({"ecg_mv": [0.0, 1.0]}, r"ecg_mv\[0\] is of kind float and must be a list of numbers"),
        ({"ecg_mv": [[[0.0]]]}, r"ecg_mv\[0\] holds list and takes numbers alone"),
        ({"ecg_mv": [["0", None, True, 1.0]]}, r"ecg_mv\[0\] holds NoneType, bool, str and takes numbers"),
        ({"ecg_mv": [[0.0, float("nan"), 2.0]]}, "recording 3: ecg_mv has 1 samples that are no numbers"),
        ({"ecg_mv": [[0.0, float("inf"), 2.0]]}, "ecg_mv has 1 samples that are no numbers"),
        ({"ecg_mv": [[0.0, 10**400]]}, r"ecg_mv\[0\] holds a whole number that is too large"),
        ({"ecg_mv": [[0.0, -1e10]]}, r"ecg_mv reaches 1e\+10, beyond 1e\+09: look at its unit"),
        ({"leads": ["V9"]}, "leads=V9, but this network takes MLII: send these"),
        ({"leads": ["II", "II"], "ecg_mv": [[0.0]] * 2}, "leads=II, II names a lead twice"),
        ({"leads": [7]}, "leads takes up to 64 names of up to 32 characters"),
        ({"leads": "MLII"}, "leads is of kind str and must be a list of names"),
        ({"leads": ["x" * 33]}, "leads takes up to 64 names of up to 32 characters"),
        ({"peak_sample": [1, 3]}, "peak_sample runs from 1 to 3 and must lie between 0 and 2"),
        ({"peak_sample": [-1]}, "peak_sample runs from -1 to -1 and must lie between 0 and 2"),
        ({"peak_sample": [0.5]}, "peak_sample takes whole numbers"),
        ({"peak_sample": [float("nan")]}, "peak_sample takes whole numbers"),
        ({"peak_sample": [2, 1]}, "peak_sample does not ascend"),
        ({"peak_sample": [1, 1]}, "peak_sample does not ascend: sort it, and name every beat once"),
        ({"peak_sample": {}}, "peak_sample is of kind dict and must be a list of numbers"),
        ({"fs_hz": 0}, "recording 3: fs_hz=0 must lie between 20 and 20000"),
        ({"fs_hz": float("nan")}, "fs_hz=nan must lie between 20 and 20000"),
        ({"fs_hz": "100"}, "fs_hz holds str and takes numbers alone"),
        ({"age_years": -1}, "age_years=-1 must lie between 0 and 130"),
        ({"sex_female": True}, "sex_female holds bool"),
        ({"begin_s": 1e99}, r"begin_s=1e\+99 must lie between 0 and 4.2e\+09"),
        ({"fs": 100.0, "y" * 99: 1}, "fs, y{32} unknown: a whole recording takes ecg_mv, leads, fs_hz"),
    ],
)
def test_what_is_no_recording_is_refused_in_words(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadPayload, match=words):
        payload.recording("3", GOOD | change, CONTRACT)


def test_a_recording_without_samples_or_names_is_refused_by_what_is_missing() -> None:
    with pytest.raises(BadPayload, match=r"ecg_mv, leads missing: a window \(it has no fs_hz\) takes ecg_mv, leads, f"):
        payload.window("0", {}, CONTRACT)
    with pytest.raises(BadPayload, match="leads missing: a whole recording takes"):
        payload.recording("0", {"fs_hz": 100, "ecg_mv": [[1]]}, CONTRACT)


def test_a_recording_that_would_fill_the_memory_after_resampling_is_refused() -> None:
    contract = small_bundle(BEATS, preprocess=Preprocess(("MLII",), 20_000.0, "diagnostic", "none")).contract
    sent = {"ecg_mv": np.zeros((1, 40_000)), "leads": ["MLII"], "fs_hz": 20.0}
    with pytest.raises(BadPayload, match=r"recording 0 has 40,000,000 samples at 20000 Hz, above 33,554,432: send it"):
        payload.recording("0", sent, contract)


def test_real_time_takes_one_rate_alone() -> None:
    live = Preprocess(("MLII",), 100.0, "real_time", "none")
    contract = small_bundle(BEATS, preprocess=live, features=Features(("pre_rr_s",), "real_time")).contract
    assert payload.recording("0", GOOD, contract).fs_hz == 100.0
    with pytest.raises(BadPayload, match=r"fs_hz=250, but this network works in real time and takes 100 Hz as it is"):
        payload.recording("0", GOOD | {"fs_hz": 250.0}, contract)


def test_a_window_is_what_the_network_is_given() -> None:
    fields = payload.window("0", WINDOW, small_bundle(PLAIN).contract)
    torch.testing.assert_close(fields["ecg"], torch.tensor([[[0.0, 1.0, 2.0] * 20]]))
    torch.testing.assert_close(fields["features"], torch.tensor([[0.7]]))
    assert fields["extra"] == {}
    scaled = payload.window("0", WINDOW, CONTRACT)["ecg"]
    assert abs(float(scaled.mean())) < 1e-6
    assert float(scaled.std(unbiased=False)) == pytest.approx(1.0)


def test_the_leads_of_a_window_are_chosen_by_name() -> None:
    two = WINDOW | {"ecg_mv": [[5.0] * 60, WINDOW["ecg_mv"][0]], "leads": ["V1", "mlii"]}
    one, other = (payload.window("0", sent, CONTRACT)["ecg"] for sent in (two, WINDOW))
    torch.testing.assert_close(one, other)


def test_features_may_be_named_and_may_be_unknown() -> None:
    contract = small_bundle(RECORDINGS).contract
    sent = {"ecg_mv": [[0.0] * 60] * 2, "leads": ["V1", "MLII"]}
    named = payload.window("0", sent | {"features": {"sex_female": 1, "age_years": None}}, contract)["features"]
    listed = payload.window("0", sent | {"features": [None, 1]}, contract)["features"]
    torch.testing.assert_close(named, torch.tensor([[float("nan"), 1.0]]), equal_nan=True)
    torch.testing.assert_close(listed, named, equal_nan=True)


def test_other_signals_of_a_window_are_as_if_they_had_not_been_recorded() -> None:
    contract = small_bundle(SEGMENTS, extra_channels={"breathing": 2}).contract
    extra = payload.window("0", WINDOW, contract)["extra"]["breathing"]
    torch.testing.assert_close(extra, torch.zeros(1, 2, 1))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"ecg_mv": [[0.0] * 61]},
            "a window has 60 samples at 100 Hz, not 61: send that many, or add fs_hz",
        ),
        ({"features": []}, "features has 0 numbers, but this network takes 1: pre_rr_s"),
        ({"features": {"rr": 1}}, "features has rr unknown: this network takes pre_rr_s"),
        ({"features": {}}, "features has pre_rr_s missing: this network takes pre_rr_s"),
        ({"features": [1e300]}, "features reach beyond"),
        ({"features": ["1"]}, "features holds str and takes numbers alone"),
        ({"features": 1}, "features is of kind int and must be a list of numbers"),
        ({"leads": ["V1"]}, "leads=V1, but this network takes MLII"),
        ({"peak_sample": [3]}, r"peak_sample unknown: a window \(it has no fs_hz\) takes ecg_mv, leads, features"),
    ],
)
def test_what_is_no_window_is_refused_in_words(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadPayload, match=words):
        payload.window("0", WINDOW | change, CONTRACT)
