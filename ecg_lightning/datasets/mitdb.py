"""The MIT-BIH Arrhythmia Database: 48 half-hour recordings of two leads, every beat annotated.

Source:
    Moody and Mark, IEEE Eng Med Biol 20(3):45-50 (2001); https://doi.org/10.13026/C2F305
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ecg_lightning.datasets import wfdb_beats, wfdb_files
from ecg_lightning.datasets.located import Located
from ecg_lightning.datasets.sources import source_hash
from ecg_lightning.structures import Record

RECORDS = (
    *("100", "101", "102", "103", "104", "105", "106", "107", "108", "109", "111", "112"),
    *("113", "114", "115", "116", "117", "118", "119", "121", "122", "123", "124", "200"),
    *("201", "202", "203", "205", "207", "208", "209", "210", "212", "213", "214", "215"),
    *("217", "219", "220", "221", "222", "223", "228", "230", "231", "232", "233", "234"),
)
PACED = ("102", "104", "107", "217")
URL = "https://physionet.org/files/mitdb/1.0.0"
SUFFIXES = (".hea", ".dat", ".atr")
FILES = r"LICENSE\.txt|RECORDS|\d{3}\.(hea|dat|atr)"  # of those on PhysioNet
_HERE = Path(__file__).parent


class MITDB(Located):
    """Finds and reads the records of the MIT-BIH Arrhythmia Database, or of its synthetic twin.

    Args:
        data_dir: the database is looked for in `<data_dir>/mitdb`.
        cache_dir: the twin is written below it.
        source: auto, local, download or synthetic (see `sources.locate`).
        allow_missing: go on with a warning when records are missing.
        on_bad_record: what the store does about a BadRecord, "stop" or "skip".
        paced: also the four records of patients with a pacemaker, which AAMI EC57 leaves out.
        seed: of the twin.
    """

    name = "mitdb"
    fs_hz = 360.0
    licence = "ODC-BY 1.0"
    citation = (
        "Moody GB, Mark RG. The impact of the MIT-BIH Arrhythmia Database. IEEE Eng Med Biol 20(3):45-50 (2001). "
        "https://doi.org/10.13026/C2F305"
    )
    download_command = "python -m ecg_lightning.download mitdb"
    provides = ("patient", "beats", "normals", "de_chazal_records")
    reader_files = (Path(__file__), Path(wfdb_files.__file__), Path(wfdb_beats.__file__))

    def __init__(
        self,
        data_dir: str | Path,
        cache_dir: str | Path,
        source: str = "auto",
        allow_missing: bool = False,
        on_bad_record: str = "stop",
        paced: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(data_dir, cache_dir, source, allow_missing, on_bad_record, seed)
        self.paced = paced

    @cached_property
    def synthetic(self) -> bool:
        """Whether any record says in its header that no patient stands behind it."""
        return any(self._header(record).synthetic for record in self.records())

    def wanted(self) -> tuple[str, ...]:
        """All records, or those of patients without a pacemaker."""
        return RECORDS if self.paced else tuple(record for record in RECORDS if record not in PACED)

    def records(self) -> tuple[str, ...]:
        """Names of the records to read. Reads no signal.

        Raises:
            CorpusNotFound: the database, or a record without `allow_missing`, is not there.
        """
        return tuple(record for record in self.wanted() if record not in self.missing)

    def patients(self) -> tuple[str, ...]:
        """The people, in the order of their records."""
        return tuple(dict.fromkeys(map(patient_of, self.records())))

    def persons(self, records: Sequence[str]) -> Mapping[str, Float[np.ndarray, " record"]]:
        """Age and sex of whom these records are of, by the names of `Record.person`; NaN is not known."""
        found = [wfdb_files.AGE_AND_SEX.match(next(iter(self._header(record).comments), "")) for record in records]
        age_years = [float(match[1]) if match and int(match[1]) >= 0 else np.nan for match in found]
        sex_female = [float(match[2] == "F") if match else np.nan for match in found]
        return {"age_years": np.array(age_years, np.float64), "sex_female": np.array(sex_female, np.float64)}

    def sources(self, record: str) -> list[Path]:
        """Files of the record that are there."""
        return [path for suffix in SUFFIXES if (path := self.root / f"{record}{suffix}").is_file()]

    def n_samples(self, record: str) -> int:
        """Samples per lead, from the header."""
        return self._header(record).n_samples

    def read(self, record: str, leads: Sequence[str]) -> Record:
        """Read the wanted leads, in the wanted order, and the beats.

        Args:
            record: one of `records()`.
            leads: names, alternatives or patterns, e.g. ("MLII|V5", "V*").

        Raises:
            BadRecord: the record cannot be trusted or lacks a lead.
        """
        header = self._header(record)
        places = wfdb_files.choose_leads(record, header.lead_names, leads)
        peak_sample, symbol = wfdb_beats.read_beats(self.root, header)
        return Record(
            name=record,
            patient=patient_of(record),
            ecg_mv=wfdb_files.read_ecg(self.root, header, places),
            leads=tuple(header.lead_names[place] for place in places),
            fs_hz=self.fs_hz,
            peak_sample=peak_sample,
            symbol=symbol,
            synthetic=header.synthetic,
        )

    def missing_in(self, root: Path) -> tuple[str, ...]:
        """Wanted records without a header in this folder."""
        return tuple(record for record in self.wanted() if not (root / f"{record}.hea").is_file())

    def download(self, root: Path) -> None:
        """Fetch the database from PhysioNet into this folder."""
        download(root, URL)

    def write_twin(self, root: Path) -> None:
        """Write the synthetic twin into this folder."""
        from ecg_lightning.datasets import mitdb_twin

        mitdb_twin.write(root, self.seed)

    def twin_id(self) -> str:
        """Name of the twin's folder, from its seed and the text of its generator."""
        generator = source_hash([_HERE / f"{name}.py" for name in ("synthetic_hearts", "synthetic", "mitdb_twin")])
        return f"mitdb-seed{self.seed}-{generator}"

    def _header(self, record: str) -> wfdb_files.Header:
        return wfdb_files.read_header(self.root, record, self.fs_hz)


def patient_of(record: str) -> str:
    """The person; 201 and 202 are one. Source: the database's own directory of records."""
    return "201" if record == "202" else record


def download(root: Path, url: str) -> None:
    """Fetch every record, file by file; what is there and fits its checksum stays.

    Args:
        root: folder to fetch into.
        url: the database's folder on PhysioNet or on a mirror.
    """
    from ecg_lightning.datasets.fetch import fetch_listed

    fetch_listed(url, root, FILES)
