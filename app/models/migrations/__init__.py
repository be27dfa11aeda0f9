"""Schema steps of the vault file: the newest revision, and the way there."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from app.errors import VaultNewer
from app.models.database import Database
from sync import points

HEAD = "0007"
FOLDER = Path(__file__).parent


def revision(database: Database) -> str | None:
    """Revision of the file; None for an empty one."""
    with database.read() as session:
        known = session.scalar(text("SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'"))
        return session.scalar(text("SELECT version_num FROM alembic_version")) if known else None


def upgrade(database: Database, before: Callable[[], None] = lambda: None) -> None:
    """Bring the file to HEAD; `before` (a backup) runs only when an existing file is about to change.

    Raises VaultNewer when the file was written by a later version.
    """
    found = revision(database)
    if found == HEAD:
        return
    from alembic import command  # half a second of imports that an up-to-date vault does not need
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    if found is not None:
        if found not in {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}:
            raise VaultNewer(found)
        before()
    points.passed("desk.migrate")
    with database.schema_change() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    points.passed("desk.migrated")
