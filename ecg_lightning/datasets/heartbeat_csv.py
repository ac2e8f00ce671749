"""Heartbeat csv: single beats of MIT-BIH and of the PTB diagnostic database, cut, scaled to 0..1 and padded with zeros.

One line is one beat: 187 samples, then the number of its class. The files name no patients and mix them at random, so
that every division of their rows shares patients. `python -m ecg_lightning.datasets.heartbeat_csv RECORDS --output DIR`
makes such files of MIT-BIH, with a file of patient ids beside each.

Source:
    Kachuee, Fazeli and Sarrafzadeh, IEEE ICHI 2018:443-444, arXiv:1805.00794; kaggle.com/shayanfazeli/heartbeat
"""

import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from ecg_lightning.datasets import heartbeat_csv_files, wfdb_files
from ecg_lightning.datasets.located import Located
from ecg_lightning.datasets.sources import Place, source_hash
from ecg_lightning.structures import CorpusNotFound, Record

COMMAND = "python -m ecg_lightning.datasets.heartbeat_csv"
UNKNOWN = "unknown"  # whose rows they are, of every file alike: nobody knows how many people there are
TRAIN, TEST = "_train", "_test"  # how the stems of a training file and of a test file end
TWIN_FILES = (
    *("synthetic_hearts", "synthetic", "synthetic_twelve", "mitdb_twin"),
    *("heartbeat_csv_files", "heartbeat_csv_recipe", "heartbeat_csv_twin"),
)
_HERE = Path(__file__).parent


class HeartbeatCSV(Located):
    """Finds and reads files of single beats, or their synthetic twin.

    Args:
        data_dir: the files are looked for in `<data_dir>/heartbeat_csv`.
        cache_dir: the twin is written below it.
        files: names of csv files; one that ends in _train.csv is the training file, in _test.csv the test file.
        labels: what the number in the last column stands for, which is the symbol of a beat; 0 to 9.
        fs_hz: sampling rate of the rows, which the files do not say.
        n_samples: of every row.
        folder: read the files from here instead; the twin never stands in for it.
        source: auto, local or synthetic (see `sources.locate`); download says how to get them.
        allow_missing: go on with a warning when files are missing.
        on_bad_record: what the store does about a BadRecord, "stop" or "skip".
        seed: of the twin.

    Raises:
        ValueError: files names a path, folder stands beside another source, or a setting is none of these.
    """

    name = "heartbeat_csv"
    unit = "min-max"  # of every beat by itself, by the recipe
    licence = "ODC-BY 1.0 (MIT-BIH and PTB diagnostic databases of PhysioNet)"
    citation = (
        "Kachuee M, Fazeli S, Sarrafzadeh M. ECG heartbeat classification: a deep transferable representation. IEEE "
        "International Conference on Healthcare Informatics (2018). https://doi.org/10.1109/ICHI.2018.00092"
    )
    download_command = "kaggle datasets download shayanfazeli/heartbeat --unzip"
    provides = ("patient", "normals", "train_and_test_files")
    reader_files = tuple(_HERE / f"{name}.py" for name in ("heartbeat_csv", "heartbeat_csv_files"))

    def __init__(
        self,
        data_dir: str | Path,
        cache_dir: str | Path,
        files: Sequence[str],
        labels: Mapping[int, str],
        fs_hz: float,
        n_samples: int,
        folder: str | Path | None = None,
        source: str = "auto",
        allow_missing: bool = False,
        on_bad_record: str = "stop",
        seed: int = 0,
    ) -> None:
        super().__init__(data_dir, cache_dir, source, allow_missing, on_bad_record, seed)
        if not files or any(Path(file).name != file or Path(file).suffix != ".csv" or "#" in file for file in files):
            raise ValueError(f"dataset.files={list(files)} must be names such as [mitbih_train.csv,mitbih_test.csv]")
        if folder is not None and source not in ("auto", "local"):
            raise ValueError(f"dataset.folder={folder} and dataset.source={source} contradict: leave one of them out")
        if strange := [number for number in labels if not 0 <= int(number) <= 9]:
            raise ValueError(f"dataset.labels names {strange}, but the number of a class has one digit: 0 to 9")
        self.files = {Path(file).stem: file for file in files}
        self.labels = {int(number): str(symbol) for number, symbol in labels.items()}
        self.fs_hz, self.n_samples = float(fs_hz), n_samples
        self.folder = None if folder is None else Path(folder)

    @cached_property
    def _place(self) -> Place:
        if self.folder is None:
            return super()._place
        if not self.folder.is_dir():
            raise CorpusNotFound(
                f"dataset.folder={self.folder} is not a folder: make it with `{COMMAND} RECORDS --output DIR`"
            )
        return Place(self.folder.absolute(), "local")

    @cached_property
    def synthetic(self) -> bool:
        """Whether any file says in its first line that no patient stands behind it."""
        return any(heartbeat_csv_files.is_synthetic(self._path(record)) for record in self.records())

    def wanted(self) -> tuple[str, ...]:
        """Names of the files, without .csv."""
        return tuple(self.files)

    def records(self) -> tuple[str, ...]:
        """Names of the files to read, without .csv. Reads no signal.

        Raises:
            CorpusNotFound: the folder, or a file without `allow_missing`, is not there.
        """
        return tuple(record for record in self.wanted() if record not in self.missing)

    def patients(self) -> tuple[str, ...]:
        """The people in the order in which `read` gives their records; none where a file does not name them."""
        beside = [heartbeat_csv_files.patients_file(self._path(record)) for record in self.records()]
        if not all(file.is_file() for file in beside):
            return ()
        return tuple(dict.fromkeys(one for file in beside for one in heartbeat_csv_files.patient_lines(file)))

    def sources(self, record: str) -> list[Path]:
        """The file of beats, and that of their patients where there is one."""
        path = self._path(record)
        return [file for file in (path, heartbeat_csv_files.patients_file(path)) if file.is_file()]

    def read(self, record: str, leads: Sequence[str]) -> tuple[Record, ...]:
        """Read all beats of a file, laid one after another.

        Args:
            record: one of `records()`.
            leads: ("ECG",), or a pattern for it.

        Returns:
            One record of the whole file where nobody knows its patients; else one per patient, named after both:
            "mitbih_train#100". A beat's place, peak_sample, is its first sample; its symbol is the number of its class.

        Raises:
            BadRecord: the file cannot be trusted, or a lead is asked for that it has not.
            Refused: its rows have another length than n_samples.
        """
        wfdb_files.choose_leads(record, ("ECG",), leads)
        path = self._path(record)
        rows, label = heartbeat_csv_files.read_rows(path, self.n_samples, self.fs_hz, self.labels)
        synthetic = heartbeat_csv_files.is_synthetic(path)
        beside = heartbeat_csv_files.patients_file(path)
        if not beside.is_file():
            return (self._record(record, UNKNOWN, rows, label, synthetic),)
        patient = heartbeat_csv_files.read_patients(beside, len(rows))
        return tuple(
            self._record(f"{record}#{one}", one, rows[patient == one], label[patient == one], synthetic)
            for one in dict.fromkeys(patient.tolist())
        )

    def patient_known(self, name: str) -> bool:
        """Whether the patient of a record that `read` gave is known."""
        return "#" in name

    def official_fold(self, name: str) -> int:
        """Where a record that `read` gave comes from: 0 for the training file, 1 for the test file, -1 for another."""
        stem = name.partition("#")[0]
        return 0 if stem.endswith(TRAIN) else 1 if stem.endswith(TEST) else -1

    def remarks(self, records: Sequence[str]) -> tuple[str, ...]:
        """What a reader of numbers must know of the records that `read` gave, one sentence each."""
        said = {
            "heartbeat csv names no patients: every division of it shares patients, and is called leaky": not all(
                map(self.patient_known, records)
            ),
            "signals have no unit: every beat is scaled to 0..1 by itself": True,
            "beats of MIT-BIH are every third sample of 360 Hz: 120 Hz, though they are published as 125 Hz": any(
                name.startswith("mitbih_") for name in records
            ),
        }
        without = heartbeat_csv_files.made_without(self.root)
        said[f"the files were made without records {', '.join(without)} of MIT-BIH"] = bool(without)
        return tuple(sentence for sentence, applies in said.items() if applies)

    def missing_in(self, root: Path) -> tuple[str, ...]:
        """Names of wanted files that are not in this folder, without .csv."""
        return tuple(record for record, file in self.files.items() if not (root / file).is_file())

    def download(self, root: Path) -> None:
        """Say how to get the files.

        Raises:
            CorpusNotFound: always.
        """
        raise CorpusNotFound(
            f"dataset.source=download cannot fetch {', '.join(self.files.values())}: they are published on Kaggle, "
            f"which needs an account (`{self.download_command}`); put them into {root}, or make those of MIT-BIH with "
            f"`{COMMAND} RECORDS --output {root}`"
        )

    def write_twin(self, root: Path) -> None:
        """Write the synthetic twin into this folder."""
        from ecg_lightning.datasets import heartbeat_csv_twin

        heartbeat_csv_twin.write(root, self.seed)

    def twin_id(self) -> str:
        """Name of the twin's folder, from its seed and the text of its generator."""
        return f"heartbeat_csv-seed{self.seed}-{source_hash([_HERE / f'{name}.py' for name in TWIN_FILES])}"

    def _path(self, record: str) -> Path:
        return self.root / self.files[record]

    def _record(self, name: str, patient: str, rows: np.ndarray, label: np.ndarray, synthetic: bool) -> Record:
        return Record(
            name=name,
            patient=patient,
            ecg_mv=rows.reshape(1, -1),
            leads=("ECG",),
            fs_hz=self.fs_hz,
            peak_sample=np.arange(len(rows)) * self.n_samples,
            symbol=tuple(str(number) for number in label.tolist()),
            synthetic=synthetic,
            unit=self.unit,
        )


if __name__ == "__main__":
    from ecg_lightning.datasets.heartbeat_csv_recipe import main

    sys.exit(main())
