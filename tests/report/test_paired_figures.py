"""The picture of a pair shows every difference about zero, and which intervals leave zero out."""

import pandas as pd
from matplotlib.axes import Axes

from ecg_lightning.paired import Paired
from ecg_lightning.report.paired_figures import differences

ROWS = [
    ("accuracy", 0.9, 0.8, 0.1, 0.05, 0.15, 1.0),
    ("kappa", 0.5, 0.6, -0.1, -0.3, 0.1, 0.2),
    ("ece", 0.1, 0.2, -0.1, float("nan"), float("nan"), float("nan")),
]


def pair(rows: list[tuple[str, float, float, float, float, float, float]]) -> Paired:
    columns = ["name", "first", "second", "difference", "low", "high", "share_above"]
    return Paired(pd.DataFrame(rows, columns=columns), "test", 100, 12, "patients", 1000)


def points(axes: Axes) -> list[tuple[float, str]]:
    """Where each point lies, the first on top, and what it is filled with."""
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    return [(float(dot.get_xdata()[0]), str(dot.get_markerfacecolor())) for dot in dots]


def test_one_pair_has_a_row_per_number_and_is_filled_where_zero_lies_outside() -> None:
    figure = differences({"$b$": pair(ROWS)}, "a", [row[0] for row in ROWS], "SYNTHETIC")
    assert figure is not None
    axes = figure.axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["accuracy", "Cohen's kappa", "expected calibration error (lower is better)"]
    assert points(axes) == [(0.1, "#0072B2"), (-0.1, "white"), (-0.1, "white")]
    assert axes.get_title(loc="left") == r"test: a minus \$b\$"
    assert any(list(line.get_xdata()) == [0.0, 0.0] for line in axes.lines), "no zero line"
    assert figure.get_supxlabel().startswith("difference of scores, 95 % interval over patients; above 0: a is higher")
    assert "SYNTHETIC" in [text.get_text() for text in figure.texts]


def test_several_pairs_have_a_panel_per_number_and_a_row_per_run_also_where_one_lacks_the_number() -> None:
    figure = differences({"b": pair(ROWS[1:]), "c" * 60: pair(ROWS)}, "a", ["kappa", "accuracy"], "")
    assert figure is not None
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Cohen's kappa", "accuracy"]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["b", f"{'c' * 43}…"]
    absent, there = points(figure.axes[1])
    assert pd.isna(absent[0])
    assert there[0] == 0.1


def test_runs_without_a_number_in_common_have_no_picture() -> None:
    assert differences({"b": pair([])}, "a", [], "") is None
    figure = differences({"b": pair(ROWS[2:])}, "a", ["ece"], "")
    assert figure is not None
    assert figure.get_supxlabel() == "difference of scores; above 0: a is higher"
