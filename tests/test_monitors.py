"""What is watched while training is the same number as in the report."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torchmetrics.functional.classification import multiclass_f1_score

from ecg_lightning.monitors import MacroAUROC, MacroF1


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


def draw_several(n: int = 300) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities in steps, so that there are ties, of labels that are 0 or 1."""
    generator = torch.Generator().manual_seed(0)
    label = (torch.rand(n, 5, generator=generator) < torch.tensor([0.5, 0.3, 0.2, 0.1, 0.02])).long()
    p = ((label + 2 * torch.rand(n, 5, generator=generator)) * 10).round() / 30
    return p, label


def test_macro_auroc_over_batches_equals_scikit_learn_over_all_rows() -> None:
    p, label = draw_several()
    ours = MacroAUROC()
    for part in range(3):
        ours.update(p[part::3], label[part::3])
    expected = roc_auc_score(label.numpy(), p.numpy(), average="macro")
    assert float(ours.compute()) == pytest.approx(expected, abs=1e-7)


def test_labels_may_be_whole_numbers_or_floats() -> None:
    p, label = draw_several()
    found = []
    for given in (label, label.float()):
        ours = MacroAUROC()
        ours.update(p, given)
        found.append(float(ours.compute()))
    assert found[0] == found[1]


def test_classes_without_positives_or_without_negatives_are_left_out_of_the_mean() -> None:
    p, label = draw_several()
    label[:, 0], label[:, 4] = 1, 0
    ours = MacroAUROC()
    ours.update(p, label)
    expected = roc_auc_score(label.numpy()[:, 1:4], p.numpy()[:, 1:4], average="macro")
    assert float(ours.compute()) == pytest.approx(expected, abs=1e-7)


def test_macro_auroc_of_nothing_or_of_one_answer_is_nan_and_reset_forgets() -> None:
    ours = MacroAUROC()
    ours.update(torch.rand(4, 2), torch.zeros(4, 2))
    assert ours.compute().isnan()
    ours.update(*(part[:, :2] for part in draw_several()))
    assert not ours.compute().isnan()
    ours.reset()
    ours.update(torch.empty(0, 2), torch.empty(0, 2))
    assert ours.compute().isnan()


@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric MacroAUROC was called before")
def test_macro_auroc_before_the_first_row_is_nan() -> None:
    assert MacroAUROC().compute().isnan()


def test_macro_auroc_of_gathered_rows_is_that_of_all_rows() -> None:
    """Lists become one tensor when ranks are gathered."""
    p, label = draw_several()
    ours, gathered = MacroAUROC(), MacroAUROC()
    ours.update(p, label)
    gathered.update(p[:1], label[:1])
    gathered.p, gathered.label = p, label.byte()  # type: ignore[assignment]
    assert gathered.compute() == ours.compute()


def test_macro_auroc_takes_probabilities_in_half_precision() -> None:
    p, label = draw_several()
    ours = MacroAUROC()
    ours.update(p.bfloat16(), label)
    expected = np.mean([roc_auc_score(label[:, c], p.bfloat16().float()[:, c]) for c in range(5)])
    assert float(ours.compute()) == pytest.approx(expected, abs=1e-7)
