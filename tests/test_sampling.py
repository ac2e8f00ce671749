"""Samplers: proportions, determinism, and what they refuse."""

import numpy as np
import pytest

from ecg_lightning.sampling import Balanced, OverAndUnder, Oversample, PositiveShare, Sampler, Shuffle, Undersample
from ecg_lightning.structures import Refused

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


TWO = np.repeat([0, 1], [900, 100])


@pytest.mark.parametrize(
    ("share", "n_negative", "n_positive"),
    [
        (0.5, 100, 100),
        (0.8, 25, 100),
        (0.1, 900, 100),
        (0.05, 900, 47),
        (1.0, 0, 100),
        (0.0, 900, 0),
        (1 / 3, 200, 100),
    ],
)
def test_a_positive_share_makes_the_largest_epoch_without_repeats(
    share: float, n_negative: int, n_positive: int
) -> None:
    drawn = PositiveShare(share).draw(TWO, np.random.default_rng(0))
    assert len(np.unique(drawn)) == len(drawn)
    assert np.bincount(TWO[drawn], minlength=2).tolist() == [n_negative, n_positive]


@pytest.mark.parametrize("n", [1, 2, 7, 64])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.77, 0.99])
def test_no_row_more_would_keep_a_positive_share(n: int, share: float) -> None:
    label = np.repeat([0, 1], [1000, n])
    drawn = PositiveShare(share).draw(label, np.random.default_rng(0))
    n_positive = int(label[drawn].sum())
    assert abs(n_positive - share * len(drawn)) <= 1  # to a row
    assert n_positive == n or len(drawn) - n_positive == 1000


def test_a_positive_share_draws_other_rows_every_epoch_in_mixed_order() -> None:
    first, again, other = (PositiveShare(0.5).draw(TWO, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)
    assert (np.diff(TWO[first]) < 0).sum() > 20


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_an_impossible_positive_share_is_refused_in_words(share: float) -> None:
    with pytest.raises(
        ValueError, match=rf"pretrain.positive_share={share} must lie between 0 and 1, or be null for all rows"
    ):
        PositiveShare(share)


@pytest.mark.parametrize(("share", "label", "which"), [(0.8, 0, "second"), (0.8, 1, "first"), (0.0, 1, "first")])
def test_a_positive_share_of_rows_of_one_class_is_refused_in_words(share: float, label: int, which: str) -> None:
    with pytest.raises(
        Refused, match=rf"pretrain.positive_share={share}, but none of the 9 training rows is of the {which} cl"
    ):
        PositiveShare(share).draw(np.full(9, label), np.random.default_rng(0))


def test_a_positive_share_of_one_class_alone_asks_for_that_class_alone() -> None:
    assert len(PositiveShare(1.0).draw(np.ones(9, np.int64), np.random.default_rng(0))) == 9


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
