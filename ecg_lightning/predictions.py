"""The table that a run leaves: what the network said about each validation and test row, or every row."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool, Float, Int

from ecg_lightning.structures import NAMELESS
from ecg_lightning.whole_files import written_whole

SIDES = {"train": "training", "val": "validation", "test": "test"}  # of the split, and in words
PROBLEMS = ("anomaly", "binary", "multiclass", "multilabel")
"""Normal or not; the second of two classes or not; one class per row; any number per row."""

FITTED_ON = "val"  # the side whose rows choose whatever is chosen: its own F1 is optimistic
OLDER: dict[str, Any] = {
    "groups": [],
    "least_specificity": None,
    "score": [],
    "kinds": {},
    "n_sd": None,
    "percentile": None,
}
"""What files say that were written before these were known."""

COLUMNS = ("row", "record", "patient", "time_s", "side", "fold")
METADATA_KEY = b"ecg_lightning"
LISTS = ("classes", "headline_classes", "without", "groups", "score")  # of what the metadata say


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network said about validation and test rows, and what one must know to read it.

    Args:
        table: row, record, patient, time_s, side ("val" or "test"; "train" where these rows were asked once more),
            fold, one column `logit_<class>` per class (if binary for the second alone), and the truth: `label` (class
            index), or if multilabel one column `label_<class>` (0 or 1) per class; then `group_<name>` in words per
            group, and whatever else was measured. With several folds a row may stand more than once. If anomaly there
            is one column `score_<part>` per part instead of logits, and one column `kind_<name>` (0 or 1) per kind.
        task: e.g. "arrhythmia".
        problem: "anomaly", "binary", "multiclass" or "multilabel".
        classes: short names, in the order of the labels; if anomaly or binary the negative one first.
        class_names: what they mean, in words.
        synthetic: the heartbeats were made up.
        tags: what a reader of the numbers must know, e.g. {"leaky_split": "true"}.
        headline_classes: classes whose F1 is also averaged on its own; none for no such number, as in all but
            multiclass.
        without: records without which the test numbers are reported as well.
        seed: of the bootstrap.
        resample: what the bootstrap draws, "patient" or "record".
        groups: what test numbers are also told apart by, e.g. ("sex", "age").
        least_specificity: if binary, what the threshold has to keep on validation rows, where it is the most
            sensitive one that does; None takes the threshold of the best F1.
        score: if anomaly, the parts that count, e.g. ("mae",) or ("latent", "rhythm").
        kinds: if anomaly, of what kinds there are, and what they mean in words; a row may be of several.
        n_sd: if anomaly, the threshold lies so many standard deviations above the mean of normal validation rows.
        percentile: if anomaly, the threshold is this percentile of normal validation rows; of the two one is given.
    """

    table: pd.DataFrame
    task: str
    problem: str
    classes: tuple[str, ...]
    class_names: dict[str, str]
    synthetic: bool
    tags: dict[str, str] = field(default_factory=dict)
    headline_classes: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    seed: int = 0
    resample: str = "patient"
    groups: tuple[str, ...] = ()
    least_specificity: float | None = None
    score: tuple[str, ...] = ()
    kinds: dict[str, str] = field(default_factory=dict)
    n_sd: float | None = None
    percentile: float | None = None

    def __post_init__(self) -> None:
        complaints = list(_complaints(self))
        if complaints:
            raise ValueError("predictions cannot be scored: " + "; ".join(complaints))

    @classmethod
    def read(cls, path: Path) -> "Predictions":
        """Read what `write` wrote."""
        if not path.is_file():
            jobs = " (this is a sweep: name one of its jobs, e.g. its folder 0)"
            of_sweep = (path.parent / "multirun.yaml").is_file()
            raise FileNotFoundError(
                f"no predictions at {path}: name the folder of a run that has finished{jobs if of_sweep else ''}"
            )
        try:
            stored = pq.read_table(path)
        except pa.ArrowInvalid as broken:
            raise ValueError(f"{path} is not a whole parquet file: copy it, or train, again") from broken
        metadata = (stored.schema.metadata or {}).get(METADATA_KEY)
        if metadata is None:
            raise ValueError(f"{path} has no metadata under {METADATA_KEY.decode()!r}: it was not written by train")
        said = OLDER | json.loads(metadata)
        missing = [name for name in _said(cls) if name not in said]
        if missing:
            raise ValueError(f"{path} does not say {', '.join(missing)}: it was written by another version")
        known = {name: said[name] for name in _said(cls)}
        known |= {name: tuple(known[name]) for name in LISTS}
        return cls(table=stored.to_pandas(), **known)

    def write(self, path: Path) -> None:
        """Write one parquet file that explains itself; a reader never sees half of it."""
        said = json.dumps({name: getattr(self, name) for name in _said(type(self))})
        stored = pa.Table.from_pandas(self.table, preserve_index=False)
        described = stored.replace_schema_metadata({**(stored.schema.metadata or {}), METADATA_KEY: said.encode()})
        with written_whole(path) as part:
            pq.write_table(described, part)

    @property
    def logits(self) -> Float[np.ndarray, "row out"]:
        """What the network said: a logit per output, or if anomaly the parts of the score that count."""
        return self.table[_logit_columns(self)].to_numpy(dtype=np.float64)

    @property
    def label(self) -> Int[np.ndarray, " row"] | Int[np.ndarray, "row class"]:
        """Class index per row, or one 0/1 column per class."""
        if self.problem == "multilabel":
            return self.table[_label_columns(self)].to_numpy(dtype=np.int64)
        return self.table["label"].to_numpy(dtype=np.int64)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The classes that have a logit, or a score: the second alone where it tells two apart."""
        return self.classes[1:] if self.problem in ("anomaly", "binary") else self.classes

    @property
    def units(self) -> str:
        """What the bootstrap draws, in words: a record that names no patient is drawn by itself."""
        nameless = self.resample == "patient" and any(str(one).startswith(NAMELESS) for one in self.table["patient"])
        return "patients where known, else records" if nameless else f"{self.resample}s"

    @property
    def parts(self) -> tuple[str, ...]:
        """Everything that a score may be made of, whether it counts or not."""
        return tuple(name.removeprefix("score_") for name in map(str, self.table) if name.startswith("score_"))

    def fitted_on(self) -> dict[int, Bool[np.ndarray, " row"]]:
        """The rows of each fold that may choose."""
        fold, chooses = self.table["fold"].to_numpy(), self.table["side"].to_numpy() == FITTED_ON
        return {int(k): (fold == k) & chooses for k in np.unique(fold)}

    @property
    def headline_name(self) -> str:
        """Name of the mean F1 over the headline classes, e.g. "macro_f1_nsvf"."""
        return "macro_f1_" + "".join(self.headline_classes).lower()


def _complaints(about: Predictions) -> Iterator[str]:
    """Everything that makes the table unfit to be scored."""
    if about.problem not in PROBLEMS:
        yield f"problem={about.problem!r} is none of {', '.join(PROBLEMS)}"
    if about.resample not in ("patient", "record"):
        yield f"resample={about.resample!r} is neither 'patient' nor 'record'"
    if strange := set(about.headline_classes) - set(about.classes):
        yield f"headline_classes names {sorted(strange)}, which classes={list(about.classes)} does not hold"
    if about.problem != "multiclass" and about.headline_classes:
        yield f"headline_classes={list(about.headline_classes)} has no meaning where problem={about.problem!r}"
    yield from _misfits_of_two(about)
    yield from _misfits_of_anomaly(about)
    columns = (*COLUMNS, *_label_columns(about), *_logit_columns(about), *_group_columns(about), *_kind_columns(about))
    missing = [name for name in columns if name not in about.table]
    if missing:
        yield f"the table has no column {', '.join(missing)}"
        return
    yield from _misfits(about)


def _misfits_of_two(about: Predictions) -> Iterator[str]:
    """What goes with two classes and nothing else."""
    binary, least = about.problem == "binary", about.least_specificity
    if about.problem in ("anomaly", "binary") and len(about.classes) != 2:
        yield f"problem={about.problem!r} takes two classes, the negative one first: not {list(about.classes)}"
    if not binary and least is not None:
        yield f"least_specificity={least} has no meaning where problem={about.problem!r}"
    if binary and least is not None and not 0 < least < 1:
        yield f"least_specificity={least} must lie between 0 and 1"


def _misfits_of_anomaly(about: Predictions) -> Iterator[str]:
    """What goes with anomalies and nothing else."""
    said = {name: getattr(about, name) for name in ("score", "kinds", "n_sd", "percentile")}
    if about.problem != "anomaly":
        given = ", ".join(f"{name}={value}" for name, value in said.items() if value or value == 0)
        if given:
            yield f"{given} has no meaning where problem={about.problem!r}"
        return
    if not about.score or len(set(about.score)) < len(about.score):
        yield f"score={list(about.score)} must name the parts that count, each once"
    if (about.n_sd is None) == (about.percentile is None):
        yield f"n_sd={about.n_sd} and percentile={about.percentile}: a threshold takes exactly one of the two"
    if about.percentile is not None and not 0 <= about.percentile <= 100:
        yield f"percentile={about.percentile} must lie between 0 and 100"
    if same := set(about.kinds) & set(about.classes):
        yield f"kinds names {sorted(same)}, as classes={list(about.classes)} does: choose other names"


def _misfits(about: Predictions) -> Iterator[str]:
    """Every value that no column of its name may hold."""
    allowed = (0, 1) if about.problem == "multilabel" else range(len(about.classes))
    for name in _label_columns(about):
        if not about.table[name].isin(allowed).all():
            yield f"a {name} lies outside {allowed[0]}..{allowed[-1]}"
    if not about.table["side"].isin(list(SIDES)).all():
        yield f"a side is neither of {list(SIDES)}"
    if about.problem != "anomaly" and not np.isfinite(about.logits).all():
        yield "a logit is not a finite number"
    yield from _misfits_of_scores(about)
    for name in _group_columns(about):
        if about.table[name].isna().any():
            yield f"a {name} is empty: say 'unknown'"


def _misfits_of_scores(about: Predictions) -> Iterator[str]:
    """Every value that no column of scores and kinds may hold."""
    for part in about.parts:
        if not np.isfinite(about.table[f"score_{part}"]).all():
            yield f"a score_{part} is not a finite number"
    for name in _kind_columns(about):
        if not about.table[name].isin((0, 1)).all():
            yield f"a {name} lies outside 0..1"
        if about.table.loc[about.table["label"] == 0, name].any():
            yield f"a {name} is 1 in a normal row"


def _label_columns(about: Predictions) -> list[str]:
    return [f"label_{name}" for name in about.classes] if about.problem == "multilabel" else ["label"]


def _group_columns(about: Predictions) -> list[str]:
    return [f"group_{name}" for name in about.groups]


def _kind_columns(about: Predictions) -> list[str]:
    return [f"kind_{name}" for name in about.kinds]


def _logit_columns(about: Predictions) -> list[str]:
    """Where what the network said stands."""
    if about.problem == "anomaly":
        return [f"score_{part}" for part in about.score]
    return [f"logit_{name}" for name in about.outputs]


def _said(kind: type[Predictions]) -> list[str]:
    return [part.name for part in fields(kind) if part.name != "table"]
