"""Trials are judged epoch by epoch, or fold by fold, and stopped where a judge calls them hopeless."""

import json
from pathlib import Path

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from torch.utils.data import DataLoader, TensorDataset

from ecg_lightning import config, run
from ecg_lightning.comparison import compare
from ecg_lightning.fold_run import Extent
from ecg_lightning.pruning import Prune, Pruned
from ecg_lightning.run_folder import Status
from tests.corpora.anomaly_run import RECORDS, SMALL
from tests.corpora.compose import composed
from tests.corpora.learnable import write_learnable
from tests.corpora.record_run import BRIEF

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:pytorch_lightning")


class Judge:
    """Remembers what it was told; calls a step hopeless."""

    def __init__(self, hopeless_at: int | None = None) -> None:
        self.told: list[tuple[float, int]] = []
        self.hopeless_at = hopeless_at

    def __call__(self, value: float, step: int) -> bool:
        self.told.append((value, step))
        return step == self.hopeless_at


class Scripted(LightningModule):
    """Learns nothing; its validation epochs have these values."""

    def __init__(self, values: list[float]) -> None:
        super().__init__()
        self.values, self.weight = values, torch.nn.Parameter(torch.zeros(1))

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        return (batch[0] * self.weight).sum()

    def validation_step(self, _batch: list[torch.Tensor], _: int) -> None:
        self.log("val/auroc", self.values[self.current_epoch])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(prune: Prune, values: list[float]) -> None:
    """An epoch for each value."""
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    trainer = Trainer(max_epochs=len(values), accelerator="cpu", logger=False, callbacks=[prune], **quiet)
    loader = DataLoader(TensorDataset(torch.ones(2)), batch_size=2)
    trainer.fit(Scripted(values), loader, loader)


def test_one_fold_is_judged_after_every_epoch_but_the_last_and_not_before_the_first() -> None:
    judge = Judge()
    fit(Prune("val/auroc", "max", False, judge), [0.5, float("nan"), 0.7, 0.6])
    assert judge.told == [(0.5, 0), (pytest.approx(0.7), 2)], (
        "what has no value is not judged, nor what has ended anyway"
    )


def test_a_hopeless_trial_is_stopped_in_words() -> None:
    with pytest.raises(Pruned, match=r"after 2 epochs val/auroc of 0\.600 is worse than the median of the other"):
        fit(Prune("val/auroc", "max", False, Judge(1)), [0.5, 0.6, 0.7])


@pytest.mark.parametrize(("mode", "best"), [("max", [0.7, 0.8]), ("min", [0.5, 0.4])])
def test_several_folds_are_judged_by_the_mean_of_those_before(mode: str, best: list[float]) -> None:
    judge = Judge()
    prune = Prune("val/auroc", mode, True, judge)
    for values in ([0.5, 0.7], [0.4, 0.8], [0.9, 0.1]):
        fit(prune, values)
    means = [best[0], sum(best) / 2]
    assert judge.told == [(pytest.approx(means[0]), 0), (pytest.approx(means[1]), 1)]
    prune.hopeless = Judge(2)
    with pytest.raises(Pruned, match="after 3 folds a mean val/auroc of"):
        fit(prune, [0.1])


def test_a_run_that_is_stopped_so_says_it_in_its_folder(tmp_path: Path) -> None:
    write_learnable(tmp_path, RECORDS, n_beats=10)
    words = ["task=anomaly", *BRIEF, *SMALL, f"data_dir={tmp_path}", f"cache_dir={tmp_path / 'cache'}"]
    cfg = composed(*words)
    config.check(cfg)
    (tmp_path / "0").mkdir()
    beside = (Prune("val/error_auroc", "max", False, Judge(1)),)
    corpus, extent = config.constructed(cfg.dataset), Extent(test=False, alone=False, beside=beside)
    with pytest.raises(Pruned):
        run.run(cfg, tmp_path / "0", corpus, Status(overrides=words), extent)
    status = json.loads((tmp_path / "0" / "status.json").read_text())
    assert status["state"] == "pruned"
    assert status["reason"].startswith("after 2 epochs val/error_auroc of")
    assert compare([tmp_path / "0"]).table["state"].tolist() == ["pruned"], "it can stand beside others"
