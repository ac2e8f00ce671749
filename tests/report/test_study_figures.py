"""The figures of a study show its trials, and nothing is cut off."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from ecg_lightning.report import study_figures
from ecg_lightning.search_space import Setting

SETTINGS = (
    Setting("optim.lr", (), 1e-4, 1e-2, log=True),
    Setting("model.dropout", (), 0.0, 0.6, step=0.1),
    Setting("loss", ("cross_entropy", "weighted_cross_entropy", "focal")),
    Setting("model.causal", (True, False, None)),
)


def trials(n: int = 12) -> pd.DataFrame:
    """The third is the best, every fourth was pruned."""
    random, states = np.random.default_rng(0), ["pruned" if i % 4 == 3 else "finished" for i in range(n)]
    value = np.where(np.array(states) == "finished", np.linspace(0.5, 0.6, n), np.nan)
    value[2] = 0.9
    rows = {
        "trial": range(n),
        "best": [i == 2 for i in range(n)],
        "state": states,
        "value": value,
        "judged": random.uniform(0.1, 0.4, n),
        "optim.lr": 10 ** random.uniform(-4, -2, n),
        "model.dropout": random.integers(0, 6, n) / 10,
        "loss": random.choice(list(SETTINGS[2].choices), n),
        "model.causal": [SETTINGS[3].choices[i % 3] for i in range(n)],
    }
    return pd.DataFrame(rows).astype({"model.causal": object})


def inside(figure: Figure) -> None:
    """Every word lies on the figure."""
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= figure.get_figwidth() + 0.01
    assert box.y1 <= figure.get_figheight() + 0.01


@pytest.mark.parametrize(("mode", "last"), [("max", 0.9), ("min", 0.5)])
def test_history_shows_every_trial_and_the_best_until_then(mode: str, last: float) -> None:
    figure = study_figures.history(trials(), "val/auroc", mode, "")
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    assert len(lines["pruned, when it was stopped"]) == 3
    assert len(lines["finished"]) == 9
    assert lines["best so far"][-1] == pytest.approx(last)
    assert list(lines["best"]) == [0.9]
    inside(figure)


def test_importance_shows_the_largest_share_on_top() -> None:
    figure = study_figures.importance({"optim.lr": 0.2, "a.name_that.is_quite_long_for_a_setting": 0.8}, 20, "")
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()][-1].startswith("a.name")
    assert figure.axes[0].get_title(loc="left").endswith("by 20 finished trials")
    inside(figure)


def test_settings_are_by_choice_by_size_or_by_logarithm() -> None:
    figure = study_figures.settings(trials(), SETTINGS, "val/auroc", "")
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_xscale() for axes in shown] == ["log", "linear", "linear", "linear"]
    assert [label.get_text() for label in shown[2].get_xticklabels()] == list(SETTINGS[2].choices)
    assert [label.get_text() for label in shown[3].get_xticklabels()] == ["True", "False", "None"]
    assert all(len(axes.lines[0].get_xdata()) == 9 for axes in shown)
    inside(figure)


def test_the_stamp_is_on_every_figure() -> None:
    for figure in (
        study_figures.history(trials(), "val/auroc", "max", "SYNTHETIC"),
        study_figures.importance({"a": 1.0}, 2, "SYNTHETIC"),
        study_figures.settings(trials(), SETTINGS[:1], "val/auroc", "SYNTHETIC"),
    ):
        assert [text.get_text() for text in figure.texts] == ["SYNTHETIC"]
