"""A whole run over minutes of the synthetic belt, in this process: as `train task=hypoglycemia` makes it."""

from pathlib import Path

from tests.corpora.record_run import BRIEF, start

SMALL = (
    *("model.filters=[4,4,4,4]", "model.lstm_units=4", "model.dense_units=4", "task.extra=[breathing,activity]"),
    *("pretrain=autoencoder", "pretrain.latent_size=4", "pretrain.max_epochs=1", "split=random_windows"),
)


def train_belt(folder: Path, cache_dir: Path, *words: str) -> None:
    """Pretrain, train with breathing and activity beside, and report.

    Args:
        folder: of the run.
        cache_dir: holds the small twin.
        words: further overrides.
    """
    start(folder, "task=hypoglycemia", *SMALL, *BRIEF, f"cache_dir={cache_dir}", f"data_dir={cache_dir}", *words)
