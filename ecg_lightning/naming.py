"""What a run is called, and what a reader of it in MLflow must know."""

import subprocess
from pathlib import Path
from typing import Any

from ecg_lightning.run_folder import FOLDS, Status


def run_name(folder: Path, status: Status) -> str:
    """What tells runs apart at a glance: the network, and the fold or the folder."""
    fold = "fold " if folder.parent.name == FOLDS else ""
    return f"{status.choices.get('model')} {fold}{folder.name}"


def run_tags(card: dict[str, Any], status: Status) -> dict[str, str]:
    """What a reader of the run in MLflow must know."""
    known = {name: card[name] for name in ("fingerprint", "split_hash")}
    chosen = {group: option for group, option in status.choices.items() if not group.startswith("hydra/")}
    known |= {group: option for group, option in chosen.items() if option is not None}
    commit = git_commit()
    known |= {"git_commit": commit} if commit is not None else {}
    return card["tags"] | known | {"source": "synthetic" if card["synthetic"] else "real", "place": card["source"]}


def git_commit() -> str | None:
    """The commit of the folder that the command runs in, with a + where files differ from it; None outside git."""
    try:
        said = [
            subprocess.run(["git", *words], capture_output=True, text=True, timeout=5)
            for words in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        ]
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if said[0].returncode else said[0].stdout.strip() + ("+" if said[1].stdout else "")
