"""What many tests share because it takes seconds to make."""

from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """OmegaConf's classes are typed with `typing.MutableMapping`: beartype's advice is not for us."""
    config.addinivalue_line("filterwarnings", "ignore::beartype.roar.BeartypeDecorHintPep585DeprecationWarning")


@pytest.fixture(scope="session")
def twin_cache(request: pytest.FixtureRequest) -> Path:
    """A cache folder that outlives the session: twins and stores in it are named by all that decides their content."""
    return Path(request.config.cache.mkdir("ecg_lightning"))
