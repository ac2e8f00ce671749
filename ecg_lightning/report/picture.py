"""What every figure of the report comes with, and which rows it shows."""

from dataclasses import dataclass

from matplotlib.figure import Figure

from ecg_lightning.predictions import Predictions


@dataclass(frozen=True, eq=False)
class Picture:
    """One figure of the report.

    Args:
        name: of the file, without its ending.
        title: in words.
        caption: a sentence or two.
        figure: None where it cannot be drawn; the caption then says why.
    """

    name: str
    title: str
    caption: str
    figure: Figure | None


def stamp(predictions: Predictions) -> str:
    """What must be read on every figure and page; empty for honest splits of real data."""
    words = ["SYNTHETIC"] if predictions.synthetic else []
    words += ["LEAKY SPLIT"] if predictions.tags.get("leaky_split") == "true" else []
    return " · ".join(words)


def shown_side(predictions: Predictions) -> str | None:
    """The side that figures are of: test where it was scored."""
    sides = set(predictions.table["side"])
    return next((side for side in ("test", "val") if side in sides), None)
