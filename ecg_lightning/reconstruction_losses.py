"""Losses of networks that make the ECG again: what is paid for the difference."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class MeanSquaredError(nn.Module):
    """The mean of the squared difference over all samples; flat lines cost 1 where windows are z-scored."""

    consumes = "reconstruction"
    problems = ("reconstruction",)
    weighted = False

    def forward(
        self, reconstruction: Float[Tensor, "row lead time"], ecg: Float[Tensor, "row lead time"]
    ) -> Float[Tensor, ""]:
        return F.mse_loss(reconstruction.float(), ecg)
