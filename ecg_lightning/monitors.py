"""Scores that are watched while a network trains: thin torchmetrics shells over `metrics`.

They stand apart from `metrics` because importing torchmetrics takes seconds that `evaluate` need not spend.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int, Num
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from ecg_lightning.metrics import auroc, f1, macro


class MacroF1(Metric):
    """Mean F1 over the classes that occurred; NaN where none of them did.

    Args:
        n_classes: of the task.
        classes: indices of the only classes to average, e.g. all but a class of eight beats; None is all.
    """

    higher_is_better = True
    full_state_update = False
    counts: Tensor

    def __init__(self, n_classes: int, classes: Sequence[int] | None = None) -> None:
        super().__init__()
        outside = [] if classes is None else [index for index in classes if not 0 <= index < n_classes]
        if outside:
            raise ValueError(f"classes holds {outside}, but indices lie between 0 and {n_classes - 1}: leave them out")
        self.n_classes = n_classes
        self.classes = classes
        self.add_state("counts", torch.zeros(n_classes, n_classes, dtype=torch.long), dist_reduce_fx="sum")

    def update(self, p: Float[Tensor, "n class"], label: Int[Tensor, " n"]) -> None:
        cell = label * self.n_classes + p.argmax(dim=1)
        self.counts += torch.bincount(cell, minlength=self.n_classes**2).view_as(self.counts)

    def compute(self) -> Float[Tensor, ""]:
        mean = macro(f1(self.counts.cpu().numpy()), self.classes)
        return torch.tensor(float(mean), dtype=torch.float32, device=self.device)


class MacroAUROC(Metric):
    """Mean AUROC over the classes that some rows have and some have not; NaN where there is none such.

    Every row is kept until the epoch ends: no thresholds, no bins.
    """

    ranks = True  # undefined where rows are all of one class
    higher_is_better = True
    full_state_update = False
    p: list[Tensor]
    label: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("p", [], dist_reduce_fx="cat")
        self.add_state("label", [], dist_reduce_fx="cat")

    def update(self, p: Float[Tensor, "n class"], label: Num[Tensor, "n class"]) -> None:
        self.p.append(p.detach().float())
        self.label.append(label.byte())  # 0 or 1; not every backend gathers bools

    def compute(self) -> Float[Tensor, ""]:
        if len(self.p) == 0:
            return torch.tensor(float("nan"), device=self.device)
        p, label = dim_zero_cat(self.p).cpu().numpy(), dim_zero_cat(self.label).cpu().numpy()
        per_class = np.array([auroc(p[:, c], label[:, c] == 1) for c in range(p.shape[1])])
        return torch.tensor(float(macro(per_class)), dtype=torch.float32, device=self.device)
