"""Measure everything, print the table and write latest.json: `python -m benchmarks`."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Row, machine, quiet

PARTS = ("preparation", "throughput", "commands")
ASKED_FOR = ("sweeps",)  # alone: it takes minutes
LATEST = Path(__file__).with_name("latest.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; missed limits are shown, not punished: the machine may be busy."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=(*PARTS, *ASKED_FOR), help="one part, printed and not written")
    asked = parser.parse_args(arguments)
    with quiet():
        facts = machine() | {"data": data_read()}
        rows = [row for part in ([asked.only] if asked.only else PARTS) for row in measured(part)]
    show(rows, facts)
    if asked.only is None:
        LATEST.write_text(json.dumps(described(rows, facts), indent=1) + "\n", encoding="utf-8")
    return 0


def data_read() -> str:
    """What the rows are measured on."""
    from benchmarks.parts import RECORDINGS, composed
    from ecg_lightning import config

    corpora = [config.constructed(composed(*words).dataset) for words in ((), RECORDINGS)]
    return "; ".join(f"{len(corpus.records())} records of {corpus.name}, {corpus.source}" for corpus in corpora)


def measured(part: str) -> list[Row]:
    """The rows of one part; what only the others need is not imported."""
    if part == "preparation":
        from benchmarks import preparation

        return preparation.rows()
    if part == "throughput":
        from benchmarks import throughput

        return throughput.rows()
    if part == "sweeps":
        from benchmarks import sweeps

        return sweeps.rows()
    from benchmarks import commands

    return commands.rows()


def described(rows: Sequence[Row], facts: dict[str, object]) -> dict[str, object]:
    """What latest.json holds."""
    return {"machine": facts, "rows": [asdict(row) | {"met": row.met} for row in rows]}


def show(rows: Sequence[Row], facts: dict[str, object]) -> None:
    """Print the table."""
    table = Table("what", "measured", "wanted", "", title="speed and memory, ratios within this run")
    for row in rows:
        verdict = "" if row.met is None else "yes" if row.met else "NO"
        value = str(row.detail.get("reason", "")) if row.value is None else f"{row.value:.2f} {row.unit}"
        table.add_row(row.what, value, f"{row.bound} {row.limit:g} {row.unit}", verdict)
    console = Console()
    console.print(table)
    for row in rows:
        if row.detail:
            numbers = ", ".join(f"{k} {v:,.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.detail.items())
            console.print(f"{row.what}: {numbers}", highlight=False)
    console.print(", ".join(f"{name} {value}" for name, value in facts.items()), highlight=False, style="dim")


if __name__ == "__main__":
    raise SystemExit(main())
