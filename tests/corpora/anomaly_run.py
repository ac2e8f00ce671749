"""A whole run over narrow beats and wide ones, in this process: as `train task=anomaly` makes it."""

from pathlib import Path

from tests.corpora.learnable import write_learnable
from tests.corpora.record_run import BRIEF, start

RECORDS = ["101", "106", "108", "109", "112", "100", "103"]  # one validates, two test
SMALL = (
    *("model=dense_autoencoder", "model.latent_size=2", "split.validation=['101']"),
    *("dataset.allow_missing=true", "dataset.source=local", "trainer.max_epochs=8", "trainer.limit_train_batches=null"),
)


def train_anomalies(root: Path, *words: str) -> None:
    """Write records into a folder of their own, train on their narrow beats in `<root>/run`, and report.

    Args:
        root: a folder of its own.
        words: further overrides.
    """
    write_learnable(root, RECORDS, n_beats=40)
    places = (f"data_dir={root}", f"cache_dir={root / 'cache'}")
    start(root / "run", "task=anomaly", *BRIEF, *SMALL, *places, *words)
