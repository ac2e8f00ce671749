"""The folder that a run leaves: its status, and how a run that stopped is taken up again."""

import json
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ecg_lightning.refusals import ConfigError
from ecg_lightning.whole_files import written_whole

LAST, BEST = "last.ckpt", "best.ckpt"
MAY_DIFFER = ("trainer", "tracking")  # of a resumed run; it may go on for longer, on another machine
FOLDS = "folds"  # folder of a run of several
PLACE = ("accelerator", "devices", "strategy", "num_nodes", "precision", "enable_progress_bar")
"""Keys of the trainer that change where a network is trained; others change what is found."""


@dataclass
class Status:
    """What became of a run; written to status.json at every change.

    Args:
        state: running, finished, interrupted, failed, or pruned: stopped by a study as hopeless.
        reason: of a failure, in words.
        mlflow_run_id: to continue the same run there.
        tracking_uri: where that run is.
        finished_folds: not done again.
        choices: option of every config group.
        overrides: as they were typed.
        fitted_epochs: where training has ended and only scoring is left.
    """

    state: str = "running"
    reason: str | None = None
    mlflow_run_id: str | None = None
    tracking_uri: str | None = None
    finished_folds: list[int] = field(default_factory=list)
    choices: dict[str, str | None] = field(default_factory=dict)
    overrides: list[str] = field(default_factory=list)
    fitted_epochs: int | None = None

    def write(self, folder: Path) -> None:
        if leads():
            write_json(folder / "status.json", asdict(self))

    @classmethod
    def read(cls, folder: Path) -> "Status":
        return cls(**json.loads((folder / "status.json").read_text(encoding="utf-8")))


def leads() -> bool:
    """Whether this is the only process of a run, or the first of several: the one that writes."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write whole or not at all."""
    with written_whole(path) as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def room(folder: Path) -> Iterator[None]:
    """Say what to do where the disk has no room for what the block writes.

    Raises:
        OSError: it has none.
    """
    try:
        yield
    except OSError as error:
        from ecg_lightning.store_writer import NO_ROOM  # it imports scipy, and most commands never come here

        if error.errno not in NO_ROOM:
            raise
        begun = (folder / "status.json").is_file()
        raise OSError(
            f"{error.filename or folder} cannot be written ({os.strerror(error.errno)}): free some room, "
            + (f"then go on with resume={folder}" if begun else "and start again")
        ) from error


def quoted(folder: Path) -> str:
    """A folder as Hydra's grammar takes it: quoted where it holds more than plain letters."""
    return str(folder) if re.fullmatch(r"[\w./-]+", str(folder)) else f'"{folder}"'


def of_place(override: str) -> bool:
    """Whether an override says where work is done or tracked, and not what it finds."""
    key = override.lstrip("+~").partition("=")[0]
    return re.split(r"[./]", key)[0] in ("tracking", "hydra") or key in {f"trainer.{name}" for name in PLACE}


def check_resumable(folder: Path) -> None:
    """Raise unless a folder holds a run.

    Raises:
        ConfigError: it does not.
    """
    if (folder / "study.yaml").is_file():
        raise ConfigError(f"resume={folder} is a study: python -m ecg_lightning.tune resume={folder}")
    if lacking := [name for name in ("config.yaml", "status.json") if not (folder / name).is_file()]:
        raise ConfigError(f"resume={folder} has no {' and no '.join(lacking)}: give the folder of a run that stopped")
    for place in (folder, *sorted((folder / FOLDS).glob("*"))):
        if (place / "status.json").is_file() and Status.read(place).state != "finished":
            _check_checkpoints(place / "checkpoints")


def newest_checkpoint(folder: Path) -> Path | None:
    """What a run goes on from: its last whole epoch, or else its best one; None where neither is kept."""
    return next((path for name in (LAST, BEST) if (path := folder / "checkpoints" / name).is_file()), None)


def _check_checkpoints(folder: Path) -> None:
    """Raise where one is cut short or damaged, and offer what is left.

    Raises:
        ConfigError: what to delete, and where the same command goes on then.
    """
    last, best = folder / LAST, folder / BEST
    bad = [path for path in (last, best) if path.is_file() and not _is_whole(path)]
    if best in bad:  # the weights that the run would have ended with: a later epoch cannot stand in for them
        there = " and ".join(str(path) for path in (last, best) if path.is_file())
        raise ConfigError(f"{best} is cut short or damaged: delete {there}, and the same command begins anew")
    if bad and best.is_file():
        raise ConfigError(
            f"{last} is cut short or damaged: delete it, and the same command goes on from {best}, "
            f"saved after epoch {_epoch(best)}"
        )
    if bad:
        raise ConfigError(f"{last} is cut short or damaged: delete it, and the same command begins anew")


def _is_whole(file: Path) -> bool:
    """Whether each part of a checkpoint is there and has the sum that was taken when it was written."""
    try:
        with zipfile.ZipFile(file) as parts:
            return parts.testzip() is None
    except (zipfile.BadZipFile, EOFError):
        return False


def _epoch(checkpoint: Path) -> int:
    import torch  # takes seconds to import: only where there is something to refuse

    return int(torch.load(checkpoint, map_location="cpu", weights_only=True)["epoch"])


def _saved(folder: Path, cfg: DictConfig) -> DictConfig:
    """The config of a run, whose plugins this command trusts as well."""
    saved = OmegaConf.load(folder / "config.yaml")
    if not isinstance(saved, DictConfig):
        raise ConfigError(f"{folder / 'config.yaml'} is not the config of a run")
    if strange := sorted(set(saved.get("plugins", [])) - set(cfg.get("plugins", []))):
        raise ConfigError(f"resume={folder} runs code of {', '.join(strange)}: if you trust it, add plugins={strange}")
    return saved


def _differing(
    name: str, cfg: DictConfig, choices: dict[str, str | None], saved: DictConfig, then: Status
) -> tuple[Any] | None:
    """What a run had, where this command would have something else."""
    if name in choices:
        now, before = choices[name], then.choices.get(name)
    else:
        now, before = OmegaConf.select(cfg, name), OmegaConf.select(saved, name)
    return None if now == before else (before,)


def resumed(cfg: DictConfig, choices: dict[str, str | None], overrides: list[str]) -> DictConfig:
    """The config of the run in `cfg.resume`, with this command's trainer and tracking where it names them.

    Args:
        cfg: what this command alone would compose.
        choices: option of every config group in it.
        overrides: as they were typed; they may repeat those of the run.

    Raises:
        ConfigError: an override differs from the run's; every such one is named.
    """
    folder = Path(cfg.resume)
    check_resumable(folder)
    then, saved, wrong = Status.read(folder), _saved(folder, cfg), []
    for override in overrides:
        name = override.partition("=")[0].lstrip("+~")
        if name in ("resume", "plugins") or override in then.overrides:
            continue
        group = name.partition(".")[0]
        if group in MAY_DIFFER and then.finished_folds and not of_place(override):
            wrong.append(
                f"resume={folder} has finished folds, and others are to be trained alike: leave out {override}"
            )
        elif group in MAY_DIFFER:
            OmegaConf.update(saved, name, OmegaConf.select(cfg, name), merge=False)  # a group, or one key of it
        elif (before := _differing(name, cfg, choices, saved, then)) is not None:
            wrong.append(f"resume={folder} continues a run with {name}={before[0]}: leave out {override}")
    if wrong:
        raise ConfigError("\n".join(wrong))
    saved.resume = cfg.resume
    return saved
