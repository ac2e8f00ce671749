"""Losses: limit cases, a second source, and no infinity."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional as F

from ecg_lightning.losses import CrossEntropy, FocalLoss, WeightedCrossEntropy, class_weights

COUNTS = (45866, 944, 3788, 415, 8)
LOGITS = torch.randn(64, 5, generator=torch.Generator().manual_seed(0))
LABEL = torch.randint(5, (64,), generator=torch.Generator().manual_seed(1))


def test_cross_entropy_is_that_of_torch() -> None:
    torch.testing.assert_close(CrossEntropy()(LOGITS, LABEL), F.cross_entropy(LOGITS, LABEL))


def test_full_inverse_frequency_is_the_balanced_weight_of_scikit_learn() -> None:
    label = np.repeat(np.arange(5), COUNTS)
    expected = compute_class_weight("balanced", classes=np.arange(5), y=label)
    np.testing.assert_allclose(class_weights(COUNTS, power=1).numpy(), expected, rtol=1e-5)


def test_weights_average_to_one_over_the_training_rows() -> None:
    for power in (0.0, 0.3, 0.5, 1.0):
        weight = class_weights(COUNTS, power)
        assert float((weight * torch.tensor(COUNTS)).sum() / sum(COUNTS)) == pytest.approx(1, abs=1e-4)
    assert (weight.diff() > 0).tolist() == [True, False, True, True], "the rarer, the heavier"


def test_half_the_power_is_the_square_root_of_the_ratio() -> None:
    weight = class_weights((100, 4), power=0.5)
    assert float(weight[1] / weight[0]) == pytest.approx(5)


def test_an_absent_class_weighs_nothing_and_breaks_nothing() -> None:
    weight = class_weights((90, 10, 0), power=1)
    assert weight[2] == 0
    assert torch.isfinite(weight).all()
    label = torch.full((8,), 2)
    for loss in (WeightedCrossEntropy((90, 10, 0)), FocalLoss((90, 10, 0))):
        assert loss(torch.randn(8, 3), label) == 0


def test_without_power_the_weighted_loss_is_the_plain_one() -> None:
    torch.testing.assert_close(WeightedCrossEntropy(COUNTS, power=0)(LOGITS, LABEL), CrossEntropy()(LOGITS, LABEL))


def test_focal_loss_without_focus_is_weighted_cross_entropy() -> None:
    expected = WeightedCrossEntropy(COUNTS)(LOGITS, LABEL)
    torch.testing.assert_close(FocalLoss(COUNTS, gamma=0)(LOGITS, LABEL), expected)


def test_focal_loss_is_equation_5_of_its_source() -> None:
    p = LOGITS.double().softmax(1)[torch.arange(64), LABEL]
    expected = (-class_weights(COUNTS, 0.5)[LABEL] * (1 - p) ** 2 * p.log()).mean().float()
    torch.testing.assert_close(FocalLoss(COUNTS)(LOGITS, LABEL), expected)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_a_row_that_is_certain_has_finite_slopes(gamma: float) -> None:
    logits = torch.tensor([[200.0, -200, 0, 0, 0], [-200.0, 200, 0, 0, 0]], requires_grad=True)
    loss = FocalLoss(COUNTS, gamma=gamma)(logits, torch.tensor([0, 0]))
    loss.backward()
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_losses_are_counted_in_float32_under_bf16() -> None:
    for loss in (CrossEntropy(), WeightedCrossEntropy(COUNTS), FocalLoss(COUNTS)):
        assert loss(LOGITS.bfloat16(), LABEL).dtype == torch.float32


def test_checkpoints_hold_no_weights_of_losses() -> None:
    assert not WeightedCrossEntropy(COUNTS).state_dict()
    assert not FocalLoss(COUNTS).state_dict()


def test_impossible_powers_are_refused_in_words() -> None:
    for power in (-0.1, 1.5):
        with pytest.raises(ValueError, match=f"power={power} must lie between 0"):
            class_weights(COUNTS, power)


def test_a_split_without_training_rows_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"class_counts=\(0, 0\) hold no training rows"):
        class_weights((0, 0), 0.5)


def test_a_negative_focus_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="gamma=-1 must be at least 0"):
        FocalLoss(COUNTS, gamma=-1)
