"""Which classes are shown, and in which colour: the same in every figure and table."""

import numpy as np
from jaxtyping import Int

# Okabe & Ito, Color Universal Design (2008), without yellow, which is lost on white
CLASS_COLOURS = ("#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000")
MAX_CLASSES = 12  # more lines or panels cannot be told apart: the largest are shown


def class_colour(index: int) -> str:
    """Colour of a class, the same in every figure."""
    return CLASS_COLOURS[index % len(CLASS_COLOURS)]


def class_line(index: int) -> str:
    """Line style of a class: colours come round after seven, styles then differ."""
    return ("-", "--", ":", "-.")[index // len(CLASS_COLOURS) % 4]


def largest(n_rows: Int[np.ndarray, " class"]) -> list[int]:
    """Indices of the classes that are shown where not all find room, in their own order; none that is absent."""
    ranked = np.argsort(-n_rows, kind="stable")[:MAX_CLASSES]
    return sorted(int(index) for index in ranked if n_rows[index])
