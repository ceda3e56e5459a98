"""Many at once over real connections: who won, who was refused and how."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from sqlalchemy import text

from jivapay.database.session import Database
from jivapay.exceptions import JivaPayException

WON = "won"


async def outcome(attempt: Awaitable[Any]) -> str:
    """`won`, or the code of the refusal."""
    try:
        await attempt
    except JivaPayException as refusal:
        return refusal.code
    return WON


async def race(attempts: Iterable[Callable[[], Awaitable[Any]]]) -> list[str]:
    """All begin together; each one's outcome, in their order."""
    start = asyncio.Event()

    async def run(attempt: Callable[[], Awaitable[Any]]) -> str:
        await start.wait()
        return await outcome(attempt())

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
