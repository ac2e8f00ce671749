"""Answer every stretch of a recording, one after another."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.dsp import quality
from ecg_lightning.predict.answers import ask, called, probabilities, window_of
from ecg_lightning.predict.inputs import Inputs, inputs
from ecg_lightning.structures import Record
from ecg_lightning.windowing import Segments

N_ROWS = 512  # windows at a time


def watch(bundle: Bundle, record: Record) -> pd.DataFrame:
    """Say of every window of a recording how likely the second class is, and whether it is called.

    Args:
        bundle: of a network of stretches of recordings that tells two classes apart.
        record: any leads in any order, at any sampling rate; `begin_s` where the network is told the hour, and what
            there is of the other signals that it takes.

    Returns:
        One row per window that lies wholly in the recording: recording, time_s of its beginning, p (calibrated),
        threshold (from validation rows), called, class, and bad_share of its seconds that are flat, clipped or noisy:
        training left windows with many of these out.

    Raises:
        BadRecord: a lead is missing, or samples are no numbers.
        ValueError: the recording is shorter than a window; the bundle is for single beats or whole recordings, or
            tells more classes apart; another signal has another number of channels.
    """
    contract, window = bundle.contract, _window(bundle.contract)
    found = inputs(contract, record)
    share = quality.bad_share(found.prepared.quality, found.at_sample, window.n_samples, contract.preprocess.fs_hz)
    about = {"recording": record.name, "time_s": found.time_s}
    return said(contract, _asked(bundle, found), about).assign(bad_share=share)


def said(contract: Contract, answer: Float[Tensor, "segment 1"], about: Mapping[str, Any]) -> pd.DataFrame:
    """The table of `watch` but for bad_share: what is known about each window, then what the answer means."""
    p = probabilities(contract, answer)
    (threshold,) = contract.thresholds or ()
    columns = {
        "p": p[:, 1].numpy(),
        "threshold": threshold,
        "called": p[:, 1].numpy() >= threshold,
        "class": called(contract, p),
    }
    return pd.DataFrame({**about, **columns})


def logits(bundle: Bundle, record: Record) -> Float[Tensor, "segment 1"]:
    """The network's answer to every window, as in `watch`."""
    _window(bundle.contract)
    return _asked(bundle, inputs(bundle.contract, record))


@torch.inference_mode()
def _asked(bundle: Bundle, found: Inputs) -> Float[Tensor, "segment 1"]:
    every = range(0, len(found.at_sample), N_ROWS)
    return torch.cat([ask(bundle, found.fields(slice(first, first + N_ROWS))) for first in every])


def _window(contract: Contract) -> Segments:
    """How records are cut, by a contract for stretches of them that tells two classes apart."""
    window = window_of(contract, Segments)
    if contract.problem != "binary":
        raise ValueError(f"problem={contract.problem} of the bundle cannot be watched: take one of problem=binary")
    return window
