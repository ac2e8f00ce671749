"""What many tests share because it takes seconds to make."""

import shutil
import signal
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from ecg_lightning.datasets import d1namo_twin
from ecg_lightning.datasets.d1namo import D1NAMO
from tests.corpora import command

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # of a shell in the background; commands under test inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

LIBRARIES_WARN = (
    "ignore::beartype.roar.BeartypeDecorHintPep585DeprecationWarning",  # of OmegaConf's typing.MutableMapping
    r"ignore:`isinstance\(treespec, LeafSpec\)`:FutureWarning",  # Lightning calls torch so
    "ignore:.*does not have many workers",  # Lightning's advice; batches are gathered without any
)


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors, but for those that libraries give each other."""
    for line in LIBRARIES_WARN:
        config.addinivalue_line("filterwarnings", line)


@pytest.fixture(scope="session")
def twin_cache(request: pytest.FixtureRequest) -> Path:
    """A cache folder that outlives the session: twins and stores in it are named by all that decides their content.

    Days of a chest belt are cut down to minutes: the twin that users get would take most of the session.
    """
    folder = Path(request.config.cache.mkdir("ecg_lightning"))
    belt = folder / "twins" / D1NAMO(folder, folder, source="synthetic").twin_id()
    belt.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{belt}.lock"):
        if not belt.is_dir():
            part = belt.with_name(f"{belt.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            d1namo_twin.write(part, 0, n_days=3, minutes=10)
            part.rename(belt)
    return folder


@dataclass(frozen=True)
class FinishedRun:
    """A run that a process of its own has finished, to be looked at and not to be changed.

    Args:
        folder: of the run.
        store: MLflow's file.
        out: what the process said.
        err: on its other channel.
    """

    folder: Path
    store: Path
    out: str
    err: str


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory, twin_cache: Path) -> FinishedRun:
    """Eight epochs of four batches."""
    cwd = tmp_path_factory.mktemp("finished")
    done = command.train(cwd, twin_cache, *command.SHORT, "hydra.run.dir=run")
    assert done.returncode == 0, done.stderr
    return FinishedRun(cwd / "run", cwd / "mlflow.db", done.stdout, done.stderr)


@dataclass(frozen=True)
class RecordRun:
    """A finished run over recordings, to be looked at and not to be changed.

    Args:
        folder: of the run.
        data_dir: of the recordings.
    """

    folder: Path
    data_dir: Path


@pytest.fixture(scope="session")
def finished_record_run(tmp_path_factory: pytest.TempPathFactory) -> RecordRun:
    """Two epochs over whole recordings, in this process."""
    from tests.corpora import record_run  # imports what warns, before warnings are sorted

    folder = tmp_path_factory.mktemp("records")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        record_run.train_records(folder)
    return RecordRun(folder / "run", folder)


@pytest.fixture(scope="session")
def finished_belt_run(tmp_path_factory: pytest.TempPathFactory, twin_cache: Path) -> Path:
    """The folder of a run over windows of a belt, pretrained, with other signals beside; not to be changed."""
    from tests.corpora import glucose_run  # imports what warns, before warnings are sorted

    folder = tmp_path_factory.mktemp("belt") / "run"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        glucose_run.train_belt(folder, twin_cache)
    return folder
