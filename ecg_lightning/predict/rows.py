"""The rows that a run was judged by, cut again from their records: what is explained, and what an export is held to."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from torch import Tensor
from yaml import YAMLError

from ecg_lightning import config
from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import BadBundle
from ecg_lightning.corpus import Corpus
from ecg_lightning.layers.crops import aggregate
from ecg_lightning.layers.reconstruction_scores import over_crops
from ecg_lightning.predict.answers import ask, outputs
from ecg_lightning.predict.inputs import Inputs, inputs
from ecg_lightning.predict.place import PREDICTIONS, Place
from ecg_lightning.predictions import Predictions
from ecg_lightning.structures import Record, Refused
from ecg_lightning.windowing import Crops, Window

SAME = 1e-3  # logits recorded in training and computed here; another machine adds up in another order
N_ROWS = 512  # at a time


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a run, as its network sees them.

    Args:
        predictions: these rows alone, in this order: record, patient, time_s, side, label, logits.
        ecg: of each row; of recordings that are asked for by several crops with that axis.
        features: raw, in their own units.
        extra: other signals by name.
        peaks: R peaks that lie in the window, in samples from its beginning; of crops none.
        unit: of `ecg`; "SD" where it was z-scored.
    """

    predictions: Predictions
    ecg: Float[Tensor, "row *crop lead time"]
    features: Float[Tensor, "row feature"]
    extra: dict[str, Float[Tensor, "row _ _"]]
    peaks: tuple[Int[np.ndarray, " _"], ...]
    unit: str

    def __len__(self) -> int:
        return len(self.features)

    @property
    def label(self) -> Int[np.ndarray, " row"] | Int[np.ndarray, "row class"]:
        return self.predictions.label

    def batch(self, rows: slice | Int[np.ndarray, " some"] | Bool[np.ndarray, " row"]) -> dict[str, Any]:
        """The fields that a network takes, of some rows."""
        extra = {name: signal[rows] for name, signal in self.extra.items()}
        return {"ecg": self.ecg[rows], "features": self.features[rows], "extra": extra}


def predictions_of(place: Place) -> Predictions:
    """What the network said in its run.

    Raises:
        BadBundle: the bundle stands alone, or its run's predictions cannot be read.
    """
    if place.run is None:
        raise BadBundle(
            f"bundle={place.model} stands alone, but the rows that it was judged by are asked for: name its run "
            f"folder, which has {PREDICTIONS} and config.yaml"
        )
    try:
        return Predictions.read(place.run / PREDICTIONS)
    except (OSError, ValueError) as error:
        raise BadBundle(str(error)) from None


def corpus_of(place: Place, data_dir: Path | None = None) -> Corpus:
    """The database that a run learned from.

    Args:
        place: of a bundle in its run folder.
        data_dir: where databases lie on this machine; None where the run found them.

    Raises:
        BadBundle: there is no readable config, or it names a class that is not trusted.
        ConfigError, CorpusNotFound: as the database says.
    """
    file = (place.run or place.model) / "config.yaml"
    try:
        cfg = cast(DictConfig, OmegaConf.load(file))
        plugins = [str(name) for name in cfg.get("plugins") or ()]
        node = cfg.dataset
        for _, part in config.targets(node):
            config.trusted(str(part._target_), plugins)
    except FileNotFoundError:
        raise BadBundle(f"run={file.parent} has no {file.name}, which names its database: copy it again") from None
    except (OmegaConfBaseException, YAMLError, AttributeError, UnicodeDecodeError) as error:
        raise BadBundle(
            f"{file} is no config of a run ({' '.join(str(error).split())[:100]}): copy the run again"
        ) from None
    return cast(Corpus, config.constructed(node, **({} if data_dir is None else {"data_dir": str(data_dir)})))


def cut_again(
    bundle: Bundle, predictions: Predictions, corpus: Corpus, chosen: Int[np.ndarray, " some"] | None = None
) -> Rows:
    """Cut rows of a run again, by the path that predictions of new records take.

    Args:
        bundle: of the run.
        predictions: of the run.
        corpus: with their records.
        chosen: positions in the table of predictions; None for all. The rows come back in this order.

    Raises:
        Refused: a record has no row at that time any more: the database has changed.
    """
    table = predictions.table.reset_index(drop=True)
    table = table if chosen is None else table.iloc[chosen].reset_index(drop=True)
    parts: list[_Part] = []
    for name, own in table.groupby(table["record"].astype(str).str.partition("#")[0], sort=False):
        read = corpus.read(str(name), bundle.contract.preprocess.leads)
        for record in read if isinstance(read, (list, tuple)) else (read,):
            mine = own[own["record"].astype(str) == record.name]
            if len(mine):
                parts.append(_of_record(bundle, record, mine))
    order = np.argsort(np.concatenate([part.place for part in parts]), kind="stable")
    peaks = [peaks for part in parts for peaks in part.peaks]
    contract = bundle.contract
    return Rows(
        predictions=replace(predictions, table=table),
        ecg=torch.cat([part.fields["ecg"] for part in parts])[order],
        features=torch.cat([part.fields["features"] for part in parts])[order],
        extra={
            name: torch.cat([part.fields["extra"][name] for part in parts])[order] for name in contract.extra_channels
        },
        peaks=tuple(peaks[k] for k in order),
        unit=contract.preprocess.unit if contract.preprocess.scale == "none" else "SD",
    )


class _Part(NamedTuple):
    """Rows of one record: their places in the table, fields, and R peaks."""

    place: Int[np.ndarray, " row"]
    fields: dict[str, Any]
    peaks: list[Int[np.ndarray, " _"]]


def _of_record(bundle: Bundle, record: Record, table: pd.DataFrame) -> _Part:
    found, place = inputs(bundle.contract, record), table.index.to_numpy()
    window, fs_hz, peak = bundle.contract.window, bundle.contract.preprocess.fs_hz, found.prepared.peak_sample
    if isinstance(window, Crops):  # one row
        fields = found.fields(slice(None))
        ecg = fields["ecg"][None] if len(fields["ecg"]) > 1 else fields["ecg"]
        return _Part(place, fields | {"ecg": ecg, "features": fields["features"][:1]}, [peak])
    at = np.round(table["time_s"].to_numpy() * fs_hz).astype(np.int64)
    start = at - (window.n_before if isinstance(window, Window) else 0)
    first, last = np.searchsorted(peak, start), np.searchsorted(peak, start + window.n_samples)
    inside = [peak[a:b] - begin for a, b, begin in zip(first, last, start, strict=True)]
    return _Part(place, found.fields(_places(found, at, record)), inside)


def _places(found: Inputs, at_sample: Int[np.ndarray, " row"], record: Record) -> Int[np.ndarray, " row"]:
    rows = np.searchsorted(found.at_sample, at_sample).clip(0, max(len(found.at_sample) - 1, 0))
    lost = ~np.isin(at_sample, found.at_sample)
    if lost.any():
        time_s = at_sample[lost][0] / found.contract.preprocess.fs_hz
        raise Refused(
            f"record {record.name} has no row at {time_s:.3f} s any more: the database is not the one of the run"
        )
    return rows


@torch.inference_mode()
def answers(bundle: Bundle, rows: Rows) -> Float[Tensor, "row out"]:
    """The network's logits of every row, or if anomaly every part of a score, as the run recorded them."""
    found = []
    for first in range(0, len(rows), N_ROWS):
        fields = rows.batch(slice(first, first + N_ROWS))
        found.append(_answered(bundle, fields))
    return torch.cat(found)


def _answered(bundle: Bundle, fields: dict[str, Any]) -> Float[Tensor, "row out"]:
    contract = bundle.contract
    if fields["ecg"].dim() == 3 and not isinstance(contract.window, Crops):
        return ask(bundle, fields)
    ecg = fields["ecg"] if fields["ecg"].dim() == 4 else fields["ecg"][:, None]
    n_rows, n_crops = ecg.shape[:2]
    each = {
        "ecg": ecg.flatten(0, 1),
        "features": fields["features"].repeat_interleave(n_crops, dim=0),
        "extra": {},
    }
    said = ask(bundle, each).unflatten(0, (n_rows, n_crops))
    by = cast(Crops, contract.window).by
    return over_crops(said, by) if contract.problem == "anomaly" else aggregate(said, contract.problem, by)


def recorded(bundle: Bundle, rows: Rows) -> Float[np.ndarray, "row out"]:
    """What the run recorded of these rows, in the order of `answers`."""
    anomaly = bundle.contract.problem == "anomaly"
    names = [f"{'score' if anomaly else 'logit'}_{name}" for name in outputs(bundle.contract)]
    return rows.predictions.table[names].to_numpy(np.float64)


def check_same(bundle: Bundle, rows: Rows) -> float:
    """Hold the network to what it said in its run.

    Returns:
        The largest difference.

    Raises:
        BadBundle: it says something else: the bundle, the database or the code is not that of the run.
    """
    apart = float(np.abs(answers(bundle, rows).double().numpy() - recorded(bundle, rows)).max(initial=0.0))
    if not apart <= SAME:  # NaN is not the same
        raise BadBundle(
            f"the network's answers differ from those that its run recorded by up to {apart:.3g}, more than {SAME:g}: "
            f"bundle, database or package are not those of the run"
        )
    return apart
