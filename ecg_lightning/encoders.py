"""The encoder of a fold: learned from its training rows alone, kept, and put into a network."""

import copy
import hashlib
import inspect
import json
import logging
import os
import shutil
import time
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint, RichProgressBar
from safetensors.torch import load_file, save_file
from torch import nn

from ecg_lightning import windowing
from ecg_lightning.augment import Augment
from ecg_lightning.config import constructed
from ecg_lightning.datamodules import windows
from ecg_lightning.datamodules.windowed import Windowed
from ecg_lightning.datasets.sources import source_hash
from ecg_lightning.history import History, read
from ecg_lightning.memory import kept_memory
from ecg_lightning.modules.reconstruction import Reconstruction
from ecg_lightning.pretraining import Pretraining
from ecg_lightning.store_writer import NO_ROOM
from ecg_lightning.structures import Refused

log = logging.getLogger(__name__)
FOLDER, ENCODER = "pretrain", "encoder.safetensors"
WITHOUT_EFFECT = ("frozen",)  # of the settings: on what is learned here
WATCHED = ("max_epochs", "enable_progress_bar", "enable_model_summary", "log_every_n_steps")  # likewise, of the trainer


def pretrain(cfg: DictConfig, data: Windowed, folder: Path) -> Path:
    """Train the autoencoder of this fold, or take its encoder from where it lies already.

    An encoder in the run's own folder goes first: a resumed run goes on with what it began with. Else the cache has it
    where the same settings have met the same rows, as in a sweep over networks. Never does a test row come near.

    Args:
        cfg: resolved and checked, with `pretrain=autoencoder`.
        data: of the run; stays as it is.
        folder: of the run; `pretrain/encoder.safetensors` and `pretrain/history.csv` are written there.

    Returns:
        Where the encoder's weights lie.

    Raises:
        Refused: a share of positives is asked for, but there are not two classes, or one has no training rows.
    """
    file = folder / FOLDER / ENCODER
    if file.is_file():
        log.info("pretraining: going on with the encoder in %s", file.parent)
        return file
    torch.manual_seed(cfg.seed)
    stage: Pretraining = constructed(cfg.pretrain)
    if stage.positive_share is not None and data.problem != "binary":
        raise Refused(
            f"pretrain.positive_share={stage.positive_share} is for tasks of two classes, but task "
            f"{cfg.task.name} is {data.problem}: set it to null"
        )
    kept = Path(cfg.cache_dir) / FOLDER / key(cfg, data, stage)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{kept}.lock"):
        if (kept / ENCODER).is_file():
            os.utime(kept / ENCODER)  # says when it was last used, to whoever prunes
            log.info("pretraining: encoder reused from %s", kept)
        else:
            _write_atomically(kept, cfg, data, stage)
        part = folder / f"{FOLDER}.part"
        shutil.rmtree(part, ignore_errors=True)  # left by a run that was killed
        shutil.copytree(kept, part)
        part.rename(folder / FOLDER)
    return file


def load_encoder(network: nn.Module, file: Path, frozen: bool) -> None:
    """Put pretrained weights into the network's `encoder`; frozen ones stay as they are whatever it learns."""
    encoder = network.get_submodule("encoder")
    encoder.load_state_dict(load_file(file))
    encoder.requires_grad_(not frozen)


def key(cfg: DictConfig, data: Windowed, stage: Pretraining) -> str:
    """Name of an encoder: changes with the rows that it sees and is chosen by, with the settings, and with the code."""
    digest = hashlib.sha256(data.store.fingerprint.encode())
    names = np.array(data.table.record_names)
    for rows in (data.fold.train, data.fold.val):
        digest.update(f"{len(rows)} ".encode() + "\0".join(names[data.table.record[rows]]).encode())
        digest.update(np.ascontiguousarray(data.table.start[rows]).tobytes())
        if stage.positive_share is not None:
            digest.update(np.ascontiguousarray(data.table.label[rows]).tobytes())
    settings: Any = OmegaConf.to_container(cfg.pretrain, resolve=True)
    trainer: Any = OmegaConf.to_container(cfg.trainer, resolve=True)
    parts: tuple[Any, ...] = (stage, stage.sampler, stage.loss, stage.network, stage.network.encoder)
    code: list[Any] = [pretrain, Reconstruction, windowing, windows, *(type(part) for part in parts)]
    what = [
        {name: value for name, value in settings.items() if name not in WITHOUT_EFFECT},
        {name: value for name, value in trainer.items() if name not in WATCHED},
        [repr(data.window), repr(data.preprocess), data.batch_size, data.seed, cfg.seed],
        source_hash([Path(inspect.getfile(part)) for part in code]),
    ]
    digest.update(json.dumps(what, sort_keys=True).encode())
    return digest.hexdigest()[:20]


def _write_atomically(kept: Path, cfg: DictConfig, data: Windowed, stage: Pretraining) -> None:
    """Train beside the final place, then rename; whatever interrupts it leaves no half encoder."""
    for left_over in kept.parent.glob(f"{kept.name}.part-*"):  # of a killed process: the lock is ours
        shutil.rmtree(left_over)
    part = Path(mkdtemp(prefix=f"{kept.name}.part-", dir=kept.parent))
    log.info("pretraining: up to %d epochs of %s training rows", stage.max_epochs, f"{len(data.fold.train):,}")
    begun = time.perf_counter()
    try:
        _train(part, cfg, data, stage)
        part.rename(kept)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise OSError(
                f"cache_dir={cfg.cache_dir} cannot take the encoder ({error.strerror}): "
                f"free some room, or set ECG_CACHE_DIR to another folder"
            ) from error
        raise
    losses = [row["val/loss"] for row in read(kept / "history.csv").values()]
    log.info(
        "pretraining: encoder trained in %.0f s, %d epochs, validation loss %.3f",
        *(time.perf_counter() - begun, len(losses), min(losses, default=float("nan"))),
    )


def _train(folder: Path, cfg: DictConfig, data: Windowed, stage: Pretraining) -> None:
    """Train the autoencoder and leave its encoder as it was when it made the validation rows again best."""
    _ = data.source  # opened once, for both
    rows = copy.copy(data)
    rows.sampler, rows.augment = stage.sampler, Augment({})
    module = Reconstruction(stage.network, stage.loss, stage.optimizer, cfg.seed)
    best = ModelCheckpoint(folder, "best", monitor="val/loss", save_weights_only=True, enable_version_counter=False)
    bars = [RichProgressBar(refresh_rate=10)] if cfg.trainer.enable_progress_bar else []
    trainer = constructed(
        cfg.trainer,
        callbacks=[best, EarlyStopping("val/loss", patience=stage.patience), *bars],
        logger=History(folder, forward=lambda *_: None),
        max_epochs=stage.max_epochs,
        default_root_dir=str(folder),
        devices=1,  # of several processes the first learns, before it starts the others
        strategy="auto",
    )
    with kept_memory():
        trainer.fit(module, rows)
    chosen = folder / "best.ckpt"
    if chosen.is_file():  # fast_dev_run keeps none
        module.load_state_dict(torch.load(chosen, map_location="cpu", weights_only=True)["state_dict"])
        chosen.unlink()
    save_file(module.network.get_submodule("encoder").cpu().state_dict(), folder / ENCODER)
