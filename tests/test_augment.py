"""Augmentation: what each part may do and what it may not; nothing but the generator decides."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor

from ecg_lightning.augment import Augment, LeadDropout, Mixup, Noise, Part, Scaling, Shift, TimeWarp, Wander
from ecg_lightning.batch import Batch

CONF = Path(__file__).parents[1] / "conf" / "augment"
FS_HZ = 100.0
PARTS = (
    Noise(0.5, 0.2),
    Wander(0.5, 1.0),
    Scaling(0.5, 0.4, 0.1),
    Shift(0.5, 0.1),
    LeadDropout(0.5, 0.3),
    TimeWarp(0.5, 0.3),
    Mixup(0.5, 0.4),
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw(n_windows: int = 64, n_leads: int = 12, n_samples: int = 250) -> Batch:
    """Smooth waves of several labels, with two features."""
    chance = generator(7)
    ecg = torch.randn(n_windows, n_leads, n_samples, generator=chance).cumsum(dim=2)
    label = (torch.rand(n_windows, 5, generator=chance) < 0.4).long()
    features = torch.randn(n_windows, 2, generator=chance)
    return Batch(ecg, features, label, torch.arange(n_windows), torch.ones(n_windows, dtype=torch.bool), {})


def changed(part: Part, batch: Batch, seed: int = 0) -> Batch:
    return Augment({"alone": part})(batch, FS_HZ, generator(seed))


def spread(ecg: Tensor) -> Tensor:
    return ecg.std(dim=2, correction=0, keepdim=True)


def preset(name: str) -> Augment:
    return instantiate(OmegaConf.load(CONF / f"{name}.yaml"), _convert_="all")


def test_none_hands_the_very_same_batch_on() -> None:
    batch = draw()
    assert preset("none")(batch, FS_HZ, generator()) is batch


@pytest.mark.parametrize("name", ["light", "strong"])
@pytest.mark.parametrize("shape", [(8, 12, 250), (8, 1, 280), (1, 2, 100)])
def test_presets_keep_shape_kind_and_the_batch_that_was_given(name: str, shape: tuple[int, int, int]) -> None:
    batch = draw(*shape)
    before = [field.clone() for field in batch[:-1]]
    after = preset(name)(batch, FS_HZ, generator())
    assert (after.ecg.shape, after.ecg.dtype) == (batch.ecg.shape, torch.float32)
    assert after.ecg.isfinite().all()
    assert not torch.equal(after.ecg, batch.ecg)
    assert after.row is batch.row
    assert after.scored is batch.scored
    assert all(torch.equal(one, other) for one, other in zip(before, batch[:-1], strict=True))


@pytest.mark.parametrize("part", PARTS)
def test_the_generator_alone_decides(part: Part) -> None:
    first, again, other = (changed(part, draw(), seed) for seed in (3, 3, 4))
    assert torch.equal(first.ecg, again.ecg)
    assert not torch.equal(first.ecg, other.ecg)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_falls_on_its_share_of_the_windows_and_leaves_the_others_to_the_bit(part: Part) -> None:
    batch = draw(400, 4, 50)
    touched = (changed(part, batch).ecg != batch.ecg).flatten(1).any(dim=1)
    assert 0.3 < float(touched.float().mean()) < 0.55


@pytest.mark.parametrize("part", PARTS)
def test_amplitudes_follow_the_unit_of_the_ecg(part: Part) -> None:
    batch = draw()
    thousandfold = changed(part, batch._replace(ecg=1000 * batch.ecg)).ecg
    torch.testing.assert_close(thousandfold, 1000 * changed(part, batch).ecg, rtol=1e-4, atol=1e-1)


@pytest.mark.parametrize(
    "part",
    [Noise(1, 0), Wander(1, 0), Scaling(1, 0, 0), Shift(1, 0), LeadDropout(1, 0), TimeWarp(1, 0), Mixup(0, 1)],
)
def test_nothing_of_a_part_changes_nothing(part: Part) -> None:
    batch = draw()
    torch.testing.assert_close(changed(part, batch).ecg, batch.ecg, rtol=0, atol=0)


def test_noise_is_white_and_no_stronger_than_its_share_of_the_leads_spread() -> None:
    batch = draw(64, 12, 2000)
    noise = changed(Noise(1, 0.2), batch).ecg - batch.ecg
    share = spread(noise) / spread(batch.ecg)
    assert float(share.max()) < 0.21
    assert float(share.mean()) == pytest.approx(0.1, abs=0.02)
    neighbours = (noise[..., 1:] * noise[..., :-1]).mean() / noise.square().mean()
    assert abs(float(neighbours)) < 0.01


def test_a_flat_lead_stays_flat_under_noise_and_wander() -> None:
    batch = draw()
    batch.ecg[:, 3] = 0
    for part in (Noise(1, 0.5), Wander(1, 1)):
        assert not changed(part, batch).ecg[:, 3].any()


def test_wander_is_slow_bounded_and_of_one_shape_in_all_leads() -> None:
    batch = draw(32, 3, 4000)
    drift = (changed(Wander(1, 0.8), batch).ecg - batch.ecg) / spread(batch.ecg)
    assert float(drift.abs().max()) <= 0.81
    power = np.abs(np.fft.rfft(drift.numpy() * np.hanning(4000))) ** 2
    fast = np.fft.rfftfreq(4000, 1 / FS_HZ) > 0.7
    assert power[..., fast].sum() < 1e-3 * power.sum()
    alike = np.array([np.corrcoef(window)[0, 1] for window in drift.numpy()])
    np.testing.assert_allclose(np.abs(alike), 1, atol=1e-2)
    assert alike.min() < 0 < alike.max()


def test_scaling_is_one_factor_per_window_and_nearly_the_same_for_its_leads() -> None:
    batch = draw()
    factor = changed(Scaling(1, 0.4, 0), batch).ecg / batch.ecg
    assert float((factor.amax(dim=(1, 2)) - factor.amin(dim=(1, 2))).max()) < 1e-4
    assert 0.6 <= float(factor.min()) < 0.7 < 1.3 < float(factor.max()) <= 1.4001
    alone = changed(Scaling(1, 0, 0.1), batch).ecg / batch.ecg
    assert float((alone[:, 0] - alone[:, 1]).abs().max()) > 0.05
    assert 0.8999 <= float(alone.min()) < float(alone.max()) <= 1.1001


def test_shift_repeats_the_edge_and_moves_all_leads_together() -> None:
    batch = draw(64, 2, 250)
    after = changed(Shift(1, 0.1), batch).ecg.numpy()
    moved = []
    for window, original in zip(after, batch.ecg.numpy(), strict=True):
        fits = [
            by for by in range(-25, 26) if np.array_equal(window, original[:, np.clip(np.arange(250) + by, 0, 249)])
        ]
        assert len(fits) == 1
        moved += fits
    assert min(moved) < -15
    assert max(moved) > 15


def test_lead_dropout_leaves_one_lead_at_least_and_a_single_lead_always() -> None:
    batch = draw(400, 12, 20)
    gone = ~changed(LeadDropout(1, 0.25), batch).ecg.any(dim=2)
    assert float(gone.float().mean()) == pytest.approx(0.25, abs=0.02)
    assert (~changed(LeadDropout(1, 1.0), batch).ecg.any(dim=2)).sum(dim=1).eq(11).all()
    single = draw(8, 1, 20)
    assert torch.equal(changed(LeadDropout(1, 1.0), single).ecg, single.ecg)


def test_time_warp_is_monotone_keeps_its_ends_and_its_speed() -> None:
    ramp = torch.arange(250.0).expand(64, 1, 250)
    time = changed(TimeWarp(1, 0.3), draw(64, 1, 250)._replace(ecg=ramp)).ecg
    torch.testing.assert_close(time[..., [0, -1]], ramp[..., [0, -1]], rtol=0, atol=1e-3)
    speed = time.diff(dim=2)
    assert 0.699 < float(speed.min()) < 0.85
    assert 1.15 < float(speed.max()) < 1.301


def test_time_warp_is_the_interpolation_of_numpy_alike_in_all_leads() -> None:
    batch = draw(16, 3, 250)
    batch.ecg[:, 0] = torch.arange(250.0)
    after = changed(TimeWarp(1, 0.3), batch).ecg.numpy()
    for window, original in zip(after, batch.ecg.numpy(), strict=True):
        for lead in (1, 2):
            expected = np.interp(window[0], np.arange(250), original[lead])
            np.testing.assert_allclose(window[lead], expected, atol=1e-3)


def test_mixup_mixes_ecg_labels_and_features_in_one_proportion() -> None:
    batch = draw()
    same = batch.label.float()
    batch = batch._replace(ecg=same[..., None].repeat(1, 1, 30), features=same.clone())
    after = changed(Mixup(1, 1.0), batch)
    torch.testing.assert_close(after.ecg[..., 0], after.label)
    torch.testing.assert_close(after.features, after.label)
    assert after.label.dtype == torch.float32
    assert 0 <= float(after.label.min()) <= float(after.label.max()) <= 1
    assert ((after.label > 0.01) & (after.label < 0.99)).any()


def test_mixup_adds_the_smaller_share_drawn_from_the_beta_distribution() -> None:
    batch = draw(4000, 1, 2)
    label = torch.eye(4000)[:, :1000]  # most windows have partners with another label
    share = 1 - changed(Mixup(1, 0.4), batch._replace(label=label)).label[:1000].diagonal()
    expected = torch.distributions.Beta(0.4, 0.4).sample((100_000,))
    assert 0 <= float(share.min()) <= float(share.max()) <= 0.5
    assert float(share.mean()) == pytest.approx(float(torch.minimum(expected, 1 - expected).mean()), abs=0.02)


def test_mixup_leaves_windows_with_class_indices_alone() -> None:
    batch = draw()._replace(label=torch.arange(64) % 5)
    assert changed(Mixup(1, 0.4), batch) is batch


def test_mixup_leaves_a_feature_alone_that_one_of_the_two_does_not_know() -> None:
    batch = draw()
    batch.features[:, 1] = torch.where(torch.arange(64) % 2 == 0, torch.nan, 7.0)
    after = changed(Mixup(1, 1.0), batch).features
    torch.testing.assert_close(after[:, 1], batch.features[:, 1], equal_nan=True)
    assert not after[:, 0].isnan().any()
    assert not torch.equal(after[:, 0], batch.features[:, 0])


def sequences(label: Callable[[Batch], Tensor]) -> tuple[Batch, Batch]:
    """Four stretches of six beats, the last two of each padding, and the sixteen beats in a row."""
    flat = draw(16, 2, 100)
    flat = flat._replace(label=label(flat))
    row = torch.full((4, 6), -1)
    row[:, :4] = torch.arange(16).view(4, 4)
    real = row >= 0
    parts = []
    for field in flat[:3]:
        whole = torch.zeros(4, 6, *field.shape[1:], dtype=field.dtype)
        whole[real] = field
        parts.append(whole)
    return Batch(*parts, row, real, {"other": torch.ones(4, 3)}), flat


@pytest.mark.parametrize("label", [lambda flat: flat.label, lambda flat: flat.label[:, 0]])
def test_a_sequence_is_changed_as_its_windows_and_padding_stays_zero(label: Callable[[Batch], Tensor]) -> None:
    batch, flat = sequences(label)
    before = batch.ecg.clone()
    after = preset("strong")(batch, FS_HZ, generator())
    expected = preset("strong")(flat, FS_HZ, generator())
    for name in ("ecg", "features", "label"):
        assert torch.equal(getattr(after, name)[batch.row >= 0], getattr(expected, name))
        assert not getattr(after, name)[batch.row < 0].any()
    assert torch.equal(batch.ecg, before)
    assert after.extra is batch.extra


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Noise(1.1, 0.1), r"Noise.probability=1.1 must lie between 0 and 1"),
        (lambda: Noise(0.5, -0.1), r"Noise.share=-0.1 must lie between 0 and 1"),
        (lambda: Wander(-1, 0.1), r"Wander.probability=-1 must lie between 0 and 1"),
        (lambda: Wander(1, 6), r"Wander.share=6 must lie between 0 and 5"),
        (lambda: Scaling(2, 0, 0), r"Scaling.probability=2 must lie between 0 and 1"),
        (lambda: Scaling(1, 1, 0), r"Scaling.share=1 must lie between 0 and 0.9"),
        (lambda: Scaling(1, 0, 1), r"Scaling.lead_share=1 must lie between 0 and 0.9"),
        (lambda: Shift(2, 0), r"Shift.probability=2 must lie between 0 and 1"),
        (lambda: Shift(1, 0.6), r"Shift.share=0.6 must lie between 0 and 0.5"),
        (lambda: TimeWarp(2, 0), r"TimeWarp.probability=2 must lie between 0 and 1"),
        (lambda: TimeWarp(1, 1), r"TimeWarp.share=1 must lie between 0 and 0.9"),
        (lambda: LeadDropout(2, 0), r"LeadDropout.probability=2 must lie between 0 and 1"),
        (lambda: LeadDropout(1, 1.5), r"LeadDropout.share=1.5 must lie between 0 and 1"),
        (lambda: Mixup(2, 0.4), r"Mixup.probability=2 must lie between 0 and 1"),
        (lambda: Mixup(1, 0), r"Mixup.alpha=0 must be above 0"),
    ],
)
def test_impossible_settings_are_refused_in_words(make: Callable[[], Part], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
