"""A bundle behind MLflow: the loader that `MLmodel` names, and what it answers to rows of a data frame."""

import logging
import math
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException

from ecg_lightning import bundle
from ecg_lightning.bundle import Bundle
from ecg_lightning.serve.replies import RESEARCH, check_servable, table

LOG = logging.getLogger(__name__)
WARNING = f"{RESEARCH} MLflow runs the code that a model names or brings along: serve your own models alone."


class Loaded:
    """What MLflow calls a model.

    Args:
        model: that answers.
    """

    def __init__(self, model: Bundle) -> None:
        self.bundle = model

    def predict(self, model_input: pd.DataFrame) -> pd.DataFrame:
        """Answer every row.

        Args:
            model_input: a row per recording or window, with what `payload.recording` or `payload.window` takes in
                columns of that name; what is None or NaN was not sent.

        Returns:
            One row per beat: recording (the row's number), time_s, class, p_<class>; or one per recording and class:
            recording, class, p, threshold, called; or one per window of a recording: recording, time_s, p, threshold,
            called, class, bad_share. Of anomalies one per beat or recording, with class, score, threshold and
            score_<part>. A window that was sent by itself has no time_s and no bad_share.

        Raises:
            MlflowException: a row cannot be answered, which MLflow's server makes a 400.
        """
        rows = [_sent(row) for row in model_input.to_dict("records")]
        if not rows:
            raise MlflowException.invalid_parameter_value("no rows were sent: send one per recording or window")
        try:
            return pd.concat([table(self.bundle, str(k), row) for k, row in enumerate(rows)], ignore_index=True)
        except ValueError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error


def _sent(row: Mapping[Hashable, Any]) -> dict[str, Any]:
    missing = [key for key, value in row.items() if value is None or (isinstance(value, float) and math.isnan(value))]
    return {str(key): value for key, value in row.items() if key not in missing}


def _load_pyfunc(path: str, model_config: Mapping[str, Any] | None = None) -> Loaded:
    """MLflow's name for a loader.

    Args:
        path: of the bundle.
        model_config: `plugins`, packages beyond this one that its network may come from.

    Raises:
        BadBundle: as `bundle.read`.
        ValueError: the network takes beats in a row.
    """
    LOG.warning(WARNING)
    model = bundle.read(Path(path), tuple((model_config or {}).get("plugins", ())))
    if model.contract.data.get("synthetic"):
        LOG.warning("The model learned from SYNTHETIC data: its answers mean nothing.")
    check_servable(model)
    return Loaded(model)
