"""Whether a process can serve: its database answers, and the broker answers. Says which part fails and nothing about
where it is (J10). The object store is not asked: a receipt that cannot be kept has a path of its own.
"""

import asyncio
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Any

from sqlalchemy import text

from jivapay.utils.failures import failure_of
from jivapay.utils.resources import Resources

CHECK_SECONDS = 2.0


class PartState(StrEnum):
    OK = "ok"
    FAILED = "failed"


async def check_parts(resources: Resources) -> dict[str, PartState]:
    """The state of each part, asked at the same time, within `CHECK_SECONDS`."""
    database, broker = await asyncio.gather(
        _state(lambda: _ask_database(resources)), _state(lambda: _ask_broker(resources))
    )
    return {"database": database, "broker": broker}


async def _state(ask: Callable[[], Coroutine[Any, Any, None]]) -> PartState:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await ask()
    except Exception as error:
        if failure_of(error) is None:
            raise
        return PartState.FAILED
    return PartState.OK


async def _ask_database(resources: Resources) -> None:
    async with resources.database.read() as session:
        await session.execute(text("select 1"))


async def _ask_broker(resources: Resources) -> None:
    await resources.redis.execute_command("PING")  # type: ignore[no-untyped-call]  # redis has no hints here
