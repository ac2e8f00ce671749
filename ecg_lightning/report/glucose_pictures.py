"""Picture of glucose and of what was said of it, where the run knows both and the time of the clock."""

from collections.abc import Iterator

import numpy as np

from ecg_lightning.calibration import Decisions
from ecg_lightning.evaluation import Evaluation
from ecg_lightning.report.contents import Contents
from ecg_lightning.report.glucose_figures import Course, glucose_courses
from ecg_lightning.report.picture import Picture

GLUCOSE, CLOCK = "measured_glucose_mmol_l", "measured_clock_s"
MAX_PATIENTS = 4
DAY_S = 86_400.0


def courses(shown: Decisions, found: Evaluation, contents: Contents, mark: str) -> Iterator[Picture]:
    """Glucose and probability of some patients: those with most windows of the second class first."""
    if not {GLUCOSE, CLOCK} <= set(shown.about.table):
        return
    known = shown.where(np.isfinite(shown.column(CLOCK)) & np.isfinite(shown.column(GLUCOSE)))
    name, title = "glucose", "Glucose and what was said of it"
    if not len(known.p):
        yield Picture(name, title, "Not drawn: no window has both a reading and a time of the clock.", None)
        return
    table = known.about.table
    low = table.groupby("patient")["label"].agg(["sum", "size"]).sort_values(["sum", "size"], ascending=False)
    names = [str(one) for one in low.index[:MAX_PATIENTS]]
    below = contents.number("task", "data", "low_mmol_l")
    classes = known.about.classes
    shown_courses = [_course(known, one, found) for one in names]
    figure = glucose_courses(shown_courses, (classes[0], classes[1]), below, mark)
    many = f" {len(names)} of {len(low)} patients, those with most {classes[1]} windows." if len(low) > 1 else ""
    caption = (
        f"Each dot is a window: above the reading that it inherits, beneath p({classes[1]}). Of each patient the day "
        f"with most {classes[1]} windows.{many}"
    )
    yield Picture(name, title, caption, figure)


def _course(known: Decisions, patient: str, found: Evaluation) -> Course:
    """The day of a patient that has most windows of the second class, or most windows where none has any."""
    own = known.where(known.column("patient") == patient)
    day = own.column(CLOCK).astype(np.float64) // DAY_S
    days = np.unique(day)
    size = [((day == one) & (own.about.label == 1)).sum() + (day == one).mean() for one in days]
    own = own.where(day == days[int(np.argmax(size))])
    return Course(
        name=patient,
        clock_s=own.column(CLOCK).astype(np.float64),
        glucose_mmol_l=own.column(GLUCOSE).astype(np.float64),
        p=own.p[:, 1],
        low=own.about.label == 1,
        threshold=found.thresholds[int(own.column("fold")[0])][0],
    )
