"""Classify the beats of one recording with a bundle."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ecg_lightning.bundle import Bundle
from ecg_lightning.datasets.wfdb_files import choose_leads
from ecg_lightning.predict.answers import called, probabilities
from ecg_lightning.prepare import prepare, windows
from ecg_lightning.structures import Record
from ecg_lightning.windowing import Segments, Window

N_ROWS = 512  # windows at a time


def classify(bundle: Bundle, record: Record) -> pd.DataFrame:
    """Say for every marked beat which class it is.

    Args:
        bundle: of a network that takes one window at a time.
        record: any leads in any order, at any sampling rate that the bundle's mode can take; symbols are not looked at.

    Returns:
        One row per R peak: recording, time_s from the beginning, class, and the probabilities p_<class>; of two
        classes also the threshold (from validation rows) from which the second is called.

    Raises:
        BadRecord: a lead is missing.
        ValueError: the bundle takes beats in a row, or is for whole recordings or for stretches of them.
    """
    contract = bundle.contract
    p = probabilities(contract, logits(bundle, record))
    found = {
        "recording": record.name,
        "time_s": record.peak_sample / record.fs_hz,
        "class": called(contract, p),
    }
    found |= {f"p_{c}": p[:, k].numpy() for k, c in enumerate(contract.classes)}
    return pd.DataFrame(found if contract.thresholds is None else found | {"threshold": contract.thresholds[0]})


@torch.inference_mode()
def logits(bundle: Bundle, record: Record) -> Float[Tensor, "beat out"]:
    """The network's answer to every marked beat, as in `classify`."""
    contract, network = bundle.contract, bundle.network
    if network.scope != "window":
        raise ValueError(
            f"network={contract.network} takes beats in a row: choose a bundle of a network of single beats"
        )
    if not isinstance(contract.window, Window):
        asked = "whole recordings: use predict.recordings.diagnose"
        if isinstance(contract.window, Segments):
            asked = "stretches of recordings: use predict.segments.watch"
        raise ValueError(f"network={contract.network} answers for {asked}")
    places = choose_leads(record.name, record.leads, contract.preprocess.leads)
    chosen = replace(record, ecg_mv=record.ecg_mv[list(places)], leads=tuple(record.leads[k] for k in places))
    prepared = prepare(chosen, contract.preprocess, contract.features)
    out = [torch.empty(0, 1 if contract.problem == "binary" else len(contract.classes))]
    for first in range(0, len(record.peak_sample), N_ROWS):
        rows = slice(first, first + N_ROWS)
        some = replace(prepared, peak_sample=prepared.peak_sample[rows], features=prepared.features[rows])
        fields = {
            "ecg": windows(some, contract.preprocess, contract.window),
            "features": torch.from_numpy(some.features),
            "extra": {},
        }
        out.append(network(*(fields[name] for name in cast(Sequence[str], network.takes))))
    return torch.cat(out)
