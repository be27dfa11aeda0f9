"""An endpoint that stands elsewhere: it is backed up, put back, and looked into."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from sqlcipher3 import dbapi2 as sqlite

from app.services import Services
from app.services.cloud import EmbeddedEndpoint
from sync.protocol import Event
from sync.server.database import Store
from sync.server.endpoint import now_ms
from sync.server.epochs import begin_anew
from sync.server.secret_files import load_or_make
from sync.server.verifying import verify
from tests.drivers.ports import kept


@contextmanager
def away(endpoint: EmbeddedEndpoint) -> Iterator[None]:
    """It is stopped meanwhile, and answers at the same place afterwards."""
    url = endpoint.url()
    assert url is not None
    endpoint.stop()
    with kept(int(url.rpartition(":")[2])) as port:
        yield
        assert endpoint.start(port) == url


@dataclass
class There:
    """An endpoint that stands elsewhere, and whoever looks after its files."""

    endpoint: EmbeddedEndpoint
    backup: Path

    def between(self, act: Callable[[Path], object]) -> None:
        """While it is stopped; it answers at the same place afterwards."""
        with away(self.endpoint):
            act(self.endpoint.database.parent)

    def back_up(self) -> None:
        self.between(lambda folder: shutil.copytree(folder, self.backup))

    def put_back(self) -> None:
        def replace(folder: Path) -> None:
            shutil.rmtree(folder)
            shutil.copytree(self.backup, folder)

        self.between(replace)

    def begin_anew(self) -> None:
        """It has lost nothing, and whoever looks after it said that it was put back."""

        def begin(folder: Path) -> None:
            store = Store(str(folder / "endpoint.db"))
            store.start()
            store.write_now(lambda transaction: begin_anew(transaction, now_ms(), cause="operator"))
            store.stop()

        self.between(begin)

    def is_whole(self) -> bool:
        store = Store(str(self.endpoint.database))
        secrets = load_or_make(Path(f"{self.endpoint.database}.secrets.json"))
        verdict = store.read_now(lambda transaction: verify(transaction, deep=True, secrets=secrets))
        store.stop()
        assert verdict.findings == []
        return verdict.ok

    def feed(self) -> list[str]:
        with closing(sqlite.connect(str(self.endpoint.database))) as connection:
            return [row[0] for row in connection.execute("SELECT type FROM feed ORDER BY seq")]


def assert_level(services: Services) -> None:
    done = services.cloud.sync()
    assert (done.rejected, done.pending, done.differences) == (0, 0, ()), (done, services.cloud.queue())
    assert services.integrity.verify(deep=True).findings == ()


def redeemed(endpoint: EmbeddedEndpoint) -> list[int]:
    """What its ledger took, in fen, oldest first."""
    with closing(sqlite.connect(str(endpoint.database))) as connection:
        return [row[0] for row in connection.execute("SELECT amount_minor FROM redemption ORDER BY at_ms")]


def uid_told(events: list[Event]) -> str:
    """Of the one batch that a feed tells of."""
    return str(next(msgspec.json.decode(event.body)["batch_id"] for event in events if event.type == "sealed@1"))
