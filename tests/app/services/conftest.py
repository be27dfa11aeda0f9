"""What tests of the cloud stand on."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import Config
from app.services.cloud import EmbeddedEndpoint


@pytest.fixture
def cloud(tmp_path_factory: pytest.TempPathFactory, empty_endpoint: Path) -> Iterator[EmbeddedEndpoint]:
    """Another endpoint, as if it stood in the cloud."""
    config = Config(tmp_path_factory.mktemp("cloud"))
    config.endpoint.mkdir()
    shutil.copy(empty_endpoint, config.endpoint)
    other = EmbeddedEndpoint(config)
    other.start()
    yield other
    other.stop()
