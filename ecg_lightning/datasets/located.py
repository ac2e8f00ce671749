"""What every corpus does alike: it is somewhere, or its twin is, and it may lack records."""

from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path

from ecg_lightning.datasets.sources import Place, check_complete, check_source, locate


class Located(ABC):
    """A corpus in a folder of the user's, in a download, or as its synthetic twin.

    Args:
        data_dir: the database is looked for in `<data_dir>/<name>`.
        cache_dir: the twin is written below it.
        source: auto, local, download or synthetic (see `sources.locate`).
        allow_missing: go on with a warning when records are missing.
        on_bad_record: what the store does about a BadRecord, "stop" or "skip".
        seed: of the twin.

    Raises:
        ValueError: source or on_bad_record is none of these.
    """

    name: str

    def __init__(
        self,
        data_dir: str | Path,
        cache_dir: str | Path,
        source: str,
        allow_missing: bool,
        on_bad_record: str,
        seed: int,
    ) -> None:
        check_source(source)
        if on_bad_record not in ("stop", "skip"):
            raise ValueError(f"dataset.on_bad_record={on_bad_record} must be stop or skip")
        self.data_dir, self.cache_dir = Path(data_dir), Path(cache_dir)
        self.allow_missing, self.on_bad_record, self.seed = allow_missing, on_bad_record, seed
        self._asked = source

    @cached_property
    def _place(self) -> Place:
        return locate(self, self.data_dir, self.cache_dir, self._asked)

    @property
    def root(self) -> Path:
        """The folder that is read."""
        return self._place.root

    @property
    def source(self) -> str:
        """Where the records come from: local, download or synthetic."""
        return self._place.source

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """Wanted records that are not there; empty unless `allow_missing`."""
        return check_complete(self, self.root, len(self.wanted()), self.allow_missing)

    @abstractmethod
    def wanted(self) -> tuple[str, ...]:
        """Names of the records that the corpus is meant to have."""

    @property
    @abstractmethod
    def download_command(self) -> str:
        """What a user types to get it."""

    @abstractmethod
    def missing_in(self, root: Path) -> tuple[str, ...]:
        """Records that are wanted and not in this folder."""

    @abstractmethod
    def download(self, root: Path) -> None:
        """Fetch what is missing into this folder."""

    @abstractmethod
    def write_twin(self, root: Path) -> None:
        """Write synthetic records, in the corpus's own format, into this folder."""

    @abstractmethod
    def twin_id(self) -> str:
        """Name of the twin's folder; another seed or another generator has another name."""
