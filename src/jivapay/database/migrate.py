"""Bringing a database to the code's schema: revisions, then what is derived from code (allowed steps, rights).

Forward only. Runs as the owning role; afterwards the application's role may do exactly what it needs.
"""

import asyncio
from pathlib import Path
from ssl import SSLError

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, delete, insert, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from jivapay.config.logger import get_logger
from jivapay.database.models.records import StatusTransition
from jivapay.database.privileges import grant_privileges
from jivapay.database.tls import LOOPBACK_ONLY, DatabaseTls
from jivapay.domain.order_states import MACHINES

logger = get_logger(__name__)

SCRIPTS = Path(__file__).parent / "migrations"
LOCK_KEY = 7_471_002
"""Advisory lock: two hosts that start together migrate one after the other."""
CONNECT_ATTEMPTS = 30
CONNECT_PAUSE_SECONDS = 1.0
TURN_TIMEOUT_MS = 600_000
"""How long one host waits while another migrates: as long as a migration may take."""
LOCK_TIMEOUT_MS = 5_000
"""How long a revision waits for a table before it gives up, rather than holding up everybody behind it."""


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    return config


def head_revision() -> str | None:
    """The newest revision this code knows."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return ScriptDirectory.from_config(config).get_current_head()


def current_revision(connection: Connection) -> str | None:
    """The revision the database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


async def upgrade(owner_url: str, app_role: str | None, tls: DatabaseTls = LOOPBACK_ONLY) -> None:
    """Migrate to head, sync the allowed steps, grant `app_role` its rights (None: it is the owner); all or nothing.

    Waits up to half a minute for the database to answer. Raises SQLAlchemy's OperationalError after that, and SSLError
    at once when it answers with a certificate that is not believed.
    """
    engine = create_async_engine(owner_url, connect_args={"server_settings": {"lock_timeout": str(TURN_TIMEOUT_MS)}})
    tls.watch(engine)
    try:
        await _wait_until_it_answers(engine)
        async with engine.begin() as connection:
            await connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
            await connection.execute(text(f"set local lock_timeout = {LOCK_TIMEOUT_MS}"))
            await connection.run_sync(lambda sync: command.upgrade(_config(sync), "head"))
            await _sync_transitions(connection)
            if app_role is not None and app_role != make_url(owner_url).username:
                await grant_privileges(connection, app_role)
    finally:
        await engine.dispose()


async def _wait_until_it_answers(engine: AsyncEngine) -> None:
    for attempt in range(1, CONNECT_ATTEMPTS + 1):
        try:
            async with engine.connect() as connection:
                await connection.execute(text("select 1"))
        except (OperationalError, OSError) as error:
            if attempt == CONNECT_ATTEMPTS or isinstance(error, SSLError):
                raise
            logger.warning("database_not_ready", attempt=attempt, error=type(error).__name__)
            await asyncio.sleep(CONNECT_PAUSE_SECONDS)
        else:
            return


async def _sync_transitions(connection: AsyncConnection) -> None:
    rows = {(entity, step.from_status, step.to_status) for entity, steps in MACHINES.items() for step in steps}
    await connection.execute(delete(StatusTransition))
    await connection.execute(
        insert(StatusTransition), [{"entity": e, "from_status": f, "to_status": t} for e, f, t in sorted(rows)]
    )
