"""The config tree and the one place that says no."""

import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from ecg_lightning import config, scp
from ecg_lightning.refusals import ConfigError


def composed(*overrides: str, config_dir: Path | None = None) -> DictConfig:
    config.register()
    with initialize_config_dir(str(config_dir or config.folder()), version_base="1.3"):
        return compose("config", overrides=list(overrides))


def refused(*overrides: str, config_dir: Path | None = None) -> list[str]:
    """What check says no to, line by line."""
    with pytest.raises(ConfigError) as error:
        config.check(composed(*overrides, config_dir=config_dir))
    return str(error.value).splitlines()


@pytest.mark.parametrize(
    ("task", "mode"), [("arrhythmia", "diagnostic"), ("arrhythmia", "real_time"), ("ptbxl", "diagnostic")]
)
def test_a_task_as_it_stands_is_fine_in_its_modes(task: str, mode: str) -> None:
    config.check(composed(f"task={task}", f"task.mode={mode}"))


def test_checking_leaves_the_config_as_it_is() -> None:
    cfg = composed()
    before = OmegaConf.to_container(cfg, resolve=True)
    config.check(cfg)
    assert OmegaConf.to_container(cfg, resolve=True) == before


def test_the_mode_chooses_filter_and_features() -> None:
    diagnostic, real_time = composed(), composed("task.mode=real_time")
    assert (diagnostic.preprocess.phase, real_time.preprocess.phase) == ("zero", "causal")
    assert "post_rr_s" in diagnostic.features.names
    assert list(real_time.features.names) == ["pre_rr_s", "local_rr_s", "pre_over_local", "pre_over_running"]


def test_windows_are_counted_in_samples_of_the_tasks_rate() -> None:
    window = composed("task.signal.fs_hz=180").task.data.window
    assert (window.n_samples, window.n_before) == (140, 70)


def test_a_misspelt_key_is_named_with_what_was_meant() -> None:
    assert refused("+model.droput=0.1") == ["model.droput: HybridCNN has no such argument; did you mean 'dropout'?"]


def test_a_misspelt_key_of_a_foreign_constructor_is_named_before_it_is_imported() -> None:
    assert refused("+trainer.max_epoch=3") == [
        "trainer.max_epoch: Trainer has no such argument; did you mean 'max_epochs'?"
    ]


def test_a_key_that_resembles_nothing_is_answered_by_what_there_is() -> None:
    (said,) = refused("+split.zzz=1")
    assert said == "split.zzz: InterPatient has no such argument; it takes validation, train_also, test_also"


def test_a_misspelt_key_inside_a_preset_is_named(tmp_path: Path) -> None:
    preset = tmp_path / "experiment" / "mine.yaml"
    preset.parent.mkdir()
    preset.write_text("# @package _global_\nmodel:\n  widht: 8\ntask:\n  data:\n    batchsize: 4\n")
    said = refused("experiment=mine", f"hydra.searchpath=[file://{tmp_path}]")
    assert said == [
        "task.data.batchsize: BeatData has no such argument; did you mean 'batch_size'?",
        "model.widht: HybridCNN has no such argument; did you mean 'width'?",
    ]


def test_a_missing_argument_is_named() -> None:
    assert refused("~model.n_outputs") == ["model.n_outputs: HybridCNN needs it"]


def test_clashes_are_said_all_at_once() -> None:
    said = refused("features=none", "sampler=balanced", "task.monitor.mode=up")
    assert said[:2] == [
        "model HybridCNN needs features, but none are chosen: features=rhythm, or a model of the ECG alone",
        "sampler Balanced and loss WeightedCrossEntropy both re-weight classes: choose one, "
        "or say sampler.with_weighted_loss=true",
    ]
    assert "task.monitor.mode=up must be min or max" in said


@pytest.mark.parametrize("sampler", ["balanced", "oversample", "undersample"])
def test_a_rebalancing_sampler_may_stand_beside_a_weighted_loss_if_it_is_said(sampler: str) -> None:
    config.check(composed(f"sampler={sampler}", "sampler.with_weighted_loss=true"))
    config.check(composed(f"sampler={sampler}", "loss=cross_entropy"))


def test_a_model_of_the_ecg_alone_needs_no_features() -> None:
    config.check(composed("model=cnn", "features=none"))


def plugin(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Write a package of somebody else's, in the place of any that another test has imported."""
    monkeypatch.delitem(sys.modules, "elsewhere", raising=False)
    (folder / "elsewhere.py").write_text(text)
    monkeypatch.syspath_prepend(folder)


FOREIGN_LOSS = """
class Foreign:
    consumes = "{consumes}"
    problems = ("multilabel", "regression")
    weighted = False
"""


def test_a_loss_for_another_problem_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin(tmp_path, monkeypatch, FOREIGN_LOSS.format(consumes="reconstruction"))
    assert refused("loss=cross_entropy", "loss._target_=elsewhere.Foreign", "plugins=[elsewhere]") == [
        "model HybridCNN gives logits, but loss Foreign takes reconstruction",
        "loss Foreign is for multilabel or regression, but task arrhythmia is multiclass: "
        "loss=cross_entropy, weighted_cross_entropy or focal",
    ]


@pytest.mark.parametrize("target", ["os.system", "subprocess.run", "torchish.nn.Linear", "ecg_lightning_evil.Thing"])
def test_a_foreign_target_is_refused(target: str) -> None:
    top = target.partition(".")[0]
    assert refused("loss=cross_entropy", f"loss._target_={target}") == [
        f"loss: _target_={target} is not below ecg_lightning, torch, pytorch_lightning, torchmetrics: "
        f"if you trust that package, add plugins=[{top}]"
    ]


def test_a_target_that_is_not_there_is_refused() -> None:
    said = refused("loss=cross_entropy", "loss._target_=ecg_lightning.losses.Nothing")
    assert said == [
        "loss: _target_=ecg_lightning.losses.Nothing: ecg_lightning.losses has no class or function 'Nothing'"
    ]


def test_targets_are_found_however_deep() -> None:
    cfg = OmegaConf.create({"a": {"_target_": "x.Y", "b": [{"_target_": "x.Z"}, 1]}, "c": "???"})
    assert [path for path, _ in config.targets(cfg)] == ["a", "a.b[0]"]


SEQUENCE = """
class Row:
    takes = ("ecg",)
    produces = "logits"
    scope = "sequence"
    causal = {causal}
"""


def test_sequences_refuse_samplers_of_single_beats_and_real_time_unless_causal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin(tmp_path, monkeypatch, SEQUENCE.format(causal=False))
    swap = ("plugins=[elsewhere]", "model=logistic", "model._target_=elsewhere.Row", "loss=cross_entropy")
    drop = tuple(f"~model.{name}" for name in ("n_leads", "n_samples", "n_outputs"))
    assert refused(*swap, *drop, "sampler=balanced", "task.mode=real_time") == [
        "sampler Balanced draws single beats, but model Row takes beats in a row: sampler=none",
        "model Row looks at later beats, but task.mode=real_time may not",
    ]
    config.check(composed(*swap, *drop))


def test_a_causal_sequence_may_run_in_real_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "causal_row.py").write_text(SEQUENCE.format(causal=True))
    monkeypatch.syspath_prepend(tmp_path)
    swap = ("plugins=[causal_row]", "model=logistic", "model._target_=causal_row.Row")
    drop = tuple(f"~model.{name}" for name in ("n_leads", "n_samples", "n_outputs"))
    config.check(composed(*swap, *drop, "task.mode=real_time"))


def test_a_split_that_the_corpus_cannot_serve_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other_corpus.py").write_text('class Strips:\n    provides = ("patient", "beats")\n')
    monkeypatch.syspath_prepend(tmp_path)
    keys = composed().dataset.keys() - {"_target_"}
    swap = ("plugins=[other_corpus]", "dataset._target_=other_corpus.Strips", *(f"~dataset.{key}" for key in keys))
    assert refused(*swap) == ["split InterPatient needs de_chazal_records, which dataset Strips does not give"]
    config.check(composed(*swap, "split=holdout"))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            "task.signal.window_s=0.78",
            "window_s=0.78 at fs_hz=360 is 280.800 samples, not a whole number: take 280/360 or 281/360 "
            "(task.signal.window_s)",
        ),
        ("task.signal.window_s=long", "window_s=long is no duration: give seconds, or a fraction such as 280/360"),
        ("task.signal.window_s=1/0", "window_s=1/0 is no duration: give seconds, or a fraction such as 280/360"),
        ("task.signal.window_s=0", "window_s=0 must be above 0 seconds"),
        ("task.signal.window_s=-1", "window_s=-1 must be above 0 seconds"),
        ("task.mode=live", "task.mode=live is unknown: choose from diagnostic, real_time"),
    ],
)
def test_impossible_windows_and_modes_are_refused(override: str, said: str) -> None:
    assert refused(override) == [said]


@pytest.mark.parametrize("window_s", ["0.7", "0.775", "280/360", "4"])
def test_windows_of_whole_samples_are_fine(window_s: str) -> None:
    config.check(composed(f"task.signal.window_s={window_s}"))


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("preprocess.phase=zero",), "a zero-phase filter runs backwards over the whole record"),
        (("preprocess=median",), "the median baseline looks 0.4 s ahead"),
        (("preprocess.scale=record",), "the z-score is taken over the whole record"),
    ],
)
def test_preprocessing_that_looks_ahead_is_refused_in_real_time(overrides: tuple[str, ...], said: str) -> None:
    expected = f"preprocess: task.mode=real_time, but {said}: choose preprocess=causal or preprocess=raw"
    assert refused("task.mode=real_time", *overrides) == [expected]


@pytest.mark.parametrize("preprocess", ["causal", "raw", "butterworth"])
@pytest.mark.parametrize("scale", ["window", "running", "none"])
def test_what_does_not_look_ahead_is_fine_in_real_time(preprocess: str, scale: str) -> None:
    config.check(composed("task.mode=real_time", f"preprocess={preprocess}", f"preprocess.scale={scale}"))


def test_features_that_look_ahead_are_refused_in_real_time() -> None:
    assert refused("task.mode=real_time", "features.names=[pre_rr_s,post_rr_s]") == [
        "features: task.mode=real_time, but post_rr_s look ahead: leave them out of features.names"
    ]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("features.names=[rr]",), "features: features.names holds ['rr']: choose from"),
        (("split.validation=[100]",), "split: split.validation=['100'] names ['100'], not in DS1"),
        (
            ("split=holdout", "split.val_share=0.9"),
            "split: split.val_share=0.9 and split.test_share=0.2 must be above 0",
        ),
        (("sampler=balanced", "loss=cross_entropy", "sampler.power=0"), "sampler: sampler.power=0 must lie above 0"),
        (("preprocess.high_hz=400",), "preprocess: low_hz=0.5 and high_hz=400 must rise between 0 and 180"),
    ],
)
def test_what_light_parts_refuse_is_said_with_their_name(overrides: tuple[str, ...], said: str) -> None:
    (line,) = refused(*overrides)
    assert line.startswith(said)


def test_values_of_a_schedule_are_refused_before_data_is_read() -> None:
    said = ["schedule: warmup_share=2 must be at least 0 and below 1: the rest goes down"]
    assert refused("schedule=one_cycle", "schedule.warmup_share=2") == said
    assert refused("schedule.factor=2") == ["schedule: Factor should be < 1.0."]
    (line,) = refused("schedule=cosine", "trainer.max_epochs=-1")
    assert line == "schedule: n_steps=inf must be finite and at least 1: set trainer.max_epochs"


def test_constructed_speaks_in_the_constructors_words() -> None:
    node = OmegaConf.create({"_target_": "ecg_lightning.sampling.Balanced", "power": 2.0})
    with pytest.raises(ConfigError, match=r"^sampler.power=2.0 must lie above 0 and not above 1$"):
        config.constructed(node)


def test_constructed_says_whose_arguments_are_wrong() -> None:
    node = OmegaConf.create({"_target_": "ecg_lightning.sampling.Balanced", "powre": 2.0})
    with pytest.raises(ConfigError, match=r"^Balanced refuses its arguments: missing a required argument: 'power'$"):
        config.constructed(node)


def test_constructed_hands_other_errors_on() -> None:
    with pytest.raises(HydraException, match="Expected a callable target, got '3'"):
        config.constructed(OmegaConf.create({"_target_": 3}))


def test_keys_that_nothing_reads_are_refused() -> None:
    assert refused("+nonsense=1", "+task.zzz=2") == ["nonsense: there is no such key", "task.zzz: there is no such key"]


def test_constructed_hands_over_plain_lists_and_what_is_given() -> None:
    features = config.constructed(
        OmegaConf.create({"_target_": "ecg_lightning.features.Features", "names": []}), mode="real_time"
    )
    assert (features.names, features.mode) == ((), "real_time")


def test_importing_and_checking_touch_neither_lightning_nor_mlflow_nor_the_disk(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from hydra import compose, initialize_config_dir\n"
        "from ecg_lightning import config\n"
        "config.register()\n"
        "with initialize_config_dir(str(config.folder()), version_base='1.3'):\n"
        "    cfg = compose('config')\n"
        "config.check(cfg)\n"
        "heavy = {'pytorch_lightning', 'mlflow', 'torchmetrics', 'wfdb', 'matplotlib', 'pandas'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert said.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []


def test_an_argument_of_another_kind_is_named_before_data_is_touched() -> None:
    with pytest.raises(ConfigError, match=r"^model\.width=abc must be of kind int$"):
        config.check(composed("model.width=abc"))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            "task.monitor.metric=val/f1",
            "task.monitor.metric=val/f1 is not watched: "
            "choose from val/loss, val/accuracy, val/macro_f1, val/macro_f1_nsvf",
        ),
        (
            "task.headline_classes=[N,X]",
            "task.headline_classes holds ['X'], not among task.classes=['N', 'S', 'V', 'F', 'Q']",
        ),
        ("optim.lr=abc", "optim.lr=abc must be of kind float | Tensor"),
        ("trainer.max_epochs=abc", "trainer.max_epochs=abc must be of kind Optional[int]"),
    ],
)
def test_values_that_would_end_a_run_late_are_refused_at_once(override: str, said: str) -> None:
    assert refused(override) == [said]


@pytest.mark.parametrize("override", ["optim.lr=1", "trainer.max_epochs=null", "task.monitor.metric=val/loss"])
def test_values_of_a_kind_that_is_allowed_are_fine(override: str) -> None:
    config.check(composed(override))


@pytest.mark.parametrize("classes", ["NSVFQ", "QVNFS"])
def test_the_headline_score_follows_its_classes_in_whatever_order_they_stand(classes: str) -> None:
    cfg = composed(f"task.classes=[{','.join(classes)}]")
    watched = [classes[index] for index in cfg.task.metrics.macro_f1_nsvf.classes]
    assert watched == ["N", "S", "V", "F"]


SILENT = """
class Silent:
    takes = ("ecg",)
    scope = "window"

    def __init__(self, n_leads, n_samples, n_outputs):
        self.produces = "logits"
"""


def test_a_network_that_does_not_say_what_it_produces_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin(tmp_path, monkeypatch, SILENT)
    swap = ("plugins=[elsewhere]", "model=logistic", "model._target_=elsewhere.Silent")
    assert refused(*swap) == ["Silent does not say `produces`: give the class that attribute, as a literal"]


def test_the_task_of_whole_recordings_is_fine_as_it_stands() -> None:
    cfg = composed("task=ptbxl")
    config.check(cfg)
    assert list(cfg.task.classes) == ["NORM", "MI", "STTC", "CD", "HYP"]
    assert cfg.task.data.window == {
        "_target_": "ecg_lightning.windowing.Crops", "n_samples": 1000, "hop": 500, "by": "mean",
    }  # fmt: skip
    assert cfg.model.n_samples == 1000


def test_crops_are_half_a_crop_apart() -> None:
    window = composed("task=ptbxl", "task.signal.window_s=2.5", "task.aggregate=max").task.data.window
    assert (window.n_samples, window.hop, window.by) == (250, 125, "max")


@pytest.mark.parametrize("kind", scp.KINDS)
def test_the_kind_of_labels_chooses_classes_and_their_names(kind: str) -> None:
    cfg = composed("task=ptbxl", f"task.labels={kind}")
    config.check(cfg)
    assert tuple(cfg.task.classes) == scp.classes(kind)
    assert dict(cfg.task.class_names) == scp.long_names(kind)
    assert cfg.model.n_outputs == len(scp.classes(kind))


def test_an_unknown_kind_of_labels_is_refused() -> None:
    assert refused("task=ptbxl", "task.labels=both") == [
        "task.labels=both is unknown: choose from super, sub, diag, form, rhythm, all"
    ]


def test_classes_in_another_order_than_their_labels_are_refused() -> None:
    (said,) = refused("task=ptbxl", "task.classes=[MI,NORM,STTC,CD,HYP]")
    assert said == (
        "task.classes=['MI', 'NORM', 'STTC', 'CD', 'HYP'] must be those of task.labels=super: "
        "leave it at ['NORM', 'MI', 'STTC', 'CD', 'HYP']"
    )


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            ("task=ptbxl", "dataset=mitdb"),
            [
                "split Official needs official_folds, which dataset MITDB does not give",
                "task ptbxl needs statements, person, which dataset MITDB does not give",
            ],
        ),
        (("dataset=ptbxl", "split=holdout"), ["task arrhythmia needs beats, which dataset PTBXL does not give"]),
        (
            ("task=ptbxl", "features=rhythm", "features.names=[pre_rr_s]"),
            [
                "features pre_rr_s describe a beat, but a row of task ptbxl is about a person: "
                "features=demographics, or features=none"
            ],
        ),
        (
            ("features=demographics",),
            [
                "features age_years, sex_female describe a person, but a row of task arrhythmia is about a beat: "
                "features=rhythm, or features=none"
            ],
        ),
        (
            ("features.names=[pre_rr_s,age_years]",),
            [
                "features age_years describe a person, but a row of task arrhythmia is about a beat: "
                "features=rhythm, or features=none",
                "features: features.names=['pre_rr_s', 'age_years'] mixes what is about a beat and a person: "
                "take those of one",
            ],
        ),
        (("task=ptbxl", "task.mode=real_time"), ["task.mode=real_time is not for task ptbxl: diagnostic"]),
        (
            ("task=ptbxl", "loss=cross_entropy"),
            [
                "loss CrossEntropy is for multiclass, but task ptbxl is multilabel: "
                "loss=bce, weighted_bce, class_balanced, binary_focal or asymmetric"
            ],
        ),
        (
            ("loss=bce",),
            [
                "loss BinaryCrossEntropy is for multilabel or binary, but task arrhythmia is multiclass: "
                "loss=cross_entropy, weighted_cross_entropy or focal"
            ],
        ),
        (
            ("task=ptbxl", "task.monitor.metric=val/macro_f1"),
            ["task.monitor.metric=val/macro_f1 is not watched: choose from val/loss, val/macro_auroc"],
        ),
        (
            ("task=ptbxl", "split.test=9"),
            ["split: split.validation=9 and split.test=9 are one fold: choose by another"],
        ),
    ],
)
def test_parts_of_beats_and_of_recordings_do_not_mix(overrides: tuple[str, ...], said: list[str]) -> None:
    assert refused(*overrides) == said


@pytest.mark.parametrize("model", ["cnn", "resnet1d_wang", "inception1d", "xresnet1d101"])
def test_networks_of_the_ecg_alone_take_recordings_without_persons(model: str) -> None:
    config.check(composed("task=ptbxl", f"model={model}", "features=none", "task.signal.window_s=2.5"))


def test_a_network_of_beats_in_a_row_cannot_take_recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in_a_row.py").write_text(SEQUENCE.format(causal=True))
    monkeypatch.syspath_prepend(tmp_path)
    swap = ("task=ptbxl", "plugins=[in_a_row]", "model=logistic", "model._target_=in_a_row.Row")
    drop = tuple(f"~model.{name}" for name in ("n_leads", "n_samples", "n_outputs"))
    assert refused(*swap, *drop) == ["model Row takes beats in a row, but a row of task ptbxl is a whole recording"]


def test_a_network_that_needs_features_of_persons_is_told_which() -> None:
    assert refused("task=ptbxl", "features=none")[0] == (
        "model ResNetBiLSTMAttention needs features, but none are chosen: features=demographics, or a model "
        "of the ECG alone"
    )


def test_recordings_that_are_not_z_scored_are_the_tasks_choice_and_not_the_presets() -> None:
    assert composed("task=ptbxl").preprocess.scale == "none"
    assert composed("task=ptbxl", "preprocess.scale=record").preprocess.scale == "record"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("task.extra=[ppg]",), "task.extra=['ppg'] is not in dataset D1NAMO, which has breathing, activity"),
        (
            ("model=cnn", "task.extra=[breathing]"),
            "model CNN takes no other signals, but task.extra=['breathing'] asks for some: give []",
        ),
        (
            ("model=cnn", "pretrain=autoencoder"),
            "model CNN has no place for a pretrained encoder: pretrain=none, or model=cnn_lstm_attention",
        ),
        (
            ("task.problem=multilabel", "task.classes=[a,b]"),
            "task.problem=multilabel, but rows of GlucoseData are binary: leave it so",
        ),
        (
            ("task.least_specificity=1.5",),
            "task.least_specificity=1.5 must lie between 0 and 1, or be null for best F1",
        ),
        (
            ("model=cnn1d", "loss=mse"),
            "model Cnn1d gives logits, but loss MeanSquaredError takes reconstruction",
        ),
        (("task.mode=real_time",), "task.mode=real_time is not for task hypoglycemia: diagnostic"),
    ],
)
def test_what_hypoglycemia_cannot_be_asked_is_said(overrides: tuple[str, ...], said: str) -> None:
    assert said in refused("task=hypoglycemia", *overrides)


def test_two_classes_are_told_apart_by_one_logit_and_no_fewer_or_more() -> None:
    (said,) = refused("task=hypoglycemia", "task.classes=[a,b,c]")
    assert said == "task.problem=binary takes two classes, the negative one first: not ['a', 'b', 'c']"


def test_networks_that_hear_samples_refuse_a_spectrogram() -> None:
    (said,) = refused("task=abnormal_beat", "model=cnn")
    assert said == "model CNN hears samples, not the spectrogram that features=stft asks for: features=raw"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("task.score=mse",), "task.score=mse is unknown: choose from mae, weighted, latent"),
        (
            ("task.threshold.percentile=95",),
            "task.threshold has n_sd=2.0 and percentile=95.0: give one of them and null for the other, e.g. "
            "task.threshold.n_sd=null task.threshold.percentile=95",
        ),
        (
            ("task.threshold.percentile=100", "task.threshold.n_sd=null"),
            "task.threshold.percentile=100.0 must lie between 0 and 100",
        ),
        (("task.threshold.n_sd=nan",), "task.threshold.n_sd=nan must be a number"),
        (
            ("sampler=balanced",),
            "sampler Balanced draws by class, but task anomaly learns normal rows alone: sampler=none",
        ),
        (
            ("pretrain=autoencoder",),
            "model ConvAutoencoder is an autoencoder itself, which nothing teaches before: pretrain=none",
        ),
        (
            ("adapt=patient", "adapt.bundle=model", "adapt.patient='100'"),
            "adapt=patient is for tasks of classes, but anomaly learns what is normal: leave it out",
        ),
        (
            ("loss=bce",),
            "model ConvAutoencoder gives reconstruction, but loss BinaryCrossEntropy takes logits: autoencoders are "
            "for task=anomaly, its losses, and pretrain=autoencoder",
        ),
        (
            ("model.latent_size=360",),
            "model: latent_size=360 must be at least 1 and smaller than the window of 360 samples",
        ),
    ],
)
def test_what_anomalies_cannot_be_asked_is_said(overrides: tuple[str, ...], said: str) -> None:
    assert any(line.startswith(said) for line in refused("task=anomaly", *overrides)), refused(
        "task=anomaly", *overrides
    )


def test_leads_rate_window_and_split_of_anomalies_follow_the_dataset() -> None:
    known = {}
    for dataset in ("mitdb", "ptbxl", "heartbeat_csv", "ptbdb_csv"):
        cfg = composed("task=anomaly", f"dataset={dataset}")
        config.check(cfg)
        known[dataset] = (cfg.task.signal.fs_hz, len(cfg.task.signal.leads), cfg.split._target_.rpartition(".")[2])
    assert known == {
        "mitdb": (360, 1, "InterPatient"),
        "ptbxl": (100, 12, "Official"),
        "heartbeat_csv": (125, 1, "Files"),
        "ptbdb_csv": (125, 1, "RandomWindows"),
    }


FOLDS = {"kfold": ("split.n_folds=3",), "lopo": (), "lopo_ds1": ()}


@pytest.mark.parametrize(("split", "said"), [("kfold", "range(3)"), ("lopo", "range(43)"), ("lopo_ds1", "range(22)")])
def test_the_number_of_folds_comes_from_the_list_of_records(split: str, said: str, twin_cache: Path) -> None:
    cfg = composed(f"split={split}", *FOLDS[split], f"cache_dir={twin_cache}", "dataset.source=synthetic")
    assert config.fold_numbers(cfg.split, cfg.dataset, [f"split={split}", "model=cnn,logistic"]) == said


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (("split=inter_patient",), [], r"sweep=folds takes a split of several folds, but InterPatient has one: split="),
        (("split=kfold", "split.fold=2"), [], r"makes every fold, but split\.fold=2 asks for one: leave out either"),
        (
            ("split=kfold",),
            ["task=arrhythmia,anomaly"],
            r"several values of task, which have folds of their own: leave",
        ),
        (("split=kfold",), ["split=kfold,lopo"], r"several values of split, which have folds of their own"),
        (("split=kfold",), ["split.n_folds=2,3"], r"several values of split\.n_folds, which have folds of their own"),
        (("split=kfold",), ["experiment=a,b"], r"several values of experiment"),
        (("split=kfold",), ["dataset=mitdb,ptbxl"], r"several values of dataset, which have folds of their own"),
    ],
)
def test_folds_that_cannot_be_jobs_are_refused_in_words(words: tuple[str, ...], typed: list[str], said: str) -> None:
    cfg = composed(*words)
    with pytest.raises(ConfigError, match=said):
        config.fold_numbers(cfg.split, cfg.dataset, typed)
