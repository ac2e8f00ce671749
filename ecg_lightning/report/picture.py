"""What every figure of the report comes with, and which rows it shows."""

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

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


def kept(pictures: Iterable[Picture], folder: Path) -> list[dict[str, str]]:
    """Write every figure into a folder, which is made, and give each as a page shows it: title, caption, png."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = []
    for picture in pictures:
        png = b""
        if picture.figure is not None:
            stream = io.BytesIO()
            picture.figure.savefig(stream, format="png")
            png = stream.getvalue()
            (folder / f"{picture.name}.png").write_bytes(png)
        encoded = base64.b64encode(png).decode("ascii")
        shown.append({"title": picture.title, "caption": picture.caption, "png": encoded})
    return shown
