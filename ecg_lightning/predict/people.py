"""What is known of the people whose recordings are given: age and sex, typed or in a table."""

import csv
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ecg_lightning.structures import PERSON

SEX = {"female": 1.0, "f": 1.0, "male": 0.0, "m": 0.0}
COLUMNS = ("recording", "age_years", "sex")
WORDS = {"age_years": ("age", "--age"), "sex_female": ("sex", "--sex")}
MOST_NAMED = 5


@dataclass(frozen=True)
class People:
    """Who the recordings are of.

    Args:
        everyone: numbers about the one person whose recordings they all are.
        by_recording: the same for each recording by its name.
    """

    everyone: Mapping[str, float] = field(default_factory=dict)
    by_recording: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def of(self, *names: str) -> dict[str, float]:
        """What is said of a recording that goes by any of these names."""
        told = next((self.by_recording[name] for name in names if name in self.by_recording), {})
        return {**self.everyone, **told}

    def unused(self, features: Collection[str]) -> tuple[str, ...]:
        """A sentence about what is said and the network does not take; none where it takes all.

        Args:
            features: of the network, by name.
        """
        in_table = {name for person in self.by_recording.values() for name in person}
        left = [name for name in WORDS if name not in features and name in {*self.everyone, *in_table}]
        if not left:
            return ()
        options = [WORDS[name][1] for name in left if name in self.everyone]
        options += ["--people"] * any(name in in_table for name in left)
        what = " or ".join(WORDS[name][0] for name in left)
        be = "is" if len(options) == 1 else "are"
        of_it = " for it" if any(name in features for name in in_table) else ""
        return (f"this network does not take {what}: {' and '.join(options)} {be} not used{of_it}",)

    def unmatched(self, names: Collection[str]) -> tuple[str, ...]:
        """A sentence about lines of the table that fit no recording; none where all do.

        Args:
            names: of all recordings.
        """
        left = [name for name in self.by_recording if name not in names]
        if not left:
            return ()
        more = f" and {len(left) - MOST_NAMED:,} more" if len(left) > MOST_NAMED else ""
        lines = "this line is" if len(left) == 1 else "these lines are"
        return (f"--people: no recording is called {', '.join(left[:MOST_NAMED])}{more}: {lines} not used",)


def people(age_years: float | None, sex: str | None, file: Path | None) -> People:
    """Gather what a user says.

    Args:
        age_years: of everybody.
        sex: of everybody, "female" or "male".
        file: a table with the columns recording, age_years and sex; an empty cell is not known.

    Raises:
        ValueError: an age or a sex is none, or the table has other columns or a recording twice.
        OSError: the table cannot be read.
    """
    told = _person("--age, --sex", "" if age_years is None else str(age_years), sex or "")
    return People(told, {} if file is None else _table(file))


def _table(file: Path) -> dict[str, dict[str, float]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise ValueError(f"--people={file} has no column {', '.join(missing)}: give {', '.join(COLUMNS)}")
            found: dict[str, dict[str, float]] = {}
            for row in rows:
                where = f"--people={file}, line {rows.line_num}"
                name = (row["recording"] or "").strip()
                if name in found:
                    raise ValueError(f"{where}: recording {name} stands there twice: leave one line")
                found[name] = _person(where, row["age_years"] or "", row["sex"] or "")
            return found
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"--people={file} is no table of text ({error}): save it as CSV in UTF-8") from None


def _person(where: str, age: str, sex: str) -> dict[str, float]:
    found = {}
    if age.strip():
        least, most = PERSON["age_years"]
        try:
            found["age_years"] = float(age)
        except ValueError:
            raise ValueError(f"{where}: age_years={age!r} is no number: give years, e.g. 63") from None
        if not (math.isfinite(found["age_years"]) and least <= found["age_years"] <= most):
            raise ValueError(f"{where}: age_years={age} must lie between {least} and {most}")
    if sex.strip():
        if sex.strip().lower() not in SEX:
            raise ValueError(f"{where}: sex={sex!r} is not known here: give female or male, or nothing")
        found["sex_female"] = SEX[sex.strip().lower()]
    return found
