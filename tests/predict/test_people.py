"""Age and sex, typed or in a table."""

from pathlib import Path

import pytest

from ecg_lightning.predict.people import people


def table(folder: Path, text: str) -> Path:
    path = folder / "people.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_who_is_typed_is_everybody() -> None:
    assert people(63.0, "female", None).of("any") == {"age_years": 63.0, "sex_female": 1.0}
    assert people(None, "male", None).of("any") == {"sex_female": 0.0}
    assert people(None, None, None).of("any") == {}


def test_a_table_says_more_than_what_is_typed(tmp_path: Path) -> None:
    file = table(tmp_path, "\ufeffsex,recording,age_years\nF,r1,70\n,r2,\nm,r3,\n")
    found = people(50.0, None, file)
    assert found.of("r1") == {"age_years": 70.0, "sex_female": 1.0}
    assert found.of("r2") == {"age_years": 50.0}
    assert found.of("r3") == {"age_years": 50.0, "sex_female": 0.0}
    assert found.of("other", "r1") == found.of("r1")


def test_what_is_said_for_nothing_is_named(tmp_path: Path) -> None:
    file = table(tmp_path, "recording,age_years,sex\nr1,70,f\nr9,,m\n")
    assert people(50.0, None, None).unused(()) == ("this network does not take age: --age is not used",)
    assert people(None, None, file).unused(("age_years",)) == (
        "this network does not take sex: --people is not used for it",
    )
    both = people(50.0, "male", file)
    assert both.unused(("hour_sin",))[0].endswith("take age or sex: --age and --sex and --people are not used")
    assert both.unused(("age_years", "sex_female")) == people(None, None, None).unused(()) == ()
    assert both.unmatched(["r1", "r1.csv"]) == ("--people: no recording is called r9: this line is not used",)
    assert both.unmatched(["r1", "r9"]) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("recording,age\nr1,3\n", "has no column age_years, sex: give recording, age_years, sex"),
        ("", "has no column recording, age_years, sex"),
        ("recording,age_years,sex\nr1,old,\n", "line 2: age_years='old' is no number: give years"),
        ("recording,age_years,sex\nr1,131,\n", "line 2: age_years=131 must lie between 0 and 130"),
        ("recording,age_years,sex\nr1,nan,\n", "line 2: age_years=nan must lie between 0 and 130"),
        ("recording,age_years,sex\nr1,,x\n", "line 2: sex='x' is not known here: give female or male"),
        ("recording,age_years,sex\nr1,1,f\nr1,2,f\n", "line 3: recording r1 stands there twice: leave one line"),
    ],
)
def test_a_wrong_table_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        people(None, None, table(tmp_path, text))


def test_a_table_that_is_no_text_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(b"recording,age_years,sex\n\xff\xfe,1,f\n")
    with pytest.raises(ValueError, match=r"--people=.* is no table of text .*: save it as CSV in UTF-8"):
        people(None, None, path)


def test_an_impossible_age_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"--age, --sex: age_years=-1\.0 must lie between 0 and 130"):
        people(-1.0, None, None)
