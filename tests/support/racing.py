"""Many at once over real connections: who won, who was refused and how."""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jivapay.database.session import Database
from jivapay.exceptions import DependencyUnavailable, JivaPayException
from jivapay.utils.failures import BUSY_RETRY_SECONDS, failure_of

T = TypeVar("T")

WON = "won"
PATIENCE = 20
LONG_ROUNDS = int(os.environ.get("JIVAPAY_RACES", "0"))
LONG = LONG_ROUNDS > 0
"""`JIVAPAY_RACES=200`, as `make races` says it: how often each race is run."""
LASTING = {"MAX_ORDER_RETRIES": 100, "RATE_MAX_AGE_SECONDS": 86_400}
"""Settings of a world in which there are races however long it takes."""


def rounds(few: int) -> int:
    """How often a race is run: a few times in the suite."""
    return LONG_ROUNDS or few


async def patiently(attempt: Callable[[], Awaitable[T]]) -> T:
    """What comes of it in the end. Answers that say "try again" (a lock, a connection or a statement waited too long on
    a machine that has much else to do) have changed nothing, and whoever is given one tries again.

    Deadlocks are counted apart (`deadlocks`): patience must not hide them.
    """
    for _ in range(PATIENCE):
        try:
            return await attempt()
        except (DBAPIError, PoolTimeout) as error:
            if not isinstance(failure_of(error), DependencyUnavailable):
                raise
        await asyncio.sleep(BUSY_RETRY_SECONDS * secrets.randbelow(100) / 100)
    return await attempt()


async def outcome(attempt: Callable[[], Awaitable[Any]]) -> str:
    """`won`, or the code of the refusal."""
    try:
        await patiently(attempt)
    except JivaPayException as refusal:
        return refusal.code
    return WON


async def race(attempts: Iterable[Callable[[], Awaitable[Any]]]) -> list[str]:
    """All begin together; each one's outcome, in their order."""
    start = asyncio.Event()

    async def run(attempt: Callable[[], Awaitable[Any]]) -> str:
        await start.wait()
        return await outcome(attempt)

    tasks = [asyncio.create_task(run(attempt)) for attempt in attempts]
    await asyncio.sleep(0)
    start.set()
    return list(await asyncio.gather(*tasks))


async def deadlocks(database: Database) -> int:
    """How many this database has met; what sessions have counted is flushed first."""
    async with database.write() as session:
        await session.execute(text("select pg_stat_force_next_flush()"))
    async with database.read() as session:
        await session.execute(text("select pg_stat_clear_snapshot()"))
        return int(
            await session.scalar(text("select deadlocks from pg_stat_database where datname = current_database()"))
        )
