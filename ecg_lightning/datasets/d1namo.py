"""D1NAMO: ECG of a chest belt and continuous glucose of nine people with type 1 diabetes, four days each.

Source:
    Dubosson et al., Informatics in Medicine Unlocked 13:92-100 (2018); https://doi.org/10.5281/zenodo.5651217
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ecg_lightning.datasets import d1namo_files, d1namo_folders, glucose, wfdb_files
from ecg_lightning.datasets.d1namo_files import Stretch
from ecg_lightning.datasets.glucose import Readings
from ecg_lightning.datasets.located import Located
from ecg_lightning.datasets.sources import source_hash
from ecg_lightning.structures import BadRecord, CorpusNotFound, Record, Signal

EXTRA_HZ = MappingProxyType({"breathing": 25.0, "activity": 1.0})
LEAST_S = 1.0  # of a stretch
MOST_OFF_S = 60.0  # between the name of a recording and its first row; a swapped day or a summer hour is more
FEW_READINGS = 100  # eight hours of a sensor
TWIN_FILES = ("synthetic_hearts", "synthetic_chest", "synthetic_glucose", "d1namo_folders", "d1namo_twin")
_HERE = Path(__file__).parent


class D1NAMO(Located):
    """Finds and reads the recordings of D1NAMO's nine patients, or of their synthetic twin.

    Args:
        data_dir: the database is looked for in `<data_dir>/d1namo`; its folders may stand there once or twice (X/X).
        cache_dir: the twin is written below it.
        source: auto, local, download or synthetic (see `sources.locate`).
        allow_missing: go on with a warning when patients have no ECG or no glucose.
        on_bad_record: what the store does about a BadRecord, "stop" or "skip".
        seed: of the twin.
        manual: also readings of glucose from a finger.
        glucose_unit: of the tables, mmol/L or mg/dL.
        extra: other signals to read, of breathing and activity.

    Raises:
        ValueError: glucose_unit or a name in extra is none of these.
    """

    name = "d1namo"
    fs_hz = 250.0
    unit = "NU"
    licence = "CC BY-SA 4.0"
    citation = (
        "Dubosson F, Ranvier J-E, Bromuri S, Calbimonte J-P, Ruiz J, Schumacher M. The open D1NAMO dataset: a "
        "multi-modal dataset for research on non-invasive type 1 diabetes management. Informatics in Medicine Unlocked "
        "13:92-100 (2018). https://doi.org/10.1016/j.imu.2018.09.003"
    )
    download_command = "python -m ecg_lightning.download d1namo"
    provides = ("patient", "glucose", "day")
    extra_signals = ("breathing", "activity")
    reader_files = tuple(_HERE / f"{name}.py" for name in ("d1namo", "d1namo_files", "d1namo_folders", "glucose"))

    def __init__(
        self,
        data_dir: str | Path,
        cache_dir: str | Path,
        source: str = "auto",
        allow_missing: bool = False,
        on_bad_record: str = "stop",
        seed: int = 0,
        manual: bool = False,
        glucose_unit: str = "mmol/L",
        extra: Sequence[str] = (),
    ) -> None:
        super().__init__(data_dir, cache_dir, source, allow_missing, on_bad_record, seed)
        glucose.check_unit(glucose_unit)
        if unknown := [name for name in extra if name not in self.extra_signals]:
            raise ValueError(f"dataset.extra={unknown} must be of {', '.join(self.extra_signals)}")
        self.manual, self.glucose_unit, self.extra = manual, glucose_unit, tuple(extra)

    @cached_property
    def synthetic(self) -> bool:
        """Whether any table of glucose says that no patient stands behind it."""
        return any(self.glucose(patient).synthetic for patient in self._patients(self.records()))

    def wanted(self) -> tuple[str, ...]:
        """The nine patients."""
        return d1namo_folders.PATIENTS

    def records(self) -> tuple[str, ...]:
        """Names of the recordings, patient and folder, e.g. "001/2014_10_01-10_09_39". Reads no signal.

        Raises:
            CorpusNotFound: the database, a patient without `allow_missing`, or every file of a signal in `extra`, is
                not there.
        """
        return self._records

    def patient_of(self, record: str) -> str:
        """The person, whose number begins the name."""
        return record.split("/")[0]

    def patients(self) -> tuple[str, ...]:
        """The people, in the order of their records."""
        return self._patients(self.records())

    def sources(self, record: str) -> list[Path]:
        """Files that the recording is made of; the table of glucose says whether it is synthetic."""
        extra = [file for name in self.extra if (file := d1namo_folders.extra_file(self.root, record, name)).is_file()]
        return [
            d1namo_folders.ecg_file(self.root, record),
            d1namo_folders.glucose_file(self.root, self.patient_of(record)),
            *extra,
        ]

    def glucose(self, patient: str) -> Readings:
        """Readings of one person's glucose, ascending in time.

        Raises:
            BadRecord: the table cannot be trusted.
            Refused: its values are of another unit than `glucose_unit`.
        """
        return glucose.read_glucose(d1namo_folders.glucose_file(self.root, patient), self.glucose_unit, self.manual)

    def read(self, record: str, leads: Sequence[str]) -> tuple[Record, ...]:
        """Read the unbroken stretches of a recording, with the other signals of the same time.

        Args:
            record: one of `records()`.
            leads: ("ECG",), or a pattern for it.

        Returns:
            One record per stretch of at least a second, named after the recording: "001/2014_10_01-10_09_39#1", "#2".

        Raises:
            BadRecord: the recording cannot be trusted, or lacks a lead.
        """
        wfdb_files.choose_leads(record, ("ECG",), leads)
        self._check_clock(record)
        patient = self.patient_of(record)
        synthetic = self.glucose(patient).synthetic
        extra = {name: self._read_extra(record, name) for name in self.extra}
        stretches = d1namo_files.read_ecg(record, d1namo_folders.ecg_file(self.root, record), self.fs_hz)
        long = [stretch for stretch in stretches if len(stretch.value) >= LEAST_S * self.fs_hz]
        return tuple(
            Record(
                name=f"{record}#{number}",
                patient=patient,
                ecg_mv=stretch.value[None],
                leads=("ECG",),
                fs_hz=self.fs_hz,
                peak_sample=np.empty(0, np.int64),
                symbol=(),
                synthetic=synthetic,
                unit=self.unit,
                begin_s=stretch.begin_s,
                extra={name: self._beside(stretch, extra[name], EXTRA_HZ[name]) for name in extra},
            )
            for number, stretch in enumerate(long, start=1)
        )

    def remarks(self, records: Sequence[str]) -> tuple[str, ...]:
        """What a reader of numbers must know of the stretches (or recordings) that were read, one sentence each."""
        recordings = list(dict.fromkeys(name.split("#")[0] for name in records))
        readings = {patient: self.glucose(patient) for patient in self._patients(recordings)}
        few = [patient for patient, found in readings.items() if len(found.time_s) < FEW_READINGS]
        n_empty = sum(found.n_empty for found in readings.values())
        said = {
            "signals have no unit (NU): the belt's steps are not millivolts": True,
            f"{len(recordings)} recordings are cut at gaps into {len(records)} stretches": len(records)
            > len(recordings),
            f"fewer than {FEW_READINGS} readings of glucose in {', '.join(few)}": few,
            f"readings of glucose without a value, left out: {n_empty}": n_empty,
        }
        for name in self.extra:
            n_without = sum(not d1namo_folders.extra_file(self.root, record, name).is_file() for record in recordings)
            said[f"{n_without} of {len(recordings)} recordings have no {name}: it counts as constant"] = n_without > 0
        return tuple(sentence for sentence, applies in said.items() if applies)

    def missing_in(self, root: Path) -> tuple[str, ...]:
        """Patients without a recording or without a table of glucose in this folder, and which of the two."""
        return d1namo_folders.missing_in(root)

    def download(self, root: Path) -> None:
        """Fetch the database from Zenodo into this folder."""
        d1namo_folders.download(root, d1namo_folders.URL, d1namo_folders.API)

    def write_twin(self, root: Path) -> None:
        """Write the synthetic twin into this folder."""
        from ecg_lightning.datasets import d1namo_twin

        d1namo_twin.write(root, self.seed)

    def twin_id(self) -> str:
        """Name of the twin's folder, from its seed and the text of its generator."""
        return f"d1namo-seed{self.seed}-{source_hash([_HERE / f'{name}.py' for name in TWIN_FILES])}"

    @cached_property
    def _records(self) -> tuple[str, ...]:
        missing = {name.split()[0] for name in self.missing}
        there = [patient for patient in self.wanted() if patient not in missing]
        records = tuple(record for patient in there for record in d1namo_folders.records(self.root, patient))
        for name in self.extra:
            files = [d1namo_folders.extra_file(self.root, record, name) for record in records]
            if not any(file.is_file() for file in files):
                raise CorpusNotFound(f"no recording has {name} (such as {files[0]}): leave it out of task.extra")
        return records

    def _patients(self, records: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(self.patient_of, records)))

    def _check_clock(self, record: str) -> None:
        """Compare the time of the first row with the recording's name, and with the ends of earlier recordings."""
        begin_s, _ = d1namo_files.span_s(record, d1namo_folders.ecg_file(self.root, record))
        patient, name = record.split("/")
        named_s = datetime.strptime(name, "%Y_%m_%d-%H_%M_%S").replace(tzinfo=UTC).timestamp()
        if abs(begin_s - named_s) > MOST_OFF_S:
            raise BadRecord(
                f"record {record}: its first row is of {_words(begin_s)}, over {MOST_OFF_S:g} s from its name: "
                f"find out which is right, and rename the folder and its files or remove them"
            )
        for other in d1namo_folders.records(self.root, patient):
            if other < record and (end_s := self._end_s(other)) >= begin_s:
                raise BadRecord(
                    f"record {record}: begins at {_words(begin_s)}, before {other} ends at {_words(end_s)}: "
                    f"remove one of the two folders"
                )

    def _end_s(self, record: str) -> float:
        try:
            return d1namo_files.span_s(record, d1namo_folders.ecg_file(self.root, record))[1]
        except BadRecord:  # its own reading says so
            return -math.inf

    def _read_extra(self, record: str, name: str) -> list[Stretch]:
        file = d1namo_folders.extra_file(self.root, record, name)
        read = {"breathing": d1namo_files.read_breathing, "activity": d1namo_files.read_activity}[name]
        return read(record, file, EXTRA_HZ[name]) if file.is_file() else []

    def _beside(self, ecg: Stretch, other: list[Stretch], fs_hz: float) -> Signal:
        """What another signal shows while a stretch of ECG lasts."""
        n_samples = math.ceil(len(ecg.value) * fs_hz / self.fs_hz)
        return Signal(d1namo_files.resampled(other, ecg.begin_s, n_samples, fs_hz)[None], fs_hz)


def _words(time_s: float) -> str:
    return f"{datetime.fromtimestamp(time_s, UTC):%d/%m/%Y %H:%M:%S}"
