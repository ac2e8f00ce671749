"""Which pictures a recording gets, and what stands above the beats of a strip."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecg_lightning.bundle import Bundle
from ecg_lightning.predict.account import account
from ecg_lightning.predict.findings import Findings, examine
from ecg_lightning.predict.pictures import pictures, stamp_of
from ecg_lightning.predict.strips import REFUSED, Strip, drawn, letters
from ecg_lightning.structures import Record
from tests.corpora.user_files import FS_HZ, TWELVE, beat_contract, peaks_of, written_beats, written_labels

CALLED = ["V" if k % 10 in (4, 5, 6) else "N" for k in range(50)]


def a_record(leads: tuple[str, ...] = ("MLII",), seconds: float = 40.0) -> Record:
    rng = np.random.default_rng(0)
    ecg_mv = 0.02 * rng.standard_normal((len(leads), round(seconds * FS_HZ))).astype(np.float32)
    peaks = peaks_of(seconds)
    ecg_mv[:, peaks] += 1.0
    return Record("100", "p", ecg_mv, leads, FS_HZ, peaks, (), False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return written_beats(tmp_path_factory.mktemp("made"))


def found_in(made: Bundle, record: Record) -> Findings:
    """What the bundle finds, but with classes that are known: the network is not trained."""
    found = examine(made, record, "annotated")
    table = found.beats.assign(**{"class": CALLED[: len(found.beats)]})
    table["p"] = np.linspace(0.5, 0.9, len(table))
    flags = found.flags.copy()
    flags[20] = 4
    table["refused"] = table["time_s"].astype(int) == 20
    return replace(found, beats=table, answers=table, flags=flags)


def drawn_of(made: Bundle, found: Findings, n_most: int) -> list[Any]:
    return list(pictures(made, found, account(made.contract, found), n_most))


def test_every_kind_of_finding_comes_before_a_second_one_of_any(made: Bundle) -> None:
    found = found_in(made, a_record())
    names = [one.name for one in drawn_of(made, found, 6)]
    assert names == ["course", "beat_V_1", "run_V", "pause", "beat_N_1", "beat_V_2"]


def test_no_more_are_drawn_than_asked_for(made: Bundle) -> None:
    assert len(drawn_of(made, found_in(made, a_record()), 1)) == 1


def test_the_clearest_beat_is_shown_first_and_none_twice(made: Bundle) -> None:
    found = found_in(made, a_record())
    shown = [one.caption for one in drawn_of(made, found, 20) if one.name.startswith("beat_V")]
    assert len(shown) == len(set(shown)) > 2
    kept = found.beats[(found.beats["class"] == "V") & ~found.beats["refused"]]
    likeliest = float(kept["time_s"].iloc[int(kept["p"].argmax())])
    start_s = min(likeliest - 4, 32.0)
    assert shown[0].startswith(f"Recording 100, 0:00:{start_s:04.1f}")


def test_letters_stand_above_the_beats_of_a_strip(made: Bundle) -> None:
    found = found_in(made, a_record())
    place = found.beats[found.beats["class"] == "V"].iloc[0]
    figure = drawn(made.contract, found, Strip("x", place["time_s"], 8.0, "words", marked=True), "").figure
    assert figure is not None
    texts = [text.get_text() for text in figure.axes[0].texts]
    start_s = max(place["time_s"] - 4, 0)
    here = found.beats[found.beats["time_s"].between(start_s, start_s + 8)]
    assert sum(text == "N" for text in texts) == (here["class"] == "N").sum()
    assert f"V\n{place['p']:.2f}" in texts


def test_a_refused_beat_is_crossed_out(made: Bundle) -> None:
    found = found_in(made, a_record())
    picture = drawn(made.contract, found, Strip("x", 20.5, 4.0, "words"), "")
    assert picture.figure is not None
    texts = [text.get_text() for text in picture.figure.axes[0].texts]
    assert texts.count(REFUSED) == 1
    line = " ".join(texts)
    assert "R peaks as annotated in the file; letters: what the" in line
    assert picture.caption.endswith("grey: seconds refused for quality, x: a beat there, which counts nowhere.")
    assert "grey" not in drawn(made.contract, found, Strip("x", 8.0, 4.0, "words"), "").caption


def test_long_names_of_classes_become_letters() -> None:
    contract = beat_contract(classes=("normal", "abnormal"), problem="binary", thresholds=(0.5,))
    assert [letters(contract, name) for name in contract.classes] == ["|", "!"]
    assert letters(beat_contract(), "V") == "V"


@pytest.mark.parametrize(
    ("synthetic", "of_model", "tags", "words"),
    [
        (False, False, {}, ""),
        (True, True, {}, "SYNTHETIC"),
        (False, True, {}, "MODEL OF SYNTHETIC DATA"),
        (True, False, {"leaky_split": "true"}, "SYNTHETIC · LEAKY SPLIT"),
    ],
)
def test_the_stamp_says_what_is_not_real(synthetic: bool, of_model: bool, tags: dict[str, str], words: str) -> None:
    assert stamp_of(beat_contract(data={"synthetic": of_model}, tags=tags), synthetic) == words


def test_a_twelve_lead_recording_is_printed_with_its_labels(tmp_path: Path) -> None:
    made = written_labels(tmp_path)
    found = examine(made, a_record(TWELVE, 10.0), "auto")
    (one,) = drawn_of(made, found, 12)
    assert one.figure is not None
    texts = " ".join(text.get_text() for text in one.figure.axes[0].texts)
    for name in made.contract.classes:
        assert name in texts
    called = [name for name, of in account(made.contract, found)["found"]["labels"].items() if of["n_called"]]
    assert one.title == f"0:00:00.0: {', '.join(called) or 'no label called'}"
