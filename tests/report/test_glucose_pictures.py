"""Glucose is drawn where the run knows it and the clock."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.calibration import Decisions, decide, probabilities
from ecg_lightning.evaluation import Evaluation, evaluate
from ecg_lightning.report.contents import Contents, read_contents
from ecg_lightning.report.glucose_pictures import MAX_PATIENTS, courses
from tests.corpora.binary_folder import write_binary_run_folder


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> tuple[Contents, Evaluation, Decisions]:
    contents = read_contents(write_binary_run_folder(tmp_path_factory.mktemp("run")))
    found = evaluate(contents.predictions, n_boot=0)
    p = probabilities(contents.predictions, found.temperatures, found.offsets)
    decided = decide(contents.predictions, p, found.thresholds)
    return contents, found, decided.where(decided.column("side") == "test")


def without(shown: Decisions, name: str) -> Decisions:
    return replace(shown, about=replace(shown.about, table=shown.about.table.drop(columns=name)))


def test_patients_who_go_low_most_come_first(known: tuple[Contents, Evaluation, Decisions]) -> None:
    contents, found, shown = known
    (picture,) = courses(shown, found, contents, "")
    assert picture.figure is not None
    assert "4 of 6 patients, those with most low windows" in picture.caption
    names = [part.axes[0].get_title(loc="left").removeprefix("patient ") for part in picture.figure.subfigs]
    low = shown.about.table.groupby("patient")["label"].sum()
    assert len(names) == MAX_PATIENTS
    assert sorted(low[names], reverse=True) == low[names].tolist()
    assert low[names].min() >= low.drop(names).max()
    upper, lower = picture.figure.subfigs[0].axes
    assert upper.lines[0].get_ydata()[0] == 3.9
    assert lower.lines[0].get_ydata()[0] == pytest.approx(found.thresholds[0][0])


def test_of_several_days_the_one_with_most_low_windows_is_drawn(
    known: tuple[Contents, Evaluation, Decisions],
) -> None:
    contents, found, shown = known
    table = shown.about.table
    late = (table["label"] == 1) | (np.arange(len(table)) % 5 == 0)
    spread = table.assign(measured_clock_s=table["measured_clock_s"] + 86_400.0 * late)
    (picture,) = courses(replace(shown, about=replace(shown.about, table=spread)), found, contents, "")
    assert picture.figure is not None
    for part in picture.figure.subfigs:
        patient = part.axes[0].get_title(loc="left").removeprefix("patient ")
        own = (spread["patient"] == patient).to_numpy()
        drawn = sum(len(dots.get_offsets()) for dots in part.axes[0].collections)
        assert drawn == (own & late).sum() < own.sum()


@pytest.mark.parametrize("name", ["measured_glucose_mmol_l", "measured_clock_s"])
def test_without_glucose_or_clock_there_is_no_picture(known: tuple[Contents, Evaluation, Decisions], name: str) -> None:
    contents, found, shown = known
    assert list(courses(without(shown, name), found, contents, "")) == []


def test_windows_whose_clock_nobody_knows_are_left_out_and_it_is_said_where_none_is_left(
    known: tuple[Contents, Evaluation, Decisions],
) -> None:
    contents, found, shown = known
    lost = replace(shown, about=replace(shown.about, table=shown.about.table.assign(measured_clock_s=np.nan)))
    (picture,) = courses(lost, found, contents, "")
    assert picture.figure is None
    assert "no window has both a reading and a time" in picture.caption


def test_a_limit_that_the_config_does_not_say_is_not_drawn(
    known: tuple[Contents, Evaluation, Decisions], tmp_path: Path
) -> None:
    contents, found, shown = known
    (picture,) = courses(shown, found, replace(contents, folder=tmp_path, settings={}), "")
    assert picture.figure is not None
    assert not picture.figure.subfigs[0].axes[0].lines
