"""A recording goes in, a row for every label comes out; and the answer is that of the run that trained the network."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_lightning import Trainer
from scipy.signal import resample_poly
from torch import Tensor, nn

from ecg_lightning.bundle import Bundle
from ecg_lightning.contract import Contract
from ecg_lightning.datamodules.records import RecordData
from ecg_lightning.features import Features
from ecg_lightning.losses import BinaryCrossEntropy
from ecg_lightning.models.logistic import Logistic
from ecg_lightning.modules.classification import Classification
from ecg_lightning.predict.recordings import diagnose, logits
from ecg_lightning.prepare import Preprocess
from ecg_lightning.schedules import constant
from ecg_lightning.structures import BadRecord, Record, Refused
from ecg_lightning.windowing import Crops, Segments, Window
from tests.corpora.record_data import LEADS, SUPER, corpus_in, preprocess_of, record_data, write_records

PERSON = ("age_years", "sex_female")
FILTERED = replace(preprocess_of(scale="window"), filter="butterworth", high_hz=40.0)


class EcgAlone(nn.Module):
    """The mean of every lead's squares, weighed."""

    takes, produces, scope = ("ecg",), "logits", "window"

    def __init__(self, n_outputs: int) -> None:
        super().__init__()
        self.weigh = nn.LazyLinear(n_outputs)

    def forward(self, ecg: Tensor) -> Tensor:
        return self.weigh(ecg.square().mean(dim=2))


OFFSETS = (0.25, -0.5, 0.0, 0.5, -0.25)


def contract_of(
    window: Crops, preprocess: Preprocess, names: Sequence[str] = PERSON, thresholds: tuple[float, ...] | None = None
) -> Contract:
    return Contract(
        task="ptbxl",
        network="somebody.Elses",
        arguments={},
        produces="logits",
        problem="multilabel",
        classes=SUPER,
        class_names={},
        preprocess=preprocess,
        window=window,
        features=Features(tuple(names), "diagnostic"),
        feature_mean=(60.0, 0.5)[: len(names)],
        feature_std=(15.0, 0.5)[: len(names)],
        temperature=2.0,
        thresholds=thresholds,
        offsets=OFFSETS,
        patients={},
        data={},
        tags={},
        test={},
    )


def logistic(n_samples: int) -> Logistic:
    torch.manual_seed(0)
    return Logistic(12, n_samples, 5, (60.0, 0.5), (15.0, 0.5)).eval()


def answers_of_the_run(data: RecordData, network: nn.Module) -> tuple[Tensor, Tensor]:
    """Row numbers and logits, as a run would write them into its prediction table."""
    by = data.window.by if isinstance(data.window, Crops) else "mean"
    parts = (BinaryCrossEntropy(), {}, partial(torch.optim.Adam, lr=1e-3), constant)
    module = Classification(network, *parts, "val/loss", "multilabel", by, seed=0)
    data.scored_sides = ("val", "test")
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = Trainer(accelerator="cpu", enable_checkpointing=False, **quiet)
    row, found = (torch.cat(part) for part in zip(*trainer.predict(module, datamodule=data), strict=True))
    return row, found


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_records(folder, 20)
    return folder


def a_record(n_samples: int = 600) -> Record:
    ecg_mv = np.random.default_rng(0).standard_normal((12, n_samples)).astype(np.float32)
    nothing = np.empty(0, np.int64)
    return Record("a", "p", ecg_mv, LEADS, 100.0, nothing, (), False, person={"age_years": 71.0, "sex_female": 0.0})


def a_bundle(thresholds: tuple[float, ...] | None = (0.5, 0.1, 0.9, 0.4, 0.6), by: str = "mean") -> Bundle:
    return Bundle(logistic(250), contract_of(Crops(250, 125, by), preprocess_of(), thresholds=thresholds))


@pytest.mark.filterwarnings("ignore:.*:UserWarning:pytorch_lightning")
@pytest.mark.parametrize("window", [Crops(1000, 500, "mean"), Crops(250, 125, "mean"), Crops(300, 270, "max")])
@pytest.mark.parametrize(
    "preprocess", [preprocess_of(), replace(preprocess_of(scale="window"), filter="butterworth", high_hz=40.0)]
)
def test_a_recording_is_answered_as_in_the_run(data_dir: Path, window: Crops, preprocess: Preprocess) -> None:
    data, network = record_data(data_dir, window=window, preprocess=preprocess), logistic(window.n_samples)
    made = Bundle(network, contract_of(window, preprocess))
    row, found = answers_of_the_run(data, network)
    assert len(row) == 4
    for one, expected in zip(row, found, strict=True):
        record = data.corpus.read(data.table.record_names[data.table.record[one]], LEADS[::-1])
        torch.testing.assert_close(logits(made, record).clone(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:.*:UserWarning:pytorch_lightning")
def test_a_recording_at_another_rate_is_answered_as_in_a_run_over_that_rate(tmp_path: Path) -> None:
    write_records(tmp_path, 10, fs_hz=500)
    corpus, window = corpus_in(tmp_path, 500), Crops(250, 125, "mean")
    data, network = record_data(tmp_path, corpus=corpus, window=window), logistic(250)
    row, found = answers_of_the_run(data, network)
    made = Bundle(network, contract_of(window, preprocess_of()))
    for one, expected in zip(row, found, strict=True):
        record = corpus.read(data.table.record_names[data.table.record[one]], LEADS)
        assert record.fs_hz == 500
        torch.testing.assert_close(logits(made, record).clone(), expected, atol=1e-5, rtol=1e-5)


def test_a_recording_at_five_times_the_rate_is_nearly_answered_alike() -> None:
    time_s = np.arange(5000) / 500
    waves = [np.sin(2 * np.pi * (1.1 + 0.7 * lead) * time_s) for lead in range(12)]
    fine = replace(a_record(), ecg_mv=np.float32(waves), fs_hz=500.0)
    coarse = replace(fine, ecg_mv=np.float32(resample_poly(np.float64(waves), 1, 5, axis=1)), fs_hz=100.0)
    torch.testing.assert_close(logits(a_bundle(), fine), logits(a_bundle(), coarse), atol=0.02, rtol=0.02)


def test_every_class_gets_a_calibrated_probability_and_is_called_from_its_threshold() -> None:
    found = diagnose(a_bundle(), a_record())
    assert list(found.columns) == ["recording", "class", "p", "threshold", "called"]
    assert found["class"].tolist() == list(SUPER)
    assert set(found["recording"]) == {"a"}
    expected = (logits(a_bundle(), a_record()) / 2.0 + torch.tensor(OFFSETS)).sigmoid()
    np.testing.assert_allclose(found["p"], expected, rtol=1e-6)
    assert found["threshold"].tolist() == [0.5, 0.1, 0.9, 0.4, 0.6]
    assert found["called"].tolist() == (found["p"] >= found["threshold"]).tolist()
    assert 0 < found["called"].sum() < 5


def test_without_thresholds_a_class_is_called_from_a_half() -> None:
    found = diagnose(a_bundle(thresholds=None), a_record())
    assert set(found["threshold"]) == {0.5}


def test_crops_are_averaged_by_probability_or_the_largest_is_taken() -> None:
    record = a_record()
    alone = torch.stack(
        [
            logits(a_bundle(), replace(record, ecg_mv=record.ecg_mv[:, begin : begin + 250]))
            for begin in (0, 125, 250, 350)
        ]
    )
    torch.testing.assert_close(logits(a_bundle(), record).sigmoid(), alone.sigmoid().mean(dim=0))
    torch.testing.assert_close(logits(a_bundle(by="max"), record), alone.amax(dim=0))


def test_leads_are_found_by_name() -> None:
    record = a_record()
    turned = replace(record, ecg_mv=record.ecg_mv[::-1].copy(), leads=tuple(name.upper() for name in LEADS[::-1]))
    torch.testing.assert_close(logits(a_bundle(), turned), logits(a_bundle(), record))


def test_what_is_not_known_of_the_person_counts_as_the_mean() -> None:
    average = logits(a_bundle(), replace(a_record(), person={"age_years": 60.0, "sex_female": 0.5}))
    nobody: dict[str, Any] = {}
    for person in (nobody, {"age_years": float("nan")}, {"age_years": float("nan"), "sex_female": float("nan")}):
        torch.testing.assert_close(logits(a_bundle(), replace(a_record(), person=person)), average)
    half = logits(a_bundle(), replace(a_record(), person={"sex_female": 1.0}))
    torch.testing.assert_close(half, logits(a_bundle(), replace(a_record(), person={"age_years": 60, "sex_female": 1})))
    assert not torch.equal(half, average)


def test_a_network_of_the_ecg_alone_needs_no_person() -> None:
    torch.manual_seed(0)
    made = Bundle(EcgAlone(5).eval(), contract_of(Crops(250, 125, "mean"), preprocess_of(), names=()))
    found = logits(made, replace(a_record(), person={}))
    torch.testing.assert_close(found, logits(made, a_record()))


def test_a_recording_that_is_too_short_is_refused_in_words() -> None:
    short = replace(a_record(), ecg_mv=a_record().ecg_mv[:, :249])
    with pytest.raises(
        ValueError, match=r"recording a has 249 samples at 100 Hz .2.5 s., fewer than the 250 that the network"
    ):
        diagnose(a_bundle(), short)


def test_a_recording_in_another_unit_is_refused_in_words() -> None:
    with pytest.raises(Refused, match="record a is in NU, but mV is asked for: convert it first"):
        diagnose(a_bundle(), replace(a_record(), unit="NU"))


def test_a_recording_without_a_lead_is_refused_in_words() -> None:
    with pytest.raises(BadRecord, match="record a: no lead V6 among"):
        diagnose(a_bundle(), replace(a_record(), ecg_mv=a_record().ecg_mv[:11], leads=LEADS[:11]))


def test_a_bundle_of_beats_or_stretches_is_refused_in_words() -> None:
    beats = replace(a_bundle().contract, window=Window(250, 125))
    with pytest.raises(ValueError, match=r"network=.* answers for single beats: use predict.beats.classify"):
        diagnose(Bundle(logistic(250), beats), a_record())
    stretches = replace(a_bundle().contract, window=Segments(250, 125))
    with pytest.raises(ValueError, match=r"answers for stretches of recordings: use predict.segments.watch"):
        diagnose(Bundle(logistic(250), stretches), a_record())
