"""Classes look the same everywhere and differ from each other."""

from ecg_lightning.report.colours import MAX_CLASSES, class_colour, class_line, largest
from ecg_lightning.report.style import new_figure, plain


def test_twenty_classes_look_different() -> None:
    assert len({(class_colour(index), class_line(index)) for index in range(20)}) == 20


def test_a_long_stamp_fits_its_figure() -> None:
    figure = new_figure(9, 4, "SYNTHETIC · LEAKY SPLIT")
    figure.canvas.draw()
    inside = figure.texts[0].get_window_extent()
    assert inside.x0 > 0
    assert inside.x1 < figure.bbox.x1


def test_names_are_no_formulas() -> None:
    assert plain("a$b") == r"a\$b"
