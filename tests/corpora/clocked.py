"""Window tables whose rows have a clock, a day and an episode."""

from collections.abc import Mapping, Sequence

import numpy as np

from ecg_lightning.structures import WindowTable

DAY_S = 86_400.0
N_WINDOWS = 3  # that inherit each reading


def clocked_table(readings: Mapping[str, Sequence[str]]) -> WindowTable:
    """A table of patients whose days are words of 0 and 1, one for each reading: low ones in a row are one episode.

    Args:
        readings: of each patient, day by day, e.g. {"001": ["0011", "10"]}.
    """
    rows = []
    episode = -1
    for person, days in enumerate(readings.values()):
        before, begun = "0", 0
        for number, day in enumerate(days):
            for i, word in enumerate(day):
                if not (word == before == "1"):
                    episode, begun = episode + 1, number
                before = word
                first_s = number * DAY_S + 300.0 * i
                rows += [(person, begun, int(word), episode, first_s + 10.0 * k) for k in range(N_WINDOWS)]
    patient, day, label, episodes, clock_s = (np.array(column) for column in zip(*rows, strict=True))
    nothing = np.zeros(len(rows), np.int64)
    return WindowTable(
        record=patient,
        patient=patient,
        time_s=clock_s,
        start=nothing,
        first=nothing,
        length=nothing + 1000,
        label=label,
        features=np.zeros((len(rows), 0), np.float32),
        record_names=tuple(f"{name}/walk" for name in readings),
        patient_names=tuple(readings),
        day=day,
        episode=episodes,
        measured={"clock_s": clock_s},
    )
