"""What many tests share because it takes seconds to make."""

from pathlib import Path

import pytest

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
    """A cache folder that outlives the session: twins and stores in it are named by all that decides their content."""
    return Path(request.config.cache.mkdir("ecg_lightning"))
