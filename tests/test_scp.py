"""The table of statements, the labels that follow from it, and the page that explains them."""

from pathlib import Path

import pytest

from ecg_lightning import scp
from tests.corpora.compose import composed

PAGE = Path(__file__).parents[1] / "docs" / "labels.md"


def tables_of_the_page() -> list[tuple[str, ...]]:
    """Cells of every row of every table, without the marks of code."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [tuple(cell.strip(" `") for cell in line.strip("|").split("|")) for line in lines if line.startswith("|")]


@pytest.mark.parametrize(
    ("kind", "n_classes"), [("super", 5), ("sub", 23), ("diag", 44), ("form", 19), ("rhythm", 12), ("all", 71)]
)
def test_kinds_have_the_published_numbers_of_classes(kind: str, n_classes: int) -> None:
    assert len(set(scp.classes(kind))) == n_classes
    assert tuple(scp.long_names(kind)) == scp.classes(kind)
    assert len(set(scp.long_names(kind).values())) == n_classes


def test_superclasses_come_in_the_order_of_the_benchmark() -> None:
    assert scp.classes("super") == ("NORM", "MI", "STTC", "CD", "HYP")


def test_every_statement_is_a_diagnosis_a_form_or_a_rhythm() -> None:
    for code, one in scp.STATEMENTS.items():
        assert (one.superclass is None) == (one.subclass is None), code
        assert one.superclass or one.form or one.rhythm, code
        assert not (one.rhythm and (one.form or one.superclass)), code
    assert {one.superclass for one in scp.STATEMENTS.values()} == {*scp.SUPERCLASSES, None}
    assert {one.subclass for one in scp.STATEMENTS.values()} == {*scp.SUBCLASSES, None}


def test_four_forms_are_diagnoses_too() -> None:
    assert [code for code, one in scp.STATEMENTS.items() if one.form and one.superclass] == [
        *("NDT", "NST_", "DIG", "LNGQT")
    ]


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("super", {"MI", "STTC"}),
        ("sub", {"AMI", "STTC"}),
        ("diag", {"ASMI", "NDT"}),
        ("form", {"NDT", "PVC"}),
        ("rhythm", {"AFIB"}),
        ("all", {"ASMI", "NDT", "PVC", "AFIB"}),
    ],
)
def test_a_record_belongs_to_every_class_of_its_statements(kind: str, found: set[str]) -> None:
    assert scp.labels({"ASMI": 15.0, "NDT": 0.0, "PVC": 0.0, "AFIB": 0.0}, kind, 0) == found


def test_a_floor_leaves_out_unlikely_diagnoses_and_nothing_else() -> None:
    codes = {"ASMI": 15.0, "LVH": 50.0, "NDT": 0.0, "PVC": 0.0, "AFIB": 0.0}
    assert scp.labels(codes, "super", 50) == {"HYP"}
    assert scp.labels(codes, "super", 0) == {"MI", "HYP", "STTC"}
    assert scp.labels(codes, "all", 100) == {"PVC", "AFIB"}


def test_a_record_without_statements_belongs_to_no_class() -> None:
    assert scp.labels({}, "super", 0) == set()


def test_unknown_kind_statement_or_floor_is_refused() -> None:
    for ask in (scp.classes, scp.long_names, lambda kind: scp.labels({}, kind, 0)):
        with pytest.raises(ValueError, match=r"kind=subb of labels must be one of super, sub, diag, form, rhythm, all"):
            ask("subb")
    with pytest.raises(ValueError, match=r"statements HEADACHE are not among the 71 of PTB-XL"):
        scp.labels({"HEADACHE": 100.0}, "super", 0)
    with pytest.raises(ValueError, match=r"least_percent=101 must lie between 0 and 100"):
        scp.labels({}, "super", 101)


@pytest.mark.parametrize("kind", scp.KINDS)
def test_the_page_explains_every_class(kind: str) -> None:
    rows = tables_of_the_page()
    for name, words in scp.long_names(kind).items():
        assert any(row[:2] == (name, words) for row in rows), (name, words)


def test_the_page_says_to_which_classes_a_diagnosis_belongs() -> None:
    rows = tables_of_the_page()
    for code, one in scp.STATEMENTS.items():
        if one.superclass:
            assert (code, one.name, one.superclass, one.subclass) in rows


def test_the_page_explains_the_classes_of_beats() -> None:
    rows = tables_of_the_page()
    for name, words in composed("task=arrhythmia").task.class_names.items():
        assert any(row[:2] == (name, words) for row in rows), (name, words)
