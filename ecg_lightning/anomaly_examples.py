"""Windows with what an autoencoder makes of them, and latent vectors, kept so that the report can draw them."""

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ecg_lightning.calibration import Decisions
from ecg_lightning.data_card import Data
from ecg_lightning.windowing import Window

PER_KIND = 3  # called right, and as many called wrong
MAX_LATENTS = 2000  # half of them of normal windows
AT_ONCE = 256  # windows that the network is given


@runtime_checkable
class Autoencoder(Protocol):
    """A network that makes windows again by way of latent vectors."""

    def __call__(self, ecg: Tensor) -> Tensor: ...

    def encode(self, ecg: Tensor) -> Tensor: ...


@torch.inference_mode()
def anomalies(data: Data, shown: Decisions, network: nn.Module) -> dict[str, np.ndarray]:
    """Windows of every kind with their reconstructions, and latent vectors of many.

    Of a recording that is scored by several crops it is the first crop, and the mean of their latent vectors.

    Args:
        data: where they come from.
        shown: the rows to draw from.
        network: with `encode`.

    Raises:
        TypeError: the network has no latent vectors.
    """
    network.cpu().eval()
    if not isinstance(network, Autoencoder):
        raise TypeError(f"{type(network).__name__} has no `encode`: a network for task=anomaly says its latent vectors")
    row = shown.column("row").astype(np.int64)
    place, kind = drawn(shown)
    known = row[mapped(shown)]
    crops = gathered(data, row[place])
    ecg = crops[:, 0]
    latent = [_latents(gathered(data, part), network) for part in _portions(known)]
    return {
        "made_ecg": ecg.numpy(),
        "made_reconstruction": network(ecg).float().numpy(),
        "made_row": row[place],
        "made_kind": kind,
        "made_n_crops": np.array(crops.shape[1]),
        "made_fs_hz": np.array(data.preprocess.fs_hz),
        "made_n_before": np.array(data.window.n_before if isinstance(data.window, Window) else 0),
        "made_leads": np.array(data.preprocess.leads),
        "latent_row": known,
        "latent_vector": torch.cat(latent).numpy(),
    }


def drawn(shown: Decisions) -> tuple[Int[np.ndarray, " chosen"], np.ndarray]:
    """Places of rows at random, and what each stands for: of normal rows and of each kind first right, then wrong."""
    about, rng = shown.about, np.random.default_rng(0)
    of_kind = {about.classes[0]: about.label == 0}
    of_kind |= {name: shown.column(f"kind_{name}") == 1 for name in about.kinds}
    right = shown.called == about.label
    found: list[tuple[int, str]] = []
    for name, own in of_kind.items():
        for chosen in (own & right, own & ~right):
            found.extend((int(at), name) for at in rng.permutation(np.flatnonzero(chosen))[:PER_KIND])
    return np.array([at for at, _ in found], np.int64), np.array([name for _, name in found], dtype=np.str_)


def mapped(shown: Decisions) -> Int[np.ndarray, " chosen"]:
    """Places of normal and other rows at random, as many of each where there are enough."""
    rng = np.random.default_rng(0)
    normal, other = (rng.permutation(np.flatnonzero(shown.about.label == label)) for label in (0, 1))
    n_normal = max(MAX_LATENTS // 2, MAX_LATENTS - len(other))
    kept = normal[:n_normal]
    return np.sort(np.concatenate([kept, other[: MAX_LATENTS - len(kept)]]))


def gathered(data: Data, rows: Int[np.ndarray, " row"]) -> Float[Tensor, "row crop lead time"]:
    """Windows as the network sees them; one crop a row where there are none."""
    row = torch.from_numpy(rows)
    ecg = data.source.gather(row, torch.ones(len(row), dtype=torch.bool)).ecg
    return ecg.unsqueeze(1) if ecg.dim() == 3 else ecg


def _latents(ecg: Float[Tensor, "row crop lead time"], network: Autoencoder) -> Float[Tensor, "row latent"]:
    latent = network.encode(ecg.flatten(0, 1)).float()
    return latent.unflatten(0, (len(ecg), -1)).mean(dim=1)


def _portions(rows: Int[np.ndarray, " row"]) -> list[Int[np.ndarray, " part"]]:
    return np.array_split(rows, -(-len(rows) // AT_ONCE))
