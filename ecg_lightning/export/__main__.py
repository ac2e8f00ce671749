"""Write a trained network as one file for other machines: `python -m ecg_lightning.export BUNDLE --format onnx`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

KINDS = ("onnx", "onnx_int8", "executorch")
RULES = ("minmax", "percentile", "entropy")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 where the file is written, 1 where it does not do what the network does (an older file of that name stays as
        it is), 2 where nothing can be exported.
    """
    asked = _parser().parse_args(arguments)
    from rich.console import Console  # with torch and onnxruntime seconds to import: only after --help

    from ecg_lightning.export.gate import Failed

    console = Console(stderr=True)
    try:
        with console.status(f"exporting {asked.bundle} to {asked.format}, and measuring it"):
            path, numbers = _exported(asked)
    except Failed as error:
        print(f"error: not exported: {error}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    from ecg_lightning.export.sheet import summary

    print(f"{path}\n{summary(numbers)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ecg_lightning.export", description=__doc__)
    parser.add_argument("bundle", help="run folder, its model folder, or runs:/<run id>")
    parser.add_argument("--format", choices=KINDS, required=True, help="float32 ONNX, int8 ONNX, or ExecuTorch")
    parser.add_argument("--output", type=Path, help="folder of the file; else the model folder; needed for runs:/")
    parser.add_argument("--data-dir", type=Path, help="where databases lie; without it where the run found them")
    parser.add_argument("--plugins", nargs="+", default=(), help="packages that the network may come from")
    parser.add_argument("--max-drop", type=float, default=0.005, help="macro-F1 that int8 may lose (0.005)")
    parser.add_argument("--calibration", choices=RULES, default="minmax", help="ranges of activations (minmax)")
    parser.add_argument("--calibration-rows", type=int, default=1000, help="validation rows, of all classes (1000)")
    return parser


def _exported(asked: argparse.Namespace) -> tuple[Path, dict[str, Any]]:
    """Write file and sheet."""
    if asked.calibration_rows < 1:
        raise ValueError(f"--calibration-rows={asked.calibration_rows} must be at least 1: 1000 is usual")
    if not 0 <= asked.max_drop <= 1:
        raise ValueError(f"--max-drop={asked.max_drop:g} must lie between 0 and 1, a loss of macro-F1: 0.005 is usual")
    from ecg_lightning.export import sheet, work
    from ecg_lightning.predict.place import find

    place = find(asked.bundle)
    wanted = work.Asked(
        asked.format,
        asked.data_dir,
        tuple(asked.plugins),
        asked.max_drop,
        asked.calibration,
        asked.calibration_rows,
    )
    folder = work.folder_of(place, asked.output)
    folder.mkdir(parents=True, exist_ok=True)
    return sheet.written(folder, wanted.kind, *work.made(place, wanted, folder))


if __name__ == "__main__":
    sys.exit(main())
