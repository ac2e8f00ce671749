"""The encoder of a fold: which rows it sees, when it is made anew, and what the network does with it."""

import logging
import re
import signal
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from pytorch_lightning import Trainer
from safetensors.torch import load_file
from torch import Tensor

from ecg_lightning import schedules
from ecg_lightning.config import constructed
from ecg_lightning.datamodules.beats import BeatData
from ecg_lightning.datamodules.windows import WindowSource
from ecg_lightning.datasets.sources import source_hash
from ecg_lightning.encoders import key, load_encoder, pretrain
from ecg_lightning.history import read
from ecg_lightning.losses import CrossEntropy
from ecg_lightning.models.cnn_lstm_attention import CNNLSTMAttention
from ecg_lightning.modules.classification import Classification
from ecg_lightning.monitors import MacroF1
from ecg_lightning.pretraining import Pretraining
from ecg_lightning.structures import Refused
from ecg_lightning.windowing import Window
from tests.corpora.beat_data import ByRecord, beat_data
from tests.corpora.compose import composed
from tests.corpora.learnable import write_learnable
from tests.corpora.small_disk import short_files

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:pytorch_lightning")
RECORDS = ("100", "101", "103", "105")  # to choose by, two to learn from, to report on


def data_over(folder: Path, records: tuple[str, ...] = RECORDS, **settings: Any) -> BeatData:
    write_learnable(folder, records, n_beats=40)
    return beat_data(folder, **({"classes": ("N", "V"), "batch_size": 16} | settings))


def binary(data: BeatData) -> BeatData:
    data.problem = "binary"
    return data


def config_of(cache: Path, *overrides: str) -> DictConfig:
    short = ("pretrain.max_epochs=3", "pretrain.latent_size=8", "trainer=cpu")
    chosen = ("task=arrhythmia", "model=cnn_lstm_attention", "pretrain=autoencoder", "features=none")
    cfg = composed(*chosen, *short, *overrides)
    cfg.cache_dir = str(cache / "cache")
    return cfg


def run_folder(above: Path, name: str) -> Path:
    folder = above / name
    folder.mkdir()
    return folder


def name_of(cfg: DictConfig, data: BeatData) -> str:
    stage: Pretraining = constructed(cfg.pretrain)
    return key(cfg, data, stage)


class Gathered:
    """Rows whose signal was read, in training and otherwise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.train: list[np.ndarray] = []
        self.other: list[np.ndarray] = []
        gather = WindowSource.gather

        def spy(source: WindowSource, row: Tensor, scored: Tensor, seed: int | None = None) -> Any:
            (self.other if seed is None else self.train).append(row.numpy())
            return gather(source, row, scored, seed)

        monkeypatch.setattr(WindowSource, "gather", spy)


def test_the_encoder_learns_from_training_rows_is_chosen_by_validation_rows_and_sees_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, seen = data_over(tmp_path), Gathered(monkeypatch)
    pretrain(config_of(tmp_path), data, tmp_path)
    np.testing.assert_array_equal(np.sort(np.concatenate(seen.train)), np.sort(np.tile(data.fold.train, 3)))
    np.testing.assert_array_equal(np.unique(np.concatenate(seen.other)), data.fold.val)
    assert not np.isin(data.fold.test, np.concatenate(seen.train + seen.other)).any()


def test_a_share_of_positives_is_drawn_from_the_training_rows_without_repeats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, seen = binary(data_over(tmp_path)), Gathered(monkeypatch)
    pretrain(config_of(tmp_path, "pretrain.max_epochs=1", "pretrain.positive_share=0.8"), data, tmp_path)
    rows = np.concatenate(seen.train)
    assert len(np.unique(rows)) == len(rows)
    assert np.isin(rows, data.fold.train).all()
    assert data.table.label[rows].mean() == pytest.approx(0.8, abs=1 / len(rows))
    np.testing.assert_array_equal(np.unique(np.concatenate(seen.other)), data.fold.val)


def test_neither_test_rows_nor_labels_move_the_weights(tmp_path: Path) -> None:
    weights = []
    for place, records, classes in (("a", RECORDS, ("N", "V")), ("b", (*RECORDS[:3], "106"), ("V", "N"))):
        folder = run_folder(tmp_path, place)
        weights.append(load_file(pretrain(config_of(folder), data_over(folder, records, classes=classes), folder)))
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_the_best_weights_are_kept_and_the_curve_beside_them(tmp_path: Path) -> None:
    cfg, data = config_of(tmp_path, "pretrain.max_epochs=12", "pretrain.optimizer.lr=3e-3"), data_over(tmp_path)
    file = pretrain(cfg, data, tmp_path)
    assert sorted(path.name for path in file.parent.iterdir()) == ["encoder.safetensors", "history.csv"]
    curve = read(tmp_path / "pretrain" / "history.csv")
    assert len(curve) == 12
    assert curve[11]["val/loss"] < 0.5 * curve[0]["val/loss"]


def test_training_ends_when_validation_rows_are_made_no_better(tmp_path: Path) -> None:
    cfg = config_of(tmp_path, "pretrain.max_epochs=20", "pretrain.patience=2", "pretrain.optimizer.lr=0")
    pretrain(cfg, data_over(tmp_path), tmp_path)
    assert len(read(tmp_path / "pretrain" / "history.csv")) == 3


def test_the_same_rows_and_settings_reuse_the_encoder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    cfg, data = config_of(tmp_path), data_over(tmp_path)
    first = pretrain(cfg, data, run_folder(tmp_path, "a"))
    assert re.search(r"encoder trained in \d+ s, 3 epochs", caplog.text)
    other = config_of(tmp_path, "model=latent_dense", "pretrain.frozen=false", "trainer.max_epochs=7")
    second = pretrain(other, data_over(tmp_path), run_folder(tmp_path, "b"))
    assert "encoder reused from" in caplog.text
    assert caplog.text.count("encoder trained") == 1
    assert first.read_bytes() == second.read_bytes()
    assert len([path for path in (tmp_path / "cache" / "pretrain").iterdir() if path.is_dir()]) == 1


def test_a_resumed_run_goes_on_with_the_encoder_in_its_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    data, folder = data_over(tmp_path), run_folder(tmp_path, "run")
    file = pretrain(config_of(tmp_path), data, folder)
    kept = file.read_bytes()
    assert pretrain(config_of(tmp_path, "seed=1"), data, folder) == file
    assert file.read_bytes() == kept
    assert "going on with the encoder" in caplog.text


def test_what_a_killed_run_left_is_no_encoder(tmp_path: Path) -> None:
    data, folder, cfg = data_over(tmp_path), run_folder(tmp_path, "run"), config_of(tmp_path)
    left = tmp_path / "cache" / "pretrain" / f"{name_of(cfg, data)}.part-x1"
    for part in (folder / "pretrain.part", left):
        part.mkdir(parents=True)
        (part / "encoder.safetensors").write_bytes(b"half")
    assert load_file(pretrain(cfg, data, folder))
    assert not left.exists()
    assert not (folder / "pretrain.part").exists()


@pytest.mark.parametrize(
    "override",
    [
        *("seed=1", "pretrain.latent_size=9", "pretrain.max_epochs=4", "pretrain.optimizer.lr=2e-3"),
        *("pretrain.positive_share=0.5", "+trainer.limit_train_batches=2", "trainer.precision=bf16-mixed"),
    ],
)
def test_other_settings_make_another_encoder(tmp_path: Path, override: str) -> None:
    data = data_over(tmp_path)
    assert name_of(config_of(tmp_path, override), data) != name_of(config_of(tmp_path), data)


def test_another_fold_or_window_or_other_data_make_another_encoder(tmp_path: Path) -> None:
    cfg, names = config_of(tmp_path), []
    for place, settings in (
        ("same", {}),
        ("again", {}),
        ("fold", {"split": ByRecord(2, 1)}),
        ("window", {"window": Window(280, 120)}),
        ("data", {"records": (*RECORDS[:3], "106")}),
        ("batch", {"batch_size": 32}),
    ):
        names.append(name_of(cfg, data_over(run_folder(tmp_path, place), **settings)))
    assert names[0] == names[1]
    assert len(set(names)) == len(names) - 1


def test_the_code_that_cuts_and_gathers_windows_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []

    def spy(files: Sequence[Path]) -> str:
        hashed.extend(file.name for file in files)
        return source_hash(files)

    monkeypatch.setattr("ecg_lightning.encoders.source_hash", spy)
    name_of(config_of(tmp_path), data_over(tmp_path))
    assert {"reconstruction.py", "windowing.py", "windows.py", "dense_encoder.py"} < set(hashed)


def test_labels_count_where_they_choose_the_rows(tmp_path: Path) -> None:
    one, other = (data_over(tmp_path, classes=classes) for classes in (("N", "V"), ("V", "N")))
    plain, share = config_of(tmp_path), config_of(tmp_path, "pretrain.positive_share=0.5")
    assert name_of(plain, one) == name_of(plain, other)
    assert name_of(share, one) != name_of(share, other)


def test_training_rows_without_positives_are_refused_in_words_and_leave_nothing(tmp_path: Path) -> None:
    data = binary(data_over(tmp_path, classes=("N", "S")))  # every beat is N or V
    with pytest.raises(
        Refused, match=r"pretrain.positive_share=0.8, but none of the \d+ training rows is of the second"
    ):
        pretrain(config_of(tmp_path, "pretrain.positive_share=0.8"), data, tmp_path)
    assert [path.suffix for path in (tmp_path / "cache" / "pretrain").iterdir()] == [".lock"]
    assert not (tmp_path / "pretrain").exists()


def test_an_encoder_for_which_there_is_no_room_names_the_cache_and_leaves_nothing(tmp_path: Path) -> None:
    data, cfg = data_over(tmp_path), config_of(tmp_path)
    _ = data.source  # the store is there already
    said = (
        rf"cache_dir={tmp_path}/cache cannot take the encoder \(.*\): free some room, or set ECG_CACHE_DIR to another"
    )
    with pytest.raises(OSError, match=said), short_files(40):
        pretrain(cfg, data, tmp_path)
    assert [path.suffix for path in (tmp_path / "cache" / "pretrain").iterdir()] == [".lock"]


def test_a_share_of_positives_among_several_classes_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"positive_share=0.8 is for tasks of two classes, but task arrhythmia is multic"):
        pretrain(config_of(tmp_path, "pretrain.positive_share=0.8"), data_over(tmp_path), tmp_path)


def test_a_dry_run_of_one_batch_works_as_well(tmp_path: Path) -> None:
    assert load_file(pretrain(config_of(tmp_path, "trainer.fast_dev_run=true"), data_over(tmp_path), tmp_path))


def network_of() -> CNNLSTMAttention:
    torch.manual_seed(0)
    settings: Mapping[str, Any] = {"filters": (4, 8), "kernels": (5, 3), "lstm_units": 8, "dense_units": 8}
    return CNNLSTMAttention(1, 280, 2, [], [], {}, latent_size=8, **settings)


def train_classifier(network: CNNLSTMAttention, data: BeatData) -> None:
    optimizer = partial(torch.optim.AdamW, lr=1e-2, weight_decay=0.1)
    metrics = {"macro_f1": MacroF1(2)}
    module = Classification(
        network, CrossEntropy(), metrics, optimizer, schedules.constant, "val/macro_f1", "multiclass", "mean", 0
    )
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    Trainer(accelerator="cpu", max_epochs=1, enable_model_summary=False, **quiet).fit(module, data)


@pytest.mark.parametrize("frozen", [True, False])
def test_a_frozen_encoder_stays_while_the_network_learns_and_another_moves(tmp_path: Path, frozen: bool) -> None:
    data, network = data_over(tmp_path), network_of()
    file = pretrain(config_of(tmp_path), data, tmp_path)
    load_encoder(network, file, frozen)
    head = network.head[1].weight.detach().clone()
    for name, weight in load_file(file).items():
        assert torch.equal(network.get_parameter(f"encoder.{name}"), weight)
    train_classifier(network, data)
    moved = [
        not torch.equal(network.get_parameter(f"encoder.{name}"), weight) for name, weight in load_file(file).items()
    ]
    assert moved == [not frozen] * 6
    assert not torch.equal(network.head[1].weight, head)


def test_a_network_learns_the_same_beside_a_new_encoder_and_a_reused_one(tmp_path: Path) -> None:
    trained, cfg = [], config_of(tmp_path)
    for place in ("new", "reused"):
        data, network = data_over(tmp_path), network_of()
        load_encoder(network, pretrain(cfg, data, run_folder(tmp_path, place)), frozen=False)
        train_classifier(network, data)
        trained.append(network.state_dict())
    assert all(torch.equal(trained[0][name], trained[1][name]) for name in trained[0])


def test_a_stage_that_is_stopped_leaves_no_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, cfg = data_over(tmp_path), config_of(tmp_path)
    gather = WindowSource.gather

    def interrupted(source: WindowSource, row: Tensor, scored: Tensor, seed: int | None = None) -> Any:
        if seed is not None:
            raise KeyboardInterrupt
        return gather(source, row, scored, seed)

    monkeypatch.setattr(WindowSource, "gather", interrupted)
    handler = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit):
            pretrain(cfg, data, tmp_path)
    finally:
        signal.signal(signal.SIGINT, handler)  # Lightning turns a second Ctrl-C off
    assert [path.suffix for path in (tmp_path / "cache" / "pretrain").iterdir()] == [".lock"]
    assert not (tmp_path / "pretrain").exists()
