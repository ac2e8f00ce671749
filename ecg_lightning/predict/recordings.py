"""Say of a whole recording which labels it carries, or whether it is an anomaly."""

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.layers.crops import aggregate
from ecg_lightning.layers.reconstruction_scores import over_crops
from ecg_lightning.predict.answers import anomalies, ask, probabilities, window_of
from ecg_lightning.predict.inputs import inputs
from ecg_lightning.structures import Record
from ecg_lightning.windowing import Crops


def diagnose(bundle: Bundle, record: Record) -> pd.DataFrame:
    """Say how likely each label is, and which of them are called; or how unlike normal ones the recording is.

    Args:
        bundle: of a network of whole recordings.
        record: any leads in any order, at any sampling rate, with what is known of the person.

    Returns:
        One row per class: recording, class, p (calibrated), threshold (from validation rows), called. Of anomalies
        one row: recording, class, score, threshold (from normal validation rows), and every part that a score may
        have, score_<part>.

    Raises:
        BadRecord: a lead is missing.
        ValueError: the bundle is for beats or stretches, or the recording is shorter than one crop.
    """
    return said(bundle.contract, logits(bundle, record), record.name)


def said(contract: Contract, answer: Float[Tensor, " out"], name: str) -> pd.DataFrame:
    """The table of `diagnose`: what the network's answer means."""
    if contract.problem == "anomaly":
        return pd.DataFrame({"recording": name, **anomalies(contract, answer[None])})
    p = probabilities(contract, answer[None])[0].tolist()
    thresholds = [0.5] * len(p) if contract.thresholds is None else list(contract.thresholds)
    called = [value >= threshold for value, threshold in zip(p, thresholds, strict=True)]
    columns = {"class": contract.classes, "p": p, "threshold": thresholds, "called": called}
    return pd.DataFrame({"recording": name, **columns})


@torch.inference_mode()
def logits(bundle: Bundle, record: Record) -> Float[Tensor, " out"]:
    """The network's answer to the recording, as in `diagnose`; of anomalies every part of the score."""
    window = window_of(bundle.contract, Crops)
    answers = ask(bundle, inputs(bundle.contract, record).fields(slice(None)))
    return together(bundle.contract, window, answers)


def together(contract: Contract, window: Crops, answers: Float[Tensor, "crop out"]) -> Float[Tensor, " out"]:
    """One answer of those to the crops of one recording."""
    if contract.problem == "anomaly":
        return over_crops(answers[None], window.by)[0]
    return aggregate(answers[None], contract.problem, window.by)[0]
