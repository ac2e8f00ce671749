"""A network of beats in a row, as small as can be: it labels every beat."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class SequenceGRU(nn.Module):
    """Look at every 14th sample of each beat, then at the beats before it, and behind it unless in real time.

    Args:
        n_samples: length of a window.
        n_features: of the rhythm.
        n_outputs: logits per beat.
        both_ways: see later beats as well.
    """

    takes = ("ecg", "features")
    produces = "logits"
    scope = "sequence"

    def __init__(self, n_samples: int, n_features: int, n_outputs: int, both_ways: bool) -> None:
        super().__init__()
        self.beat = nn.Linear(n_samples // 14 + n_features, 16)
        self.row = nn.GRU(16, 16, batch_first=True, bidirectional=both_ways)
        self.head = nn.Linear(32 if both_ways else 16, n_outputs)

    def forward(
        self, ecg: Float[Tensor, "batch beat lead time"], features: Float[Tensor, "batch beat feature"]
    ) -> Float[Tensor, "batch beat out"]:
        seen = torch.cat([ecg[:, :, 0, ::14], features], dim=-1)  # batch, beat, time/14 + feature
        steps, _ = self.row(torch.relu(self.beat(seen)))  # batch, beat, 16 or 32
        return self.head(steps)
