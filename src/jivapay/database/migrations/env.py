"""Alembic's environment: the caller (`database/migrate.py`) hands over an open connection."""

from alembic import context

from jivapay.database.db import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    compare_server_default=False,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
