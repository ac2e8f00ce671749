"""What an ECG is compared with: a flat line, or the mean of what is normal."""

import torch
from torch import Tensor

from ecg_lightning.explain.asked import Asked
from ecg_lightning.explain.cases import Cases
from ecg_lightning.structures import Refused

BASELINES = ("zero", "mean")
N_MEAN = 50  # rows of the first class that are averaged, at most


def baseline(asked: Asked, kind: str, cases: Cases, normal: Cases | None) -> tuple[Tensor, ...]:
    """The tensors that a classifier is asked first, one row each.

    Features are the mean of the training rows and other signals 0, their mean, in both.

    Args:
        asked: the classifier.
        kind: "zero", a line at 0 of the unit that the network sees, or "mean", of validation rows of the first class.
        cases: that are explained, for shapes.
        normal: validation rows of the first class; None for a flat line.

    Raises:
        Refused: the mean is asked for, and there are no rows for it.
    """
    features = torch.tensor(asked.contract.feature_mean, dtype=torch.float32)[None]
    extra = {name: torch.zeros_like(signal[:1]) for name, signal in cases.fields["extra"].items()}
    ecg = torch.zeros_like(cases.ecg[:1])
    if kind == "mean":
        if normal is None or not len(normal.ecg):
            raise Refused("baseline=mean wants validation rows of the first class, and there are none: take zero")
        ecg = normal.ecg.mean(dim=0, keepdim=True)
    return asked.inputs({"ecg": ecg, "features": features, "extra": extra})
