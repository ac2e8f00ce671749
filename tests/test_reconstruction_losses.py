"""Losses of reconstructions, against their formulas."""

import pytest
import torch
from torch import nn

from ecg_lightning.reconstruction_losses import Huber, MeanAbsoluteError, MeanSquaredError

LOSSES = (MeanSquaredError(), MeanAbsoluteError(), Huber(1.0))


def test_the_mean_squared_error_is_its_formula() -> None:
    made, ecg = torch.randn(4, 2, 50), torch.randn(4, 2, 50)
    torch.testing.assert_close(MeanSquaredError()(made, ecg), sum((made - ecg).flatten() ** 2) / 400)


def test_flat_lines_cost_1_where_windows_are_z_scored() -> None:
    ecg = torch.randn(4, 2, 50)
    ecg = (ecg - ecg.mean(dim=-1, keepdim=True)) / ecg.std(dim=-1, keepdim=True, correction=0)
    torch.testing.assert_close(MeanSquaredError()(torch.zeros_like(ecg), ecg), torch.tensor(1.0))


def test_the_mean_absolute_error_is_its_formula() -> None:
    made, ecg = torch.randn(4, 2, 50), torch.randn(4, 2, 50)
    torch.testing.assert_close(MeanAbsoluteError()(made, ecg), sum((made - ecg).flatten().abs()) / 400)


def test_huber_is_its_formula() -> None:
    made, ecg = torch.tensor([[[0.1, 0.5, 3.0, -2.0]]]), torch.zeros(1, 1, 4)
    by_hand = (0.1**2 / 2 + 0.5**2 / 2 + 0.5 * (3 - 0.25) + 0.5 * (2 - 0.25)) / 4
    torch.testing.assert_close(Huber(0.5)(made, ecg), torch.tensor(by_hand))


def test_a_wide_huber_is_half_the_squared_error_and_a_narrow_one_the_absolute_error() -> None:
    made, ecg = torch.randn(4, 2, 50), torch.randn(4, 2, 50)
    torch.testing.assert_close(Huber(100.0)(made, ecg), MeanSquaredError()(made, ecg) / 2)
    torch.testing.assert_close(Huber(1e-6)(made, ecg) / 1e-6, MeanAbsoluteError()(made, ecg))


@pytest.mark.parametrize("loss", LOSSES)
def test_a_perfect_reconstruction_is_free(loss: nn.Module) -> None:
    ecg = torch.randn(4, 2, 50)
    assert loss(ecg, ecg) == 0


@pytest.mark.parametrize(("loss", "cost"), [*zip(LOSSES, (2.0**-14, 2.0**-7, 2.0**-15), strict=True)])
def test_half_precision_is_compared_in_full(loss: nn.Module, cost: float) -> None:
    ecg = torch.full((1, 1, 3), 1.0)
    made = (ecg + 2**-7).bfloat16()
    torch.testing.assert_close(loss(made, ecg), torch.tensor(cost))


@pytest.mark.parametrize("loss", LOSSES)
def test_it_declares_that_it_is_for_reconstructions(loss: nn.Module) -> None:
    assert (loss.consumes, loss.problems, loss.weighted) == ("reconstruction", ("reconstruction", "anomaly"), False)


@pytest.mark.parametrize("delta", [0.0, -1.0, float("nan")])
def test_a_huber_without_a_delta_is_refused_in_words(delta: float) -> None:
    with pytest.raises(ValueError, match=rf"delta={delta} must be above 0, or every difference is for free"):
        Huber(delta)
