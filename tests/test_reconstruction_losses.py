"""Losses of reconstructions, against their formulas."""

import torch

from ecg_lightning.reconstruction_losses import MeanSquaredError


def test_the_mean_squared_error_is_its_formula() -> None:
    made, ecg = torch.randn(4, 2, 50), torch.randn(4, 2, 50)
    torch.testing.assert_close(MeanSquaredError()(made, ecg), sum((made - ecg).flatten() ** 2) / 400)


def test_flat_lines_cost_1_where_windows_are_z_scored() -> None:
    ecg = torch.randn(4, 2, 50)
    ecg = (ecg - ecg.mean(dim=-1, keepdim=True)) / ecg.std(dim=-1, keepdim=True, correction=0)
    torch.testing.assert_close(MeanSquaredError()(torch.zeros_like(ecg), ecg), torch.tensor(1.0))


def test_half_precision_is_compared_in_full() -> None:
    ecg = torch.full((1, 1, 3), 1.0)
    made = (ecg + 2**-7).bfloat16()
    torch.testing.assert_close(MeanSquaredError()(made, ecg), torch.tensor(2.0**-14))


def test_it_declares_that_it_is_for_reconstructions() -> None:
    loss = MeanSquaredError
    assert (loss.consumes, loss.problems, loss.weighted) == ("reconstruction", ("reconstruction", "anomaly"), False)
