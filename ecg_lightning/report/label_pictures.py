"""Figures of a problem in which every record may be of several classes."""

from collections.abc import Iterator, Mapping

import numpy as np

from ecg_lightning.calibration import Decisions
from ecg_lightning.evaluation import Evaluation
from ecg_lightning.predictions import SIDES, Predictions
from ecg_lightning.report import label_figures, score_figures
from ecg_lightning.report.colours import MAX_CLASSES
from ecg_lightning.report.paper import Tracing, paper
from ecg_lightning.report.picture import Picture
from ecg_lightning.report.tables import group_places

RECORDS = ("records_ecg", "records_row", "records_fs_hz", "records_leads", "records_unit")
MAX_RECORDS = 6  # pages of paper
MAX_NAMES = 6  # of classes in a line


def scores(shown: Decisions, found: Evaluation, side: str, mark: str) -> Iterator[Picture]:
    """Confusion, ranking, labels that go together, and groups of one side."""
    label, classes = shown.about.label, shown.about.classes
    most = f"; the {MAX_CLASSES} largest of {len(classes)} classes" if len(classes) > MAX_CLASSES else ""
    if not label.any():
        yield Picture("confusion_matrix", "Confusion, class by class", "Not drawn: no record has any class.", None)
        return
    caption = f"{len(label):,} {SIDES[side]} records: how many, and the share of each row{most}."
    figure = label_figures.confusion_per_class(label, shown.called, classes, mark)
    yield Picture("confusion_matrix", "Confusion, class by class", caption, figure)
    caption = f"Each class against the rest over all thresholds, {SIDES[side]} records."
    figure = score_figures.ranking_curves(shown.p, label == 1, classes, mark)
    yield Picture("ranking", "ROC and precision-recall", caption, figure)
    caption = f"How often a {SIDES[side]} record of one class is also of another, as labelled and as predicted{most}."
    figure = label_figures.co_occurrence(label, shown.called, classes, mark)
    yield Picture("co_occurrence", "Labels that go together", caption, figure)
    groups = _groups(shown.about, found.metrics, "macro_auroc")
    if groups:
        figure = label_figures.group_intervals(groups, found.metrics.get("test/macro_auroc"), "macro AUROC", mark)
        caption = "Macro AUROC of the test records of each group, with 95 % interval; how many stands in brackets."
        yield Picture("groups", "Group by group", caption, figure)


def _groups(about: Predictions, numbers: dict[str, float], name: str) -> list[label_figures.GroupScore]:
    """One number of each group that has it."""
    found = []
    for group, word in group_places(about, numbers):
        place = f"test/{group}_{word}"
        if f"{place}/{name}" in numbers:
            n_rows = int(numbers[f"{place}/n_windows"])
            value, low, high = (numbers.get(f"{place}/{name}{end}", np.nan) for end in ("", "_low", "_high"))
            found.append(label_figures.GroupScore(f"{group}: {word}", n_rows, value, low, high))
    return found


def recordings(
    shown: Decisions, examples: dict[str, np.ndarray], thresholds: Mapping[int, tuple[float, ...]], mark: str
) -> Iterator[Picture]:
    """A few records on paper, answered right and wrong; with the thresholds of each fold."""
    kept = [] if any(key not in examples for key in RECORDS) else _chosen(shown, examples["records_row"])
    if not kept:
        yield Picture("record_1", "Records", "Not drawn: the run kept no records to show (examples.npz).", None)
    for number, (index, at) in enumerate(kept, start=1):
        tracing = _tracing(shown, examples, index, at, thresholds[int(shown.column("fold")[at])])
        seen = "" if tracing.attention is None else " Blue: where in time the network looked."
        caption = (
            "Of the records that were kept, class by class one answered right and the next one wrong. Beside each "
            f"class its calibrated probability, and from where on it is called.{seen}"
        )
        how = "not every class is answered right" if tracing.wrong else "every class is answered right"
        title = f"Record {shown.column('record')[at]}: {how}"
        yield Picture(f"record_{number}", title, caption, paper(tracing, mark))


def _chosen(shown: Decisions, rows: np.ndarray) -> list[tuple[int, int]]:
    """Kept records as places in the examples and in the table: class by class one right, the next one wrong."""
    place = {int(row): at for at, row in enumerate(shown.column("row"))}
    kept = [(index, place[int(row)]) for index, row in enumerate(rows) if int(row) in place]
    wrong, label = (shown.about.label == 1) != shown.called, shown.about.label
    n_classes, chosen = label.shape[1], dict[tuple[int, int], None]()
    for turn in range(2 * n_classes):
        number, seek_right = turn % n_classes, (turn % n_classes + turn // n_classes) % 2 == 0
        for one in kept:
            is_right = not wrong[one[1]].any() and label[one[1], number] == 1
            if one not in chosen and (is_right if seek_right else wrong[one[1], number]):
                chosen[one] = None
                break
    return list(chosen)[:MAX_RECORDS]


def _tracing(
    shown: Decisions, examples: dict[str, np.ndarray], index: int, at: int, limits: tuple[float, ...]
) -> Tracing:
    label, called, p = shown.about.label[at] == 1, shown.called[at], shown.p[at]
    known = [str(shown.column(f"group_{name}")[at]) for name in shown.about.groups]
    who = [
        word if word != "unknown" else f"{name} unknown" for name, word in zip(shown.about.groups, known, strict=True)
    ]
    lists = {"found": label & called, "missed": label & ~called, "called, but not there": ~label & called}
    said = {words: _named(shown.about, p, limits, chosen) for words, chosen in lists.items() if chosen.any()}
    right = f"found: {said.pop('found')}" if "found" in said else ""
    if not said and not right:
        right = "of no class, and none was called"
    attention = examples["records_attention"][index] if "records_attention" in examples else None
    return Tracing(
        ecg=examples["records_ecg"][index],
        leads=tuple(str(name) for name in examples["records_leads"]),
        fs_hz=float(examples["records_fs_hz"]),
        unit=str(examples["records_unit"]),
        title=" · ".join([f"record {shown.column('record')[at]}", *who]),
        right=right,
        wrong="\n".join(f"{words}: {names}" for words, names in said.items()),
        attention=attention,
    )


def _named(about: Predictions, p: np.ndarray, limits: tuple[float, ...], chosen: np.ndarray) -> str:
    """Classes with what they mean, their probabilities and thresholds, the likeliest first."""
    ranked = sorted(np.flatnonzero(chosen), key=lambda index: -p[index])
    names = []
    for index in ranked[:MAX_NAMES]:
        short = about.classes[index]
        meaning = about.class_names.get(short, short)
        words = f"{short}{f' ({meaning})' if meaning != short else ''}"
        names.append(f"{words} {p[index]:.2f}, called from {limits[index]:.2f}")
    more = f" and {len(ranked) - MAX_NAMES} more" if len(ranked) > MAX_NAMES else ""
    return "; ".join(names) + more
