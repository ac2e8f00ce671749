"""The small residual network that leads the PTB-XL benchmark."""

from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.conv import ConvNorm, as_rows
from ecg_lightning.layers.pooled_head import PooledHead
from ecg_lightning.layers.residual import Residual

WIDTH = 128
STRIDES = (1, 2, 2)  # of the blocks


def block(stride: int) -> Residual:
    """Two convolutions beside a shortcut, which convolves only where the rate changes."""
    branch = nn.Sequential(ConvNorm(WIDTH, WIDTH, 5, stride), nn.ReLU(inplace=True), ConvNorm(WIDTH, WIDTH, 3))
    return Residual(branch, nn.Identity() if stride == 1 else ConvNorm(WIDTH, WIDTH, 1, stride))


class ResNet1dWang(nn.Module):
    """One convolution and three residual blocks of 128 channels, pooled over time; windows of any length.

    473,349 parameters for 12 leads and 5 outputs; published: 0.47 M.

    Args:
        n_leads: rows of the input.
        n_outputs: logits per window.
        dropout: in front of the last linear layer; half of it in front of the first.

    Source:
        Wang, Yan, Oates, IJCNN 2017, arXiv:1611.06455, as changed by Strodthoff et al., IEEE JBHI 25:1519-1528 (2021),
        arXiv:2004.13701: kernels 5 and 3, stem of 7, 128 channels throughout.
    """

    takes = ("ecg",)
    produces = "logits"
    scope = "window"

    def __init__(self, n_leads: int, n_outputs: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.stem = nn.Sequential(ConvNorm(n_leads, WIDTH, 7), nn.ReLU(inplace=True))
        self.blocks = nn.Sequential(*map(block, STRIDES))
        self.head = PooledHead(WIDTH, n_outputs, dropout)

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch out"]:
        waves = self.stem(as_rows(ecg))  # batch, 128, 1, time
        return self.head(self.blocks(waves))  # blocks: batch, 128, 1, time/4
