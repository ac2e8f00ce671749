"""Answer recordings with a trained model: `python -m ecg_lightning.predict BUNDLE INPUT... --output DIR`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecg_lightning.predict.job import Asked

HOW, FORMATS = ("auto", "annotated", "detected"), ("csv", "parquet")  # tests hold them to findings and files


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 where every recording was answered, 1 where some were refused, 2 where none could be.
    """
    asked = _parser().parse_args(arguments)
    if asked.figures < 0:
        return _refused(asked, f"--figures={asked.figures} must be 0 or more")

    from ecg_lightning.predict.folder import as_json  # pandas and torch take seconds to import: only after --help

    try:
        content = _answered(asked)
    except (OSError, ValueError) as error:
        return _refused(asked, str(error))
    if asked.json:
        print(as_json(content))
    if not content["recordings"]:
        return 2
    return 1 if content["refused"] else 0


def _answered(asked: argparse.Namespace) -> dict[str, Any]:
    """All recordings, one after another; in the terminal too."""
    from rich.console import Console

    from ecg_lightning import bundle
    from ecg_lightning.predict import folder, job, place, terminal
    from ecg_lightning.reading.recordings import inputs_or_reasons

    folder.earlier_files(asked.output)  # refused before seconds are spent
    wanted = _asked(asked)
    own = asked.output.resolve()  # an earlier answer is no recording, wherever it lies
    there, wrong = inputs_or_reasons(asked.input)
    inputs = [path for path in there if not path.resolve().is_relative_to(own)]
    if not inputs and wrong:
        raise ValueError("; ".join(wrong.values()))
    if not inputs:
        raise ValueError(f"no recording in {', '.join(map(str, asked.input))}: name files of recordings, or a folder")
    read = bundle.read(place.find(asked.bundle).model, tuple(asked.plugins))
    job.check_kind(read)
    with terminal.progress(len(inputs)) as told:
        content = job.answer(read, inputs, wanted, told, wrong)
    terminal.show(Console(stderr=asked.json), content, asked.output)
    return content


def _asked(asked: argparse.Namespace) -> "Asked":
    from ecg_lightning.predict.job import Asked
    from ecg_lightning.predict.people import people
    from ecg_lightning.reading.recordings import Said

    leads = tuple(name.strip() for name in (asked.leads or "").split(",") if name.strip())
    return Asked(
        output=asked.output,
        said=Said(asked.fs_hz, asked.units, leads),
        people=people(asked.age, asked.sex, asked.people),
        how=asked.beats,
        form=asked.format,
        n_figures=asked.figures,
    )


def _refused(asked: argparse.Namespace, words: str) -> int:
    print(f"error: {words}", file=sys.stderr)
    if asked.json:
        import json

        print(json.dumps({"command": "ecg_lightning.predict", "state": "refused", "reason": words}))
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ecg_lightning.predict", description=__doc__, epilog="For research only. Not a medical device."
    )
    parser.add_argument("bundle", help="a run folder, its model folder, or runs:/<id> of MLflow")
    parser.add_argument("input", type=Path, nargs="+", help="a recording, or a folder of recordings")
    parser.add_argument("--output", type=Path, required=True, help="folder for the answer: empty, or not there yet")
    parser.add_argument("--beats", choices=HOW, default="auto", help="where beats come from (default: %(default)s)")
    parser.add_argument("--figures", type=int, default=12, help="pictures per recording (default: %(default)s)")
    parser.add_argument("--format", choices=FORMATS, default="csv", help="of tables (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, and nothing else there")
    parser.add_argument("--fs-hz", type=float, help="sampling rate in Hz of files that do not say it")
    parser.add_argument("--units", help="of the samples, where a file does not say it: mV, uV or NU")
    parser.add_argument("--leads", help="names of the leads of files that do not say them, e.g. I,II,V1")
    parser.add_argument("--age", type=float, help="in years, of the one person whose recordings these are")
    parser.add_argument("--sex", choices=("female", "male"), help="of that person")
    parser.add_argument("--people", type=Path, help="a CSV of several people: recording, age_years, sex")
    parser.add_argument(
        "--plugins", action="append", default=[], help="a package beyond ecg_lightning that a network may come from"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
