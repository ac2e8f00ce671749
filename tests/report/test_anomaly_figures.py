"""Scores are drawn where they lie, and the latent space along the directions in which normal windows vary."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import StepPatch
from sklearn.decomposition import PCA

from ecg_lightning.report.anomaly_figures import (
    Bar,
    Group,
    Threshold,
    latent_map,
    project,
    ranked_bars,
    score_histograms,
)

RULE = Threshold((0.5,), "mean + 2 SD of validation normals")


def drawn(n: int = 400) -> tuple[np.ndarray, list[Group]]:
    """Scores of normal windows and of two kinds that lie further to the right."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, n)
    groups = [Group(name, kind == at, "#0072B2") for at, name in enumerate(("normal", "S", "V$"))]
    return rng.normal(size=n) + kind, groups


def test_histograms_hold_every_window_of_their_kind_and_say_how_many_are_called() -> None:
    score, groups = drawn()
    figure = score_histograms(score, score >= 0.5, groups, RULE, "mean absolute error, SD", "SYNTHETIC")
    for axes, group in zip(figure.axes, groups, strict=True):
        normal, own = (patch.get_data().values for patch in axes.patches if isinstance(patch, StepPatch))
        assert own.sum() == pytest.approx(100)
        assert normal.sum() == pytest.approx(100)
        assert axes.lines[0].get_xdata()[0] == 0.5
        share = 100 * (score[group.rows] >= 0.5).mean()
        assert f"{share:.1f} % of {group.rows.sum():,} called" in axes.get_title(loc="left")
    assert figure.axes[0].get_title(loc="right") == "threshold 0.5: mean + 2 SD of validation normals"
    assert figure.axes[2].get_title(loc="left").startswith(r"V\$")
    assert (figure.axes[-1].get_xscale(), figure.axes[-1].get_xlabel()) == ("linear", "mean absolute error, SD")


def test_scores_that_reach_far_have_a_logarithmic_axis_and_negative_ones_never() -> None:
    score, groups = drawn()
    far = score_histograms(np.exp(2 * score), score >= 0.5, groups, RULE, "error", "").axes[-1]
    assert (far.get_xscale(), far.get_xlabel()) == ("log", "error (logarithmic)")
    far = score_histograms(np.exp(2 * score) - 1, score >= 0.5, groups, RULE, "error", "").axes[-1]
    assert far.get_xscale() == "linear"


def test_the_axis_reaches_a_threshold_beyond_all_scores_and_scores_that_are_all_the_same() -> None:
    score, groups = drawn()
    axes = score_histograms(score, score > 90, groups, Threshold((90.0, 95.0), "the rule"), "error", "").axes[0]
    assert axes.get_xlim()[1] == 95
    assert axes.get_title(loc="right") == "threshold 90, 95: the rule"
    same = score_histograms(np.full(len(score), 0.5), score > 9, groups, RULE, "error", "")
    assert same.axes[0].get_xlim() == (0.0, 1.0)


def test_bars_say_their_number_and_its_interval_where_there_is_one() -> None:
    bars = [Bar("S$", 0.8, (0.7, 0.9), "#0072B2"), Bar("V", 0.6, (float("nan"), float("nan")), "#E69F00")]
    left, right = ranked_bars({"kinds": bars, "parts": bars[:1]}, "").axes
    assert [text.get_text() for text in left.texts] == ["0.800 (0.700 to 0.900)", "0.600"]
    assert [label.get_text() for label in left.get_yticklabels()] == [r"S\$", "V"]
    assert [bar.get_width() for bar in left.patches] == [0.8, 0.6]
    assert left.lines[0].get_xdata().tolist() == [0.7, 0.9]
    assert right.get_ylim() == left.get_ylim(), "bars of both panels are as thick"


def test_latent_vectors_are_seen_along_the_principal_components_of_normal_ones() -> None:
    rng = np.random.default_rng(0)
    latent = (rng.normal(size=(200, 5)) * [3, 1, 0.5, 0.2, 0.1] + 7).astype(np.float32)
    normal = np.arange(200) < 120
    latent[~normal] += 30
    place, share = project(latent, normal)
    expected = PCA(2, svd_solver="full").fit(latent[normal].astype(np.float64))
    np.testing.assert_allclose(np.abs(place), np.abs(expected.transform(latent)), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(share, expected.explained_variance_ratio_, rtol=1e-4)


def test_latent_vectors_that_are_all_the_same_explain_nothing() -> None:
    place, share = project(np.ones((5, 3), np.float32), np.ones(5, bool))
    assert not place.any()
    assert not share.any()


def test_the_map_names_its_axes_counts_its_windows_and_says_what_lies_beyond() -> None:
    rng = np.random.default_rng(0)
    place = rng.normal(size=(300, 2))
    place[0] = 1000
    normal = np.arange(300) < 200
    groups = [Group("normal", normal, "#8a8a8a"), Group("V", ~normal, "#D55E00")]
    axes = latent_map(place, np.array([0.6, 0.25]), groups, "SYNTHETIC").axes[0]
    assert axes.get_xlabel() == "first component: 60 % of the variance of normals"
    assert axes.get_ylabel() == "second component: 25 % of the variance of normals"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["normal (200)", "V (100)"]
    assert axes.get_xlim()[1] < 10
    (low, high), (under, over) = axes.get_xlim(), axes.get_ylim()
    n_beyond = int(((place[:, 0] < low) | (place[:, 0] > high) | (place[:, 1] < under) | (place[:, 1] > over)).sum())
    assert f"{n_beyond} of 300 lie beyond" in axes.get_title(loc="left")
    assert to_hex(axes.collections[1].get_facecolor()[0]) == "#d55e00"
