"""Classify the beats of one recording with a bundle."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.predict.answers import anomalies, ask, called, outputs, probabilities, window_of
from ecg_lightning.predict.inputs import Inputs, inputs
from ecg_lightning.structures import Record
from ecg_lightning.windowing import Window

N_ROWS = 512  # windows at a time


def classify(bundle: Bundle, record: Record) -> pd.DataFrame:
    """Say for every marked beat which class it is.

    Args:
        bundle: of a network that takes one window at a time.
        record: any leads in any order, at any sampling rate that the bundle's mode can take; symbols are not looked at.

    Returns:
        One row per R peak: recording, time_s from the beginning, class, and the probabilities p_<class>; of two
        classes also the threshold (from validation rows) from which the second is called. Of anomalies recording,
        time_s, class, score, threshold (from normal validation rows), and every part that a score may have,
        score_<part>.

    Raises:
        BadRecord: a lead is missing.
        ValueError: the bundle takes beats in a row, or is for whole recordings or for stretches of them.
    """
    return table(bundle, record, seen(bundle, record))


def table(bundle: Bundle, record: Record, given: Inputs) -> pd.DataFrame:
    """What `classify` says of a record, whose inputs were made before."""
    about = {"recording": record.name, "time_s": record.peak_sample / record.fs_hz}
    return said(bundle.contract, _asked(bundle, given), about)


def said(contract: Contract, answer: Float[Tensor, "beat out"], about: Mapping[str, Any]) -> pd.DataFrame:
    """The table of `classify`: what is known about each beat, then what the network's answer means."""
    if contract.problem == "anomaly":
        return pd.DataFrame({**about, **anomalies(contract, answer)})
    p = probabilities(contract, answer)
    each = {f"p_{c}": p[:, k].numpy() for k, c in enumerate(contract.classes)}
    found = {**about, "class": called(contract, p), **each}
    return pd.DataFrame(found if contract.thresholds is None else found | {"threshold": contract.thresholds[0]})


def logits(bundle: Bundle, record: Record) -> Float[Tensor, "beat out"]:
    """The network's answer to every marked beat, as in `classify`; of anomalies every part of the score."""
    return _asked(bundle, seen(bundle, record))


def seen(bundle: Bundle, record: Record) -> Inputs:
    """What the network is given of a record; raises as `classify`."""
    contract = bundle.contract
    if bundle.network.scope != "window":
        raise ValueError(
            f"network={contract.network} takes beats in a row: choose a bundle of a network of single beats"
        )
    window_of(contract, Window)
    return inputs(contract, record)


@torch.inference_mode()
def _asked(bundle: Bundle, found: Inputs) -> Float[Tensor, "beat out"]:
    out = [torch.empty(0, len(outputs(bundle.contract)))]
    out += [ask(bundle, found.fields(slice(k, k + N_ROWS))) for k in range(0, len(found.at_sample), N_ROWS)]
    return torch.cat(out)
