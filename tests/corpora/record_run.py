"""A whole run over fake recordings, in this process: as `train task=ptbxl` makes it."""

from pathlib import Path

from ecg_lightning import config, run
from ecg_lightning.fold_run import Extent
from ecg_lightning.run_folder import Status
from tests.corpora.compose import composed
from tests.corpora.record_data import write_learnable_records

NETWORK = (
    *("model.filters=[8,8]", "model.lstm_units=4", "model.dense_units=8"),
    *("model.combined_units=8", "model.metadata_units=4"),
)
BRIEF = (
    *("tracking=none", "trainer=smoke", "trainer.accelerator=cpu", "trainer.enable_progress_bar=false"),
    *("trainer.max_epochs=2", "task.data.batch_size=16"),
)


def train_records(root: Path, *words: str, n_records: int = 60) -> None:
    """Write recordings into a folder of their own, train on them in `<root>/run`, and report.

    Args:
        root: a folder of its own.
        words: overrides.
        n_records: of them.
    """
    write_learnable_records(root, n_records)
    places = (f"data_dir={root}", f"cache_dir={root / 'cache'}", "dataset.source=local")
    start(root / "run", "task=ptbxl", *NETWORK, *BRIEF, *places, *words)


def start(folder: Path, *words: str, alone: bool = True) -> None:
    """One job, as the command starts it; in a sweep no test row is scored and no picture drawn."""
    cfg = composed(*words)
    config.check(cfg)
    (folder / "checkpoints").mkdir(parents=True)
    status = Status(choices={"model": "network", "split": "official", "loss": "loss"}, overrides=list(words))
    run.run(cfg, folder, config.constructed(cfg.dataset), status, Extent(test=alone, alone=alone))
