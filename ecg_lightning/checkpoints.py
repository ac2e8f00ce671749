"""Checkpoints reach the disk whole or not at all, and know where they lie when their folder was moved."""

import io
import os
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from ecg_lightning.whole_files import written_whole

PATHS = ("best_model_path", "kth_best_model_path", "last_model_path")  # in the state of Lightning's ModelCheckpoint


class WholeCheckpoints(TorchCheckpointIO):
    """Writes beside the final place, then renames; reads what a callback says of its folder as of the one that is read.

    Lightning writes to the folder of temporary files and moves from there. Where that is another file system the move
    is a copy: a kill or a full disk in the middle of it would leave a checkpoint that is cut short. And
    it forgets the best score where the folder has another name than before: the next epoch, however bad, would be best.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:  # noqa: ARG002
        whole = io.BytesIO()
        torch.save(checkpoint, whole)  # straight to a file, torch says of a full disk that an enforcement failed
        final = Path(path)
        final.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(final) as part, part.open("wb") as stream:
            stream.write(whole.getbuffer())
            stream.flush()
            os.fsync(stream.fileno())

    def load_checkpoint(self, path: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        loaded, here = super().load_checkpoint(path, *args, **kwargs), Path(path).parent
        for state in loaded["callbacks"].values():
            if "best_k_models" not in state:  # only of those that keep checkpoints
                continue
            state["dirpath"] = str(here)
            state["best_k_models"] = {_in(here, kept): score for kept, score in state["best_k_models"].items()}
            state |= {name: _in(here, state[name]) for name in PATHS}
        return loaded


def _in(folder: Path, kept: str) -> str:
    return str(folder / Path(kept).name) if kept else ""
