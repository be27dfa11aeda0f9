"""Runs the schema steps on the connection it is given; there is no offline mode."""

from alembic import context

from app.models.base import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
