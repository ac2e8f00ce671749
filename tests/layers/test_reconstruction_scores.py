"""How unlike normal windows a window is: against what each measure says it is."""

import numpy as np
import pytest
import torch
from torch import Tensor

from ecg_lightning import config
from ecg_lightning.layers.reconstruction_scores import PARTS, over_crops, part_names, parts
from tests.corpora.mean_level import MeanLevel

NONE = torch.zeros(0)


def some(n_rows: int = 20) -> Tensor:
    return torch.randn(n_rows, 2, 30, generator=torch.Generator().manual_seed(0))


def a_network() -> MeanLevel:
    network = MeanLevel(2, 30, 2).eval()
    ecg = some() * torch.linspace(0.5, 2, 30)
    network.normal.learn([(ecg, network.encode(ecg))])
    return network


def test_the_parts_are_the_error_the_weighed_error_and_the_distance() -> None:
    network, ecg = a_network(), some()
    found = parts(network, ecg, torch.zeros(20, 0), NONE, NONE)
    assert (found.shape, part_names(0)) == ((20, 3), PARTS)
    error = (ecg - ecg.mean(dim=2, keepdim=True)).numpy()
    spread = network.normal.spread.numpy()
    np.testing.assert_allclose(found[:, 0], np.abs(error).mean(axis=(1, 2)), rtol=1e-5)
    weighed = (np.abs(error) / spread * spread.mean()).mean(axis=(1, 2))
    np.testing.assert_allclose(found[:, 1], weighed, rtol=1e-5)
    away = (ecg.mean(dim=2) - network.normal.centre) @ network.normal.whitener
    np.testing.assert_allclose(found[:, 2], np.sqrt((away.numpy() ** 2).mean(axis=1)), rtol=1e-5)


def test_the_rhythm_is_the_size_of_the_standardised_features() -> None:
    features = torch.tensor([[0.8, 60.0], [0.6, 75.0], [0.4, 60.0]])
    found = parts(a_network(), some(3), features, torch.tensor([0.8, 60.0]), torch.tensor([0.1, 15.0]))
    assert part_names(2) == ("mae", "weighted", "latent", "rhythm")
    torch.testing.assert_close(found[:, 3], torch.tensor([0.0, 2.5**0.5, 8.0**0.5]))


def test_features_that_are_not_known_count_as_the_mean() -> None:
    features = torch.tensor([[float("nan"), 75.0], [float("nan"), float("nan")]])
    found = parts(a_network(), some(2), features, torch.tensor([0.8, 60.0]), torch.tensor([0.1, 15.0]))
    torch.testing.assert_close(found[:, 3], torch.tensor([0.5**0.5, 0.0]))


def test_rows_do_not_leak_into_each_other() -> None:
    network, ecg = a_network(), some()
    whole = parts(network, ecg, torch.zeros(20, 0), NONE, NONE)
    torch.testing.assert_close(whole[3:4], parts(network, ecg[3:4], torch.zeros(1, 0), NONE, NONE))


@pytest.mark.parametrize(("by", "expected"), [("mean", [[2.0, 3.0]]), ("max", [[3.0, 5.0]])])
def test_crops_are_averaged_or_the_largest_is_taken_part_by_part(by: str, expected: list[list[float]]) -> None:
    crops = torch.tensor([[[3.0, 1.0], [1.0, 5.0]]])
    torch.testing.assert_close(over_crops(crops, by), torch.tensor(expected))


def test_a_config_knows_the_parts_that_may_be_the_score() -> None:
    assert config.SCORES == PARTS
