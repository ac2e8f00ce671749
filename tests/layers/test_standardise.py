"""Standardise: against scipy, and what it refuses."""

import numpy as np
import pytest
import torch
from scipy import stats

from ecg_lightning.layers.standardise import Standardise


def test_standardise_equals_the_zscore_of_the_rows_it_was_told_of() -> None:
    raw = np.random.default_rng(0).normal(3, 5, size=(200, 4)).astype(np.float32)
    layer = Standardise(raw.mean(axis=0).tolist(), raw.std(axis=0).tolist())
    np.testing.assert_allclose(layer(torch.from_numpy(raw)).numpy(), stats.zscore(raw), atol=1e-5)


def test_the_scale_is_saved_with_the_weights_but_not_trained() -> None:
    layer = Standardise([1.0], [2.0])
    assert set(layer.state_dict()) == {"mean", "std"}
    assert not list(layer.parameters())


def test_no_features_stay_no_features() -> None:
    assert Standardise([], [])(torch.zeros(3, 0)).shape == (3, 0)


def test_unequal_lengths_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="feature_mean has 2 values and feature_std 1"):
        Standardise([0.0, 0.0], [1.0])


def test_a_standard_deviation_of_0_is_refused_in_words() -> None:
    for wrong in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match=rf"feature_std=\[1.0, {wrong}\] must be above 0 everywhere"):
            Standardise([0.0, 0.0], [1.0, wrong])


def test_what_is_not_known_becomes_the_mean() -> None:
    layer = Standardise([60.0, 0.5], [15.0, 0.5])
    found = layer(torch.tensor([[float("nan"), 1.0], [75.0, float("nan")], [60.0, 0.5]]))
    torch.testing.assert_close(found, torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]))
