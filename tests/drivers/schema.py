"""The schema of a SQLite file as text, to be compared with a golden file."""

import os
from pathlib import Path

from sqlalchemy import Connection

GOLDEN = Path(__file__).parents[1] / "golden"


def schema_text(connection: Connection) -> str:
    """Every table, index and trigger with its own words, in a fixed order."""
    rows = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version' "
        "ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, name"
    )
    return "".join(f"{row[0]};\n\n" for row in rows)


def golden(name: str) -> str:
    return (GOLDEN / name).read_text("utf-8")


def assert_golden(name: str, found: str) -> None:
    """`KAXIA_GOLDEN=write` writes the file instead: only for a revision that nobody has yet."""
    path = GOLDEN / name
    if os.environ.get("KAXIA_GOLDEN") == "write":
        path.write_bytes(found.encode())
    assert found.encode() == path.read_bytes(), f"{name} is not what the migration makes"
