"""PTB-XL: 21,799 clinical ECGs of twelve leads and ten seconds, with diagnoses, forms and rhythms.

Source:
    Wagner et al., Scientific Data 7:154 (2020); version 1.0.3, https://doi.org/10.13026/kfzx-aw45
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Int

from ecg_lightning import scp
from ecg_lightning.datasets import ptbxl_files, ptbxl_tables, wfdb_files
from ecg_lightning.datasets.located import Located
from ecg_lightning.datasets.sources import source_hash
from ecg_lightning.structures import BadRecord, Record, Sheet

N_RECORDS = 21_799
UNITS = ("mV", "uV", "NU")
TWIN_FILES = ("synthetic_hearts", "synthetic", "synthetic_twelve", "ptbxl_people", "ptbxl_twin")  # they write the twin
_HERE = Path(__file__).parent


class PTBXL(Located):
    """Finds and reads the records of PTB-XL, or of its synthetic twin.

    Args:
        data_dir: the database is looked for in `<data_dir>/ptbxl`.
        cache_dir: the twin is written below it.
        fs_hz: 100 or 500; the database holds every record at both rates.
        source: auto, local, download or synthetic (see `sources.locate`).
        allow_missing: go on with a warning when records of the table have no files.
        on_bad_record: what the store does about a BadRecord, "stop" or "skip".
        seed: of the twin.
    """

    name = "ptbxl"
    licence = "CC BY 4.0"
    citation = (
        "Wagner P, Strodthoff N, Bousseljot R-D, et al. PTB-XL, a large publicly available electrocardiography "
        "dataset. Scientific Data 7:154 (2020). https://doi.org/10.1038/s41597-020-0495-6"
    )
    provides = ("patient", "statements", "normals", "official_folds", "person")
    reader_files = tuple(_HERE / f"{name}.py" for name in ("ptbxl", "ptbxl_tables", "ptbxl_files", "wfdb_files"))

    def __init__(
        self,
        data_dir: str | Path,
        cache_dir: str | Path,
        fs_hz: float = 100,
        source: str = "auto",
        allow_missing: bool = False,
        on_bad_record: str = "stop",
        seed: int = 0,
    ) -> None:
        ptbxl_files.check_rate(fs_hz)
        super().__init__(data_dir, cache_dir, source, allow_missing, on_bad_record, seed)
        self.fs_hz = float(fs_hz)

    @property
    def download_command(self) -> str:
        """What a user types to get the records at this sampling rate."""
        return f"python -m ecg_lightning.download ptbxl --fs-hz {self.fs_hz:g}"

    @property
    def synthetic(self) -> bool:
        """Whether the first record says in its header that no patient stands behind it; every record says it itself."""
        return self._first_header.synthetic

    @property
    def unit(self) -> str:
        """mV, or NU where amplitude is lost; a record in another unit than the first is bad."""
        return self._first_header.unit

    def wanted(self) -> tuple[str, ...]:
        """Names of all records of the table."""
        return tuple(self._rows)

    def records(self) -> tuple[str, ...]:
        """Names of the records to read, their ecg_id in five digits. Reads no signal.

        Raises:
            CorpusNotFound: the database, one of its tables, or a record without `allow_missing`, is not there.
            Refused: a table makes no sense.
        """
        return self._records

    def sheet(self) -> Sheet:
        """What the table says of every record, in the order of `records`."""
        rows = [self._rows[record] for record in self.records()]
        return Sheet(
            official_fold=np.array([row.official_fold for row in rows], np.int64),
            patient_known=np.array([row.patient_known for row in rows], bool),
            person={
                "age_years": np.array([row.age_years for row in rows], np.float64),
                "sex_female": np.array([row.sex_female for row in rows], np.float64),
            },
        )

    def labels(self, kind: str, least_percent: float) -> Int[np.ndarray, "record class"]:
        """Say by 0 and 1 to which classes every record belongs, in the order of `records` and `scp.classes`.

        Args:
            kind: one of scp.KINDS.
            least_percent: diagnoses that are less likely are left out (see `scp.labels`).

        Raises:
            Refused: a cell of scp_codes makes no sense.
        """
        place = {name: column for column, name in enumerate(scp.classes(kind))}
        label = np.zeros((len(self.records()), len(place)), np.int64)
        for row, record in enumerate(self.records()):
            codes = ptbxl_tables.statements_of(record, self._rows[record])
            label[row, [place[name] for name in scp.labels(codes, kind, least_percent)]] = 1
        return label

    def remarks(self, records: Sequence[str]) -> tuple[str, ...]:
        """What a reader of numbers must know of the records that were read, one sentence each."""
        rows = [self._rows[record] for record in records]
        n_unknown = sum(not row.patient_known for row in rows)
        n_over_89 = sum(row.over_89 for row in rows)
        n_ageless = sum(row.age_years != row.age_years for row in rows)
        n_sexless = sum(row.sex_female != row.sex_female for row in rows)
        n, subset = len(rows), len(rows) < N_RECORDS and not self.synthetic
        said = {
            f"{n:,} of PTB-XL's {N_RECORDS:,} records are read: figures do not compare with those of all": subset,
            f"{n_unknown:,} of {n:,} records name no patient: each counts as one of its own": n_unknown,
            f"{n_over_89:,} of {n:,} records are of people over 89, written as age 300: 90 is used": n_over_89,
            f"age is not known in {n_ageless:,} and sex in {n_sexless:,} of {n:,} records": n_ageless or n_sexless,
            "signals have no unit (NU): amplitude is lost, only the shape of waves can be judged": self.unit == "NU",
        }
        return tuple(sentence for sentence, applies in said.items() if applies)

    def patient_of(self, record: str) -> str:
        """The person; "unknown-<ecg_id>" where the table does not say."""
        return self._rows[record].patient

    def patients(self) -> tuple[str, ...]:
        """The people, in the order of their records."""
        return tuple(dict.fromkeys(map(self.patient_of, self.records())))

    def sources(self, record: str) -> list[Path]:
        """Files that the record is made of; the table names its patient."""
        folder, file = self._where(record)
        return [folder / f"{file}.hea", folder / f"{file}.dat", self.root / ptbxl_tables.DATABASE]

    def n_samples(self, record: str) -> int:
        """Samples per lead, from the header."""
        return self._header(record).n_samples

    def read(self, record: str, leads: Sequence[str]) -> Record:
        """Read the wanted leads, in the wanted order and spelling ("aVR" finds "AVR").

        A lead that never changes is an electrode that was off: it is kept where another lead changes, since published
        results count these records too.

        Args:
            record: one of `records()`.
            leads: names, alternatives or patterns, e.g. ("I", "II", "aVR|V1", "V*").

        Raises:
            BadRecord: the record cannot be trusted or lacks a lead.
        """
        header, row = self._header(record), self._rows[record]
        if header.unit != self.unit:
            raise BadRecord(f"record {record}: its unit is {header.unit}, that of the first record is {self.unit}")
        places = wfdb_files.choose_leads(record, header.lead_names, leads)
        return Record(
            name=record,
            patient=row.patient,
            ecg_mv=wfdb_files.read_ecg(self._where(record)[0], header, places, flat_leads=True),
            leads=tuple(_spelt(header.lead_names[place], want) for place, want in zip(places, leads, strict=True)),
            fs_hz=self.fs_hz,
            peak_sample=np.empty(0, np.int64),
            symbol=(),
            synthetic=header.synthetic,
            unit=header.unit,
            person={"age_years": row.age_years, "sex_female": row.sex_female},
        )

    def missing_in(self, root: Path) -> tuple[str, ...]:
        """Tables that are not in this folder; where both are, records of the table without their two files."""
        if absent := tuple(name for name in ptbxl_tables.TABLES if not (root / name).is_file()):
            return absent
        return ptbxl_files.missing_in(root, ptbxl_tables.read_rows(root), self.fs_hz)

    def download(self, root: Path) -> None:
        """Fetch the tables, and the records at this sampling rate, from PhysioNet into this folder."""
        ptbxl_files.download(root, ptbxl_files.URL, self.fs_hz)

    def write_twin(self, root: Path) -> None:
        """Write the synthetic twin into this folder."""
        from ecg_lightning.datasets import ptbxl_twin

        ptbxl_twin.write(root, self.seed, int(self.fs_hz))

    def twin_id(self) -> str:
        """Name of the twin's folder, from its sampling rate, its seed and the text of its generator."""
        generator = source_hash([*(_HERE / f"{name}.py" for name in TWIN_FILES), Path(scp.__file__)])
        return f"ptbxl-{self.fs_hz:g}hz-seed{self.seed}-{generator}"

    @cached_property
    def _rows(self) -> Mapping[str, ptbxl_tables.Row]:
        ptbxl_tables.check_statements(self.root)
        return ptbxl_tables.read_rows(self.root)

    @cached_property
    def _records(self) -> tuple[str, ...]:
        missing = set(self.missing)
        return tuple(record for record in self._rows if record not in missing)

    @cached_property
    def _first_header(self) -> wfdb_files.Header:
        """Of the first record whose header can be read."""
        for record in self.records()[:-1]:
            try:
                return self._header(record)
            except BadRecord:  # its own reading says so
                continue
        return self._header(self.records()[-1])

    def _where(self, record: str) -> tuple[Path, str]:
        return ptbxl_files.where(self.root, record, self.fs_hz)

    def _header(self, record: str) -> wfdb_files.Header:
        return wfdb_files.read_header(*self._where(record), self.fs_hz, UNITS)


def _spelt(own: str, want: str) -> str:
    """A lead's name as it was asked for; the record's own where a pattern found it."""
    return next((name.strip() for name in want.split("|") if name.strip().lower() == own.lower()), own)
