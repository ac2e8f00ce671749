"""A recording is played, in lines or on a screen, and ends in peace."""

import time
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from ecg_lightning import bundle
from ecg_lightning.predict import live
from ecg_lightning.predict.live_screen import N_ROWS, SHOWN_S, Tally, line, screen, trace
from ecg_lightning.predict.stream import Decision, Stream
from ecg_lightning.prepare import Preprocess
from ecg_lightning.windowing import Crops
from tests.corpora import mitdb
from tests.corpora.real_time import a_bundle

PREPROCESS = Preprocess(("MLII", "V1"), 360.0, "real_time", "butterworth", phase="causal", high_hz=40.0)


def a_place(folder: Path, seconds: float = 12.0, **changed: object) -> list[str]:
    """Words of the command: a bundle and a record of 360 Hz, leads as in MIT-BIH."""
    made = a_bundle(preprocess=PREPROCESS, **changed)
    bundle.write(folder / "model", made.network, made.contract)
    mitdb.write_mitdb(folder, ["100"], seconds)
    return [str(folder / "model"), str(folder / "100")]


def a_decision(peak_sample: int, called: str = "V", trusted: bool = True) -> Decision:
    p = {"N": 0.1, "V": 0.9}
    return Decision(peak_sample, peak_sample / 100, peak_sample + 20, called, p, None, None, (0.0, 2.0), trusted, 200.0)


def test_without_a_terminal_there_is_a_line_per_beat(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = a_place(tmp_path)
    assert live.main([*words, "--speed", "0"]) == 0
    made = bundle.read(tmp_path / "model")
    record = live.read(tmp_path / "100.hea", made).record
    stream = Stream(made, record.leads, 360.0)
    expected = stream.push(record.ecg_mv) + stream.finish()
    captured = capsys.readouterr()
    assert captured.err.startswith("For research only. Not a medical device")
    assert "the model learned" not in captured.err.lower()
    *lines, counted, speed = captured.out.splitlines()
    assert len(lines) == len(expected) > 8
    said = [text.split() for text in lines]
    assert [(float(text[0]), text[2]) for text in said] == [(round(x.time_s, 3), x.called) for x in expected]
    assert counted.startswith(f"{len(expected)} beats: N ")
    assert "ms of signal + " in counted
    assert speed.startswith("12 s of signal in ")


def test_it_keeps_the_pace_of_the_recording(tmp_path: Path) -> None:
    words = a_place(tmp_path, seconds=3.0)
    began = time.perf_counter()
    assert live.main([*words, "--speed", "5"]) == 0
    assert time.perf_counter() - began > 0.6


def test_on_a_screen_the_trace_scrolls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = a_place(tmp_path)
    console = Console(force_terminal=True, width=80, record=True, file=(tmp_path / "out").open("w"))
    with console.file:
        monkeypatch.setattr("rich.console.Console", lambda: console)
        assert live.main([*words, "--speed", "0"]) == 0
    shown = console.export_text()
    assert "100, MLII, 0 x" in shown
    assert "for research only, not a medical device; Ctrl-C ends" in shown
    assert "bpm" in shown


def test_a_model_of_synthetic_data_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = a_place(tmp_path, 3.0, data={"synthetic": True})
    console = Console(force_terminal=True, width=80, record=True, file=(tmp_path / "out").open("w"))
    with console.file:
        monkeypatch.setattr("rich.console.Console", lambda: console)
        assert live.main([*words, "--speed", "0"]) == 0
    assert "MODEL OF SYNTHETIC DATA, 100, MLII, 0 x" in console.export_text()
    assert "learned from SYNTHETIC data" in capsys.readouterr().err


def test_the_kind_of_model_is_refused_before_its_leads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    window = Crops(280, 140, "mean")
    preprocess = Preprocess(("V6",), 360.0, "diagnostic", "butterworth", phase="zero", high_hz=40.0)
    made = a_bundle(preprocess=preprocess, window=window)
    bundle.write(tmp_path / "model", made.network, made.contract)
    mitdb.write_mitdb(tmp_path, ["100"], 3.0)
    assert live.main([str(tmp_path / "model"), str(tmp_path / "100")]) == 2
    err = capsys.readouterr().err
    assert "answers for whole recordings, and not for single beats" in err
    assert "--leads" not in err


def test_ctrl_c_ends_it_with_the_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slept = iter(range(1000))

    def sleep(_: float) -> None:
        if next(slept) == 120:  # six seconds are heard
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    assert live.main(a_place(tmp_path)) == 0
    *lines, counted, heard = capsys.readouterr().out.splitlines()
    assert 3 <= len(lines) <= 6
    assert counted.startswith(f"{len(lines)} beats: N ")
    assert heard.startswith("6 s of signal in ")


def test_what_cannot_be_played_is_refused_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, record = a_place(tmp_path)
    several = tmp_path / "several"
    mitdb.write_mitdb(several, ["101", "103"], 4.0)
    (tmp_path / "ecg.csv").write_text("0.1\n", encoding="utf-8")
    for words, said in (
        ([model, record, "--speed", "-1"], "--speed -1 must lie between 0 and 1000"),
        ([model, record, "--speed", "nan"], "--speed nan must lie between 0 and 1000"),
        ([model, record, "--speed", "inf"], "--speed inf must lie between 0 and 1000"),
        ([model, str(tmp_path / "101")], "there is no such file or folder, nor a WFDB header 101.hea"),
        ([model, str(several)], f"holds 2 recordings: name one, e.g. {several}"),
        ([model, str(tmp_path / "ecg.csv")], "does not say its rate and unit itself: give .hea or .edf"),
        ([str(tmp_path / "nowhere"), record], "there is no such folder"),
    ):
        assert live.main(words) == 2
        err = capsys.readouterr().err
        assert err.startswith("error: ")
        assert said in err
        assert len(err.splitlines()) == 1


def test_dots_show_every_sample_once_around_the_corner() -> None:
    rising = trace(np.arange(8.0), n_columns=4, n_rows=2)
    assert [len(row) for row in rising] == [4, 4]
    dots = np.array([[ord(cell) - 0x2800 for cell in row] for row in rising])
    assert dots[0, -1] & 0x08  # the highest is at the top right
    assert dots[1, 0] & 0x40  # the lowest at the bottom left
    assert not dots[0, 0]
    flat = trace(np.zeros(100), 10, 2)
    assert flat[0] == chr(0x2809) * 10
    assert trace(np.zeros(0), 5, 1) == [" " * 5]


def test_a_tall_wave_leaves_no_gap() -> None:
    spike = np.zeros(400)
    spike[201] = 1.0
    drawn = trace(spike, 40, 6)
    assert all(any(cell != chr(0x2800) for cell in row) for row in drawn)


def test_classes_stand_under_their_beats() -> None:
    tally = Tally(("N", "V"))
    tally.add([a_decision(1000), a_decision(1100, "N", trusted=False), a_decision(1200)], 1.5)
    console = Console(width=64, record=True)
    console.print(screen("a record", np.sin(np.arange(600) / 10), 13.0, 100.0, tally, 64))
    below = console.export_text().splitlines()[1 + N_ROWS]
    places = {at: letter for at, letter in enumerate(below[2:]) if letter in "NV?"}
    assert sorted(places.values()) == ["?", "N", "V", "V"]
    first, second = (at for at, letter in places.items() if letter == "V")
    assert second - first == pytest.approx(2.0 / SHOWN_S * 60, abs=1)
    assert tally.rate_bpm == pytest.approx(60.0)
    assert tally.words() == "3 beats: N 1, V 2; 1 not trusted, as samples were lost"
    assert tally.latencies() == "latency 200 ms of signal + 1.5 ms of computing"


def test_a_line_says_what_is_known() -> None:
    assert line(a_decision(1000), float("nan")) == "   10.000 s  V  p 0.90  after 200 ms"
    lost = line(a_decision(1000, trusted=False), 61.2)
    assert lost == "   10.000 s  V  p 0.90   61 bpm  after 200 ms  not trusted: samples were lost"
