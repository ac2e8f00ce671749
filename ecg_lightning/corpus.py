"""What the store and the data modules ask of a database."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from ecg_lightning.structures import Record


@runtime_checkable
class Corpus(Protocol):
    """A database: its records by name, where they lie, and what they say."""

    name: str
    on_bad_record: str

    @property
    def reader_files(self) -> tuple[Path, ...]: ...
    def records(self) -> tuple[str, ...]: ...
    def sources(self, record: str) -> list[Path]: ...
    def read(self, record: str, leads: Sequence[str]) -> Record | Sequence[Record]: ...  # of its unbroken stretches
