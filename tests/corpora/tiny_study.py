"""Studies whose trials take a moment: an autoencoder over a few beats, in this process, as `tune` makes them."""

import logging
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ecg_lightning import tune
from tests.corpora.anomaly_run import RECORDS
from tests.corpora.learnable import write_learnable

WORDS = (
    *("task=anomaly", "model=dense_autoencoder", "model.latent_size=2", "split.validation=['101']"),
    *("dataset.allow_missing=true", "dataset.source=local", "task.data.batch_size=16", "tracking=none"),
    *("trainer=smoke", "trainer.accelerator=cpu", "trainer.enable_progress_bar=false", "trainer.max_epochs=2"),
)
SPACE = ("--config-dir=mine", "search=rates")
SEARCHES = {
    "rates": [1e-3, 3e-3, 1e-2],
    "good_and_bad": [1e-3, 1e30],
    "bad": [1e29, 1e30],
    "other": [1e-3, 2e-3],
}
Tune = Callable[..., tuple[int, str, str]]


def command(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Tune]:
    """The command in this process, in a folder with a few records: (exit code, stdout, stderr)."""
    (folder / "mine" / "search").mkdir(parents=True)
    for name, rates in SEARCHES.items():
        text = f"space: {{ optim.lr: {{ choices: {rates} }} }}"
        (folder / "mine" / "search" / f"{name}.yaml").write_text(text, encoding="utf-8")
    write_learnable(folder / "data", RECORDS, n_beats=12)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("ECG_DATA_DIR", str(folder / "data"))
    monkeypatch.setenv("ECG_CACHE_DIR", str(cache))
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")  # the command sets it: put back afterwards
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(logging.root, "level", logging.root.level)
    before = {which: signal.getsignal(which) for which in (signal.SIGINT, signal.SIGTERM)}

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tune", *words])
        code = 0
        try:
            tune.main()
        except SystemExit as end:
            code = int(end.code or 0)
        logging.captureWarnings(False)
        for which, handler in before.items():
            signal.signal(which, handler)
        said = capsys.readouterr()
        return code, said.out, said.err

    yield call
    for handler in logging.root.handlers:
        handler.close()
