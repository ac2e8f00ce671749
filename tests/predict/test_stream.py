"""Samples go in as they come, and the classes are those of the whole recording."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ecg_lightning import bundle
from ecg_lightning.bundle import Bundle
from ecg_lightning.datasets.mitdb import MITDB
from ecg_lightning.dsp.live_peaks import step
from ecg_lightning.features import Features
from ecg_lightning.predict import stream_file
from ecg_lightning.predict.beats import classify, logits
from ecg_lightning.predict.stream import Decision, Stream
from ecg_lightning.predict.stream_file import BadState
from ecg_lightning.predictions import Predictions
from ecg_lightning.prepare import Preprocess, latency_ms
from ecg_lightning.structures import BadRecord, Refused
from ecg_lightning.windowing import Crops, Segments, Window
from tests.corpora.anomaly_bundle import anomaly_bundle
from tests.corpora.command import SHORT, environment, train
from tests.corpora.real_time import FS_HZ, LEADS, NAMES, a_bundle, a_record, streamed

RECORD = a_record()
N = RECORD.ecg_mv.shape[1]
EVERY = [N]


def a_stream(detect: bool = False, made: Bundle | None = None) -> Stream:
    return Stream(made or a_bundle(), RECORD.leads, FS_HZ, detect)


def whole(stream: Stream, lengths: list[int]) -> list[Decision]:
    return streamed(stream, RECORD, lengths) + stream.finish()


@pytest.mark.parametrize("lengths", [EVERY, [17] * N, [0, 1, 1000, 3, 0, 400] * 10])
def test_with_annotated_beats_it_says_what_the_whole_record_says(lengths: list[int]) -> None:
    found = whole(a_stream(), lengths)
    expected = logits(a_bundle(), RECORD).numpy()
    assert len(found) == len(RECORD.peak_sample) > 20
    np.testing.assert_allclose([one.outputs for one in found], expected, atol=1e-5)
    table = classify(a_bundle(), RECORD)
    assert [one.called for one in found] == table["class"].tolist()
    assert len(set(table["class"])) > 1
    np.testing.assert_allclose([one.p["V"] for one in found], table["p_V"], atol=1e-5)
    np.testing.assert_allclose([one.time_s for one in found], table["time_s"])
    assert all(one.trusted for one in found)


@pytest.mark.parametrize("detect", [True, False])
def test_any_chunks_give_the_same_decisions_bit_by_bit(detect: bool) -> None:
    expected = whole(a_stream(detect), EVERY)
    assert len(expected) > 20
    rng = np.random.default_rng(0)
    assert whole(a_stream(detect), [*[1] * 500, N]) == expected, "the first level and the first beats, one by one"
    assert whole(a_stream(detect), rng.choice([0, 1, 7, 100], N).tolist()) == expected


def test_beats_that_it_finds_itself_are_answered_as_if_they_were_given() -> None:
    found = whole(a_stream(detect=True), EVERY)
    peaks = np.array([one.peak_sample for one in found])
    np.testing.assert_allclose(
        [one.outputs for one in found], logits(a_bundle(), replace(RECORD, peak_sample=peaks)).numpy(), atol=1e-5
    )
    inner = RECORD.peak_sample[1:-1]
    assert np.mean([np.abs(peaks - beat).min() <= 2 for beat in inner]) > 0.95


def test_a_decision_comes_with_the_sample_that_it_says() -> None:
    stream = a_stream(detect=True)
    early = []
    for at in range(N // 2):
        early += [(one, at + 1) for one in stream.push(RECORD.ecg_mv[:, at : at + 1])]
    assert all(one.ready_sample == when for one, when in early)
    contract = a_bundle().contract
    least, _ = latency_ms(contract.preprocess, contract.window, contract.features)
    assert least is not None
    assert min(one.latency_ms for one, _ in early) >= 1000 * 24 / FS_HZ
    assert np.median([one.latency_ms for one, _ in early]) <= 250


@pytest.mark.parametrize("detect", [True, False])
def test_a_stream_that_was_saved_goes_on_with_the_same_answers(tmp_path: Path, detect: bool) -> None:
    expected = whole(a_stream(detect), EVERY)
    for cut in (0, 130, 1500, N):
        stream = a_stream(detect)
        said = streamed(stream, RECORD, [cut])
        stream.save(tmp_path / "state.npz")
        again = Stream.load(a_bundle(), tmp_path / "state.npz")
        assert said + streamed(again, RECORD, EVERY, begin=cut) + again.finish() == expected
    assert [file.name for file in tmp_path.iterdir()] == ["state.npz"]


GO_ON = """
import sys
from pathlib import Path
from ecg_lightning import bundle
from ecg_lightning.predict.stream import Stream
from tests.corpora.real_time import a_record, streamed
folder = Path(sys.argv[1])
stream = Stream.load(bundle.read(folder / "model"), folder / "state.npz")
print([one.outputs for one in streamed(stream, a_record(), [100] * 40, begin=1500) + stream.finish()])
"""


@pytest.mark.slow
def test_another_process_goes_on_with_the_same_answers(tmp_path: Path) -> None:
    made = a_bundle()
    bundle.write(tmp_path / "model", made.network, made.contract)
    read = bundle.read(tmp_path / "model")
    expected = whole(a_stream(True, read), EVERY)
    stream = a_stream(True, read)
    n_said = len(streamed(stream, RECORD, [1500]))
    stream.save(tmp_path / "state.npz")
    words = [sys.executable, "-c", GO_ON, str(tmp_path)]
    done = subprocess.run(words, env=environment(tmp_path), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str([one.outputs for one in expected[n_said:]])


def test_what_it_remembers_does_not_grow(tmp_path: Path) -> None:
    stream, sizes = a_stream(detect=True), []
    for minute in range(10):
        for _ in range(3):
            stream.push(RECORD.ecg_mv[:, :2000])
        if minute in (0, 9):
            stream.save(tmp_path / "state.npz")
            sizes.append((tmp_path / "state.npz").stat().st_size)
    assert abs(sizes[1] - sizes[0]) < 0.02 * sizes[0]
    assert max(sizes) < 30_000


def test_lost_samples_are_held_and_beats_near_them_are_not_trusted() -> None:
    ecg = RECORD.ecg_mv.copy()
    ecg[1, 1000:1100] = np.nan  # of V1
    ecg[2, 1050:1150] = np.inf
    stream = a_stream()
    found = streamed(stream, RECORD, [333] * 20, ecg=ecg) + stream.finish()
    held = RECORD.ecg_mv.copy()
    held[1, 1000:1100], held[2, 1050:1150] = held[1, 999], held[2, 1049]
    np.testing.assert_allclose(
        [one.outputs for one in found], logits(a_bundle(), replace(RECORD, ecg_mv=held)).numpy(), atol=1e-5
    )
    settled = 1150 + round(a_bundle().contract.preprocess.memory_s() * FS_HZ)
    doubted = {one.peak_sample for one in found if not one.trusted}
    assert doubted == {
        one.peak_sample for one in found if one.peak_sample + 24 > 1000 and one.peak_sample - 36 < settled
    }
    assert 0 < len(doubted) < 15


def test_it_begins_with_an_electrode_that_is_off() -> None:
    ecg = np.full((3, 300), np.nan, np.float32)
    stream = a_stream(detect=True)
    assert stream.push(ecg) == []
    found = streamed(stream, RECORD, [1000])
    assert found
    assert np.isfinite([one.outputs for one in found]).all()
    assert not found[0].trusted


def test_anomalies_are_scored_while_they_come() -> None:
    causal = Preprocess(("MLII",), FS_HZ, "real_time", "butterworth", phase="causal", high_hz=40.0)
    made = anomaly_bundle(preprocess=causal, features=Features(("pre_rr_s",), "real_time"))
    found = whole(a_stream(made=made), [97] * 42)
    table = classify(made, RECORD)
    np.testing.assert_allclose([one.score for one in found], table["score"], atol=1e-4)
    assert [one.called for one in found] == table["class"].tolist()
    assert {one.threshold for one in found} == set(table["threshold"])
    assert all(one.p == {} for one in found)


def test_of_two_classes_the_second_is_called_from_its_threshold_on() -> None:
    torch.manual_seed(0)
    arguments = dict(a_bundle().contract.arguments) | {"n_outputs": 1}
    network = type(a_bundle().network)(**arguments).eval()
    contract = replace(a_bundle().contract, problem="binary", classes=("N", "V"), thresholds=(0.48,))
    made = Bundle(network, contract)
    found, table = whole(a_stream(made=made), EVERY), classify(made, RECORD)
    assert [one.called for one in found] == table["class"].tolist()
    assert {one.threshold for one in found} == {0.48}


def test_what_cannot_answer_in_time_is_refused_with_the_reason() -> None:
    def refused(match: str, made: Bundle) -> None:
        with pytest.raises(ValueError, match=match):
            Stream(made, RECORD.leads, FS_HZ)

    made = a_bundle()
    zero_phase = Preprocess(LEADS, FS_HZ, "diagnostic", "butterworth", high_hz=40.0)
    resampling = replace(made.contract.preprocess, mode="diagnostic")
    ahead = Features((*NAMES, "post_rr_s"), "diagnostic")
    refused("a zero-phase filter runs backwards .* train one with task.mode=real_time", a_bundle(preprocess=zero_phase))
    refused("cannot answer while a signal is arriving: task.mode=diagnostic may", a_bundle(preprocess=resampling))
    refused("cannot answer while a signal is arriving: post_rr_s needs later beats", a_bundle(features=ahead))
    refused("answers for whole recordings, .*: ask it by predict", a_bundle(window=Crops(60, 30, "mean")))
    refused("answers for stretches of recordings, .*: ask it by predict", a_bundle(window=Segments(60, 60)))
    unknown = replace(made.contract.preprocess, unit="NU")
    refused("the network knows samples in NU, but a stream is in mV", a_bundle(preprocess=unknown))
    refused("takes beats in a row: choose a bundle of a network of single beats", Bundle(Sequence(1, 1), made.contract))


class Sequence(nn.Linear):
    """A network that takes beats in a row."""

    takes, scope = ("ecg",), "sequence"


def test_another_rate_and_a_missing_lead_are_refused_in_words() -> None:
    with pytest.raises(
        Refused, match=r"has fs_hz=250, but the network knows 100 Hz, and resampling looks ahead: train"
    ):
        Stream(a_bundle(), RECORD.leads, 250.0)
    with pytest.raises(BadRecord, match="record of the stream: no lead V1 among MLII, V5"):
        Stream(a_bundle(), ("MLII", "V5"), FS_HZ)


def test_wrong_chunks_and_peaks_are_refused_and_nothing_is_taken() -> None:
    stream = a_stream()
    stream.push(RECORD.ecg_mv[:, :1000], np.array([50, 900]))
    piece = RECORD.ecg_mv[:, 1000:1100]
    for match, chunk, peaks in (
        (r"a chunk of shape \(2, 100\) must be \(lead, time\) with the 3 leads V5, V1, MLII", piece[:2], None),
        (r"peaks hold 900, which must lie after 900: sort them", piece, [900]),
        (r"peaks hold 1005, which must lie after 1010: sort them", piece, [1010, 1005]),
        (r"peaks run from 1010 to 1100, but samples 500 to 1099 are there", piece, [1010, 1100]),
    ):
        with pytest.raises(Refused, match=match):
            stream.push(chunk, None if peaks is None else np.array(peaks))
    late = a_stream()
    late.push(RECORD.ecg_mv[:, :2000])
    with pytest.raises(Refused, match="peaks run from 950 to 950, but samples 1500 to 1999 are there"):
        late.push(RECORD.ecg_mv[:, :0], np.array([950]))
    with pytest.raises(Refused, match="peaks are given to a stream that searches for them: begin it with detect=False"):
        a_stream(detect=True).push(piece, np.array([5]))
    assert stream.n_samples == 1000
    assert [one.peak_sample for one in stream.push(piece, np.array([1005]))] == [1005]


def test_what_has_finished_takes_no_more(tmp_path: Path) -> None:
    stream = a_stream()
    assert stream.finish() == []
    for call in (lambda: stream.push(RECORD.ecg_mv), stream.finish):
        with pytest.raises(Refused, match="the stream has finished: begin another one"):
            call()
    with pytest.raises(Refused, match="the stream has finished: there is nothing to go on with"):
        stream.save(tmp_path / "state.npz")


def test_a_state_that_cannot_go_on_is_refused_in_words(tmp_path: Path) -> None:
    made, file = a_bundle(), tmp_path / "state.npz"

    def refused(match: str, of: Bundle = made) -> None:
        with pytest.raises(BadState, match=match):
            Stream.load(of, file)

    with pytest.raises(FileNotFoundError, match=r"there is no such file; name one that Stream.save wrote"):
        Stream.load(made, file)
    stream = a_stream()
    streamed(stream, RECORD, [1500])
    stream.save(file)
    content = file.read_bytes()
    refused("is of another bundle: go on with the one", a_bundle(temperature=1.0))
    other = a_bundle()
    with torch.no_grad():
        next(other.network.parameters()).add_(1e-3)
    refused("is of another bundle", other)
    for damaged in (content[:-500], content[:5000] + b"x" + content[5001:], b"", b"no state"):
        file.write_bytes(damaged)
        refused("is damaged")
    file.write_bytes(content)
    with np.load(file) as found:
        arrays = dict(found)
    np.savez(file, **{name: array for name, array in arrays.items() if name != "signal.ecg"})
    refused("is damaged: its arrays are not those that were written")
    np.savez(file, **{**arrays, "head": arrays["head"][:20]})
    refused("is damaged or no state of a stream")
    text = arrays["head"].tobytes().replace(b'"version": 1', b'"version": 9')
    np.savez(file, **{**arrays, "head": np.frombuffer(text, np.uint8)})
    refused("is of version 9, this package reads 1: begin the stream again")


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    file = tmp_path / "state.npz"
    np.savez(file, head=np.array([Evil()], dtype=object))
    with pytest.raises(BadState, match=r"is damaged or no state of a stream \(Object arrays cannot be loaded"):
        Stream.load(a_bundle(), file)
    assert not Evil.called


class Evil:
    """Says when it is unpickled."""

    called = False

    def __reduce__(self) -> tuple:
        return setattr, (Evil, "called", True)


def test_the_detector_is_fed_with_the_first_lead_of_the_network() -> None:
    ecg = RECORD.ecg_mv[2]
    expected = step(ecg, None, FS_HZ)[0].peak_sample
    found = streamed(a_stream(detect=True), RECORD, EVERY)
    assert [one.peak_sample for one in found] == expected[: len(found)].tolist()


def test_windows_of_any_place_of_the_peak_are_cut_alike() -> None:
    for n_before in (0, 60):
        made = a_bundle(window=Window(60, n_before))
        found = whole(a_stream(made=made), [50] * 80)
        np.testing.assert_allclose([one.outputs for one in found], logits(made, RECORD).numpy(), atol=1e-5)


def test_the_ten_lines_of_the_page_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = a_bundle()
    bundle.write(tmp_path / "model", made.network, made.contract)
    page = (Path(__file__).parents[2] / "docs" / "stream.md").read_text(encoding="utf-8")
    code = page.partition("```python\n")[2].partition("```")[0]
    for said, here in (("outputs/arrhythmia/TIME", str(tmp_path)), ('("MLII",)', "LEADS"), ("360", "100")):
        assert said in code
        code = code.replace(said, here)
    exec(code, {"LEADS": RECORD.leads, "chunks": np.array_split(RECORD.ecg_mv, 30, axis=1)})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(streamed(a_stream(detect=True), RECORD, EVERY)) > 15
    assert all(" ms after R" in line for line in lines)


@pytest.mark.slow
def test_a_stream_says_what_training_recorded_of_its_test_rows(tmp_path: Path, twin_cache: Path) -> None:
    done = train(tmp_path, twin_cache, *SHORT, "experiment=real_time", "trainer.max_epochs=2", "hydra.run.dir=run")
    assert done.returncode == 0, done.stderr
    table = Predictions.read(tmp_path / "run" / "predictions.parquet").table
    table = table[table["side"] == "test"]
    made = bundle.read(tmp_path / "run" / "model")
    corpus = MITDB(twin_cache, twin_cache, source="synthetic")
    for name, rows in list(table.groupby(table["record"].astype(str)))[:3]:
        record = corpus.read(name, made.contract.preprocess.leads)
        stream = Stream(made, record.leads, record.fs_hz, detect=False)
        found = streamed(stream, record, [997] * (1 + record.ecg_mv.shape[1] // 997)) + stream.finish()
        said = {one.peak_sample: one.outputs for one in found}
        at = np.round(rows["time_s"].to_numpy() * record.fs_hz).astype(int)
        recorded = rows[[f"logit_{name}" for name in made.contract.classes]].to_numpy()
        np.testing.assert_allclose([said[k] for k in at], recorded, atol=1e-5)
        assert len(rows) > 50


def test_a_state_with_parts_that_no_stream_has_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state.npz"
    stream_file.write(file, a_bundle(), (LEADS, FS_HZ, True), {"other": {"ecg": np.zeros(3)}})
    with pytest.raises(BadState, match=r"holds other.ecg, which no stream has: save it again"):
        Stream.load(a_bundle(), file)
