"""The first schema."""

from alembic import op

import app.models  # noqa: F401  # the tables register themselves
from app.models.base import Base

revision = "0001"
down_revision = None


def upgrade() -> None:
    bind = op.get_bind()
    Base.metadata.create_all(bind)
    bind.exec_driver_sql(
        "INSERT INTO number (n) WITH RECURSIVE up(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM up WHERE n < 20479) "
        "SELECT n FROM up"
    )
