"""What no fold may do: cut an episode. The other checks are met by the splits that they hold, in test_splits."""

from dataclasses import replace

import numpy as np
import pytest

from ecg_lightning.split_checks import check_episodes, check_shares
from ecg_lightning.splits import RandomWindows, folds
from ecg_lightning.structures import Fold, Refused
from tests.corpora.clocked import clocked_table

TABLE = clocked_table({"001": ["0110"], "002": ["0"], "003": ["0"]})


def test_an_episode_on_two_sides_is_refused_with_its_patient_and_record() -> None:
    row = np.arange(len(TABLE))
    check_episodes(Fold(row[:3], row[3:9], row[9:]), TABLE)  # between readings
    said = "1 episodes stand on two sides of the split, the first of patient 001 in record 001/walk: keep episodes"
    with pytest.raises(Refused, match=said):
        check_episodes(Fold(row[:5], row[5:9], row[9:]), TABLE)
    with pytest.raises(Refused, match="stand on two sides"):
        check_episodes(Fold(row[:2], row[3:9], row[[2, 9]]), TABLE)


def test_rows_that_stand_alone_may_stand_anywhere() -> None:
    row = np.arange(len(TABLE))
    check_episodes(Fold(row[:5], row[5:9], row[9:]), replace(TABLE, episode=np.full(len(TABLE), -1)))
    check_episodes(Fold(row[:5], row[5:9], row[9:]), replace(TABLE, episode=None))


def test_a_split_that_is_called_leaky_may_cut_episodes_and_another_may_not() -> None:
    table = clocked_table({"001": ["0110"] * 20})
    (fold,) = folds(RandomWindows(0.2, 0.2, seed=0), table)
    assert fold.tags == {"leaky_split": "true"}
    with pytest.raises(Refused, match="take split=random_windows, which is called leaky"):
        check_episodes(replace(fold, tags={"same_patients": "true"}), table)


def test_shares_are_refused_by_the_names_of_their_settings() -> None:
    check_shares({"train_share": 0.4, "val_share": 0.2})
    with pytest.raises(Refused, match=r"split.train_share=0.8 and split.val_share=0.2 must be above 0 and together"):
        check_shares({"train_share": 0.8, "val_share": 0.2})
