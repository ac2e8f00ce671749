"""Classes look the same everywhere and differ from each other; the largest are shown."""

import numpy as np

from ecg_lightning.report.colours import MAX_CLASSES, class_colour, class_line, largest


def test_twenty_classes_look_different() -> None:
    assert len({(class_colour(index), class_line(index)) for index in range(20)}) == 20


def test_the_largest_classes_are_shown_in_their_own_order_and_absent_ones_never() -> None:
    n_rows = np.arange(71)
    assert largest(n_rows) == list(range(71 - MAX_CLASSES, 71))
    assert largest(n_rows[::-1].copy()) == list(range(MAX_CLASSES))
    assert largest(np.array([0, 3, 0, 5])) == [1, 3]
    assert largest(np.array([0, 0])) == []
