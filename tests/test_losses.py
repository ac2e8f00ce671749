"""Losses: limit cases, a second source, and no infinity."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional as F

from ecg_lightning.losses import (
    AsymmetricLoss,
    BinaryCrossEntropy,
    BinaryFocal,
    ClassBalanced,
    CrossEntropy,
    FocalLoss,
    WeightedBinaryCrossEntropy,
    WeightedCrossEntropy,
    balanced_weights,
    class_weights,
    column_weights,
    positive_weights,
)

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


MULTI_COUNTS, N_ROWS = (430, 250, 240, 220, 120), 1000
TARGET = (torch.rand(64, 5, generator=torch.Generator().manual_seed(2)) < 0.3).float()
FRACTION = torch.rand(64, 5, generator=torch.Generator().manual_seed(3))


def closed_focal(label: torch.Tensor, alpha: float, gamma: float) -> torch.Tensor:
    """Of 0/1 labels, in float64, as its source writes it: p of the true answer first."""
    p = LOGITS.double().sigmoid()
    p_true = torch.where(label == 1, p, 1 - p)
    return -torch.where(label == 1, alpha, 1 - alpha) * (1 - p_true) ** gamma * p_true.log()


def closed_asymmetric(label: torch.Tensor, gamma_positive: float, gamma_negative: float, clip: float) -> torch.Tensor:
    p = LOGITS.double().sigmoid()
    shifted = (p - clip).clamp(min=0)
    there, absent = (1 - p) ** gamma_positive * p.log(), shifted**gamma_negative * (1 - shifted).log()
    return -(label * there + (1 - label) * absent).mean()


def test_binary_cross_entropy_is_that_of_torch_for_fractions_too() -> None:
    for label in (TARGET, FRACTION):
        expected = F.binary_cross_entropy_with_logits(LOGITS, label)
        torch.testing.assert_close(BinaryCrossEntropy()(LOGITS, label), expected)


def test_full_power_balances_positives_and_negatives_of_a_class() -> None:
    weight = positive_weights(MULTI_COUNTS, N_ROWS, power=1)
    positive = torch.tensor(MULTI_COUNTS)
    torch.testing.assert_close(weight * positive, (N_ROWS - positive).float())
    torch.testing.assert_close(positive_weights(MULTI_COUNTS, N_ROWS, power=0.5), weight.sqrt())


def test_a_class_of_no_row_or_of_every_row_keeps_its_weight() -> None:
    assert positive_weights((0, 10, 5), 10, power=1).tolist() == [1, 1, 1]
    assert column_weights((0, 10, 10), power=1).tolist() == [1, 1, 1]
    assert column_weights((0, 0), power=1).isfinite().all()


def test_weighted_binary_cross_entropy_is_that_of_torch_with_these_weights() -> None:
    weight = positive_weights(MULTI_COUNTS, N_ROWS, power=0.5)
    loss = -(weight * TARGET * LOGITS.sigmoid().log() + (1 - TARGET) * (-LOGITS).sigmoid().log()).mean()
    torch.testing.assert_close(WeightedBinaryCrossEntropy(MULTI_COUNTS, N_ROWS)(LOGITS, TARGET), loss)


def test_without_power_the_weighted_binary_loss_is_the_plain_one() -> None:
    plain = BinaryCrossEntropy()(LOGITS, FRACTION)
    torch.testing.assert_close(WeightedBinaryCrossEntropy(MULTI_COUNTS, N_ROWS, power=0)(LOGITS, FRACTION), plain)


def test_class_weights_of_the_binary_focal_loss_have_mean_one_and_rise_with_rarity() -> None:
    for power in (0.0, 0.5, 1.0):
        assert float(column_weights(MULTI_COUNTS, power).mean()) == pytest.approx(1)
    weight = column_weights((100, 4), power=0.5)
    assert float(weight[1] / weight[0]) == pytest.approx(5)


def test_binary_focal_loss_is_equation_5_of_its_source_times_the_class_weights() -> None:
    weight = column_weights(MULTI_COUNTS, 0.5)
    expected = (weight * closed_focal(TARGET, 0.434, 2.135)).mean().float()
    torch.testing.assert_close(BinaryFocal(MULTI_COUNTS)(LOGITS, TARGET), expected)


def test_binary_focal_loss_without_focus_and_weights_is_half_of_cross_entropy() -> None:
    loss = BinaryFocal(MULTI_COUNTS, alpha=0.5, gamma=0, power=0)(LOGITS, FRACTION)
    torch.testing.assert_close(2 * loss, BinaryCrossEntropy()(LOGITS, FRACTION))


def test_asymmetric_loss_is_the_equations_of_its_source() -> None:
    for gammas_and_clip in ((0.0, 4.0, 0.05), (1.0, 4.0, 0.2), (2.0, 0.5, 0.05)):
        expected = closed_asymmetric(TARGET, *gammas_and_clip).float()
        torch.testing.assert_close(AsymmetricLoss(*gammas_and_clip)(LOGITS, TARGET), expected)


def test_asymmetric_loss_without_focus_and_margin_is_cross_entropy() -> None:
    expected = BinaryCrossEntropy()(LOGITS, FRACTION)
    torch.testing.assert_close(AsymmetricLoss(0, 0, 0)(LOGITS, FRACTION), expected)


def test_asymmetric_loss_of_one_gamma_without_margin_is_twice_the_focal_loss() -> None:
    focal = BinaryFocal(MULTI_COUNTS, alpha=0.5, gamma=2, power=0)(LOGITS, FRACTION)
    torch.testing.assert_close(AsymmetricLoss(2, 2, 0)(LOGITS, FRACTION), 2 * focal)


def test_a_negative_that_is_right_by_the_margin_costs_nothing() -> None:
    logits = torch.full((3, 2), -4.0, requires_grad=True)  # p = 0.018
    loss = AsymmetricLoss(gamma_negative=1, clip=0.05)(logits, torch.zeros(3, 2))
    loss.backward()
    assert loss == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_answers_weigh_by_their_effective_number_as_in_its_source() -> None:
    no, yes = balanced_weights((100,), 1000, beta=0.99)[:, 0].tolist()
    assert yes / no == pytest.approx((1 - 0.99**900) / (1 - 0.99**100))
    assert (900 * no + 100 * yes) / 1000 == pytest.approx(1), "the loss keeps its scale"


def test_beta_leads_from_no_weights_to_the_inverse_frequency() -> None:
    torch.testing.assert_close(balanced_weights(MULTI_COUNTS, N_ROWS, beta=0), torch.ones(2, 5))
    no, yes = balanced_weights(MULTI_COUNTS, N_ROWS, beta=1 - 1e-9)
    torch.testing.assert_close(yes / no, positive_weights(MULTI_COUNTS, N_ROWS, power=1))


def test_a_question_with_one_answer_keeps_its_weight() -> None:
    assert balanced_weights((0, 10, 10), 10, beta=0.99).tolist() == [[1, 1, 1], [1, 1, 1]]


def test_class_balanced_loss_is_that_of_torch_with_these_weights() -> None:
    no, yes = balanced_weights(MULTI_COUNTS, N_ROWS, 0.9999)
    for label in (TARGET, FRACTION):
        each = F.binary_cross_entropy_with_logits(LOGITS, label, pos_weight=yes / no, reduction="none")
        torch.testing.assert_close(ClassBalanced(MULTI_COUNTS, N_ROWS)(LOGITS, label), (no * each).mean())


def test_losses_of_yes_and_no_take_a_single_question() -> None:
    logits, label = LOGITS[:, :1], TARGET[:, :1]
    plain = BinaryCrossEntropy()(logits, label)
    torch.testing.assert_close(WeightedBinaryCrossEntropy((500,), 1000)(logits, label), plain)
    torch.testing.assert_close(ClassBalanced((500,), 1000)(logits, label), plain)
    torch.testing.assert_close(2 * BinaryFocal((7,), alpha=0.5, gamma=0)(logits, label), plain)


def multilabel_losses() -> list[torch.nn.Module]:
    return [
        BinaryCrossEntropy(),
        WeightedBinaryCrossEntropy(MULTI_COUNTS, N_ROWS),
        ClassBalanced(MULTI_COUNTS, N_ROWS),
        *(BinaryFocal(MULTI_COUNTS, gamma=gamma) for gamma in (0, 0.5, 2.135)),
        *(AsymmetricLoss(gamma, gamma, clip) for gamma in (0, 0.5, 4) for clip in (0, 0.05)),
    ]


def test_losses_of_many_answers_are_finite_with_slopes_where_answers_are_certain() -> None:
    label = torch.tensor([[1.0, 0, 1, 0, 0.3], [0, 1, 0.5, 0, 1]])
    for loss in multilabel_losses():
        logits = torch.tensor([[200.0, -200, -200, 200, 0], [-1e4, 1e4, 200, 30, -30]], requires_grad=True)
        paid = loss(logits, label)
        paid.backward()
        assert paid.isfinite()
        assert logits.grad is not None
        assert logits.grad.isfinite().all(), loss


def test_losses_of_many_answers_pull_towards_the_label() -> None:
    for loss in multilabel_losses():
        logits = torch.zeros(64, 5, requires_grad=True)
        loss(logits, TARGET).backward()
        assert logits.grad is not None
        assert ((logits.grad < 0) == (TARGET == 1)).all(), loss


def test_losses_of_many_answers_are_counted_in_float32_under_bf16() -> None:
    for loss in multilabel_losses():
        in_bf16 = loss(LOGITS.bfloat16(), TARGET)
        assert in_bf16.dtype == torch.float32
        torch.testing.assert_close(in_bf16, loss(LOGITS.bfloat16().float(), TARGET))
        assert not loss.state_dict(), "checkpoints hold no weights of losses"


def test_only_losses_that_use_class_frequencies_say_weighted() -> None:
    assert all(loss.weighted for loss in (WeightedBinaryCrossEntropy, BinaryFocal, ClassBalanced))
    assert [BinaryCrossEntropy.weighted, AsymmetricLoss.weighted] == [False, False]


def test_more_positives_than_rows_are_refused_in_words() -> None:
    for loss in (WeightedBinaryCrossEntropy, ClassBalanced):
        with pytest.raises(ValueError, match=r"positive_counts=\(5, 11\) exceed n_rows=10: count each row once"):
            loss((5, 11), 10)


def test_impossible_settings_of_binary_losses_are_refused_in_words() -> None:
    for power in (-0.1, 1.5):
        with pytest.raises(ValueError, match=f"power={power} must lie between 0"):
            WeightedBinaryCrossEntropy(MULTI_COUNTS, N_ROWS, power=power)
        with pytest.raises(ValueError, match=f"power={power} must lie between 0"):
            BinaryFocal(MULTI_COUNTS, power=power)
    for beta in (-0.1, 1):
        with pytest.raises(ValueError, match=f"beta={beta} must be at least 0 and below 1"):
            ClassBalanced(MULTI_COUNTS, N_ROWS, beta=beta)
    for alpha in (0, 1):
        with pytest.raises(ValueError, match=f"alpha={alpha} must lie between 0 and 1"):
            BinaryFocal(MULTI_COUNTS, alpha=alpha)
    with pytest.raises(ValueError, match="gamma=-1 must be at least 0"):
        BinaryFocal(MULTI_COUNTS, gamma=-1)
    with pytest.raises(ValueError, match="gamma_positive=-1 must be at least 0"):
        AsymmetricLoss(gamma_positive=-1)
    with pytest.raises(ValueError, match="gamma_negative=-1 must be at least 0"):
        AsymmetricLoss(gamma_negative=-1)
    for clip in (-0.1, 1):
        with pytest.raises(ValueError, match=f"clip={clip} must be at least 0 and below 1"):
            AsymmetricLoss(clip=clip)
