"""The twin is neither trivial nor hopeless: form and rhythm together beat either alone, and nothing is perfect."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ecg_lightning.run_folder import Status
from tests.corpora import command

MODELS = ("hybrid_cnn", "cnn", "logistic")


def mean_scores(cwd: Path, cache_dir: Path, models: tuple[str, ...], seeds: str, *words: str) -> dict[str, float]:
    """Mean test macro-F1 over N, S, V and F of each model, with the recipe as it stands."""
    sweep = ("-m", "hydra.sweep.dir=sweep", f"model={','.join(models)}", f"seed={seeds}")
    fixed = ("dataset.source=synthetic", "tracking=none", "test=true", "trainer.accelerator=cpu")
    done = subprocess.run(
        [sys.executable, "-m", "ecg_lightning.train", *sweep, *fixed, *words],
        cwd=cwd,
        env=command.environment(cache_dir),
        capture_output=True,
        text=True,
        timeout=3600,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[float]] = {model: [] for model in models}
    for numbers in (cwd / "sweep").glob("*/metrics.json"):
        model = Status.read(numbers.parent).choices["model"]
        found[str(model)].append(json.loads(numbers.read_text(encoding="utf-8"))["test/macro_f1_nsvf"])
    assert {len(scores) for scores in found.values()} == {len(seeds.split(","))}
    return {model: float(np.mean(scores)) for model, scores in found.items()}


@pytest.mark.slow
def test_form_and_rhythm_together_beat_either_alone_and_leave_room(tmp_path: Path, twin_cache: Path) -> None:
    score = mean_scores(tmp_path, twin_cache, MODELS, "0,1,2")
    assert score["hybrid_cnn"] - score["cnn"] >= 0.10, score
    assert score["hybrid_cnn"] - score["logistic"] >= 0.10, score
    assert score["hybrid_cnn"] < 0.95, score
