"""Waves by convolutions, their order by an LSTM, a weight for each step of time; whatever else is known joins later."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ecg_lightning.layers.attention import AdditiveAttention
from ecg_lightning.layers.conv import WaveConv, as_rows
from ecg_lightning.layers.dense_encoder import DenseEncoder
from ecg_lightning.layers.standardise import Standardise

N_BESIDE = 16  # numbers that each stream beside the ECG brings along
N_PARTS = 16  # of another signal, each averaged by itself: 0.6 s of 10


class ExtraStream(nn.Module):
    """Another signal in a few numbers, whatever its rate: a convolution, a fixed number of parts, a convolution.

    Args:
        n_channels: rows of the signal.
    """

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(n_channels, N_BESIDE, 7, padding=3),
            nn.ReLU(),
            nn.AdaptiveAvgPool1d(N_PARTS),
            nn.Conv1d(N_BESIDE, N_BESIDE, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(N_PARTS * N_BESIDE, N_BESIDE),
            nn.ReLU(),
        )

    def forward(self, signal: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch beside"]:
        return self.layers(signal)


class CNNLSTMAttention(nn.Module):
    """Convolutions see waves, an LSTM their order, attention weighs its steps; two dense layers read them all.

    Each convolution halves the rate. With four of them a step is 16 samples: 64 ms at 250 Hz, so that 10 s are 156
    steps. In front of the dense layers join, where there are any: features, the latent vector of an encoder that an
    autoencoder may have taught, and other signals, each by a stream of its own.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window, at least one step.
        n_outputs: logits per window.
        feature_mean: of the training rows; empty where there are no features.
        feature_std: likewise.
        extra_channels: rows of each of the other signals, by name; empty where there are none.
        latent_size: of the encoder; 0 leaves it out.
        filters: channels of each convolution.
        kernels: samples that each sees, odd.
        lstm_units: of its only direction, forwards.
        dense_units: of the first dense layer.
        dropout: in front of both dense layers.

    Raises:
        ValueError: the convolutions are told unequally, the window is shorter than a step, a kernel is even, or the
            latent vector is not smaller than the window.

    Source:
        A public CNN-LSTM with attention for hypoglycaemia, rebuilt from its description; sizes are ours. Its
        attention: Bahdanau et al., ICLR 2015, arXiv:1409.0473.
    """

    takes = ("ecg", "features", "extra")
    optional = ("features", "extra")
    produces = "logits"
    scope = "window"

    def __init__(
        self,
        n_leads: int,
        n_samples: int,
        n_outputs: int,
        feature_mean: Sequence[float],
        feature_std: Sequence[float],
        extra_channels: Mapping[str, int],
        latent_size: int = 0,
        filters: Sequence[int] = (16, 32, 64, 64),
        kernels: Sequence[int] = (7, 5, 5, 3),
        lstm_units: int = 64,
        dense_units: int = 64,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        _check(n_samples, filters, kernels)
        convolutions = zip(pairwise((n_leads, *filters)), kernels, strict=True)
        self.waves = nn.Sequential(*(WaveConv(a, b, kernel) for (a, b), kernel in convolutions))
        self.order = nn.LSTM(filters[-1], lstm_units, batch_first=True)
        self.attend = AdditiveAttention(lstm_units)
        self.features = _beside(len(feature_mean), Standardise(feature_mean, feature_std))
        self.encoder = DenseEncoder(n_leads, n_samples, latent_size) if latent_size else None
        # the scale of a latent vector is its autoencoder's own affair
        self.latent = _beside(latent_size, nn.BatchNorm1d(latent_size, affine=False))
        self.extra_names = tuple(extra_channels)
        self.extra = nn.ModuleList(ExtraStream(n_channels) for n_channels in extra_channels.values())
        n_beside = N_BESIDE * (bool(len(feature_mean)) + bool(latent_size) + len(extra_channels))
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(lstm_units + n_beside, dense_units),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(dense_units, n_outputs),
        )

    def forward(
        self,
        ecg: Float[Tensor, "batch lead time"],
        features: Float[Tensor, "batch feature"],
        extra: dict[str, Tensor],
    ) -> Float[Tensor, "batch out"]:
        steps = self._steps(ecg)
        streams = [(self.attend(steps).unsqueeze(1) @ steps).squeeze(1)]  # batch, lstm_units
        if self.features is not None:
            streams.append(self.features(features))
        if self.encoder is not None and self.latent is not None:
            streams.append(self.latent(self.encoder(ecg)))
        streams += [stream(extra[name]) for name, stream in zip(self.extra_names, self.extra, strict=True)]
        return self.head(torch.cat(streams, dim=1))

    def attention(
        self,
        ecg: Float[Tensor, "batch lead time"],
        features: Float[Tensor, "batch feature"],  # noqa: ARG002, the inputs of forward
        extra: dict[str, Tensor],  # noqa: ARG002
    ) -> Float[Tensor, "batch step"]:
        """Tell how much of each step of time `forward` reads of the LSTM; ask in eval mode, as batch norm moves it.

        Args:
            ecg: as in `forward`.
            features: likewise; they join behind the attention and do not move it.
            extra: likewise.

        Returns:
            Weights, not negative, that sum to 1 per window; each convolution has halved the number of steps. What a
            step holds the LSTM has heard by then: a wave that decides lies at the step or before it.
        """
        return self.attend(self._steps(ecg))

    def _steps(self, ecg: Float[Tensor, "batch lead time"]) -> Float[Tensor, "batch step n_step"]:
        waves = self.waves(as_rows(ecg))  # batch, filters[-1], 1, step
        return self.order(waves.squeeze(2).mT)[0]  # batch, step, lstm_units


def _beside(n_in: int, scale: nn.Module) -> nn.Sequential | None:
    """One dense layer in front of the joint ones; None where nothing comes in."""
    return nn.Sequential(scale, nn.Linear(n_in, N_BESIDE), nn.ReLU()) if n_in else None


def _check(n_samples: int, filters: Sequence[int], kernels: Sequence[int]) -> None:
    if len(filters) != len(kernels):
        raise ValueError(
            f"filters={list(filters)} and kernels={list(kernels)} must be of one length: give one of each per "
            f"convolution"
        )
    if n_samples < 2 ** len(filters):
        raise ValueError(f"n_samples={n_samples} must be at least {2 ** len(filters)}: choose a longer window")
