"""What is watched while training is the same number as in the report."""

import pytest
import torch
from torchmetrics.functional.classification import multiclass_f1_score

from ecg_lightning.monitors import MacroF1


def draw(seed: int = 0, n: int = 300) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(5, (n,), generator=generator)
    p = (torch.rand(n, 5, generator=generator) + torch.eye(5)[label]).softmax(dim=1)
    return p, label


def test_macro_f1_over_batches_equals_torchmetrics_over_all_rows() -> None:
    p, label = draw()
    ours = MacroF1(5)
    for part in range(3):
        ours.update(p[part::3], label[part::3])
    theirs = multiclass_f1_score(p, label, num_classes=5, average="macro")
    torch.testing.assert_close(ours.compute(), theirs)


def test_an_absent_class_does_not_pull_the_mean_down() -> None:
    label = torch.tensor([0, 1, 1])
    ours = MacroF1(5)
    ours.update(torch.eye(5)[label], label)
    assert ours.compute() == 1


def test_only_the_named_classes_are_averaged() -> None:
    label = torch.tensor([0, 1, 4, 4])
    ours = MacroF1(5, classes=[0, 1, 2, 3])
    ours.update(torch.eye(5)[torch.tensor([0, 1, 0, 0])], label)
    assert ours.compute() == pytest.approx((0.5 + 1) / 2)


def test_reset_forgets_and_nothing_seen_is_nan() -> None:
    ours = MacroF1(5)
    ours.update(*draw())
    ours.reset()
    ours.update(torch.empty(0, 5), torch.empty(0, dtype=torch.long))
    assert ours.compute().isnan()


def test_a_class_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"classes holds \[5\], but indices lie between 0 and 4"):
        MacroF1(5, classes=[0, 5])
