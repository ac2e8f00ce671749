"""How much of each step of time a network reads."""

from jaxtyping import Float
from torch import Tensor, nn


class AdditiveAttention(nn.Module):
    """Give each step of time a weight by what it holds; weights are not negative and sum to 1.

    Args:
        n_in: numbers per step.

    Source:
        Bahdanau et al., ICLR 2015, arXiv:1409.0473, with a learned query.
    """

    def __init__(self, n_in: int) -> None:
        super().__init__()
        self.look = nn.Linear(n_in, n_in)
        self.judge = nn.Linear(n_in, 1, bias=False)  # a bias would move all steps alike

    def forward(self, steps: Float[Tensor, "batch step n_in"]) -> Float[Tensor, "batch step"]:
        return self.judge(self.look(steps).tanh()).squeeze(-1).softmax(dim=-1)
