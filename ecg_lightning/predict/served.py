"""The MLflow model: MLflow runs this file when it saves and when it loads, with a bundle beside it."""

import warnings
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ecg_lightning import bundle
from ecg_lightning.predict.beats import classify
from ecg_lightning.predict.recordings import diagnose
from ecg_lightning.predict.segments import watch
from ecg_lightning.structures import PERSON, Record
from ecg_lightning.windowing import Crops, Segments, Window

with warnings.catch_warnings():  # MLflow warns of its own type hints
    warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType")
    from mlflow.models import set_model
    from mlflow.pyfunc import PythonModel, PythonModelContext


ANSWERS = {Window: classify, Crops: diagnose, Segments: watch}


class Served(PythonModel):
    """Classes of the beats of recordings, labels of whole ones, or answers to their windows, as the bundle answers."""

    def load_context(self, context: PythonModelContext) -> None:
        plugins = (context.model_config or {}).get("plugins", ())
        self.bundle = bundle.read(Path(context.artifacts["bundle"]), tuple(plugins))

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame) -> pd.DataFrame:  # type: ignore[override]  # noqa: ARG002
        """Classify every beat, say of each recording which labels it carries, or answer every window of it.

        Args:
            context: not looked at.
            model_input: a row per recording: `ecg_mv` (a list per lead), `leads` (their names), `fs_hz`,
                `peak_sample` (R peaks, counted at fs_hz; empty for a network that is told of none), and where known
                `age_years`, `sex_female` (1 or 0) and `begin_s` (in seconds since 1970, by the recorder's clock).

        Returns:
            One row per beat: recording (the row's number), time_s, class, p_<class>; or one per recording and class:
            recording, class, p, threshold, called; or one per window: recording, time_s, p, threshold, called, class,
            bad_share. Of anomalies one per beat or recording, with class, score, threshold and score_<part>.
        """
        answer = ANSWERS[type(self.bundle.contract.window)]
        unit, rows = self.bundle.contract.preprocess.unit, model_input.to_dict("records")
        read = [recording(k, row, unit) for k, row in enumerate(rows)]
        return pd.concat([answer(self.bundle, one) for one in read], ignore_index=True)


def recording(number: int, row: dict[Hashable, Any], unit: str) -> Record:
    """Read a row of the input, whose samples are in the unit that the network knows.

    Raises:
        ValueError: leads and names do not match, a peak lies outside, the rate is not above 0, or samples are missing.
    """
    ecg_mv = [np.asarray(lead, np.float32) for lead in row["ecg_mv"]]
    leads, peak_sample = tuple(map(str, row["leads"])), np.asarray(row["peak_sample"], np.int64)
    fs_hz, lengths = float(row["fs_hz"]), sorted({len(lead) for lead in ecg_mv})
    if len(lengths) != 1 or len(leads) != len(ecg_mv):
        raise ValueError(
            f"recording {number}: ecg_mv has {len(ecg_mv)} leads of {lengths} samples for {len(leads)} names: "
            f"give one list per name, all of one length"
        )
    if len(peak_sample) and not 0 <= peak_sample.min() <= peak_sample.max() < lengths[0]:
        raise ValueError(
            f"recording {number}: peak_sample runs from {peak_sample.min()} to {peak_sample.max()} and must lie "
            f"between 0 and {lengths[0] - 1}: count at fs_hz, from the first sample"
        )
    if not fs_hz > 0:
        raise ValueError(f"recording {number}: fs_hz={fs_hz:g} must be above 0: give the sampling rate of ecg_mv")
    ecg = np.stack(ecg_mv)
    if not np.isfinite(ecg).all():
        raise ValueError(f"recording {number}: ecg_mv has {(~np.isfinite(ecg)).sum()} samples that are no numbers")
    person = {name: float(row[name]) for name in PERSON if row.get(name) is not None}
    begin_s = float("nan") if row.get("begin_s") is None else float(row["begin_s"])
    return Record(str(number), "", ecg, leads, fs_hz, peak_sample, (), False, unit, person, begin_s)


set_model(Served())
