"""The sum that deep convolutional networks are made of."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Residual(nn.Module):
    """Add what a branch makes of the waves to what a shortcut lets through, and rectify.

    Args:
        branch: learns the difference.
        shortcut: brings the waves to the shape of the branch's output; `nn.Identity()` where they have it.

    Source:
        He et al., CVPR 2016, arXiv:1512.03385.
    """

    def __init__(self, branch: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut

    def forward(self, waves: Float[Tensor, "batch n_in 1 step"]) -> Float[Tensor, "batch n_out 1 out_step"]:
        return torch.relu_(self.branch(waves) + self.shortcut(waves))
