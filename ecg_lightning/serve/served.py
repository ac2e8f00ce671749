"""The MLflow model of a run: MLflow runs this file when it saves and when it loads, with a bundle beside it."""

import warnings

import pandas as pd

from ecg_lightning.serve.loaded import _load_pyfunc

with warnings.catch_warnings():  # MLflow warns of its own type hints
    warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType")
    from mlflow.models import set_model
    from mlflow.pyfunc import PythonModel, PythonModelContext


class Served(PythonModel):
    """Classes of the beats of recordings, labels of whole ones, or answers to their windows, as the bundle answers."""

    def load_context(self, context: PythonModelContext) -> None:
        self.loaded = _load_pyfunc(context.artifacts["bundle"], context.model_config)

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame) -> pd.DataFrame:  # type: ignore[override]  # noqa: ARG002
        """Answer every row, as `loaded.Loaded.predict` does; the context is not looked at."""
        return self.loaded.predict(model_input)


set_model(Served())
