"""What was typed, as a config of its own: `train` makes the same of both."""

from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from ecg_lightning import config
from ecg_lightning.experiment_file import beside, written
from tests.corpora.compose import files

GROUPS = {group for group, _ in files()}
TYPED = {
    "values": ["optim.lr=0.0012345678", "task.data.batch_size=7", "trainer=smoke"],
    "task and its groups": ["task=anomaly", "dataset=ptbxl", "model=dense_autoencoder", "model.latent_size=3"],
    "only a task": ["task=abnormal_beat"],
    "an experiment and what it says": ["experiment=reference/anomaly_conv_autoencoder", "task.max_epochs=3"],
    "an imbalance": ["task=abnormal_beat", "imbalance=oversample", "optim=adamw"],
    "lists, words and nothing": ["task.signal.leads=[V1,V5]", "data_dir='my data'", "task.least_specificity=null"],
    "what is added": ["+trainer.limit_test_batches=2", "++optim.betas=[0.8,0.9]", "+callbacks.progress.leave=true"],
    "a dictionary": ["++task.data.window={n_samples:9}", "++task.data.window={n_before:4}"],
}


@pytest.mark.parametrize("name", TYPED)
def test_the_file_makes_the_config_that_the_words_make(name: str, tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_text(written(TYPED[name], GROUPS, "config", ["a remark"]))
    assert composed(tmp_path, "experiment") == composed(None, "config", *TYPED[name])


def test_further_words_have_the_last_word(tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_text(written(["model=cnn", "optim.lr=0.5"], GROUPS, "config", []))
    more = ["model=transformer", "optim.lr=0.25", "task.max_epochs=3"]
    assert composed(tmp_path, "experiment", *more) == composed(None, "config", *more)


def composed(folder: Path | None, name: str, *words: str) -> DictConfig:
    """As `train --config-dir=FOLDER --config-name=NAME` does."""
    config.register()
    with initialize_config_dir(str(folder or config.folder()), version_base="1.3"):
        more = [] if folder is None else [f"hydra.searchpath=[file://{config.folder()}]"]
        return OmegaConf.create(OmegaConf.to_yaml(compose(name, [*words, *more])))


def test_what_says_how_a_study_is_run_is_left_out_and_remarks_stand_above() -> None:
    text = written(["search=learning", "search.n_trials=3", "test=false", "resume=a", "seed=2"], GROUPS, "mine", ["so"])
    assert text.startswith("# so\n")
    assert yaml.safe_load(text) == {"defaults": ["mine", "_self_"], "seed": 2}


def test_what_no_yaml_can_say_is_typed_beside_it() -> None:
    words = ["~callbacks.progress", "optim.lr=1", "hydra.searchpath=[file:///mine]"]
    assert beside(words) == ["~callbacks.progress", "hydra.searchpath=[file:///mine]"]
    assert yaml.safe_load(written(words, GROUPS, "config", [])) == {
        "defaults": ["config", "_self_"],
        "optim": {"lr": 1},
    }
