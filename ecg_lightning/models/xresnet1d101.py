"""The deep residual network of the PTB-XL benchmark."""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.conv import ConvNorm, as_rows
from ecg_lightning.layers.pooled_head import PooledHead
from ecg_lightning.layers.residual import Residual

KERNEL = 5
STEM = (32, 32, 64)  # channels
STAGES = ((3, 1), (4, 2), (23, 2), (3, 2))  # blocks, and stride of the first of them
NARROW, WIDE = 64, 256  # channels within a block and between blocks
START = 0.01  # scale of a branch; the source's 0 would leave most of the network without gradient in the first step


def bottleneck(n_in: int, stride: int) -> Residual:
    """Narrow, convolve, widen; the shortcut averages where the rate changes and convolves where the width does."""
    branch = nn.Sequential(
        ConvNorm(n_in, NARROW, 1),
        nn.ReLU(inplace=True),
        ConvNorm(NARROW, NARROW, KERNEL, stride),
        nn.ReLU(inplace=True),
        widen := ConvNorm(NARROW, WIDE, 1),
    )
    nn.init.constant_(widen.norm.weight, START)
    shortcut = nn.Sequential()
    if stride > 1:
        shortcut.append(nn.AvgPool2d((1, stride), ceil_mode=True))
    if n_in != WIDE:
        shortcut.append(ConvNorm(n_in, WIDE, 1))
    return Residual(branch, shortcut)


def stage(n_in: int, n_blocks: int, stride: int) -> nn.Sequential:
    """Blocks of one rate."""
    return nn.Sequential(bottleneck(n_in, stride), *(bottleneck(WIDE, 1) for _ in range(n_blocks - 1)))


class XResNet1d101(nn.Module):
    """Three convolutions, 33 bottleneck blocks in four stages, pooled over time; windows of any length.

    1,872,261 parameters for 12 leads and 5 outputs; published: 1.87 M. Unlike in images the width does not double from
    stage to stage. At the start every block is nearly its shortcut.

    Args:
        n_leads: rows of the input.
        n_outputs: logits per window.
        dropout: in front of the last linear layer; half of it in front of the first.

    Source:
        He et al., CVPR 2019, arXiv:1812.01187 (stem, shortcut, start), as changed by Strodthoff et al.,
        IEEE JBHI 25:1519-1528 (2021), arXiv:2004.13701: kernel 5, 64 channels in every block.
    """

    takes = ("ecg",)
    produces = "logits"
    scope = "window"

    def __init__(self, n_leads: int, n_outputs: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.stem = nn.Sequential()
        for (n_in, n_out), stride in zip(pairwise((n_leads, *STEM)), (2, 1, 1), strict=True):
            self.stem.extend((ConvNorm(n_in, n_out, KERNEL, stride), nn.ReLU(inplace=True)))
        self.stem.append(nn.MaxPool2d((1, 3), (1, 2), padding=(0, 1)))
        widths = (STEM[-1], WIDE, WIDE, WIDE)
        self.stages = nn.Sequential(*(stage(n_in, *shape) for n_in, shape in zip(widths, STAGES, strict=True)))
        self.head = PooledHead(WIDE, n_outputs, dropout)
        for part in self.modules():
            if isinstance(part, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(part.weight)
            if isinstance(part, nn.Linear):
                nn.init.zeros_(part.bias)

    def forward(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch out"]:
        waves = self.stem(as_rows(ecg))  # batch, 64, 1, time/4
        return self.head(self.stages(waves))  # stages: batch, 256, 1, time/32
