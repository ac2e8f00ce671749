"""Two runs on the same rows, in the terminal: what one has over the other, and what may be said of it."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
import rich.table
from rich import box
from rich.markup import escape

from ecg_lightning.paired import Paired
from ecg_lightning.predictions import SIDES
from ecg_lightning.report.comparison_figures import in_words
from ecg_lightning.report.notices import FEW_PATIENTS

LOWER_IS_BETTER = ("ece", "hamming_loss")


def drawn(pair: Paired, first: str, second: str) -> rich.table.Table:
    """One row per number: of both runs, their difference, and how often the first is above the second."""
    table = rich.table.Table(title=f"{SIDES[pair.side]}: {escape(first)} minus {escape(second)}", box=box.SIMPLE_HEAD)
    table.padding = (0, 1, 0, 0)
    for word in ("", first, second):
        table.add_column(escape(word), overflow="fold")
    for word in ("difference (95 %)", "first\nabove"):
        table.add_column(word, no_wrap=True)
    for name, row in by_name(pair).items():
        share = "" if pd.isna(row["share_above"]) else f"{100 * row['share_above']:.1f} %"
        numbers = (f"{row['first']:.3f}", f"{row['second']:.3f}", difference(row), share)
        table.add_row(escape(in_words(name)), *numbers, style="bold" if apart(row) else None)
    return table


def drawn_of_several(pairs: Mapping[str, Paired], best: str, names: Sequence[str]) -> rich.table.Table:
    """One row per run that is not the best, and what the best has over it in these numbers."""
    first = next(iter(pairs.values()))
    table = rich.table.Table(title=f"{SIDES[first.side]}: {escape(best)} minus each other (95 %)", box=box.SIMPLE_HEAD)
    table.padding = (0, 1, 0, 0)
    table.add_column("", overflow="fold")
    for name in names:
        table.add_column(escape(named(name)), no_wrap=True)
    for job, pair in pairs.items():
        rows = by_name(pair)
        table.add_row(escape(job), *(difference(rows[name]) if name in rows else "" for name in names))
    return table


def sentences(pairs: Mapping[str, Paired], best: str) -> list[str]:
    """What was drawn, which differences are more than the chance of patients, and what these intervals do not know."""
    pair = next(iter(pairs.values()))
    drawn_anew = f", which each of {pair.n_boot:,} replicates draws anew, the same ones for both runs"
    about = f"{SIDES[pair.side]} rows: {pair.n_rows:,} of {pair.n_units:,} {pair.units}"
    said = [about + drawn_anew * (pair.n_boot > 0)]
    lower = [in_words(name) for name in pair.table["name"] if name in LOWER_IS_BETTER]
    if lower and len(pairs) == 1:
        said.append(f"lower is better: {', '.join(lower)}")
    if pair.side == "val":
        chosen = ", thresholds and the best run" if len(pairs) > 1 else " and thresholds"
        said.append(f"validation rows chose epochs{chosen}: these differences are optimistic")
    if pair.table["low"].isna().all():
        return [*said, f"no interval: it takes replicates, and {pair.units} to draw from"]
    said += [f"{best} against {job}: {_findings(one)}" for job, one in pairs.items()]
    if pair.n_units < FEW_PATIENTS:
        said.append(f"of {pair.n_units} {pair.units} these intervals are rough")
    n_intervals = sum(int(one.table["low"].notna().sum()) for one in pairs.values())
    said.append(f"by chance alone one interval in twenty leaves zero out; here are {n_intervals}")
    said.append("they say what other patients would change, not what another seed would: train several of each")
    return said


def by_name(pair: Paired) -> dict[str, dict[Hashable, Any]]:
    """The rows of its table."""
    return {str(row["name"]): row for row in pair.table.to_dict("records")}


def difference(row: Mapping[Hashable, Any]) -> str:
    """With its sign, and its interval where it has one."""
    limits = "" if pd.isna(row["low"]) else f" ({row['low']:+.3f} to {row['high']:+.3f})"
    return f"{row['difference']:+.3f}{limits}"


def named(name: str) -> str:
    """A number in words, and which way is up where that is not plain."""
    return in_words(name) + (" (lower is better)" if name in LOWER_IS_BETTER else "")


def apart(row: Mapping[Hashable, Any]) -> bool:
    """Whether the interval of a difference leaves out 0."""
    return bool(row["low"] > 0 or row["high"] < 0)


def _findings(pair: Paired) -> str:
    """In which numbers the first run is above or below the second by more than its interval."""
    higher = [in_words(name) for name, row in by_name(pair).items() if row["low"] > 0]
    lower = [in_words(name) for name, row in by_name(pair).items() if row["high"] < 0]
    said = [f"{way} {', '.join(names)}" for way, names in (("higher", higher), ("lower", lower)) if names]
    if not said:
        return "every interval holds zero, no difference is a finding"
    return f"{'; '.join(said)} (zero lies outside the interval)"
