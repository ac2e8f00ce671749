"""Morphology: its size, its parts, and what it refuses."""

import pytest
import torch

from ecg_lightning.layers.morphology import Morphology


@pytest.mark.parametrize("n_leads", [1, 2, 12])
@pytest.mark.parametrize("n_samples", [8, 280, 333, 1440])
@pytest.mark.parametrize("n_parts", [1, 5, 1000])
def test_n_out_is_the_width_of_the_output(n_leads: int, n_samples: int, n_parts: int) -> None:
    layer = Morphology(n_leads, n_samples, width=4, n_parts=n_parts).eval()
    ecg = torch.randn(3, n_leads, n_samples)
    out = layer(ecg)
    assert out.shape == (3, layer.n_out)
    torch.testing.assert_close(out[1:2], layer(ecg[1:2]))  # rows do not leak into each other


def test_one_part_is_the_mean_over_the_window() -> None:
    torch.manual_seed(0)
    parts = Morphology(1, 280, width=4, n_parts=5).eval()
    whole = Morphology(1, 280, width=4, n_parts=1).eval()
    whole.load_state_dict(parts.state_dict())
    ecg = torch.randn(3, 1, 280)
    torch.testing.assert_close(parts(ecg).reshape(3, 16, 5).mean(dim=2), whole(ecg))


def test_a_late_wave_changes_late_parts_alone() -> None:
    layer = Morphology(1, 400, width=4, n_parts=5).eval()
    flat, late = torch.zeros(2, 1, 1, 400)
    late[..., 340:380] = 1
    moved = (layer(flat) - layer(late)).abs().reshape(16, 5).amax(dim=0)
    assert moved[:4].max() < 1e-6 < 1e-3 < moved[4]


def test_windows_that_are_too_short_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="n_samples=7 must be at least 8: choose a longer window"):
        Morphology(1, 7, width=4, n_parts=5)


def test_no_parts_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="n_parts=0 must be at least 1: 5 is usual"):
        Morphology(1, 280, width=4, n_parts=0)
