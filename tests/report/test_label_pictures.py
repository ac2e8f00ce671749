"""Records are shown that were answered right and wrong, and their words say which."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from ecg_lightning.calibration import Decisions, probabilities
from ecg_lightning.predictions import Predictions
from ecg_lightning.report.label_pictures import MAX_NAMES, MAX_RECORDS, recordings
from tests.corpora.multilabel import draw_multilabel

N = 60
LIMITS = {0: (0.5, 0.25, 0.5, 0.5, 0.125)}


def shown(called: np.ndarray | None = None, **changes: object) -> Decisions:
    """Test rows whose calls are all right unless told otherwise."""
    drawn = draw_multilabel(N, n_val=0)
    drawn = replace(drawn, table=drawn.table.assign(**changes))
    return Decisions(drawn, probabilities(drawn, {0: 1.6}, {}), drawn.label == 1 if called is None else called)


def examples(rows: np.ndarray) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "records_ecg": rng.normal(size=(len(rows), 2, 300)).astype(np.float32),
        "records_row": rows,
        "records_fs_hz": np.array(100.0),
        "records_leads": np.array(["II", "V5"]),
        "records_unit": np.array("mV"),
    }


def lines(figure: Figure | None) -> list[str]:
    assert figure is not None
    return [text.get_text() for text in figure.axes[0].texts]


def test_right_and_wrong_records_take_turns_and_stop_at_a_few_pages() -> None:
    called = draw_multilabel(N, n_val=0).label == 1
    called[: N // 2, :] ^= True  # the first half is all wrong
    pictures = list(recordings(shown(called), examples(np.arange(N)), LIMITS, ""))
    assert len(pictures) == MAX_RECORDS
    assert [picture.name for picture in pictures] == [f"record_{number}" for number in range(1, 7)]
    right = [picture.title.endswith(": every class is answered right") for picture in pictures]
    assert right[:3] == [True, False, True]
    assert len({picture.title for picture in pictures}) == MAX_RECORDS


def test_the_words_say_who_what_was_found_missed_and_called_in_vain() -> None:
    called = np.zeros((N, 5), dtype=bool)
    called[:, [1, 4]] = True
    labels = {f"label_{name}": np.int8(name in ("MI", "CD")) for name in ("NORM", "MI", "STTC", "CD", "HYP")}
    one = shown(called, **labels, group_sex="female", group_age="unknown", record="00317")
    said = lines(next(iter(recordings(one, examples(np.array([0])), LIMITS, ""))).figure)
    assert "record 00317 · female · age unknown" in said
    p = one.p[0]
    assert f"found: MI (myocardial infarction) {p[1]:.2f}, called from 0.25" in said
    missed, vain = (
        f"missed: CD (conduction disturbance) {p[3]:.2f}, called from 0.50",
        f"called, but not there: HYP (hypertrophy) {p[4]:.2f}, called from 0.12",
    )
    assert {missed, vain} < set(said)


def test_a_record_of_no_class_says_so_and_one_of_many_names_a_few() -> None:
    classes = tuple(f"C{number}" for number in range(12))
    drawn: Predictions = draw_multilabel(1, classes, n_val=0)
    for label, words in ((0, "of no class, and none was called"), (1, f"and {12 - MAX_NAMES} more")):
        table = drawn.table.assign(**{f"label_{name}": np.int8(label) for name in classes})
        one = Decisions(replace(drawn, table=table), probabilities(drawn, {0: 1.0}, {}), np.full((1, 12), label == 1))
        pictures = list(recordings(one, examples(np.array([0])), {0: (0.5,) * 12}, ""))
        if label:
            assert any(words in line for line in lines(pictures[0].figure))
        else:
            assert pictures[0].figure is None, "a record is chosen for a class"


@pytest.mark.parametrize("rows", [np.array([], dtype=np.int64), np.array([N + 1])])
def test_without_records_in_the_table_a_sentence_stands_instead(rows: np.ndarray) -> None:
    picture = next(iter(recordings(shown(), examples(rows), LIMITS, "")))
    assert picture.figure is None
    assert "kept no records" in picture.caption
