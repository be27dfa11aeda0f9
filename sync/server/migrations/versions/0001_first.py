"""The first schema, and the triggers that make ledger, feed and ops append-only."""

from alembic import op

from sync.server.tables import APPEND_ONLY, metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    bind = op.get_bind()
    metadata.create_all(bind)
    if bind.dialect.name == "postgresql":
        bind.exec_driver_sql(
            "CREATE FUNCTION kaxia_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'this table is append-only'; END $$"
        )
    for table in APPEND_ONLY:
        for act in ("UPDATE", "DELETE"):
            bind.exec_driver_sql(_trigger(bind.dialect.name, table, act))


def _trigger(dialect: str, table: str, act: str) -> str:
    name = f"{table}_no_{act.lower()}"
    if dialect == "postgresql":
        return f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION kaxia_append_only()"
    return f"CREATE TRIGGER {name} BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, 'this table is append-only'); END"
