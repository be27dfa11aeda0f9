"""Schema steps of the endpoint's database, run when it starts."""

from pathlib import Path
from typing import TYPE_CHECKING

from sync.server.transaction import Transaction

if TYPE_CHECKING:  # an endpoint that is up to date loads neither
    from sqlalchemy import Connection

HEAD = "0008"
FOLDER = Path(__file__).parent


def revision(transaction: Transaction) -> str | None:
    """The schema's; None before the first step."""
    tables = "pg_tables" if transaction.dialect.on_postgres else "sqlite_master"
    name = "tablename" if transaction.dialect.on_postgres else "name"
    if transaction.one(f"SELECT 1 FROM {tables} WHERE {name} = 'alembic_version'") is None:
        return None
    found = transaction.one("SELECT version_num FROM alembic_version")
    return None if found is None else str(found[0])


def upgrade(connection: "Connection", revision: str = "head") -> None:
    """Bring the database to the newest schema, or to another, in the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
