"""Play a recording as if it were being made, and classify its beats: `python -m ecg_lightning.predict.live RUN RECORD`.

In a terminal the trace scrolls, with the class of every beat under it; into a file or a pipe goes a line per beat.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from ecg_lightning.bundle import Bundle
    from ecg_lightning.predict.live_screen import Tally
    from ecg_lightning.predict.stream import Decision, Stream
    from ecg_lightning.reading.said import Recording
    from ecg_lightning.structures import Record

PLAYED = (".hea", ".edf")
FRAMES_HZ = 20  # chunks, and pictures, a second
MADE_UP = "The model learned from SYNTHETIC data: its answers mean nothing."
FASTEST = 1000.0  # times real time; no machine keeps up with more, and chunks would grow past any recording


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 at the end of the recording and after Ctrl-C, 2 where there is nothing to play.
    """
    parser = argparse.ArgumentParser(prog="python -m ecg_lightning.predict.live", description=__doc__)
    parser.add_argument("bundle", help="run folder of a task.mode=real_time run, or its model folder")
    parser.add_argument("record", type=Path, help="WFDB or EDF recording, e.g. data/mitdb/100")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="times as fast as it was recorded; 0 as fast as it goes"
    )
    asked = parser.parse_args(arguments)

    from rich.console import Console  # with torch seconds to import: only after --help

    from ecg_lightning import bundle
    from ecg_lightning.predict import place
    from ecg_lightning.predict.stream import Stream, check_streams
    from ecg_lightning.predict.words import RESEARCH

    try:
        if not 0 <= asked.speed <= FASTEST:
            raise ValueError(
                f"--speed {asked.speed:g} must lie between 0 and {FASTEST:g}: 1 is the speed of the recording, and 0 "
                f"as fast as it goes"
            )
        made = bundle.read(place.find(asked.bundle).model)
        check_streams(made)
        found = read(asked.record, made)
        record = found.record
        stream = Stream(made, record.leads, record.fs_hz)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    learned = [MADE_UP] if made.contract.data.get("synthetic") else []
    for words in (RESEARCH, *learned, *(f"{record.name}: {note}" for note in found.notes)):
        print(words, file=sys.stderr)
    _play(stream, record, asked.speed, Console())
    return 0


def read(path: Path, made: "Bundle") -> "Recording":
    """Read a recording with the leads that a bundle takes.

    Raises:
        Refused: it is not there or cannot be read, a lead is missing, or it is a format that does not say its rate.
    """
    from ecg_lightning.reading.recordings import inputs_below, read_recording
    from ecg_lightning.reading.said import Said
    from ecg_lightning.structures import BadRecord, Refused

    files = inputs_below([path])
    if len(files) > 1:
        raise Refused(f"record={path} holds {len(files)} recordings: name one, e.g. {files[0]}")
    if files[0].suffix.lower() not in PLAYED:
        raise Refused(f"record={path} does not say its rate and unit itself: give {' or '.join(PLAYED)}")
    try:
        return read_recording(files[0], made.contract.preprocess.leads, Said())
    except BadRecord as error:  # its advice is an option of predict, which this command has not
        raise Refused(str(error).partition(" If you know")[0]) from None


def _play(stream: "Stream", record: "Record", speed: float, console: "Console") -> None:
    """Play until the end, or until Ctrl-C; then say what it added up to."""
    from ecg_lightning.predict.live_screen import Tally

    tally = Tally(stream.bundle.contract.classes)
    began = time.perf_counter()
    with suppress(KeyboardInterrupt):
        (_on_screen if console.is_terminal else _in_lines)(stream, record, speed, console, tally)
    seconds, heard_s = time.perf_counter() - began, stream.n_samples / record.fs_hz
    console.print(f"{tally.words()}; {tally.latencies()}", highlight=False, markup=False, soft_wrap=True)
    console.print(
        f"{heard_s:.0f} s of signal in {seconds:.1f} s, {heard_s / seconds:.1f} times real time",
        highlight=False,
        soft_wrap=True,
    )


def _in_lines(stream: "Stream", record: "Record", speed: float, console: "Console", tally: "Tally") -> None:
    from ecg_lightning.predict.live_screen import line

    for said in _decisions(stream, record, speed, tally):
        for one in said:
            console.print(line(one, tally.rate_bpm), highlight=False, markup=False, soft_wrap=True)


def _on_screen(stream: "Stream", record: "Record", speed: float, console: "Console", tally: "Tally") -> None:
    from rich.live import Live
    from rich.markup import escape

    from ecg_lightning.predict.live_screen import SHOWN_S, screen

    fs_hz, n_shown = record.fs_hz, round(SHOWN_S * record.fs_hz)
    synthetic = "SYNTHETIC, " if record.synthetic else ""
    synthetic += "MODEL OF SYNTHETIC DATA, " if stream.bundle.contract.data.get("synthetic") else ""
    title = escape(f"{synthetic}{record.name}, {stream.bundle.contract.preprocess.leads[0]}, {speed:g} x")
    drawn_s = 0.0
    with Live(console=console, auto_refresh=False, transient=False) as live:
        for _ in _decisions(stream, record, speed, tally):
            if time.perf_counter() - drawn_s < 1 / FRAMES_HZ / 2 and stream.n_samples < record.ecg_mv.shape[1]:
                continue
            drawn_s, now = time.perf_counter(), stream.n_samples
            newest = record.ecg_mv[0, max(now - n_shown, 0) : now]
            live.update(screen(title, newest, now / fs_hz, fs_hz, tally, console.width), refresh=True)


def _decisions(stream: "Stream", record: "Record", speed: float, tally: "Tally") -> Iterator[list["Decision"]]:
    """Push a recording at its own pace, or `speed` times as fast; what was said after each chunk."""
    n_samples = record.ecg_mv.shape[1]
    n_chunk = max(1, round(record.fs_hz / FRAMES_HZ * (speed or 1.0)))
    began = time.perf_counter()
    for at in range(0, n_samples, n_chunk):
        chunk = record.ecg_mv[:, at : at + n_chunk]
        if speed:
            time.sleep(max(0.0, began + (at + chunk.shape[1]) / record.fs_hz / speed - time.perf_counter()))
        pushed = time.perf_counter()
        said = stream.push(chunk)
        tally.add(said, 1000 * (time.perf_counter() - pushed))
        yield said
    said = stream.finish()
    tally.add(said, 0.0)
    yield said


if __name__ == "__main__":
    sys.exit(main())
