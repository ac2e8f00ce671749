"""The picture of a sweep shows every job that has numbers, where its number is."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ecg_lightning.comparison import compare
from ecg_lightning.report.comparison_figures import (
    comparison,
    geometric,
    in_words,
    numeric_key,
    shared_folder,
    short_keys,
)
from tests.corpora.sweep import CARD, write_failed_job, write_job, write_sweep

LATENT = {"2": 0.7, "4": 0.9, "8": 0.8}


def panels(jobs: Sequence[Path]) -> list[Axes]:
    """The panels of the jobs' picture, drawn."""
    figure = comparison(compare(jobs))
    assert figure is not None
    figure.canvas.draw()
    return figure.axes


def named(axes: Axes) -> Mapping[str, Line2D]:
    """Lines that the legend names."""
    return {str(line.get_label()): line for line in axes.lines if not str(line.get_label()).startswith("_")}


def test_a_number_that_varies_is_an_axis_with_its_values_and_a_ring_at_the_best(tmp_path: Path) -> None:
    left, right = panels(write_sweep(tmp_path, "model.latent_size", LATENT, ("val", "test")))
    assert (left.get_title(loc="left"), right.get_title(loc="left")) == ("AUROC", "AUPRC")
    assert (left.get_xlabel(), left.get_xscale()) == ("model.latent_size", "log")
    assert [text.get_text() for text in left.get_xticklabels()] == ["2", "4", "8"]
    assert set(named(left)) == {"validation, 95 % interval", "test, 95 % interval", "best by val/auroc"}
    points, ring = named(left)["validation, 95 % interval"], named(left)["best by val/auroc"]
    np.testing.assert_allclose(points.get_xydata(), [[2, 0.7], [4, 0.9], [8, 0.8]])
    np.testing.assert_allclose(ring.get_xydata(), [[4, 0.9]])
    low, high = left.get_ylim()
    assert low < 0.6
    assert high > 1.0


def test_words_are_rows_in_the_order_of_the_sweep_and_failed_jobs_say_so(tmp_path: Path) -> None:
    jobs = write_sweep(tmp_path, "optim", {"adam": 0.7, "sgd": 0.9})
    jobs.append(write_failed_job(tmp_path / "2", ["optim=rms$prop", "tracking=none"], "no such optimiser"))
    left, _ = panels(jobs)
    assert [text.get_text() for text in left.get_yticklabels()] == [
        "optim=adam",
        "optim=sgd",
        r"optim=rms\$prop (failed)",
    ]
    np.testing.assert_allclose(named(left)["validation, 95 % interval"].get_xydata()[:2], [[0.7, 0], [0.9, 1]])
    assert left.get_ylim() == (2.5, -0.5)


def test_a_failed_value_takes_no_place_on_the_axis(tmp_path: Path) -> None:
    jobs = write_sweep(tmp_path, "optim.lr", LATENT)
    jobs.append(write_failed_job(tmp_path / "3", ["optim.lr=-1", "tracking=none"], "Invalid learning rate"))
    left, _ = panels(jobs)
    assert left.get_xscale() == "log"
    assert [text.get_text() for text in left.get_xticklabels()] == ["2", "4", "8"]


def test_repeats_with_other_seeds_are_joined_by_their_mean(tmp_path: Path) -> None:
    values = [(2, 0.6), (2, 0.8), (4, 0.7), (4, 0.9)]
    jobs = [
        write_job(tmp_path / str(number), [f"model.latent_size={size}", f"seed={number}"], auroc)
        for number, (size, auroc) in enumerate(values)
    ]
    left, _ = panels(jobs)
    means = [line.get_xydata() for line in left.lines if line.get_xydata().shape == (2, 2) and not line.get_alpha()]
    np.testing.assert_allclose(means, [[[2, 0.7], [4, 0.8]]])


def test_seeds_and_two_things_at_once_are_no_axis(tmp_path: Path) -> None:
    assert numeric_key(compare(write_sweep(tmp_path / "seed", "seed", LATENT))) is None
    both = [
        write_job(tmp_path / str(number), [f"model.channels={number}", f"model.kernel={number}"], 0.7)
        for number in range(2)
    ]
    assert numeric_key(compare(both)) is None
    left, _ = panels(both)
    assert [text.get_text() for text in left.get_yticklabels()] == ["channels=0, kernel=0", "channels=1, kernel=1"]


def test_one_job_and_a_long_name_have_their_row(tmp_path: Path) -> None:
    left, _ = panels([write_job(tmp_path / "0", ["seed=0"], 0.7)])
    assert [text.get_text() for text in left.get_yticklabels()] == ["job 0"]
    both = [write_job(tmp_path / "a" / name, [f"dataset.path={name * 60}"], 0.7) for name in "xy"]
    names = [text.get_text() for text in panels(both)[0].get_yticklabels()]
    assert [len(name) for name in names] == [44, 44]
    assert names[0].endswith("x…")


def test_no_number_no_picture(tmp_path: Path) -> None:
    assert comparison(compare([write_failed_job(tmp_path / "0", ["seed=0"], "no records")])) is None


def test_what_is_made_up_or_leaky_is_stamped(tmp_path: Path) -> None:
    jobs = write_sweep(tmp_path, "split", LATENT)
    figure = comparison(compare(jobs))
    assert figure is not None
    assert not figure.texts
    card = CARD | {"synthetic": True, "tags": {"leaky_split": "true"}}
    figure = comparison(compare([*jobs, write_job(tmp_path / "3", ["split=x"], 0.9, card=card)]))
    assert figure is not None
    assert [text.get_text() for text in figure.texts] == ["SYNTHETIC · LEAKY SPLIT"]


@pytest.mark.parametrize(
    ("values", "grows_by_a_factor"),
    [
        ([2, 4, 8, 16], True),
        ([1e-4, 3e-4, 1e-3], True),
        ([3, 7, 15], True),
        ([0.1, 0.2, 0.3], False),
        ([0, 1, 10], False),
    ],
)
def test_values_that_grow_by_a_factor_are_told_from_those_of_a_step(
    values: list[float], grows_by_a_factor: bool
) -> None:
    assert geometric(np.array(values, dtype=np.float64)) == grows_by_a_factor
    assert not geometric(np.array([1.0, 100.0]))


def test_numbers_and_keys_are_said_shortly() -> None:
    assert [in_words(name) for name in ("auroc", "macro_f1", "macro_f1_nsvf", "f1/anomaly")] == [
        "AUROC",
        "macro F1",
        "macro F1 NSVF",
        "F1 of anomaly",
    ]
    assert short_keys(("optim.lr", "model.kernel")) == ["lr", "kernel"]
    assert short_keys(("optim.lr", "schedule.lr", "seed")) == ["optim.lr", "schedule.lr", "seed"]
    assert shared_folder(pd.Series(["reference/ptbxl_s4", "reference/ptbxl_inception1d"])) == "reference/"
    assert shared_folder(pd.Series(["cnn", "cnn1d"])) == shared_folder(pd.Series(["a/b", "c/d", 1])) == ""
