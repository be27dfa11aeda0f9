"""What tests of the cloud stand on."""

from collections.abc import Iterator

import pytest

from app.config import Config
from app.services.cloud import EmbeddedEndpoint


@pytest.fixture
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEndpoint]:
    """Another endpoint, as if it stood in the cloud."""
    other = EmbeddedEndpoint(Config(tmp_path_factory.mktemp("cloud")))
    other.start()
    yield other
    other.stop()
