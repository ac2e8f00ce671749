"""The figure of a sweep: what each job reaches, against what varied."""

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Affine2D, ScaledTranslation

from ecg_lightning.comparison import LIMITS, Comparison
from ecg_lightning.predictions import SIDES
from ecg_lightning.report.colours import class_colour
from ecg_lightning.report.style import DPI, new_figure, plain, tidy
from ecg_lightning.report.tables import IN_WORDS

MAX_PANELS = 3
MAX_NAME = 44  # letters of a job's name beside its row
COLOURS = {"val": class_colour(0), "test": class_colour(1)}
BEST = class_colour(2)
APART_PT = 2.5  # the sides from their middle, so that neither hides the other


def comparison(found: Comparison) -> Figure | None:
    """One panel per headline number: against the value that varied where that is a number, else job by job.

    Repeats with other seeds are points above one value, and the line runs through their mean.

    Returns:
        None where no job has a number.
    """
    names = [name for name in found.headline if f"val/{name}" in found.table][:MAX_PANELS]
    if not names:
        return None
    key = numeric_key(found)
    width_in, height_in = (4.1 * len(names), 4.0) if key else (2.5 + 3.3 * len(names), 1.9 + 0.3 * len(found.table))
    figure = new_figure(max(6.5, width_in), max(3.4, height_in), stamp(found.table))
    panels = figure.subplots(1, len(names), squeeze=False, sharey=key is None)[0]
    for axes, name in zip(panels, names, strict=True):
        if key is None:
            _dots(axes, found, name)
        else:
            _curve(axes, found, name, key)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=9, frameon=False)
    return figure


def numeric_key(found: Comparison) -> str | None:
    """What varied, where beside the seed it is one thing alone and a number; else None."""
    keys = [key for key in found.varied if key != "seed"]
    finished = found.table["state"] == "finished"
    return keys[0] if len(keys) == 1 and not np.isnan(_values(found.table, keys[0])[finished]).any() else None


def geometric(values: Float[np.ndarray, " value"]) -> bool:
    """Whether values grow by a factor more evenly than by a step."""
    values = np.unique(values)
    if len(values) < 3 or values[0] <= 0:
        return False
    factors, steps = np.diff(np.log(values)), np.diff(values)
    return bool(factors.std() / factors.mean() < steps.std() / steps.mean())


def in_words(name: str) -> str:
    """A headline number in two or three words."""
    if name.startswith("macro_f1_"):
        return f"macro F1 {name.removeprefix('macro_f1_').upper()}"
    return "macro F1" if name == "macro_f1" else IN_WORDS.get(name, name.replace("f1/", "F1 of "))


def short_keys(keys: tuple[str, ...]) -> list[str]:
    """The last word of each key, or all of it where two have the same."""
    last = [key.rpartition(".")[2] for key in keys]
    return [word if last.count(word) == 1 else key for key, word in zip(keys, last, strict=True)]


def shared_folder(values: pd.Series) -> str:
    """The folder that all of these options lie in: "reference/" of reference/a and reference/b; empty for none."""
    folders = {"".join(str(value).rpartition("/")[:2]) for value in values}
    return folders.pop() if len(folders) == 1 else ""


def stamp(table: pd.DataFrame) -> str:
    """As `picture.stamp`, where it is true of any job."""
    words = ["SYNTHETIC"] if table["synthetic"].any() else []
    return " · ".join([*words, *(["LEAKY SPLIT"] if table["leaky_split"].any() else [])])


def _curve(axes: Axes, found: Comparison, name: str, key: str) -> None:
    """Numbers against a value."""
    value = _values(found.table, key)
    ticks = np.unique(value[~np.isnan(value)])
    if geometric(ticks):
        axes.set_xscale("log")
    for side, line in _marked(axes, found, name, value, across=True).items():
        mean = found.table[f"{side}/{name}"].groupby(value).mean()
        axes.plot(mean.index, mean, color=COLOURS[side], linewidth=1)[0].set_transform(line.get_transform())
    tidy(axes, in_words(name), key)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()


def _values(table: pd.DataFrame, key: str) -> Float[np.ndarray, " job"]:
    """What varied as a number; NaN where it is none, or the job did not finish."""
    return pd.to_numeric(table[key], errors="coerce").where(table["state"] == "finished").to_numpy(dtype=np.float64)


def _dots(axes: Axes, found: Comparison, name: str) -> None:
    """Numbers job by job, the first on top."""
    place = np.arange(len(found.table), dtype=np.float64)
    _marked(axes, found, name, place, across=False)
    tidy(axes, in_words(name))
    names = [_name(found, row) for row in range(len(place))]
    told = [name if names.count(name) == 1 else f"{found.table['job'][row]}: {name}" for row, name in enumerate(names)]
    axes.set_yticks(place, [plain(name) for name in told])
    axes.set_ylim(len(place) - 0.5, -0.5)


def _marked(
    axes: Axes, found: Comparison, name: str, place: Float[np.ndarray, " job"], across: bool
) -> dict[str, Line2D]:
    """Draw points of each side with their intervals, at these places across the panel or down it, and ring the best.

    Returns:
        The points of each side that was scored.
    """
    sides, turn, points = [side for side in COLOURS if f"{side}/{name}" in found.table], 1 if across else -1, {}
    for side, sign in zip(sides, (-1, 1) if len(sides) > 1 else (0,), strict=True):
        number, low, high = (found.table[f"{side}/{name}{end}"].to_numpy(dtype=np.float64) for end in LIMITS)
        limits = axes.plot(*([place, place], [low, high])[::turn], color=COLOURS[side], alpha=0.6)
        words = SIDES[side] if np.isnan(low).all() else f"{SIDES[side]}, 95 % interval"
        points[side] = axes.plot(*(place, number)[::turn], "o", ms=5, color=COLOURS[side], label=words)[0]
        apart = (sign * APART_PT, 0.0) if across else (0.0, -sign * APART_PT)
        aside = ScaledTranslation(apart[0] / 72, apart[1] / 72, Affine2D().scale(DPI))
        for line in (*limits, points[side]):
            line.set_transform(axes.transData + aside)  # only now: the panel's limits are those of the numbers
    if found.best is not None:
        best = (place[found.best], found.table[f"val/{name}"][found.best])[::turn]
        ring = axes.plot(*best, "o", color=BEST, label=f"best by {found.monitor}")[0]
        ring.set(markersize=11, markerfacecolor="none", transform=points["val"].get_transform())
    return points


def _name(found: Comparison, row: int) -> str:
    """What a job is called beside its numbers."""
    job = found.table.iloc[row]
    values = [
        f"{key}={str(job[full]).removeprefix(shared_folder(found.table[full]))}"
        for key, full in zip(short_keys(found.varied), found.varied, strict=True)
    ]
    name = ", ".join(values) or f"job {job['job']}"
    ending = "" if job["state"] == "finished" else f" ({job['state']})"
    return (name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…") + ending
