"""One answer from those of several crops: against the probabilities themselves."""

import pytest
import torch

from ecg_lightning.layers.crops import aggregate

LOGITS = torch.randn(6, 7, 5, generator=torch.Generator().manual_seed(0)) * 4


def test_the_mean_is_that_of_the_probabilities() -> None:
    p = aggregate(LOGITS, "multilabel", "mean").sigmoid()
    torch.testing.assert_close(p, LOGITS.sigmoid().mean(dim=1))


def test_the_maximum_is_that_of_the_probabilities() -> None:
    p = aggregate(LOGITS, "multilabel", "max").sigmoid()
    torch.testing.assert_close(p, LOGITS.sigmoid().amax(dim=1))


def test_of_several_classes_the_mean_of_probabilities_still_sums_to_1() -> None:
    p = aggregate(LOGITS, "multiclass", "mean").softmax(dim=1)
    torch.testing.assert_close(p, LOGITS.softmax(dim=2).mean(dim=1))


def test_of_several_classes_the_largest_probability_wins() -> None:
    sure, loud = torch.tensor([4.0, 0.0]), torch.tensor([9.0, 10.0])  # the second crop has the larger logits
    p = aggregate(torch.stack([sure, loud])[None], "multiclass", "max").softmax(dim=1)[0]
    largest = torch.stack([sure, loud]).softmax(dim=1).amax(dim=0)
    torch.testing.assert_close(p, largest / largest.sum())
    assert p.argmax() == 0


@pytest.mark.parametrize("problem", ["multilabel", "multiclass"])
@pytest.mark.parametrize("by", ["mean", "max"])
def test_one_crop_answers_for_itself_to_the_bit(problem: str, by: str) -> None:
    assert torch.equal(aggregate(LOGITS[:, :1], problem, by), LOGITS[:, 0])


@pytest.mark.parametrize("problem", ["multilabel", "multiclass"])
@pytest.mark.parametrize("by", ["mean", "max"])
def test_crops_that_agree_change_nothing(problem: str, by: str) -> None:
    same = LOGITS[:, :1].expand(-1, 4, -1)
    found = aggregate(same, problem, by)
    if problem == "multilabel":
        torch.testing.assert_close(found, LOGITS[:, 0])
    else:
        torch.testing.assert_close(found.softmax(dim=1), LOGITS[:, 0].softmax(dim=1))


@pytest.mark.parametrize("by", ["mean", "max"])
def test_the_order_of_the_crops_does_not_matter(by: str) -> None:
    turned = LOGITS.flip(1)
    for problem in ("multilabel", "multiclass"):
        torch.testing.assert_close(aggregate(LOGITS, problem, by), aggregate(turned, problem, by))


@pytest.mark.parametrize("level", [-200.0, -50.0, 30.0, 200.0])
def test_very_sure_crops_stay_finite_and_in_their_order(level: float) -> None:
    found = aggregate(level + torch.tensor([0.0, 1.0, 2.0]).reshape(3, 1, 1).expand(3, 4, 1), "multilabel", "mean")
    torch.testing.assert_close(found[:, 0], level + torch.tensor([0.0, 1.0, 2.0]))


def test_gradients_reach_every_crop() -> None:
    logits = LOGITS.clone().requires_grad_()
    aggregate(logits, "multilabel", "mean").sum().backward()
    assert logits.grad is not None
    assert (logits.grad > 0).all()
