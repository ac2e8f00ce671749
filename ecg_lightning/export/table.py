"""What each architecture can do, and what it weighs in int8: `python -m ecg_lightning.export.table RUN RUN ...`."""

import argparse
import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecg_lightning.contract import Contract
    from ecg_lightning.predict.place import Place

SMALL, SLIGHTLY = 150_000, 0.01
SHOWN = ("test/accuracy", "test/macro_f1", "fit/windows_per_second", "val/macro_f1")
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
    parser.add_argument("runs", nargs="+", help="run folders: of one task, on the same data")
    parser.add_argument("--class", dest="klass", default="V", help="whose sensitivity is told (V)")
    parser.add_argument("--output", type=Path, help="folder for a folder of files per run; without it their models")
    asked = parser.parse_args(arguments)
    from rich.progress import track

    from ecg_lightning.export.gate import Failed

    try:
        entrants = [_entrant(asked, run) for run in asked.runs]
        check_comparable(entrants)
        rows = [_row(one) for one in track(entrants, "exporting")]
    except Failed as error:
        print(f"error: not exported: {error}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(table(rows, asked.klass))
    return 0


@dataclass(frozen=True, eq=False)
class Entrant:
    """A run that is to be compared.

    Args:
        name: its folder, as it was typed.
        place: of its bundle.
        contract: of it.
        numbers: of its metrics.json, those that are shown.
        folder: where its files go.
    """

    name: str
    place: "Place"
    contract: "Contract"
    numbers: Mapping[str, float]
    folder: Path


def _entrant(asked: argparse.Namespace, run: str) -> Entrant:
    """Read a run, and write nothing."""
    from ecg_lightning import bundle as bundles
    from ecg_lightning.export.work import folder_of
    from ecg_lightning.predict.place import find
    from ecg_lightning.report.contents import read_json

    place = find(run)
    if place.run is None:
        raise ValueError(f"run={run} is a bundle alone, without metrics.json: name its run folder")
    numbers = read_json(place.run / "metrics.json") or {}
    wanted = (*SHOWN, f"test/sensitivity/{asked.klass}")
    if missing := [name for name in wanted if name not in numbers]:
        raise ValueError(f"run={run}: its metrics.json lacks {', '.join(missing)}: name a finished run with test rows")
    own = None if asked.output is None else asked.output / Path(run).absolute().name
    return Entrant(
        run,
        place,
        bundles.read(place.model).contract,
        {name: numbers[name] for name in wanted},
        folder_of(place, own),
    )


def check_comparable(entrants: Sequence[Entrant]) -> None:
    """Hold every run to the first: one table ranks answers to one question, on the same data.

    Raises:
        ValueError: two runs differ in what they were asked or on which data, or would write into one folder.
    """
    first, *others = entrants
    for other in others:
        here, there = _question(first.contract), _question(other.contract)
        if apart := [f"{name} ({here[name]} and {there[name]})" for name in here if here[name] != there[name]]:
            raise ValueError(
                f"runs {first.name} and {other.name} cannot be ranked together, as they differ in "
                f"{'; '.join(apart)}: name runs of one task on the same data"
            )
    folders = [one.folder.resolve() for one in entrants]
    if twice := [one.name for one in entrants if folders.count(one.folder.resolve()) > 1]:
        raise ValueError(f"runs {' and '.join(twice)} would write into one folder: name runs of different folders")


def _question(contract: "Contract") -> dict[str, str]:
    """What runs of one table share."""
    data = contract.data
    return {
        "task": contract.task,
        "classes": ",".join(contract.classes),
        "synthetic data": "yes" if data.get("synthetic") else "no",
        "corpus": str(data.get("corpus")),
        "data fingerprint": str(data.get("fingerprint"))[:12],
        "test patients": f"{len(tested := sorted(contract.patients.get('test', ())))} patients, {_short(tested)}",
    }


def _short(names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]


def _row(one: Entrant) -> dict[str, Any]:
    """Export a run to int8; what is said of it."""
    from ecg_lightning.export import sheet, work

    one.folder.mkdir(parents=True, exist_ok=True)
    kind = work.Asked("onnx_int8")
    _, found = sheet.written(one.folder, kind.kind, *work.made(one.place, kind, one.folder))
    bytes_int8, synthetic = found["sizes"]["onnx_int8"]["file"], found["synthetic"]
    return {"run": one.name, "network": found["network"], "bytes": bytes_int8, "synthetic": synthetic, **one.numbers}


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
    synthetic = any(row["synthetic"] for row in rows)
    lines = ["**SYNTHETIC data: these numbers say nothing about hearts.**", ""] if synthetic else []
    lines += [
        f"| Run | Architecture | Accuracy | Macro-F1 | Sensitivity of {klass} | Size (int8) | Training speed "
        "| Verdict |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row, verdict in zip(rows, verdicts(rows), strict=True):
        lines.append(
            f"| {row['run']} | {row['network']} | {row['test/accuracy']:.1%} | {row['test/macro_f1']:.3f} | "
            f"{row[f'test/sensitivity/{klass}']:.1%} | {row['bytes'] / 1000:.1f} kB | "
            f"{row['fit/windows_per_second']:,.0f} windows/s | {verdict} |"
        )
    return "\n".join([*lines, "", RULE])


if __name__ == "__main__":
    sys.exit(main())
