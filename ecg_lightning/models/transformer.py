"""The self-attention rival: patches of the window as tokens, and one token that asks."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ecg_lightning.layers.standardise import Standardise


class AttentionBlock(nn.Module):
    """Every token looks at all tokens, then is changed by itself; both are added to what came in.

    Args:
        width: numbers per token.
        n_heads: parts of the width that look separately.
        dropout: on both additions.
    """

    def __init__(self, width: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.look_norm = nn.LayerNorm(width)
        self.ask = nn.Linear(width, 3 * width)
        self.gather = nn.Linear(width, width)
        self.change = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.GELU(),
            nn.Linear(2 * width, width),
            nn.Dropout(dropout),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Float[Tensor, "batch token width"]) -> Float[Tensor, "batch token width"]:
        heads = self.ask(self.look_norm(tokens)).unflatten(-1, (3, self.n_heads, -1))
        query, key, value = heads.permute(2, 0, 3, 1, 4)  # each: batch, head, token, width/head
        seen = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        tokens = tokens + self.dropout(self.gather(seen))
        return tokens + self.change(tokens)


class Transformer(nn.Module):
    """Cut the window into patches, let them and a token that carries the rhythm attend, and read that token.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window, at least one patch; what is missing in the last patch is 0.
        n_outputs: logits per window.
        feature_mean: rhythm features over the training rows; may be empty.
        feature_std: likewise.
        n_patch: samples per patch, all leads together; 20 at 360 Hz is 56 ms, half a QRS complex.
        width: numbers per token.
        n_blocks: attention blocks.
        n_heads: parts of the width that attend separately.
        dropout: in the blocks and in front of the linear layer.

    Raises:
        ValueError: the window is shorter than a patch, or the width does not divide into the heads.

    Source:
        Dosovitskiy et al., ICLR 2021, arXiv:2010.11929, for one dimension.
    """

    takes = ("ecg", "features")
    produces = "logits"
    scope = "window"

    def __init__(
        self,
        n_leads: int,
        n_samples: int,
        n_outputs: int,
        feature_mean: Sequence[float],
        feature_std: Sequence[float],
        n_patch: int = 20,
        width: int = 64,
        n_blocks: int = 3,
        n_heads: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if not 1 <= n_patch <= n_samples:
            raise ValueError(f"n_patch={n_patch} must lie between 1 and n_samples={n_samples}: choose a shorter patch")
        if width % n_heads:
            raise ValueError(f"width={width} must be a multiple of n_heads={n_heads}: change one of them")
        self.n_patch = n_patch
        self.n_filled = -n_samples % n_patch
        n_patches = (n_samples + self.n_filled) // n_patch
        self.standardise = Standardise(feature_mean, feature_std)
        self.rhythm = nn.Linear(len(feature_mean), width) if len(feature_mean) else None
        self.patches = nn.Linear(n_leads * n_patch, width)
        self.places = nn.Parameter(0.02 * torch.randn(1 + n_patches, width))  # the first is the asking token
        self.blocks = nn.Sequential(*(AttentionBlock(width, n_heads, dropout) for _ in range(n_blocks)))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Dropout(dropout), nn.Linear(width, n_outputs))

    def forward(
        self, ecg: Float[Tensor, "batch lead time"], features: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch out"]:
        cut = F.pad(ecg, (0, self.n_filled)).unflatten(-1, (-1, self.n_patch))  # batch, lead, patch, n_patch
        patches = self.patches(cut.transpose(1, 2).flatten(2))  # batch, patch, width
        if self.rhythm is None:
            asking = patches.new_zeros(ecg.shape[0], 1, patches.shape[-1])
        else:
            asking = self.rhythm(self.standardise(features)).unsqueeze(1)  # batch, 1, width
        tokens = self.blocks(torch.cat([asking, patches], dim=1) + self.places)
        return self.head(tokens[:, 0])
