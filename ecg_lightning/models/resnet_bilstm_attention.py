"""Shape by residual convolutions, order by a two-way LSTM, and a weight for each step of time; age and sex beside."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.attention import AdditiveAttention
from ecg_lightning.layers.conv import ConvNorm, as_rows, row_conv
from ecg_lightning.layers.standardise import Standardise


class ResidualBlock(nn.Module):
    """Two convolutions are added to what came in; then the rate falls.

    A maximum and a ReLU may change places, and behind the pool the ReLU has less to do.

    Args:
        n_in: leads or channels that come in.
        n_out: channels that go out.
        kernel: samples that one output of one convolution sees, odd so that no wave moves.
        pool: steps that become one.

    Raises:
        ValueError: the kernel is even.

    Source:
        He et al., CVPR 2016, arXiv:1512.03385, for one dimension.
    """

    def __init__(self, n_in: int, n_out: int, kernel: int, pool: int) -> None:
        super().__init__()
        self.waves = nn.Sequential(ConvNorm(n_in, n_out, kernel), nn.ReLU(inplace=True), ConvNorm(n_out, n_out, kernel))
        self.shortcut = row_conv(n_in, n_out, 1)
        self.pool = nn.MaxPool2d((1, pool))

    def forward(self, ecg: Float[Tensor, "batch n_in 1 time"]) -> Float[Tensor, "batch n_out 1 pooled_time"]:
        return torch.relu_(self.pool(self.waves(ecg) + self.shortcut(ecg)))


class ResNetBiLSTMAttention(nn.Module):
    """Residual blocks see waves, a two-way LSTM their order, attention weighs its steps; age and sex join at the end.

    With the default filters and pools a step is 8 samples: 80 ms at 100 Hz, so that 10 s are 125 steps.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window, at least one step.
        n_outputs: logits per window.
        feature_mean: of the training rows (age and sex, or another task's features).
        feature_std: likewise.
        filters: channels of each residual block.
        kernels: samples that each of its two convolutions sees, odd.
        pools: steps that become one behind each block.
        dropout: behind each block and behind the dense layers of the ecg and of both.
        lstm_units: per direction.
        dense_units: of the layer over the attended step.
        metadata_units: of the layer over the features.
        combined_units: of the layer over both.

    Raises:
        ValueError: there are no features, the blocks are told unequally, the window is shorter than a step, or a
            kernel is even.

    Source:
        A public residual CNN + BiLSTM + attention network for PTB-XL in Keras, rebuilt from its description and
        hyperparameters; pools and the place of dropout are ours, for the description does not tell them.
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
        filters: Sequence[int] = (256, 128),
        kernels: Sequence[int] = (3, 7),
        pools: Sequence[int] = (2, 4),
        dropout: float = 0.25,
        lstm_units: int = 128,
        dense_units: int = 256,
        metadata_units: int = 16,
        combined_units: int = 128,
    ) -> None:
        super().__init__()
        if not len(feature_mean):
            raise ValueError("feature_mean=[] leaves the metadata layer without input: choose features other than none")
        if not len(filters) == len(kernels) == len(pools):
            raise ValueError(
                f"filters={list(filters)}, kernels={list(kernels)}, pools={list(pools)} must be of one length: "
                f"give one of each per residual block"
            )
        if n_samples < prod(pools):
            raise ValueError(f"n_samples={n_samples} must be at least {prod(pools)}: choose a longer window")
        blocks = zip(pairwise((n_leads, *filters)), kernels, pools, strict=True)
        self.waves = nn.Sequential(
            *(nn.Sequential(ResidualBlock(a, b, k, pool), nn.Dropout(dropout)) for (a, b), k, pool in blocks)
        )
        self.order = nn.LSTM(filters[-1], lstm_units, batch_first=True, bidirectional=True)
        self.attend = AdditiveAttention(2 * lstm_units)
        self.dense = nn.Sequential(nn.Linear(2 * lstm_units, dense_units), nn.ReLU(), nn.Dropout(dropout))
        self.standardise = Standardise(feature_mean, feature_std)
        self.metadata = nn.Sequential(nn.Linear(len(feature_mean), metadata_units), nn.ReLU())
        self.head = nn.Sequential(
            nn.Linear(dense_units + metadata_units, combined_units),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(combined_units, n_outputs),
        )

    def forward(
        self, ecg: Float[Tensor, "batch lead time"], features: Float[Tensor, "batch feature"]
    ) -> Float[Tensor, "batch out"]:
        steps = self._steps(ecg)
        attended = (self.attend(steps).unsqueeze(1) @ steps).squeeze(1)  # batch, 2*lstm_units
        streams = [self.dense(attended), self.metadata(self.standardise(features))]
        return self.head(torch.cat(streams, dim=1))

    def attention(
        self,
        ecg: Float[Tensor, "batch lead time"],
        features: Float[Tensor, "batch feature"],  # noqa: ARG002, the inputs of forward
    ) -> Float[Tensor, "batch step"]:
        """Tell how much of each step of time `forward` reads; ask in eval mode, as dropout moves it.

        Args:
            ecg: as in `forward`.
            features: likewise; they join behind the attention and do not move it.

        Returns:
            Weights, not negative, that sum to 1 per window; a step is the product of `pools` samples.
        """
        return self.attend(self._steps(ecg))

    def _steps(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch step n_step"]:
        waves = self.waves(as_rows(ecg))  # batch, filters[-1], 1, step
        return self.order(waves.squeeze(2).mT)[0]  # batch, step, 2*lstm_units
