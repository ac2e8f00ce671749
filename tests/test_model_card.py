"""What the card says of using a bundle is true: it is run as it stands there."""

import re
import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecg_lightning import bundle
from ecg_lightning.contract import Score
from ecg_lightning.features import Features
from ecg_lightning.model_card import WARNINGS, model_card
from ecg_lightning.predict.beats import classify
from ecg_lightning.prepare import Preprocess
from ecg_lightning.structures import Record
from ecg_lightning.windowing import Window
from tests.corpora.anomaly_bundle import RULE, anomaly_bundle, anomaly_contract
from tests.corpora.small_bundles import BEATS, RECORDINGS, SEGMENTS, small_bundle
from tests.corpora.user_files import TWELVE, peaks_of, write_heart, written_beats, written_labels, written_windows

ROWS: dict[str, Any] = {
    "preprocess": Preprocess(("ECG",), 125.0, "diagnostic", "none", scale="none", unit="min-max"),
    "window": Window(60, 0),
    "features": Features((), "diagnostic"),
    "feature_mean": (),
    "feature_std": (),
    "score": Score(("mae",), (0.8,), (0.1,), RULE),
}


def test_the_snippet_of_rows_gives_what_each_row_alone_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = anomaly_bundle(**ROWS)
    bundle.write(tmp_path / "model", made.network, made.contract)
    rows = np.random.default_rng(0).random((3, 60)).astype(np.float32)
    np.savetxt(tmp_path / "rows.csv", np.column_stack([rows, [0, 1, 2]]), delimiter=",", fmt="%.9g")
    (snippet,) = re.findall(r"```python\n(.*?)```", (tmp_path / "model" / "README.md").read_text(), re.DOTALL)
    (tmp_path / "snippet.py").write_text(snippet)
    monkeypatch.chdir(tmp_path)
    answers = runpy.run_path("snippet.py")["answers"]
    first = np.zeros(1, np.int64)
    each = [
        classify(made, Record("rows", "", row[None], ("ECG",), 125.0, first, (), False, unit="min-max")) for row in rows
    ]
    expected = [float(one["score"].iloc[0]) for one in each]
    np.testing.assert_allclose(answers["score"], expected, rtol=1e-5)


@pytest.mark.parametrize("made", ["beats", "recordings", "windows"])
def test_the_snippet_of_recordings_runs_as_it_stands(
    made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = {"beats": written_beats, "recordings": written_labels, "windows": written_windows}[made]
    write(tmp_path / "model")
    write_heart(tmp_path, "100", leads=TWELVE if made == "recordings" else ("MLII",))
    card = (tmp_path / "model" / "README.md").read_text()
    (snippet,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert card.index("python -m ecg_lightning.predict model 100.hea --output answer") < card.index(snippet)
    (tmp_path / "snippet.py").write_text(snippet)
    monkeypatch.chdir(tmp_path)
    answers = runpy.run_path("snippet.py")["answers"]
    assert len(answers) == {"beats": len(peaks_of(40)), "recordings": 3, "windows": 20}[made]


def test_warnings_hold_above_a_recording_too() -> None:
    assert not any("below" in words or "above" in words for words in WARNINGS.values())


def test_the_card_of_rows_speaks_of_no_whole_recording_and_no_r_peak() -> None:
    card = model_card(anomaly_contract(**ROWS))
    assert "`peak_sample` says where each begins" in card
    assert "Window: 60 samples, a whole row of a csv file" in card
    assert "R peak" not in card
    assert "a whole recording with its R peaks" in model_card(anomaly_contract())


def test_only_the_card_of_anomalies_says_how_many_were_found_and_how_many_calls_were_right() -> None:
    test = {"test/specificity": 0.875, "test/sensitivity/anomaly": 0.5, "test/precision/anomaly": 0.25}
    made = anomaly_contract(test=test)
    said = "| specificity | 0.875 |  |\n| sensitivity/anomaly | 0.500 |  |\n| precision/anomaly | 0.250 |  |"
    assert said in model_card(made)
    other = anomaly_contract(test=test | {"test/accuracy": 0.75}, problem="binary", score=None, produces="logits")
    assert "| accuracy | 0.750 |" in model_card(other)
    assert "specificity" not in model_card(other)


def test_every_class_has_its_row_and_an_empty_cell_is_not_defined() -> None:
    test = {
        "test/f1/N": 0.5,
        "test/f1/N_low": 0.25,
        "test/f1/N_high": 0.75,
        "test/precision/V": 1.0,
        "test/auroc/V": 0.875,
    }
    made = small_bundle(BEATS, test=test, data={"training_rows": {"N": 1234, "V": 7}}).contract
    assert (
        "| class | training rows | f1 | precision | auroc |\n|---|---|---|---|---|\n"
        "| N | 1,234 | 0.500 (0.250 to 0.750) |  |  |\n| V | 7 |  | 1.000 | 0.875 |\n"
    ) in model_card(made)
    assert "| class | f1 |" in model_card(replace(made, data={}, test={"test/f1/N": 0.5}))


def test_groups_of_people_stand_beside_one_another_with_the_youngest_first() -> None:
    test = {
        f"test/{group}/n_windows": 1000.0 for group in ("sex_male", "age_80 and over", "age_unknown", "age_under 40")
    }
    test |= {"test/sex_male/macro_f1": 0.5, "test/sex_male/macro_f1_low": 0.25, "test/sex_male/macro_f1_high": 0.75}
    made = small_bundle(
        BEATS,
        test=test | {"test/sex_male/n_classes": 2, "test/sex_male/n_patients": 7, "test/without_202/n_windows": 5},
    ).contract
    assert (
        "| group | test rows | patients | classes | macro_f1 |\n|---|---|---|---|---|\n"
        "| age: under 40 | 1,000 |  |  |  |\n| age: 80 and over | 1,000 |  |  |  |\n| age: unknown | 1,000 |  |  |  |\n"
        "| sex: male | 1,000 | 7 | 2 | 0.500 (0.250 to 0.750) |\n"
    ) in model_card(made)
    assert "not known: these were not told apart" not in model_card(made)
    assert "women and men, for young and old is not known" in model_card(replace(made, test={"test/accuracy": 0.5}))


LIMITS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (BEATS, {}, "It judges single beats, no rhythm: atrial fibrillation"),
    (BEATS, {}, "It knows lead MLII alone"),
    (BEATS, {}, "a wrong beat, and moves the rhythm features of its neighbours"),
    (BEATS, {}, "It is not for live use: a zero-phase filter runs backwards"),
    (BEATS, {"data": {"corpus": "mitdb"}}, "It learned from Holter recordings of one laboratory in Boston"),
    (BEATS, {"data": {"corpus": "mitdb"}}, "Patients with a pacemaker were left out"),
    (BEATS, {"data": {"synthetic": True, "corpus": "mitdb"}}, "Nobody stands behind its data"),
    (BEATS, {"data": {"training_rows": {"N": 500, "V": 99}}}, "fewer than 100 rows of V (99)."),
    (BEATS, {"test": {"test/f1/N": 0.9, "test/f1/V": 0.49}}, "F1 of V (0.49) is below 0.5 on test rows"),
    (BEATS, {"test": {"test/f1/N": 0.9}}, "Test rows hold no V: nothing is known"),
    (BEATS, {"patients": {"val": ("a", "b")}}, "It has its calibration from 2 validation patients"),
    (RECORDINGS, {}, "It judges a recording as a whole"),
    (RECORDINGS, {"patients": {"val": ("a",)}}, "It has its calibration and thresholds from 1 validation patients"),
    (SEGMENTS, {}, "It judges stretches of 0.6 s one by one"),
]


@pytest.mark.parametrize(("kind", "changes", "limit"), LIMITS)
def test_what_it_cannot_do_follows_from_the_contract(kind: dict[str, Any], changes: dict[str, Any], limit: str) -> None:
    card = model_card(small_bundle(kind, **changes).contract)
    assert limit in card[card.index("## What it cannot do") : card.index("## What it learned from")]


def test_limits_that_do_not_hold_are_not_claimed() -> None:
    live = Preprocess(("MLII",), 100.0, "real_time", "none")
    paced = small_bundle(
        BEATS,
        preprocess=live,
        features=Features((), "real_time"),
        patients={"train": ("102",), "val": tuple(map(str, range(10)))},
        data={"corpus": "mitdb", "training_rows": {"N": 500, "V": 100}},
        test={"test/f1/N": 0.9, "test/f1/V": 0.5},
    ).contract
    card = model_card(paced)
    for words in ("pacemaker", "fewer than", "is below", "hold no", "live use", "validation patients", "neighbours"):
        assert words not in card
    assert "It takes 100 Hz alone: in real time nothing may be resampled." in card


def test_anomalies_are_not_said_to_lack_rows_of_anomalies() -> None:
    card = model_card(anomaly_contract(data={"training_rows": {"normal": 5000, "anomaly": 0}}))
    assert "It says how unlike normal ones a beat is" in card
    assert "It learned what normal rows look like, and calls what is unlike them" in card
    assert "fewer than" not in card
