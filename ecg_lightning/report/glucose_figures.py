"""Figure of a day with a glucose sensor: what was measured, and what the network said meanwhile."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from ecg_lightning.report.colours import class_colour
from ecg_lightning.report.style import INK, QUIET, new_figure, plain, tidy

MARK_PX = 7.0  # area of a window's dot


@dataclass(frozen=True, eq=False)
class Course:
    """The scored windows of one patient, in any order.

    Args:
        name: of the patient.
        clock_s: beginning of each window, in seconds since 1970 by the recorder's clock.
        glucose_mmol_l: the reading that each inherits.
        p: of the second class, as was said.
        low: whether the window is of it.
        threshold: from which on it is called.
    """

    name: str
    clock_s: Float[np.ndarray, " window"]
    glucose_mmol_l: Float[np.ndarray, " window"]
    p: Float[np.ndarray, " window"]
    low: Bool[np.ndarray, " window"]
    threshold: float


def glucose_courses(courses: list[Course], classes: tuple[str, str], low_mmol_l: float | None, stamp: str) -> Figure:
    """Draw glucose and below it the probability, patient by patient, over the time of the clock.

    Args:
        courses: one per patient.
        classes: the negative one first.
        low_mmol_l: below which glucose is low; None where it is not known.
        stamp: see `new_figure`.
    """
    figure = new_figure(12, 3.3 * len(courses) + 0.5, stamp)
    parts = figure.subfigures(len(courses), 1, squeeze=False)[:, 0]
    for part, course in zip(parts, courses, strict=True):
        upper, lower = part.subplots(2, 1, sharex=True)
        clock = (1000 * course.clock_s).astype("datetime64[ms]")
        for index, name in enumerate(classes):
            own = course.low == bool(index)
            look = {"s": MARK_PX, "color": class_colour(index), "linewidth": 0, "label": plain(f"window is {name}")}
            upper.scatter(clock[own], course.glucose_mmol_l[own], **look)
            lower.scatter(clock[own], course.p[own], **look)
        if low_mmol_l is not None:
            upper.axhline(low_mmol_l, color=INK, linewidth=0.9, linestyle="--", label=f"{low_mmol_l:g} mmol/L")
        lower.axhline(course.threshold, color=QUIET, linewidth=1.1, label=f"threshold {course.threshold:.2f}")
        tidy(upper, plain(f"patient {course.name}"), y="glucose, mmol/L")
        tidy(lower, x="time of the recorder's clock", y=plain(f"p({classes[1]})"))
        upper.set_ylim(bottom=0)
        lower.set_ylim(-0.03, 1.03)
        locator = AutoDateLocator(maxticks=12)
        lower.xaxis.set_major_locator(locator)
        lower.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        named = dict(zip(*(upper.get_legend_handles_labels()[::-1]), strict=True))
        named |= {line.get_label(): line for line in lower.lines}
        legend = upper.legend(named.values(), named.keys(), loc="lower right", ncols=4, fontsize=9)
        legend.set(frame_on=False, bbox_to_anchor=(1.0, 0.97))
    return figure
