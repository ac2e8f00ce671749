"""Draw some seconds of any record: `python -m ecg_lightning.plot RECORD [--at SECONDS] [--beats]`."""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

OF_A_RECORD = (".hea", ".dat", ".atr")  # any of its files names it
SECONDS = (3.0, 60.0)  # less has no room for its title, more fits no screen


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2 where there is nothing to draw."""
    asked = _parser().parse_args(arguments)
    path = Path(asked.record)
    path = path.with_suffix("") if path.suffix in OF_A_RECORD else path
    name = path.stem if path.suffix == ".csv" else path.name
    if not name or path.is_dir():
        return _refused(f"RECORD={asked.record!r} is no record: give its path, e.g. mitdb/100 for mitdb/100.hea")
    if asked.at is not None and not math.isfinite(asked.at):
        return _refused(f"--at={asked.at:g} must be a number of seconds from the record's beginning")
    output = Path(asked.output or f"{name}.png")
    if not SECONDS[0] <= asked.seconds <= SECONDS[1]:
        return _refused(f"--seconds={asked.seconds:g} must lie between {SECONDS[0]:g} and {SECONDS[1]:g}")
    if output.suffix.lower() != ".png" or not output.parent.is_dir():
        return _refused(f"--output={output} must be a file *.png in a folder that is there")

    from ecg_lightning.report.stretch import read_stretch, with_beats  # not at the top: --help is to be quick
    from ecg_lightning.report.stretch_figures import stretch_figure

    try:
        stretch = read_stretch(path, asked.at, asked.seconds)
        stretch = with_beats(stretch, path) if asked.beats else stretch
        stretch_figure(stretch).savefig(output)
    except (OSError, ValueError) as error:
        return _refused(str(error))
    n_beats = f", {len(stretch.beat_s)} beats" if asked.beats else ""
    print(f"{output}: record {stretch.record} from {stretch.start_s:.1f} s to {stretch.stop_s:.1f} s{n_beats}")
    return 0


def _refused(words: str) -> int:
    print(f"error: {words}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ecg_lightning.plot", description=__doc__)
    parser.add_argument("record", help="a WFDB record (path with or without .hea) or a *_ECG.csv of D1NAMO")
    parser.add_argument("--at", type=float, help="second to begin at (default: a place drawn by the record's name)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long (default: 10)")
    parser.add_argument("--beats", action="store_true", help="mark beats: as annotated, else R peaks that are found")
    parser.add_argument(
        "--output", help="picture to write, *.png (default: <record>.png here; replaced if it is there)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
