"""What each architecture can do, and what it weighs in int8: `python -m ecg_lightning.export.table RUN RUN ...`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SMALL, SLIGHTLY = 150_000, 0.01
RULE = (
    "Verdict: among the runs whose int8 file is below 150 kB, the one of the best macro-F1 on validation rows is "
    "chosen (of several within 0.01 of it the smallest); the others are too large, or differ in macro-F1 on test rows "
    "by what is said."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 where the table is printed, 1 where an export fails, 2 where a run cannot be used.
    """
    parser = argparse.ArgumentParser(prog="python -m ecg_lightning.export.table", description=__doc__)
    parser.add_argument("runs", nargs="+", help="run folders of networks that tell the same classes apart")
    parser.add_argument("--class", dest="klass", default="V", help="whose sensitivity is told (V)")
    parser.add_argument("--output", type=Path, help="folder for a folder of files per run; without it their models")
    asked = parser.parse_args(arguments)
    from rich.progress import track

    from ecg_lightning.export.gate import Failed

    try:
        rows = [_row(asked, run) for run in track(asked.runs, "exporting")]
    except Failed as error:
        print(f"error: not exported: {error}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(table(rows, asked.klass))
    return 0


def _row(asked: argparse.Namespace, run: str) -> dict[str, Any]:
    """Export a run to int8; what is said of it."""
    from ecg_lightning.export import sheet, work
    from ecg_lightning.predict.place import find
    from ecg_lightning.report.contents import read_json

    place = find(run)
    if place.run is None:
        raise ValueError(f"run={run} is a bundle alone, without metrics.json: name its run folder")
    numbers = read_json(place.run / "metrics.json") or {}
    shown = ("test/accuracy", "test/macro_f1", f"test/sensitivity/{asked.klass}", "fit/windows_per_second")
    wanted = (*shown, "val/macro_f1")
    if missing := [name for name in wanted if name not in numbers]:
        raise ValueError(f"run={run}: its metrics.json lacks {', '.join(missing)}: name a finished run with test rows")
    folder = place.model if asked.output is None else asked.output / Path(run).name
    folder.mkdir(parents=True, exist_ok=True)
    kind = work.Asked("onnx_int8")
    _, found = sheet.written(folder, kind.kind, *work.made(place, kind, folder))
    bytes_int8 = found["sizes"]["onnx_int8"]["file"]
    return {"network": found["network"], "bytes": bytes_int8, **{name: numbers[name] for name in wanted}}


def verdicts(rows: Sequence[dict[str, Any]]) -> list[str]:
    """One per run, by `RULE`."""
    small = [row for row in rows if row["bytes"] < SMALL]
    best = max((row["val/macro_f1"] for row in small), default=0.0)
    chosen = min(
        (row for row in small if row["val/macro_f1"] >= best - SLIGHTLY), key=lambda row: row["bytes"], default=None
    )
    return [_verdict(row, chosen) for row in rows]


def _verdict(row: dict[str, Any], chosen: dict[str, Any] | None) -> str:
    if row is chosen:
        return "chosen"
    if row["bytes"] >= SMALL or chosen is None:
        return "too large"
    return f"macro-F1 {row['test/macro_f1'] - chosen['test/macro_f1']:+.3f}"


def table(rows: Sequence[dict[str, Any]], klass: str) -> str:
    """Lay the rows out in Markdown; accuracy and sensitivity are those of the runs, of float32."""
    lines = [
        f"| Architecture | Accuracy | Macro-F1 | Sensitivity of {klass} | Size (int8) | Training speed | Verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    for row, verdict in zip(rows, verdicts(rows), strict=True):
        lines.append(
            f"| {row['network']} | {row['test/accuracy']:.1%} | {row['test/macro_f1']:.3f} | "
            f"{row[f'test/sensitivity/{klass}']:.1%} | {row['bytes'] / 1000:.1f} kB | "
            f"{row['fit/windows_per_second']:,.0f} windows/s | {verdict} |"
        )
    return "\n".join([*lines, "", RULE])


if __name__ == "__main__":
    sys.exit(main())
