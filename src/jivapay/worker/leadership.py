"""One leader among the processes that could do the same background work: a PostgreSQL advisory lock.

The lock lives as long as the leader's connection, so a leader that dies or is cut off gives it up without a hand;
one that steps down closes the connection, which needs no statement that could fail.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from jivapay.config.logger import get_logger
from jivapay.database.session import Database
from jivapay.exceptions import JivaPayException
from jivapay.utils.failures import DRIVER_ERRORS
from jivapay.utils.notifications import report_failure

logger = get_logger(__name__)

RETRY_SECONDS = 2.0
CHECK_SECONDS = 5.0
STEP_DOWN_SECONDS = 10.0
"""To end what is being done; all of it is transactions that can be repeated, and nobody else does it meanwhile."""


@contextlib.asynccontextmanager
async def _leading(database: Database, key: int) -> AsyncIterator[AsyncConnection | None]:
    """The connection that holds the lock, or None when somebody else leads."""
    async with database.engine.connect() as plain:
        connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
        leads = await connection.scalar(text("select pg_try_advisory_lock(:key)"), {"key": key})
        try:
            yield connection if leads else None
        finally:
            if leads:
                await connection.invalidate()


async def lead(
    database: Database, key: int, name: str, work: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event
) -> None:
    """Do `work` while this process leads, until `stop`. `work` is given an event that ends it."""
    while not stop.is_set():
        try:
            async with _leading(database, key) as connection:
                if connection is not None:
                    logger.info("leading", name=name)
                    await _work_while_leading(connection, work, stop)
        except (*DRIVER_ERRORS, JivaPayException) as error:
            report_failure(error, "leadership_lost", name=name)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETRY_SECONDS):
                await stop.wait()


async def _work_while_leading(
    connection: AsyncConnection, work: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event
) -> None:
    ended = asyncio.Event()
    working, stopping = asyncio.ensure_future(work(ended)), asyncio.ensure_future(stop.wait())
    try:
        while not stop.is_set() and not working.done():
            await connection.execute(text("select 1"))
            await asyncio.wait({working, stopping}, timeout=CHECK_SECONDS, return_when="FIRST_COMPLETED")
    finally:
        stopping.cancel()
        ended.set()
        limit = asyncio.timeout(STEP_DOWN_SECONDS)
        try:
            async with limit:
                await working
        except TimeoutError:
            if not limit.expired():
                raise
            logger.warning("leader_cut_short", seconds=STEP_DOWN_SECONDS)
