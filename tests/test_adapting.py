"""A fine-tuning run begins with a bundle that fits it and has not seen its patient, or is refused in words."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import DictConfig, OmegaConf

from ecg_lightning import adapting, assembly, bundle, config, evaluation
from ecg_lightning.contract import Contract
from ecg_lightning.features import Features
from ecg_lightning.refusals import ConfigError
from ecg_lightning.structures import Facts, Refused
from tests.corpora.binary import draw_binary
from tests.corpora.compose import composed
from tests.corpora.glucose_data import Belt, every_five_minutes

TASK, NETWORK = ("task=hypoglycemia", "features=none"), ("model=cnn", "model.width=4")
FACTS = Facts((8, 2), 10, (), (), (2,))
PATIENTS = {"train": ("001", "002"), "val": ("003",), "test": ("004", "005")}


def asked(*overrides: str, network: Sequence[str] = NETWORK) -> DictConfig:
    cfg = composed(*TASK, *network, *overrides)
    OmegaConf.resolve(cfg)
    return cfg


def data_of(cfg: DictConfig, folder: Path) -> Any:
    cfg.task.data.cache_dir = str(folder / "cache")
    corpus = Belt({"004": every_five_minutes(5.0, 3.0)}, {"004": [(0.0, 60)]})
    return config.constructed(cfg.task.data, corpus=corpus, scope="window")


def write_bundle(folder: Path, cfg: DictConfig) -> Path:
    """A bundle of such a run."""
    network, arguments = assembly.build_network(cfg, FACTS)
    data = data_of(cfg, folder)
    contract = Contract(
        task="hypoglycemia",
        network=cfg.model._target_,
        arguments=arguments,
        produces="logits",
        problem="binary",
        classes=("normal", "low"),
        class_names=dict(cfg.task.class_names),
        preprocess=data.preprocess,
        window=data.window,
        features=data.features,
        feature_mean=(),
        feature_std=(),
        temperature=1.0,
        thresholds=(0.4,),
        patients=PATIENTS,
        data={"corpus": "belt", "source": "synthetic", "fingerprint": "abc", "synthetic": True}
        | dict.fromkeys(("licence", "citation"), "none")
        | {"remarks": []},
        tags={},
        test={},
    )
    bundle.write(folder / "model", network, contract)
    return folder / "model"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("run"), asked())


def begun(model: Path, *overrides: str, patient: str = "004") -> tuple[torch.nn.Module, dict[str, Any]]:
    cfg = asked("adapt=patient", f"adapt.bundle={model}", f"adapt.patient={patient}", *overrides)
    return adapting.start(cfg, data_of(cfg, model.parent))


def test_a_run_begins_with_the_weights_of_the_bundle_and_is_ready_to_learn(model: Path) -> None:
    network, arguments = begun(model)
    trained = bundle.read(model)
    for name, weight in trained.network.state_dict().items():
        assert torch.equal(network.state_dict()[name], weight), name
    assert arguments == dict(trained.contract.arguments)
    assert all(part.training for part in network.modules()), "Lightning leaves a network in the mode that it is given"
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("frozen", [True, False])
def test_a_pretrained_encoder_goes_on_learning_only_where_it_is_not_frozen(tmp_path: Path, frozen: bool) -> None:
    network = ("model=cnn_lstm_attention", "pretrain=autoencoder", "pretrain.latent_size=4")
    model = write_bundle(tmp_path, asked(network=network))
    words = (f"adapt.bundle={model}", "adapt.patient=004", f"pretrain.frozen={str(frozen).lower()}")
    cfg = asked("adapt=patient", *words, network=network)
    begun_with, _ = adapting.start(cfg, data_of(cfg, tmp_path))
    learns = {name: parameter.requires_grad for name, parameter in begun_with.named_parameters()}
    assert {learns[name] for name in learns if name.startswith("encoder.")} == {not frozen}
    assert all(learns[name] for name in learns if not name.startswith("encoder."))


def test_beginning_opens_no_store(model: Path, tmp_path: Path) -> None:
    cfg = asked("adapt=patient", f"adapt.bundle={model}", "adapt.patient=004")
    data = data_of(cfg, tmp_path)
    adapting.start(cfg, data)
    assert not list(tmp_path.iterdir())


def test_adaptation_divides_the_patient_that_it_names(model: Path) -> None:
    cfg = asked("adapt=patient", f"adapt.bundle={model}", "adapt.patient=004")
    assert config.constructed(cfg.split).patient == cfg.adapt.patient == "004"
    config.check(cfg)


@pytest.mark.parametrize(
    ("patient", "said"),
    [
        ("002", "adapt.patient=002 is among the patients that adapt.bundle=.* has learned from: choose one that"),
        ("003", "adapt.patient=003 is among the patients that .* was chosen by: .* not seen, e.g. 004, 005$"),
    ],
)
def test_a_patient_that_the_bundle_has_seen_is_refused_in_words(model: Path, patient: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        begun(model, patient=patient)


def test_nobody_is_refused_with_whom_to_name(model: Path) -> None:
    cfg = asked("adapt=patient", f"adapt.bundle={model}")
    said = "adapt.patient is not given: choose one that the bundle has not seen, e.g. 004, 005$"
    with pytest.raises(Refused, match=said):
        adapting.start(cfg, data_of(cfg, model.parent))


def test_patients_who_would_be_refused_as_well_are_not_suggested(model: Path) -> None:
    cfg = asked("adapt=patient", f"adapt.bundle={model}", "adapt.patient=002")
    made = bundle.read(model).contract
    test = ("001", "003", *(f"{number:03d}" for number in range(4, 12)))
    with pytest.raises(Refused, match=r"e.g. 004, 005, 006, 007, 008$"):
        adapting.check_unseen(cfg, replace(made, patients={**PATIENTS, "test": test}))
    with pytest.raises(Refused, match="the bundle has seen all of its patients: take one that was trained without"):
        adapting.check_unseen(cfg, replace(made, patients={**PATIENTS, "test": test[:2]}))


def test_a_split_of_another_patient_than_named_does_not_get_round_it(model: Path) -> None:
    with pytest.raises(Refused, match=r"adapt.patient=001 is among the patients"):
        begun(model, "split.patient='001'")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["model=hybrid_cnn"], "model is ecg_lightning.models.cnn.CNN, here ecg_lightning.models.hybrid"),
        (["model.width=8"], "model.width is 4, here 8"),
        (["task.signal.leads=[II]"], r"preprocess.leads is \['ECG'\], here \['II'\]"),
        (["task.signal.fs_hz=125"], "preprocess.fs_hz is 250.0, here 125"),
        (["task.signal.window_s=5"], "task.data.window.n_samples is 2500, here 1250"),
        (["preprocess.high_hz=30"], "preprocess.high_hz is 40.*, here 30"),
        (["task.classes=[normal,hypo]"], r"task.classes is \['normal', 'low'\], here \['normal', 'hypo'\]"),
        (["task.data.low_mmol_l=4.5"], "task.class_names.low is .* below 3.9 mmol/L, here .* below 4.5 mmol/L"),
        (["task.problem=multiclass"], "task.problem is binary, here multiclass"),
        (["task.extra=[breathing]"], r"task.extra is \[\], here \['breathing'\]"),
    ],
)
def test_a_run_that_differs_from_the_bundle_is_refused_in_words(
    model: Path, overrides: Sequence[str], said: str
) -> None:
    with pytest.raises(Refused, match=rf"adapt.bundle=.* was trained otherwise: .*{said}.*Ask for what it has"):
        begun(model, *overrides)


def test_features_must_be_those_of_the_bundle_where_the_network_looks_at_them(tmp_path: Path, model: Path) -> None:
    begun(model, "features=rhythm")  # a cnn does not, whatever its bundle says
    older = json.loads((model / "contract.json").read_text())
    older["features"]["names"], mean = ["hr_bpm"], {"mean": [60.0], "std": [10.0]}
    older["inputs"][1] |= {"names": ["hr_bpm"]} | mean
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / "contract.json").write_text(json.dumps(older))
    shutil.copy(model / "model.safetensors", tmp_path / "older")
    begun(tmp_path / "older", "features=hrv")
    cfg = asked("adapt=patient", f"adapt.bundle={tmp_path / 'older'}", "adapt.patient=004")
    assert adapting.inherit(cfg, bundle.read(model).contract).feature_mean == ()
    model = write_bundle(tmp_path, asked(network=("model=cnn_lstm_attention",)))
    words = ("adapt=patient", f"adapt.bundle={model}", "adapt.patient=004", "features=rhythm")
    cfg = asked(*words, network=("model=cnn_lstm_attention",))
    with pytest.raises(Refused, match=r"features.names is \[\], here \['pre_rr_s'.*Ask for what it has"):
        adapting.start(cfg, data_of(cfg, tmp_path))


def test_all_that_differs_is_said_at_once(model: Path) -> None:
    with pytest.raises(Refused, match=r"model.width is 4, here 8; preprocess.high_hz is 40.*, here 30"):
        begun(model, "model.width=8", "preprocess.high_hz=30")


def test_a_run_without_a_bundle_is_refused_in_words() -> None:
    with pytest.raises(ConfigError, match=r"adapt.bundle is not given: name the folder `model` of a finished run"):
        config.check(composed(*TASK, *NETWORK, "adapt=patient", "adapt.patient=004"))


def test_a_bundle_that_is_not_there_or_damaged_is_refused_in_words(tmp_path: Path, model: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"contract.json is missing in bundle="):
        begun(tmp_path / "nowhere")
    (tmp_path / "contract.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes((model / "model.safetensors").read_bytes())
    with pytest.raises(Refused, match=r"bundle=.*contract.json lacks 'contract': copy the bundle again"):
        begun(tmp_path)


def test_numbers_from_before_are_those_of_the_same_rows_under_another_name() -> None:
    predictions = draw_binary()
    numbers = adapting.before(predictions)
    found = evaluation.evaluate(predictions).metrics
    assert numbers["before/test/auroc"] == found["test/auroc"]
    assert {name.removeprefix("before/") for name in numbers} == set(found)


def test_an_adapted_network_remembers_whom_it_has_learned_from_before(model: Path) -> None:
    cfg = asked("adapt=patient", f"adapt.bundle={model}", "adapt.patient=004")
    first = bundle.read(model).contract
    own = {side: ("004",) for side in ("train", "val", "test")}
    taken = {"features": Features(("hr_bpm",), "diagnostic"), "feature_mean": (1.0,), "feature_std": (2.0,)}
    made = replace(first, patients=own, thresholds=(0.7,), **taken)
    kept = adapting.inherit(cfg, made)
    assert kept.patients == {"train": ("001", "002", "004"), "val": ("003", "004"), "test": ("004",)}
    assert (kept.feature_mean, kept.feature_std) == (first.feature_mean, first.feature_std)
    assert kept.thresholds == (0.7,)
    again = asked("adapt=patient", f"adapt.bundle={model}", "adapt.patient=002")
    with pytest.raises(Refused, match=r"adapt.patient=002 is among the patients"):
        adapting.check_unseen(again, kept)
