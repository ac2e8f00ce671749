"""A stopped run is taken up with its own config; what differs is refused by name."""

from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig, OmegaConf

from ecg_lightning import run_folder
from ecg_lightning.refusals import ConfigError
from ecg_lightning.run_folder import Status, check_resumable, newest_checkpoint, resumed, write_json

THEN = {"model": {"width": 32}, "seed": 0, "trainer": {"max_epochs": 30}, "tracking": {"uri": "sqlite:///a.db"}}
CHOICES: dict[str, str | None] = {"model": "hybrid_cnn", "trainer": "auto", "experiment": None}


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A run that was interrupted."""
    Status("interrupted", mlflow_run_id="17", choices=CHOICES, overrides=["seed=0", "model.width=32"]).write(tmp_path)
    OmegaConf.save(OmegaConf.create(THEN | {"resume": None}), tmp_path / "config.yaml")
    return tmp_path


def taken_up(folder: Path, now: dict[str, object], *overrides: str, **choices: str) -> DictConfig:
    """The config of `resume=<folder>` with these words, where `now` is what they compose to."""
    composed = OmegaConf.create({**THEN, "resume": str(folder), **now})
    return resumed(composed, CHOICES | choices, [f"resume={folder}", *overrides])


def test_status_comes_back_as_it_was_written(tmp_path: Path) -> None:
    status = Status("failed", "no room", "17", "sqlite:///a.db", [0, 1], {"model": "cnn"}, ["seed=1"])
    status.write(tmp_path)
    assert Status.read(tmp_path) == status


def test_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"a": {1, 2}})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n "a": 1\n}\n'


def test_own_config_is_continued(stopped: Path) -> None:
    found = taken_up(stopped, {"seed": 5})  # as another default would compose
    assert found == OmegaConf.create({**THEN, "resume": str(stopped)})


def test_overrides_may_be_repeated(stopped: Path) -> None:
    assert taken_up(stopped, {}, "seed=0", "model.width=32", "model=hybrid_cnn").seed == 0


def test_override_that_says_what_the_config_says_is_no_difference(stopped: Path) -> None:
    assert taken_up(stopped, {}, "trainer.max_epochs=30", "++model.width=32").model.width == 32


def test_trainer_and_tracking_may_differ(stopped: Path) -> None:
    now = {"trainer": {"max_epochs": 60}, "tracking": {"uri": None}}
    found = taken_up(stopped, now, "trainer.max_epochs=60", "tracking=none")
    assert (found.trainer.max_epochs, found.tracking.uri) == (60, None)


def test_one_differing_key_of_the_trainer_leaves_the_others(stopped: Path) -> None:
    saved = OmegaConf.load(stopped / "config.yaml")
    saved.trainer.limit_train_batches = 4
    OmegaConf.save(saved, stopped / "config.yaml")
    found = taken_up(stopped, {"trainer": {"max_epochs": 60}}, "trainer.max_epochs=60")
    assert found.trainer == {"max_epochs": 60, "limit_train_batches": 4}


def test_every_differing_override_is_refused_by_name(stopped: Path) -> None:
    with pytest.raises(ConfigError) as refusal:
        taken_up(stopped, {"seed": 1, "model": {"width": 64}}, "seed=1", "model.width=64", "model=cnn", model="cnn")
    assert str(refusal.value).splitlines() == [
        f"resume={stopped} continues a run with seed=0: leave out seed=1",
        f"resume={stopped} continues a run with model.width=32: leave out model.width=64",
        f"resume={stopped} continues a run with model=hybrid_cnn: leave out model=cnn",
    ]


@pytest.mark.parametrize("name", ["config.yaml", "status.json"])
def test_folder_without_a_run_is_refused(name: str, stopped: Path) -> None:
    (stopped / name).unlink()
    with pytest.raises(ConfigError, match=rf"has no {name}: give the folder of a run that stopped"):
        check_resumable(stopped)


def test_folder_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has no config\.yaml and no status\.json"):
        check_resumable(tmp_path / "typo")
    assert not (tmp_path / "typo").exists()


def test_config_that_is_none_is_refused(stopped: Path) -> None:
    (stopped / "config.yaml").write_text("- a\n- list\n")
    with pytest.raises(ConfigError, match=r"config\.yaml is not the config of a run"):
        taken_up(stopped, {})


def test_code_of_a_plugin_runs_again_only_where_it_is_named_again(stopped: Path) -> None:
    saved = OmegaConf.load(stopped / "config.yaml")
    saved.plugins = ["mine"]
    OmegaConf.save(saved, stopped / "config.yaml")
    with pytest.raises(ConfigError, match=r"runs code of mine: if you trust it, add plugins=\['mine'\]"):
        taken_up(stopped, {"plugins": []})
    assert taken_up(stopped, {"plugins": ["mine"]}, "plugins=[mine]").plugins == ["mine"]


def keep(folder: Path, name: str, epoch: int, *, whole: bool = True) -> Path:
    """Leave a checkpoint of an epoch in a run folder."""
    file = folder / "checkpoints" / name
    file.parent.mkdir(exist_ok=True)
    torch.save({"epoch": epoch, "state_dict": torch.arange(1000)}, file)
    if not whole:
        file.write_bytes(file.read_bytes()[:4000])
    return file


def test_checkpoints_that_are_whole_are_taken_up_from_the_last(stopped: Path) -> None:
    assert newest_checkpoint(stopped) is None
    best = keep(stopped, "best.ckpt", 3)
    assert newest_checkpoint(stopped) == best
    last = keep(stopped, "last.ckpt", 7)
    assert newest_checkpoint(stopped) == last
    check_resumable(stopped)


def test_a_checkpoint_that_is_cut_short_is_named_and_the_previous_one_offered(stopped: Path) -> None:
    last, best = keep(stopped, "last.ckpt", 7, whole=False), keep(stopped, "best.ckpt", 3)
    said = f"{last} is cut short or damaged: delete it, and the same command goes on from {best}, saved after epoch 3"
    with pytest.raises(ConfigError, match=f"^{said}$"):
        check_resumable(stopped)
    last.unlink()
    check_resumable(stopped)


def test_a_byte_that_changed_in_a_checkpoint_is_seen(stopped: Path) -> None:
    last = keep(stopped, "last.ckpt", 7)
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 1
    last.write_bytes(content)
    with pytest.raises(ConfigError, match=r"last.ckpt is cut short or damaged: delete it, and .* command begins anew"):
        check_resumable(stopped)


def test_best_weights_that_are_lost_are_not_replaced_by_later_ones(stopped: Path) -> None:
    last, best = keep(stopped, "last.ckpt", 7), keep(stopped, "best.ckpt", 3, whole=False)
    with pytest.raises(ConfigError, match=f"^{best} is cut short or damaged: delete {last} and {best}, and the same"):
        check_resumable(stopped)


def test_a_finished_run_needs_no_checkpoint(stopped: Path) -> None:
    keep(stopped, "last.ckpt", 7, whole=False)
    Status("finished").write(stopped)
    check_resumable(stopped)


def test_folds_of_one_run_are_trained_alike(stopped: Path) -> None:
    status = Status.read(stopped)
    status.finished_folds = [0]
    status.write(stopped)
    assert taken_up(stopped, {"trainer": {"max_epochs": 30, "accelerator": "gpu"}}, "+trainer.accelerator=gpu")
    with pytest.raises(ConfigError, match=r"has finished folds, and others are to be trained alike: leave out trainer"):
        taken_up(stopped, {"trainer": {"max_epochs": 60}}, "trainer.max_epochs=60")


@pytest.mark.parametrize(
    ("override", "of_place"),
    [
        ("tracking=none", True),
        ("tracking.uri=null", True),
        ("hydra/launcher=joblib", True),
        ("trainer.accelerator=cpu", True),
        ("+trainer.strategy=ddp", True),
        ("trainer=smoke", False),
        ("trainer.max_epochs=3", False),
        ("model=cnn", False),
    ],
)
def test_what_says_where_and_what_says_how_are_told_apart(override: str, of_place: bool) -> None:
    assert run_folder.of_place(override) is of_place


def test_a_damaged_checkpoint_of_a_fold_is_named(stopped: Path) -> None:
    fold = stopped / "folds" / "1"
    (fold / "checkpoints").mkdir(parents=True)
    Status("interrupted").write(fold)
    (fold / "checkpoints" / "last.ckpt").write_bytes(b"half")
    with pytest.raises(ConfigError, match=r"folds/1/checkpoints/last\.ckpt is cut short or damaged"):
        check_resumable(stopped)


def test_a_study_is_another_command_s(stopped: Path) -> None:
    (stopped / "study.yaml").touch()
    with pytest.raises(ConfigError, match=r"is a study: python -m ecg_lightning\.tune resume="):
        check_resumable(stopped)
