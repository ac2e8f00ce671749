"""What a reader must know is said in words, and no longer than it is read."""

from ecg_lightning.report.notices import MAX_NAMES, first, remarks, tags_in_words


def test_a_long_list_ends_with_how_many_more() -> None:
    names = [str(number) for number in range(MAX_NAMES + 1652)]
    assert first(names).endswith(f"{MAX_NAMES - 1} ... and 1,652 more")
    assert first(names[:MAX_NAMES]).endswith(f", {MAX_NAMES - 1}")
    assert first([]) == ""


def test_tags_are_said_in_words_and_those_that_say_nothing_are_not() -> None:
    tags = {"shared_patient": "201,202", "leaky_split": "false", "unknown_patients": "0", "mood": "a,b"}
    assert tags_in_words(tags) == [
        "One person stands on both sides of this published split: records 201, 202.",
        "mood = a, b",
    ]


def test_remarks_of_the_corpus_are_passed_on_and_may_be_absent() -> None:
    assert remarks({"remarks": ["The amplitudes are lost."]}) == ["The amplitudes are lost."]
    assert remarks({}) == []
