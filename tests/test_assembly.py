"""What is best goes by the loss where validation rows leave a ranking score undefined."""

from types import SimpleNamespace

import numpy as np
import pytest
from omegaconf import DictConfig, OmegaConf

from ecg_lightning.assembly import settle_monitor
from ecg_lightning.config import targets
from tests.corpora.compose import composed


def config_and_data(task: str, label: list[int], n_classes: int = 2) -> tuple[DictConfig, SimpleNamespace]:
    """A resolved config, and a data module whose rows all validate."""
    cfg = composed(f"task={task}")
    OmegaConf.resolve(cfg)
    fold = SimpleNamespace(val=np.arange(len(label)))
    return cfg, SimpleNamespace(table=SimpleNamespace(label=np.array(label)), fold=fold, classes=("a",) * n_classes)


def test_validation_rows_of_one_class_are_judged_by_the_loss_everywhere() -> None:
    cfg, data = config_and_data("hypoglycemia", [0, 0, 0])
    assert settle_monitor(cfg, data)
    assert (cfg.task.monitor.metric, cfg.task.monitor.mode) == ("val/loss", "min")
    watching = {path: node for path, node in targets(cfg) if "monitor" in node}
    assert set(watching) == {"callbacks.best", "callbacks.early_stopping", "modules.logits", "modules.reconstruction"}
    assert {node.monitor for node in watching.values()} == {"val/loss"}
    modes = [node.mode for path, node in targets(cfg) if path.startswith(("callbacks", "schedule")) and "mode" in node]
    assert set(modes) == {"min"}
    assert cfg.modules.logits.schedule.mode == "min"


@pytest.mark.parametrize(("task", "label"), [("hypoglycemia", [0, 1, 0]), ("arrhythmia", [0, 0, 0])])
def test_a_monitor_that_is_defined_stays(task: str, label: list[int]) -> None:
    cfg, data = config_and_data(task, label, 5 if task == "arrhythmia" else 2)
    before = OmegaConf.to_yaml(cfg)
    assert not settle_monitor(cfg, data)
    assert OmegaConf.to_yaml(cfg) == before
