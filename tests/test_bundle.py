"""A bundle gives back the network that was put in, or says why not."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ecg_lightning import bundle, contract
from ecg_lightning.bundle import BadBundle
from ecg_lightning.contract import Contract, Score, from_json
from ecg_lightning.features import Features
from ecg_lightning.layers.reconstruction_scores import parts
from ecg_lightning.model_card import model_card
from ecg_lightning.models.hybrid_cnn import HybridCNN
from ecg_lightning.models.logistic import Logistic
from ecg_lightning.predict import recordings, segments
from ecg_lightning.prepare import Preprocess
from ecg_lightning.structures import Record
from ecg_lightning.windowing import Crops, Segments, Window
from tests.corpora.small_disk import short_files

GOLDEN = Path(__file__).parent / "golden"
MEAN, STD = (0.8, 1.0), (0.2, 0.1)
ARGUMENTS: dict[str, Any] = {
    "n_leads": 1,
    "n_samples": 280,
    "n_outputs": 5,
    "feature_mean": list(MEAN),
    "feature_std": list(STD),
    "width": 4,
}


def a_contract() -> Contract:
    return Contract(
        task="arrhythmia",
        network="ecg_lightning.models.hybrid_cnn.HybridCNN",
        arguments=ARGUMENTS,
        produces="logits",
        problem="multiclass",
        classes=tuple("NSVFQ"),
        class_names={"N": "normal", "S": "supraventricular", "V": "ventricular", "F": "fusion", "Q": "paced"},
        preprocess=Preprocess(("MLII",), 360.0, "diagnostic", "butterworth"),
        window=Window(280, 140),
        features=Features(("pre_rr_s", "post_over_pre"), "diagnostic"),
        feature_mean=MEAN,
        feature_std=STD,
        temperature=1.5,
        thresholds=None,
        patients={"train": ("101", "106"), "val": ("124",), "test": ("100",)},
        data={"corpus": "mitdb", "fingerprint": "abc", "synthetic": False, "licence": "ODC-BY 1.0"},
        tags={"shared_patient": "201,202"},
        test={"test/accuracy": 0.94, "test/macro_f1": 0.5, "test/macro_f1_low": 0.4, "test/macro_f1_high": 0.6},
    )


def a_network() -> HybridCNN:
    torch.manual_seed(0)
    return HybridCNN(**ARGUMENTS).eval()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bundle.write(tmp_path / "model", a_network(), a_contract())
    return tmp_path / "model"


def test_a_network_gives_the_same_logits_after_the_round_trip(folder: Path) -> None:
    network = a_network()
    ecg, features = torch.randn(8, 1, 280), torch.rand(8, 2)
    found = bundle.read(folder)
    torch.testing.assert_close(found.network(ecg, features), network(ecg, features), rtol=0, atol=0)
    assert not found.network.training
    assert found.contract == replace(a_contract(), arguments=found.contract.arguments)
    assert found.contract.arguments == ARGUMENTS


def test_a_bundle_for_which_there_is_no_room_says_so_and_has_no_contract(folder: Path) -> None:
    said = r"model/model.safetensors cannot be written \(.*\): free some room, and do it again"
    with pytest.raises(OSError, match=said), short_files(1000):
        bundle.write(folder, a_network(), a_contract())
    assert not (folder / "contract.json").exists()


def test_weights_in_channels_last_can_be_kept(tmp_path: Path) -> None:
    network = a_network().to(memory_format=torch.channels_last)
    bundle.write(tmp_path, network, a_contract())
    found = bundle.read(tmp_path).network.state_dict()
    assert all(torch.equal(found[name], weights) for name, weights in network.state_dict().items())


def test_the_contract_says_all_that_a_stranger_needs(folder: Path) -> None:
    said = json.loads((folder / "contract.json").read_text())
    assert said["contract"] == 5
    assert said["network"]["class"] == "ecg_lightning.models.hybrid_cnn.HybridCNN"
    assert said["inputs"][0] == {
        "name": "ecg",
        "shape": [1, 280],
        "leads": ["MLII"],
        "unit": "mV",
        "normalise": "z-score of the window",
    }
    assert said["inputs"][1]["mean"] == [0.8, 1.0]
    assert (said["leads"], said["fs_hz"], said["mode"]) == (["MLII"], 360.0, "diagnostic")
    assert said["window"] == {"n_samples": 280, "n_before": 140}
    assert said["preprocess"]["high_hz"] == 50.0
    assert (said["problem"], said["aggregation"], said["decision"]) == ("multiclass", "beat", "argmax")
    assert said["latency_ms"] is None
    assert "zero-phase" in said["latency_reason"]
    assert said["patients"]["test"] == ["100"]


def test_a_real_time_contract_says_its_latency() -> None:
    live = replace(
        a_contract(),
        preprocess=Preprocess(("MLII",), 360.0, "real_time", "none"),
        features=Features(("pre_rr_s",), "real_time"),
    )
    assert json.loads(live.to_json())["latency_ms"] == pytest.approx(1000 * 140 / 360)


def of_recordings() -> Contract:
    """Of a network that labels whole recordings, by crops."""
    return replace(
        a_contract(),
        task="ptbxl",
        problem="multilabel",
        preprocess=Preprocess(("II", "V1"), 100.0, "diagnostic", "none", scale="record", unit="NU"),
        window=Crops(250, 125, "mean"),
        features=Features(("age_years", "sex_female"), "diagnostic"),
        thresholds=(0.5, 0.25, 0.125, 0.75, 0.5),
        offsets=(0.0, -0.5, 0.25, 0.0, -1.5),
        test={"test/macro_auroc": 0.9, "test/macro_auroc_low": 0.8, "test/macro_auroc_high": 0.95},
    )


def test_a_contract_of_recordings_says_its_crops_its_unit_and_its_thresholds() -> None:
    said = json.loads(of_recordings().to_json())
    assert said["window"] == {"n_samples": 250, "hop": 125, "by": "mean"}
    assert (said["aggregation"], said["decision"], said["problem"]) == ("crops", "thresholds", "multilabel")
    assert said["thresholds"] == [0.5, 0.25, 0.125, 0.75, 0.5]
    assert said["offsets"] == [0, -0.5, 0.25, 0, -1.5]
    assert said["inputs"][0]["shape"] == [2, 250]
    assert (said["inputs"][0]["unit"], said["inputs"][0]["normalise"]) == ("NU", "z-score, record")
    assert said["inputs"][1]["names"] == ["age_years", "sex_female"]
    assert said["latency_ms"] is None
    assert "whole recording" in said["latency_reason"]
    assert from_json(json.dumps(said)) == of_recordings()


def of_segments() -> Contract:
    """Of a network that says of every ten seconds whether glucose is low."""
    return replace(
        a_contract(),
        task="hypoglycemia",
        problem="binary",
        classes=("normal", "low"),
        preprocess=Preprocess(("ECG",), 250.0, "diagnostic", "butterworth", unit="NU", beats="detected"),
        window=Segments(2500, 2500),
        features=Features(("hr_bpm", "hour_sin"), "diagnostic"),
        thresholds=(0.375,),
        offsets=(-0.75,),
        test={"test/auroc": 0.75, "test/f1/low": 0.5, "test/majority/macro_f1": 0.4},
        tags={"same_patients": "true"},
        extra_channels={"breathing": 1, "activity": 2},
    )


def test_a_contract_of_segments_says_its_threshold_its_beats_and_the_other_signals() -> None:
    said = json.loads(of_segments().to_json())
    assert said["window"] == {"n_samples": 2500, "hop": 2500}
    assert (said["aggregation"], said["decision"], said["problem"]) == ("segments", "thresholds", "binary")
    assert (said["thresholds"], said["preprocess"]["beats"]) == ([0.375], "detected")
    extra = {"name": "extra", "channels": {"breathing": 1, "activity": 2}, "normalise": "z-score, record"}
    assert said["inputs"][2] == extra
    assert len(json.loads(a_contract().to_json())["inputs"]) == 2
    assert "segment" in said["latency_reason"]
    assert from_json(json.dumps(said)) == of_segments()


@pytest.mark.parametrize("change", [{"thresholds": None}, {"thresholds": (0.5, 0.5)}, {"classes": ("a", "b", "c")}])
def test_two_classes_have_one_threshold(change: dict[str, Any]) -> None:
    with pytest.raises(BadBundle, match=r"problem=binary takes two classes and one threshold, not classes=.*: train"):
        replace(of_segments(), **change)


@pytest.mark.parametrize(
    ("make", "offsets", "wanted"), [(of_segments, (0.5, 0.5), 1), (of_recordings, (0.5,), 5), (a_contract, (0.5,), 0)]
)
def test_there_is_an_offset_for_each_output_or_none(
    make: Callable[[], Contract], offsets: tuple[float, ...], wanted: int
) -> None:
    whole = make()
    assert replace(whole, offsets=()).offsets == ()
    with pytest.raises(BadBundle, match=rf"problem=.* takes {wanted} offsets or none, not offsets=\[.*: train again"):
        replace(whole, offsets=offsets)


def golden(version: int) -> bundle.Bundle:
    """The bundle of a golden contract, with weights by formula, and what an autoencoder knows of normals too."""
    found = from_json((GOLDEN / f"contract_{version}" / "contract.json").read_text())
    network = bundle.build(found).eval()
    known = network.normal.buffers() if found.problem == "anomaly" else ()
    with torch.no_grad():
        for weights in (*network.parameters(), *known):
            weights.copy_(torch.linspace(-1, 1, weights.numel()).reshape(weights.shape))
        if found.problem == "anomaly":
            network.normal.spread.abs_()
    return bundle.Bundle(network, found)


def golden_logits(version: int) -> list[Any]:
    """Its logits, for inputs by formula: two windows, a recording of four crops, or one of eight segments.

    If anomaly, every part of the score, for the two windows.
    """
    made, features = golden(version), torch.tensor([[0.8, 1.0], [0.4, 1.3]])
    if version == 4:
        ecg = torch.sin(torch.arange(80.0)).reshape(2, 2, 20)
        with torch.no_grad():
            return parts(made.network, ecg, features, torch.tensor(MEAN), torch.tensor(STD)).tolist()
    if version == 3:
        ecg = torch.sin(torch.arange(450.0)).square().cumsum(0).sin().reshape(1, 450).numpy()
        record = Record("a", "a", ecg, ("ECG",), 100.0, np.empty(0, np.int64), (), False, "NU", begin_s=1.4e9)
        return segments.logits(made, record).tolist()
    if version in (2, 5):
        ecg = torch.sin(torch.arange(90.0)).reshape(2, 45).numpy()
        person = {"age_years": 75.0, "sex_female": 1.0}
        leads, no_peaks = ("V2", "II"), np.empty(0, np.int64)
        return recordings.logits(made, Record("a", "a", ecg, leads, 100.0, no_peaks, (), False, "NU", person)).tolist()
    with torch.no_grad():
        return made.network(torch.sin(torch.arange(80.0)).reshape(2, 2, 20), features).tolist()


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5])
def test_bundles_of_every_version_answer_as_they_did(version: int) -> None:
    expected = json.loads((GOLDEN / f"contract_{version}" / "logits.json").read_text())
    np.testing.assert_allclose(golden_logits(version), expected, rtol=1e-5)


def test_every_version_has_a_golden_contract() -> None:
    assert {path.name for path in GOLDEN.glob("contract_*")} == {
        f"contract_{n}" for n in range(1, contract.VERSION + 1)
    }


def test_a_contract_of_version_1_is_read_for_ever() -> None:
    found = golden(1).contract
    assert found.network == "ecg_lightning.models.logistic.Logistic"
    assert found.preprocess == Preprocess(("MLII", "V1|V2"), 250.0, "real_time", "butterworth", "causal", 0.5, 40.0, 2)
    assert found.window == Window(20, 8)
    assert found.features == Features(("pre_rr_s", "pre_over_local"), "real_time")
    assert (found.feature_mean, found.feature_std) == ((0.8, 1.0), (0.2, 0.1))
    assert (found.classes, found.temperature) == (("N", "V"), 1.25)
    assert (found.problem, found.thresholds, found.preprocess.unit) == ("multiclass", None, "mV")
    assert found.data["synthetic"] is True


def test_a_contract_of_version_2_is_read_for_ever() -> None:
    found = golden(2).contract
    expected = Preprocess(("II", "V1|V2"), 100.0, "diagnostic", "none", scale="record", unit="NU")
    assert (found.task, found.problem, found.preprocess) == ("ptbxl", "multilabel", expected)
    assert found.window == Crops(20, 10, "mean")
    assert found.features == Features(("age_years", "sex_female"), "diagnostic")
    assert (found.classes, found.thresholds) == (("NORM", "MI", "CD"), (0.5, 0.25, 0.375))
    assert (found.preprocess.beats, found.offsets) == ("annotated", ())


def test_a_contract_of_version_3_is_read_for_ever() -> None:
    found = golden(3).contract
    expected = Preprocess(("ECG",), 100.0, "diagnostic", "none", high_hz=40.0, unit="NU", beats="detected")
    assert (found.task, found.problem, found.preprocess) == ("hypoglycemia", "binary", expected)
    assert found.window == Segments(100, 50)
    assert found.features == Features(("hour_sin", "hour_cos"), "diagnostic")
    assert (found.classes, found.thresholds, found.temperature) == (("normal", "low"), (0.375,), 1.25)
    assert found.offsets == (-0.5,)
    assert (found.extra_channels, found.score) == ({}, None)


def test_a_contract_of_version_4_is_read_for_ever() -> None:
    found = golden(4).contract
    expected = Preprocess(("MLII", "V1|V2"), 125.0, "diagnostic", "butterworth", "zero", 0.5, 40.0, 2)
    assert (found.task, found.problem, found.preprocess) == ("anomaly", "anomaly", expected)
    assert (found.produces, found.window) == ("reconstruction", Window(20, 8))
    assert (found.classes, found.thresholds, found.temperature) == (("normal", "anomaly"), (1.75,), 1)
    assert found.score == Score(("latent", "rhythm"), (1.0, 0.75), (0.25, 0.5), "mean + 2 SD of validation normals")
    assert json.loads(found.to_json())["decision"] == "score"
    assert from_json(found.to_json()) == found


def test_a_contract_of_version_5_is_read_for_ever() -> None:
    found = golden(5).contract
    assert (found.task, found.problem, found.temperature) == ("ptbxl", "multilabel", 1.25)
    assert (found.thresholds, found.offsets) == ((0.5, 0.25, 0.375), (0.5, 0.0, -0.25))
    assert (found.features, found.feature_mean) == (Features((), "diagnostic"), ())
    assert (found.window, found.network) == (Crops(20, 10, "max"), "ecg_lightning.models.cnn.CNN")
    assert from_json(found.to_json()) == found


def test_anomalies_alone_have_a_score_and_one_threshold() -> None:
    found = golden(4).contract
    for change in ({"score": None}, {"problem": "binary"}):
        with pytest.raises(BadBundle, match=r"problem=.* with score=.*: anomalies alone have one; train again"):
            replace(found, **change)
    for change in ({"thresholds": None}, {"classes": ("normal", "S", "V")}):
        with pytest.raises(BadBundle, match="problem=anomaly takes two classes and one threshold"):
            replace(found, **change)
    for names, mean, sd in (((), (), ()), (("mae",), (), (1.0,)), (("mae",), (0.5,), (1.0, 1.0))):
        with pytest.raises(BadBundle, match=r"score of parts=.* takes one mean and one sd for each, not mean=.*sd="):
            Score(names, mean, sd, "")


def test_an_older_contract_is_upgraded_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    old = json.loads(a_contract().to_json()) | {"contract": 0, "temperature": "unknown"}
    del old["problem"], old["preprocess"]["unit"], old["preprocess"]["beats"], old["offsets"], old["score"]
    from_0 = {0: lambda found: found | {"temperature": 1.0}}
    monkeypatch.setattr(contract, "UPGRADES", from_0 | dict(contract.UPGRADES))
    assert from_json(json.dumps(old)) == replace(a_contract(), temperature=1.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"contract": 6, "package_version": "9.9"}, "contract=6 is newer than 5.*install the package_version=9.9"),
        ({"contract": 0}, "contract=0 is unknown"),
        ({"contract": "1"}, "contract=1 is unknown"),
        (
            {"network": {"class": "os.path.Join", "arguments": {}}},
            "network=os.path.Join is not below ecg_lightning.models",
        ),
        ({"network": {"class": "ecg_lightning.models.nothing.Net", "arguments": {}}}, "cannot be imported"),
        ({"network": {"class": "ecg_lightning.models.logistic.Tensor", "arguments": {}}}, "is no network"),
        (
            {"network": {"class": "ecg_lightning.models.logistic.Logistic", "arguments": {"depth": 3}}},
            "other arguments",
        ),
        (
            {
                "network": {
                    "class": "ecg_lightning.models.logistic.Logistic",
                    "arguments": ARGUMENTS | {"n_samples": 10**15},
                }
            },
            "other arguments",
        ),
        ({"temperature": 0}, "temperature=0 must be positive and finite"),
        ({"temperature": float("nan")}, "temperature=nan must be positive and finite"),
        ({"network": {"class": "ecg_lightning.models.logistic.Logistic"}}, "contract.json lacks 'arguments'"),
        ({"classes": 5}, "contract.json has a value of the wrong kind"),
        ({"window": {"n_samples": 280, "before": 140}}, "contract.json has a value of the wrong kind"),
        ({"preprocess": {"filter": "wavelet"}}, "filter=wavelet is unknown"),
        ({"aggregation": "crops"}, "contract.json has a value of the wrong kind"),
        ({"aggregation": "seconds"}, "aggregation=seconds is none of beat, crops, segments: copy the bundle again"),
        ({"problem": "binary"}, "problem=binary takes two classes and one threshold"),
    ],
)
def test_a_contract_that_cannot_be_used_is_refused_in_words(folder: Path, change: dict[str, Any], words: str) -> None:
    said = json.loads((folder / "contract.json").read_text()) | change
    (folder / "contract.json").write_text(json.dumps(said))
    with pytest.raises(BadBundle, match=f"bundle=.*model: .*{words}"):
        bundle.read(folder)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "contract.json").write_text('{"contract": 1,'), "contract.json is no JSON"),
        (lambda folder: (folder / "contract.json").write_text("[]"), "contract.json has a value of the wrong kind"),
        (lambda folder: (folder / "contract.json").write_bytes(b"\xff\xfe\x00"), "contract.json is no text"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"x" * 20), "model.safetensors is damaged"),
        (
            lambda folder: (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-9]),
            "model.safetensors is damaged",
        ),
        (
            lambda folder: bundle.save_model(Logistic(1, 280, 5, MEAN, STD), str(folder / "model.safetensors")),
            "model.safetensors is of another network",
        ),
    ],
)
def test_a_damaged_bundle_is_refused_in_words(folder: Path, damage: Callable[[Path], object], words: str) -> None:
    damage(folder)
    with pytest.raises(BadBundle, match=words):
        bundle.read(folder)


@pytest.mark.parametrize("name", ["contract.json", "model.safetensors"])
def test_a_missing_part_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing in bundle=.*: name the folder `model`"):
        bundle.read(folder)


def test_a_network_of_a_plugin_needs_the_word_of_its_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_networks.py").write_text("from torch import nn\nclass Mine(nn.Linear):\n    scope = 'window'\n")
    monkeypatch.syspath_prepend(tmp_path)
    import my_networks

    mine = replace(a_contract(), network="my_networks.Mine", arguments={"in_features": 3, "out_features": 2})
    bundle.write(tmp_path / "model", my_networks.Mine(3, 2), mine)
    with pytest.raises(BadBundle, match=r"network=my_networks.Mine is not below .* add plugins=\[my_networks\]"):
        bundle.read(tmp_path / "model")
    assert isinstance(bundle.read(tmp_path / "model", ["my_networks"]).network, my_networks.Mine)


def test_a_contract_of_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadBundle, match=r"network=.*HybridCNN in the contract, but the weights are of .*Logistic"):
        bundle.write(tmp_path, Logistic(1, 280, 5, MEAN, STD), a_contract())


@pytest.mark.parametrize("value", [float("nan"), torch.zeros(1), {1, 2}])
def test_a_value_that_is_not_plain_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(BadBundle, match="the contract holds a value that JSON cannot keep"):
        bundle.write(tmp_path, a_network(), replace(a_contract(), arguments={"width": value}))
    assert not list(tmp_path.iterdir()), "nothing half written"


def test_undefined_numbers_are_left_out(tmp_path: Path) -> None:
    test = {"test/accuracy": 0.9, "test/auroc/Q": float("nan")}
    bundle.write(tmp_path, a_network(), replace(a_contract(), test=test))
    assert bundle.read(tmp_path).contract.test == {"test/accuracy": 0.9}


def test_the_model_card_says_what_it_is_and_how_good(folder: Path) -> None:
    card = (folder / "README.md").read_text()
    for words in ("# HybridCNN for arrhythmia", "**V** ventricular", "| macro_f1 | 0.500 | 0.400 to 0.600 |", "ODC-BY"):
        assert words in card
    assert "MLII, in millivolts, at 360 Hz" in card
    assert "One person stands on both sides" in card
    assert "answers = beats.classify(model, record)" in card
    assert "Synthetic" not in card
    assert "Tagged" not in card


def test_the_model_card_lists_every_tag() -> None:
    tags = {"synthetic": "true", "beside_published": "102,104", "unheard": "of", "unknown_patients": "9"}
    card = model_card(replace(a_contract(), tags=tags))
    assert "do not compare with published ones. (`beside_published=102,104`)" in card
    assert "> Tagged `unheard=of`." in card
    assert "all rows of csv files as one person. (`unknown_patients=9`)" in card


def test_the_model_card_warns_of_synthetic_and_leaky_numbers() -> None:
    data, tags = {"corpus": "mitdb", "synthetic": True}, {"leaky_split": "true"}
    card = model_card(replace(a_contract(), data=data, tags=tags, test={}))
    assert "**Synthetic data.**" in card
    assert "**the model's test numbers are leaky**" in card
    assert "The test rows were not scored." in card


def test_the_model_card_of_recordings_says_crops_unit_and_thresholds() -> None:
    card = model_card(of_recordings())
    for words in (
        "II, V1, without a unit (NU: amplitude is lost), at 100 Hz",
        "Window: 250 samples; of a longer recording one every 125, of whose probabilities the mean counts",
        "Filter: none\n",
        "Features: `age_years`, `sex_female`",
        "a class is called from: N 0.500, S 0.250, V 0.125, F 0.750, Q 0.500",
        "from ecg_lightning.predict import recordings",
        "answers = recordings.diagnose(model, record)",
        "| macro_auroc | 0.900 | 0.800 to 0.950 |",
    ):
        assert words in card
    assert "R peak" not in card
    assert "0.500 for every class" in model_card(replace(of_recordings(), thresholds=None))


def test_the_model_card_of_segments_says_threshold_beats_and_signals() -> None:
    card = model_card(of_segments())
    for words in (
        "Window: 2500 samples, one window every 2500, each answered by itself",
        "Other signals, as far as they are there: breathing, activity",
        "R peaks: found in the first lead",
        "Probabilities: sigmoid of the logit divided by 1.5, plus -0.75, for low, called from 0.375",
        "answers = segments.watch(model, record)",
        "The test patients were seen in training, at other times",
        "| auroc | 0.750 |  |",
        "| majority/macro_f1 | 0.400 |  |",
        "| class | f1 |\n|---|---|\n| normal |  |\n| low | 0.500 |",
    ):
        assert words in card
    assert "Other signals" not in model_card(of_recordings())


def test_the_model_card_of_anomalies_says_score_threshold_and_every_kind() -> None:
    test = {"test/auroc": 0.75, "test/always_anomaly/f1": 0.25, "test/auroc/S": 0.5}
    test |= {"test/accuracy": 0.625, "test/majority/accuracy": 0.875, "test/always_anomaly/accuracy": 0.125}
    made = replace(golden(4).contract, test=test | {"test/auroc/S_low": 0.375, "test/auroc/S_high": 0.625})
    card = model_card(made)
    for words in (
        "- Score: mean of (part - mean) / SD over distance from normal windows in latent space (1.000 ± 0.250), root",
        "features (0.750 ± 0.500); anomaly from 1.750 on (mean + 2 SD of validation normals)",
        "| accuracy | 0.625 |  |\n| majority/accuracy | 0.875 |  |\n| always_anomaly/accuracy | 0.125 |  |",
        "| always_anomaly/f1 | 0.250 |  |",
        "| auroc/S | 0.500 | 0.375 to 0.625 |",
        "there is one row per beat",
    ):
        assert words in card
    assert "Probabilities" not in card
    alone = replace(made, score=Score(("mae",), (0.1,), (0.02,), "percentile 95 of validation normals"))
    alone = replace(alone, window=Crops(20, 10, "max"), thresholds=(0.15,))
    card = model_card(alone)
    assert "Score: mean absolute error of the reconstruction; anomaly from 0.150 on (percentile 95 of" in card
    assert "of whose scores the max counts" in card
    assert "there is one row per recording" in card
