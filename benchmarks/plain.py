"""What a careful beginner writes, and what most public code does: the other side of every ratio."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import wfdb
from jaxtyping import Float
from scipy.signal import butter, filtfilt
from torch import Tensor, nn
from torch.utils.data import Dataset

AAMI = {"N": "NLRej", "S": "AaJS", "V": "VE", "F": "F", "Q": "/fQ"}
LABEL = {symbol: number for number, symbols in enumerate(AAMI.values()) for symbol in symbols}
N_BEFORE, N_SAMPLES = 140, 280


def load(root: Path, records: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows, rhythm features and labels of all beats, record by record and beat by beat."""
    windows, features, labels = [], [], []
    for name in records:
        record = wfdb.rdrecord(str(root / name))
        marks = wfdb.rdann(str(root / name), "atr")
        ecg_mv = record.p_signal[:, record.sig_name.index("MLII")]
        corners = [0.5 / (record.fs / 2), 50 / (record.fs / 2)]
        ecg_mv = filtfilt(*butter(2, corners, btype="band"), ecg_mv)
        beats = [(at, LABEL[s]) for at, s in zip(marks.sample, marks.symbol, strict=True) if s in LABEL]
        rr_s = np.diff([at for at, _ in beats]) / record.fs
        for i, (at, label) in enumerate(beats):
            window = ecg_mv[max(at - N_BEFORE, 0) : at - N_BEFORE + N_SAMPLES]
            if len(window) != N_SAMPLES or not 0 < i < len(rr_s):
                continue
            local_s = rr_s[max(i - 10, 0) : i].mean()
            pre_s, post_s = rr_s[i - 1], rr_s[i]
            ratios = [pre_s / local_s, post_s / local_s, post_s / pre_s, pre_s / rr_s.mean(), post_s / rr_s.mean()]
            windows.append((window - window.mean()) / window.std())
            features.append([pre_s, post_s, local_s, *ratios])
            labels.append(label)
    return np.array(windows, np.float32)[:, None], np.array(features, np.float32), np.array(labels)


class Samples(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """One window per item, put together by the default collate.

    Args:
        ecg: every window, cut before.
        features: one row per window.
        label: class index.
    """

    def __init__(self, ecg: Tensor, features: Tensor, label: Tensor) -> None:
        self.ecg, self.features, self.label = ecg, features, label

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        return self.ecg[index], self.features[index], self.label[index]


class Conv1dHybrid(nn.Module):
    """The same network as models.hybrid_cnn in the layers that everyone takes.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window.
        n_features: numbers of the rhythm, standardised before.
        n_outputs: logits per window.
    """

    def __init__(self, n_leads: int, n_samples: int, n_features: int, n_outputs: int) -> None:
        super().__init__()
        widths, n_per_part = (n_leads, 32, 64, 128), -(-(n_samples // 8) // 5)
        waves = [
            layer
            for (n_in, n_out), kernel in zip(pairwise(widths), (7, 5, 3), strict=True)
            for layer in (
                nn.Conv1d(n_in, n_out, kernel, padding=kernel // 2, bias=False),
                nn.BatchNorm1d(n_out),
                nn.ReLU(),
                nn.MaxPool1d(2),
            )
        ]
        self.waves = nn.Sequential(*waves, nn.AvgPool1d(n_per_part, ceil_mode=True), nn.Flatten())
        self.rhythm = nn.Sequential(nn.Linear(n_features, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU())
        n_seen = 128 * -(-(n_samples // 8) // n_per_part) + 32
        self.head = nn.Sequential(
            nn.Dropout(0.3), nn.Linear(n_seen, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, n_outputs)
        )

    def forward(self, ecg: Float[Tensor, "batch lead time"], features: Float[Tensor, "batch feature"]) -> Tensor:
        return self.head(torch.cat([self.waves(ecg), self.rhythm(features)], dim=1))


class SampleTransformer(nn.Module):
    """A token per sample, with width, blocks and heads of models.transformer.

    Args:
        n_leads: rows of the input.
        n_samples: length of the window.
        n_features: numbers of the rhythm.
        n_outputs: logits per window.
    """

    def __init__(self, n_leads: int, n_samples: int, n_features: int, n_outputs: int) -> None:
        super().__init__()
        self.embed = nn.Linear(n_leads, 64)
        self.places = nn.Parameter(0.02 * torch.randn(n_samples, 64))
        block = nn.TransformerEncoderLayer(64, 4, 128, 0.1, "gelu", batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(block, 3, enable_nested_tensor=False)
        self.head = nn.Linear(64 + n_features, n_outputs)

    def forward(self, ecg: Float[Tensor, "batch lead time"], features: Float[Tensor, "batch feature"]) -> Tensor:
        tokens = self.blocks(self.embed(ecg.mT) + self.places)  # batch, time, width
        return self.head(torch.cat([tokens.mean(dim=1), features], dim=1))


def steps(
    network: nn.Module,
    loss: nn.Module,
    batches: Iterable[tuple[Tensor, ...]],
    optimizer: torch.optim.Optimizer,
    precision: str = "32-true",
) -> Iterator[None]:
    """The bare loop, a step at a time: forward, backward, clip, step.

    Args:
        network: takes all of a batch but its last part.
        loss: (logits, labels) to a scalar.
        batches: what the network takes, and the labels.
        optimizer: of the network.
        precision: "32-true" or "bf16-mixed".
    """
    network.train()
    for *inputs, label in batches:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
            value = loss(network(*inputs).float(), label)
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        yield


def read(file: Path) -> np.ndarray:
    """One recording as (lead, time)."""
    ecg_mv, _ = wfdb.rdsamp(str(file))
    return np.ascontiguousarray(ecg_mv.T, np.float32)
