"""Kept windows get the pictures of their kind, with what is said of them in the table."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.calibration import Decisions, decide, probabilities
from ecg_lightning.evaluation import evaluate
from ecg_lightning.report.contents import Contents, read_contents
from ecg_lightning.report.picture import Picture
from ecg_lightning.report.window_pictures import windows
from tests.corpora.binary_folder import write_binary_run_folder

TASKS = ("hypoglycemia", "abnormal_beat")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Contents, Decisions]]:
    found = {}
    for task in TASKS:
        contents = read_contents(write_binary_run_folder(tmp_path_factory.mktemp("runs") / task, task))
        numbers = evaluate(contents.predictions, n_boot=0)
        p = probabilities(contents.predictions, numbers.temperatures, numbers.offsets)
        found[task] = contents, decide(contents.predictions, p, numbers.thresholds)
    return found


def drawn(contents: Contents, shown: Decisions) -> dict[str, Picture]:
    return {picture.name: picture for picture in windows(shown, contents, "")}


def titles(picture: Picture) -> list[str]:
    assert picture.figure is not None
    return [axes.get_title(loc="left") for axes in picture.figure.axes if axes.get_title(loc="left")]


def test_segments_come_with_attention_breathing_and_glucose(kept: dict[str, tuple[Contents, Decisions]]) -> None:
    contents, shown = kept["hypoglycemia"]
    pictures = drawn(contents, shown)
    assert list(pictures) == ["sample_windows"]
    picture = pictures["sample_windows"]
    assert "where in time the network looked" in picture.caption
    at = int(np.flatnonzero(shown.column("row") == contents.examples["segments_row"][0])[0])
    glucose = shown.column("measured_glucose_mmol_l")[at]
    said = [title for title in titles(picture) if f"p(low) {shown.p[at, 1]:.2f}" in title]
    assert any(f"{glucose:.1f} mmol/L" in title for title in said)
    assert picture.figure is not None
    assert "breathing\nSD" in [axes.get_ylabel() for axes in picture.figure.axes]


def test_segments_of_a_network_that_cannot_say_where_it_looked_come_alone(tmp_path: Path) -> None:
    contents = read_contents(write_binary_run_folder(tmp_path, seen=False))
    numbers = evaluate(contents.predictions, n_boot=0)
    p = probabilities(contents.predictions, numbers.temperatures, numbers.offsets)
    shown = decide(contents.predictions, p, numbers.thresholds)
    picture = drawn(contents, shown)["sample_windows"]
    assert "looked" not in picture.caption
    assert picture.figure is not None
    assert not any(axes.collections for axes in picture.figure.axes)


def test_windows_round_beats_come_with_a_stretch_single_beats_and_spectrograms(
    kept: dict[str, tuple[Contents, Decisions]],
) -> None:
    contents, shown = kept["abnormal_beat"]
    pictures = drawn(contents, shown)
    assert list(pictures) == ["beats_in_a_row", "abnormal_beats", "sample_windows", "spectrograms"]
    assert [title.partition(" ")[2][0] for title in titles(pictures["abnormal_beats"])] == ["V", "A", "L", "F"]
    assert "frames of 64 samples, one every 32" in pictures["spectrograms"].caption
    figure = pictures["beats_in_a_row"].figure
    assert figure is not None
    at = int(np.flatnonzero(shown.column("row") == contents.examples["stretch_row"][1])[0])
    words = [text.get_text() for text in figure.axes[0].texts]
    assert f"V\n{shown.p[at, 1]:.2f}" in words
    assert "N" in words, "a beat without a row has its symbol alone"
    assert "record 208   812.4 s to 822.4 s" in words
    single = pictures["abnormal_beats"].figure
    assert single is not None
    np.testing.assert_allclose(single.axes[0].get_xlim(), (-500, 497.2), atol=0.1)


def test_a_network_of_samples_has_no_spectrograms(kept: dict[str, tuple[Contents, Decisions]]) -> None:
    contents, shown = kept["abnormal_beat"]
    assert "spectrograms" not in drawn(replace(contents, settings={"model": {}}), shown)


@pytest.mark.parametrize("task", TASKS)
def test_what_cannot_be_shown_is_said(kept: dict[str, tuple[Contents, Decisions]], task: str) -> None:
    contents, shown = kept[task]
    others = shown.where(shown.column("side") == "val")
    for picture in drawn(contents, others).values():
        assert (picture.figure is None) == (picture.name != "beats_in_a_row"), picture.name
        assert picture.figure is not None or picture.caption.startswith("Not drawn: no ")
    bare = drawn(replace(contents, examples={}), shown)
    assert "the run kept no windows to show" in bare["sample_windows"].caption
