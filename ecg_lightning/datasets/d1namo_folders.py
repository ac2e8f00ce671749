"""Where the files of D1NAMO lie, in its own folders and on Zenodo."""

import json
import re
from pathlib import Path
from types import MappingProxyType

PATIENTS = tuple(f"{number:03d}" for number in range(1, 10))
ECG, SENSORS = "diabetes_subset_ecg_data", "diabetes_subset_sensor_data"
GLUCOSE = "diabetes_subset_pictures-glucose-food-insulin"
ARCHIVES = (GLUCOSE, SENSORS, ECG)
EXTRA_FILE = MappingProxyType({"breathing": "Breathing", "activity": "Summary"})
PAGE = "https://zenodo.org/records/5651217"
URL = f"{PAGE}/files"  # of <name>.zip?download=1; as Zenodo builds its addresses, not tried on this record
API = "https://zenodo.org/api/records/5651217"  # gives the md5 of every file; not tried on this record
_SESSION = re.compile(r"\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d", re.ASCII)


def top(root: Path, name: str) -> Path:
    """One of the three folders; some copies of the database hold it twice, X/X."""
    return twice if (twice := root / name / name).is_dir() else root / name


def records(root: Path, patient: str) -> list[str]:
    """Recordings of one patient that have an ECG, in the order of time."""
    folder = top(root, ECG) / patient / "sensor_data"
    names = sorted(path.name for path in folder.iterdir() if _SESSION.fullmatch(path.name)) if folder.is_dir() else []
    return [record for name in names if ecg_file(root, record := f"{patient}/{name}").is_file()]


def ecg_file(root: Path, record: str) -> Path:
    """The ECG of a recording ("001/2014_10_01-10_09_39")."""
    return _beside(top(root, ECG), record, "ECG")


def extra_file(root: Path, record: str, name: str) -> Path:
    """Where another signal of a recording lies, if it was recorded."""
    return _beside(top(root, SENSORS), record, EXTRA_FILE[name])


def glucose_file(root: Path, patient: str) -> Path:
    """The readings of one patient's glucose."""
    return top(root, GLUCOSE) / patient / "glucose.csv"


def missing_in(root: Path) -> tuple[str, ...]:
    """Patients who lack something, and what: "004 (no glucose.csv)"."""
    lacking = []
    for patient in PATIENTS:
        no_ecg, no_glucose = not records(root, patient), not glucose_file(root, patient).is_file()
        if no_ecg or no_glucose:
            what = " and ".join(["ECG"] * no_ecg + ["glucose.csv"] * no_glucose)
            lacking.append(f"{patient} (no {what})")
    return tuple(lacking)


def download(root: Path, url: str, api: str | None) -> None:
    """Fetch the three archives of the patients with diabetes and unpack them; a folder that is there stays.

    Args:
        root: folder to fetch into.
        url: of the folder of archives, on Zenodo or on a mirror.
        api: address of Zenodo's description of the record, which gives the md5 of every file; None is not checked.

    Raises:
        DownloadError: an archive cannot be fetched, is damaged or cannot be unpacked; says how to do it by hand.
    """
    from ecg_lightning.datasets.fetch import DownloadError, Session, fetch, progress_bar, unpack

    wanted = [name for name in ARCHIVES if not (root / name).is_dir()]
    try:
        with progress_bar() as progress, Session() as session:
            if api and wanted:
                fetch(session, api, root / "zenodo.json", None, progress)
            md5 = _read_md5(root / "zenodo.json") if api and wanted else {}
            for name in wanted:
                archive = root / f"{name}.zip"
                if not archive.is_file():
                    fetch(
                        session,
                        f"{url.rstrip('/')}/{archive.name}?download=1",
                        archive,
                        md5.get(archive.name),
                        progress,
                    )
                unpack(archive, root / name)
                archive.unlink()
    except DownloadError as error:
        zips = ", ".join(f"{name}.zip" for name in ARCHIVES)
        raise DownloadError(f"{error}. By hand: get {zips} from {PAGE} and unzip each in {root}") from error


def _beside(folder: Path, record: str, ending: str) -> Path:
    patient, name = record.split("/")
    return folder / patient / "sensor_data" / name / f"{name}_{ending}.csv"


def _read_md5(path: Path) -> dict[str, str]:
    """The md5 of each file by its name, as Zenodo's API describes a record; empty where it says something else."""
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {file["key"]: file["checksum"] for file in files if file["checksum"].startswith("md5:")}
    except (ValueError, KeyError, TypeError):
        return {}
