"""Samplers: proportions, determinism, and what they refuse."""

import numpy as np
import pytest

from ecg_lightning.sampling import Balanced, OverAndUnder, Oversample, Sampler, Shuffle, Undersample

LABEL = np.repeat([0, 1, 2, 4], [800, 150, 40, 10])  # class 3 is absent


def counts(sampler: Sampler, seed: int = 0) -> list[int]:
    drawn = sampler.draw(LABEL, np.random.default_rng(seed))
    return np.bincount(LABEL[drawn], minlength=5).tolist()


def test_shuffle_draws_every_row_once_in_another_order() -> None:
    drawn = Shuffle().draw(LABEL, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(drawn), np.arange(len(LABEL)))
    assert (drawn != np.arange(len(LABEL))).any()


def test_full_balance_gives_every_present_class_the_same_share() -> None:
    total = np.sum([counts(Balanced(power=1.0), seed) for seed in range(20)], axis=0)
    np.testing.assert_allclose(total[[0, 1, 2, 4]] / total.sum(), 0.25, atol=0.02)
    assert total[3] == 0


def test_half_balance_draws_classes_by_the_root_of_their_rows() -> None:
    total = np.sum([counts(Balanced(power=0.5), seed) for seed in range(20)], axis=0)
    root = np.sqrt([800, 150, 40, 0, 10])
    np.testing.assert_allclose(total / total.sum(), root / root.sum(), atol=0.02)


def test_balance_draws_as_many_rows_as_there_are() -> None:
    assert sum(counts(Balanced(power=1.0))) == len(LABEL)


def test_oversampling_keeps_every_row_and_repeats_rare_ones_up_to_the_ratio() -> None:
    drawn = Oversample(ratio=0.5).draw(LABEL, np.random.default_rng(0))
    assert counts(Oversample(ratio=0.5)) == [800, 400, 400, 0, 400]
    assert set(drawn) == set(range(len(LABEL)))


def test_oversampling_below_the_present_share_changes_nothing() -> None:
    assert counts(Oversample(ratio=0.01)) == [800, 150, 40, 0, 10]


def test_undersampling_draws_the_largest_class_down_to_the_second() -> None:
    drawn = Undersample(ratio=2.0).draw(LABEL, np.random.default_rng(0))
    assert counts(Undersample(ratio=2.0)) == [300, 150, 40, 0, 10]
    assert len(np.unique(drawn)) == len(drawn)


def test_undersampling_draws_other_rows_every_epoch() -> None:
    first, second = (set(Undersample(ratio=1.0).draw(LABEL, np.random.default_rng(seed))) for seed in (0, 1))
    assert first != second


def test_undersampling_leaves_a_single_class_alone() -> None:
    assert len(Undersample(ratio=1.0).draw(np.zeros(7, np.int64), np.random.default_rng(0))) == 7


def test_over_and_under_meet_at_the_mean_size_of_the_classes_that_occur() -> None:
    drawn = OverAndUnder().draw(LABEL, np.random.default_rng(0))
    assert counts(OverAndUnder()) == [250, 250, 250, 0, 250]
    assert len(np.unique(drawn[LABEL[drawn] == 0])) == 250, "of a large class no row comes twice"
    assert set(np.flatnonzero(LABEL > 0)) <= set(drawn), "of a small one every row comes"


def test_over_and_under_leave_equal_classes_alone() -> None:
    drawn = OverAndUnder().draw(np.repeat([0, 1], 20), np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(drawn), np.arange(40))


@pytest.mark.parametrize("sampler", [Shuffle(), Balanced(0.5), Oversample(0.5), Undersample(1.0), OverAndUnder()])
def test_the_same_seed_draws_the_same_epoch_in_mixed_order(sampler: Sampler) -> None:
    first, again, other = (sampler.draw(LABEL, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (np.diff(LABEL[first]) < 0).sum() > 50  # classes are mixed, not one after the other


def test_only_samplers_that_change_proportions_say_so() -> None:
    assert not Shuffle.rebalances
    assert all(kind.rebalances for kind in (Balanced, Oversample, Undersample, OverAndUnder))


@pytest.mark.parametrize("power", [0, -1, 1.1])
def test_an_impossible_power_is_refused_in_words(power: float) -> None:
    with pytest.raises(ValueError, match=rf"sampler.power={power} must lie above 0 and not above 1"):
        Balanced(power)


@pytest.mark.parametrize("ratio", [0, -0.5, 1.5])
def test_an_impossible_oversampling_ratio_is_refused_in_words(ratio: float) -> None:
    with pytest.raises(ValueError, match=rf"sampler.ratio={ratio} must lie above 0 and not above 1"):
        Oversample(ratio)


@pytest.mark.parametrize("ratio", [0, -0.5])
def test_an_impossible_undersampling_ratio_is_refused_in_words(ratio: float) -> None:
    with pytest.raises(ValueError, match=rf"sampler.ratio={ratio} must be above 0"):
        Undersample(ratio)
