"""Normality: against numpy and scikit-learn, what it does where nothing varies, and what it refuses."""

import numpy as np
import pytest
import torch
from sklearn.covariance import EmpiricalCovariance, LedoitWolf
from torch import Tensor

from ecg_lightning.layers.normality import LEAST_SHRINKAGE, LEAST_SPREAD, Normality


def normals(n_rows: int = 300, size: int = 4) -> tuple[Tensor, Tensor]:
    """Windows of two leads that vary from sample to sample by other amounts, and latent vectors that are correlated."""
    random = torch.Generator().manual_seed(0)
    ecg = torch.randn(n_rows, 2, 20, generator=random) * torch.linspace(0.5, 2, 20) + 3
    latent = torch.randn(n_rows, size, generator=random) @ torch.randn(size, size, generator=random) + 5
    return ecg, latent


def learned(ecg: Tensor, latent: Tensor, n_batches: int = 1) -> Normality:
    """Normality of these windows, seen in so many batches."""
    normal = Normality(ecg.shape[1], ecg.shape[2], latent.shape[1])
    normal.learn(zip(ecg.chunk(n_batches), latent.chunk(n_batches), strict=True))
    return normal


def test_the_spread_is_the_standard_deviation_of_every_sample() -> None:
    ecg, latent = normals()
    np.testing.assert_allclose(learned(ecg, latent).spread, ecg.double().numpy().std(axis=0), rtol=1e-5)


def test_batches_make_no_difference() -> None:
    ecg, latent = normals()
    for name, value in learned(ecg, latent, n_batches=7).state_dict().items():
        torch.testing.assert_close(value, learned(ecg, latent).state_dict()[name])


def test_a_large_offset_costs_no_precision() -> None:
    ecg, latent = normals()
    torch.testing.assert_close(learned(ecg + 1000, latent).spread, learned(ecg, latent).spread, rtol=1e-3, atol=0)


def test_errors_count_less_where_normals_vary() -> None:
    ecg, latent = normals()
    normal, error = learned(ecg, latent), torch.randn(6, 2, 20)
    spread = ecg.numpy().std(axis=0)
    by_hand = (np.abs(error.numpy()) / spread).mean(axis=(1, 2)) * spread.mean()
    np.testing.assert_allclose(normal.weighted(error), by_hand, rtol=1e-5)


def test_until_it_has_learned_errors_count_alike_and_distances_are_lengths() -> None:
    normal, error, latent = Normality(2, 20, 4), torch.randn(6, 2, 20), torch.randn(6, 4)
    torch.testing.assert_close(normal.weighted(error), error.abs().mean(dim=(1, 2)))
    torch.testing.assert_close(normal.distance(latent), latent.square().mean(dim=1).sqrt())


def test_the_unit_of_windows_does_not_change_the_weights() -> None:
    ecg, latent = normals()
    error = torch.randn(6, 2, 20)
    torch.testing.assert_close(learned(1000 * ecg, latent).weighted(error), learned(ecg, latent).weighted(error))


def test_samples_that_never_vary_do_not_decide_alone() -> None:
    ecg, latent = normals()
    ecg[:, :, 15:] = 0  # padding
    normal = learned(ecg, latent)
    deviation = ecg.std(dim=0, correction=0)
    torch.testing.assert_close(normal.spread[:, 15:], (LEAST_SPREAD * deviation.mean()).expand(2, 5))
    torch.testing.assert_close(normal.spread[:, :15], deviation[:, :15])


def test_windows_that_are_all_the_same_weigh_every_sample_alike() -> None:
    normal, error = learned(torch.ones(9, 2, 20), torch.ones(9, 4)), torch.randn(6, 2, 20)
    torch.testing.assert_close(normal.weighted(error), error.abs().mean(dim=(1, 2)))
    torch.testing.assert_close(normal.distance(torch.full((1, 4), 3.0)), torch.tensor([2.0]))


@pytest.mark.parametrize("n_rows", [6, 12, 40])
def test_the_distance_is_that_of_ledoit_and_wolf(n_rows: int) -> None:
    ecg, latent = normals(n_rows)
    other = 3 * torch.randn(50, 4)
    second = LedoitWolf().fit(latent.double().numpy())
    assert second.shrinkage_ > LEAST_SHRINKAGE
    expected = np.sqrt(second.mahalanobis(other.double().numpy()) / 4)
    np.testing.assert_allclose(learned(ecg, latent).distance(other), expected, rtol=1e-3)


def test_of_many_windows_the_distance_is_that_of_mahalanobis_but_for_the_least_shrinkage() -> None:
    latent = torch.randn(20_000, 3) * torch.tensor([2.0, 1.0, 0.5])
    second = EmpiricalCovariance().fit(latent.double().numpy())
    expected = np.sqrt(second.mahalanobis(latent.double().numpy()) / 3)
    found = learned(torch.randn(20_000, 1, 2), latent).distance(latent)
    np.testing.assert_allclose(found, expected, rtol=0.05)
    assert found.square().mean() == pytest.approx(1, abs=0.05)


def test_a_latent_number_that_normals_never_use_does_not_decide_alone() -> None:
    ecg, latent = normals(5000)
    latent[:, 0] = 0
    normal = learned(ecg, latent)
    mean_variance = latent.var(dim=0, correction=0).mean()
    one_aside = normal.centre + torch.tensor([1.0, 0, 0, 0])
    expected = (1 / (LEAST_SHRINKAGE * mean_variance) / 4).sqrt()
    torch.testing.assert_close(normal.distance(one_aside.unsqueeze(0)), expected.unsqueeze(0), rtol=1e-3, atol=0)


def test_fewer_windows_than_latent_numbers_still_have_distances() -> None:
    ecg, latent = normals(5, size=16)
    distance = learned(ecg, latent).distance(torch.randn(7, 16))
    assert torch.isfinite(distance).all()
    assert (distance > 0).all()


def test_one_latent_number_is_a_plain_z_score() -> None:
    ecg, latent = normals(size=1)
    expected = (latent - latent.mean()).abs().squeeze(1) / latent.std(correction=0)
    torch.testing.assert_close(learned(ecg, latent).distance(latent), expected)


def test_what_was_learned_travels_with_the_weights_and_is_not_trained() -> None:
    normal = learned(*normals())
    again = Normality(2, 20, 4)
    again.load_state_dict(normal.state_dict())
    assert torch.equal(again.weighted(torch.ones(1, 2, 20)), normal.weighted(torch.ones(1, 2, 20)))
    assert torch.equal(again.distance(torch.ones(1, 4)), normal.distance(torch.ones(1, 4)))
    assert set(normal.state_dict()) == {"spread", "centre", "whitener"}
    assert not list(normal.parameters())


def test_a_network_that_still_learns_leaves_no_gradient_behind() -> None:
    ecg, latent = normals()
    normal = learned(ecg, latent.requires_grad_())
    assert not normal.centre.requires_grad
    assert not normal.whitener.requires_grad


@pytest.mark.parametrize("n_rows", [0, 1])
def test_too_few_windows_are_refused_in_words(n_rows: int) -> None:
    ecg, latent = normals()
    with pytest.raises(ValueError, match=f"n_rows={n_rows} of normal windows do not say how much they vary"):
        Normality(2, 20, 4).learn([(ecg[:n_rows], latent[:n_rows])])


def test_a_network_that_has_diverged_is_refused_in_words() -> None:
    ecg, latent = normals()
    latent[7, 2] = float("nan")
    with pytest.raises(ValueError, match="latent vectors of normal windows are not finite: training has diverged"):
        learned(ecg, latent)
