"""Probabilities and classes of a bundle are those of the report."""

from typing import Any

import numpy as np
import pytest
import torch

from ecg_lightning.calibration import decide
from ecg_lightning.calibration import probabilities as of_report
from ecg_lightning.contract import Contract
from ecg_lightning.features import Features
from ecg_lightning.predict.answers import called, probabilities
from ecg_lightning.prepare import Preprocess
from ecg_lightning.windowing import Window
from tests.corpora.binary import draw_binary
from tests.corpora.multilabel import draw_multilabel
from tests.corpora.run_folder import draw_predictions


@pytest.mark.parametrize(
    ("about", "thresholds", "offsets"),
    [
        (draw_binary(200), (0.3,), (-0.75,)),
        (draw_predictions(200), None, ()),
        (draw_multilabel(200), None, (0.5, -0.75, 0.0, 1.0, -2.0)),
    ],
    ids=["binary", "multiclass", "multilabel"],
)
def test_a_bundle_calls_what_the_report_calls(
    about: Any, thresholds: tuple[float, ...] | None, offsets: tuple[float, ...]
) -> None:
    contract = Contract(
        task=about.task,
        network="somebody.Elses",
        arguments={},
        produces="logits",
        problem=about.problem,
        classes=about.classes,
        class_names={},
        preprocess=Preprocess(("MLII",), 100.0, "diagnostic", "none"),
        window=Window(60, 30),
        features=Features((), "diagnostic"),
        feature_mean=(),
        feature_std=(),
        temperature=1.6,
        offsets=offsets,
        thresholds=thresholds,
        patients={},
        data={},
        tags={},
        test={},
    )
    p = probabilities(contract, torch.from_numpy(about.logits))
    by_report = of_report(about, {0: 1.6}, {0: offsets} if offsets else {})
    np.testing.assert_allclose(p, by_report, rtol=1e-6)
    if about.problem == "multilabel":
        return  # `diagnose` calls these
    expected = decide(about, by_report, {0: thresholds or ()})
    assert called(contract, p) == [about.classes[k] for k in expected.called]
