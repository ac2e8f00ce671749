"""Losses of networks that make the ECG again: what is paid for the difference."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class MeanSquaredError(nn.Module):
    """The mean of the squared difference over all samples; flat lines cost 1 where windows are z-scored."""

    consumes = "reconstruction"
    problems = ("reconstruction", "anomaly")
    weighted = False

    def forward(
        self, reconstruction: Float[Tensor, "row lead time"], ecg: Float[Tensor, "row lead time"]
    ) -> Float[Tensor, ""]:
        return F.mse_loss(reconstruction.float(), ecg)


class MeanAbsoluteError(nn.Module):
    """The mean of the absolute difference over all samples, so that a few large ones do not decide."""

    consumes = "reconstruction"
    problems = ("reconstruction", "anomaly")
    weighted = False

    def forward(
        self, reconstruction: Float[Tensor, "row lead time"], ecg: Float[Tensor, "row lead time"]
    ) -> Float[Tensor, ""]:
        return F.l1_loss(reconstruction.float(), ecg)


class Huber(nn.Module):
    """Half the square of differences up to `delta`, and beyond it a line that goes on as steeply.

    Args:
        delta: in the unit of the windows.

    Raises:
        ValueError: delta is not above 0.

    Source:
        Huber, Ann Math Stat 35:73-101 (1964).
    """

    consumes = "reconstruction"
    problems = ("reconstruction", "anomaly")
    weighted = False

    def __init__(self, delta: float) -> None:
        super().__init__()
        if not delta > 0:
            raise ValueError(f"delta={delta} must be above 0, or every difference is for free: choose delta=1")
        self.delta = delta

    def forward(
        self, reconstruction: Float[Tensor, "row lead time"], ecg: Float[Tensor, "row lead time"]
    ) -> Float[Tensor, ""]:
        return F.huber_loss(reconstruction.float(), ecg, delta=self.delta)
