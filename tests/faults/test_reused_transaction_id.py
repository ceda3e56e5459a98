"""A crash loses the number of an unfinished transaction, and the next one is given it: whose commit was that?"""

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from jivapay.config.settings import asyncpg_url
from jivapay.database.session import WHO_COMMITS, Database
from jivapay.embedded import Stack

pytestmark = pytest.mark.faults


@pytest.fixture
def postgres() -> Iterator[Stack]:
    """A durable cluster of its own, to be killed."""
    with (
        tempfile.TemporaryDirectory(prefix="jivapay-test-") as home,
        Stack(Path(home), need_valkey=False) as running,
    ):
        yield running


async def test_somebody_elses_commit_is_not_ours(postgres: Stack) -> None:
    database = Database(asyncpg_url(postgres.env["DATABASE_OWNER_URL"]))
    app = Database(asyncpg_url(postgres.env["DATABASE_URL"]))
    try:
        async with database.write() as session:
            await session.execute(text("create table kept (said text)"))
            kept_xid, kept_after = (await session.execute(WHO_COMMITS)).one()
        async with database.engine.connect() as connection:
            await connection.execute(text("select pg_current_xact_id()"))
            lost_xid, lost_after = (await connection.execute(WHO_COMMITS)).one()
            pid = postgres.servers[0].pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await asyncio.to_thread(os.waitid, os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            assert postgres.tend() == ["postgres"]
            await connection.invalidate()
        async with app.read() as session:  # starting the server anew used the number for its own housekeeping
            naive = await session.scalar(text("select pg_xact_status(cast(:xid as text)::xid8)"), {"xid": lost_xid})
        assert naive == "committed"
        assert await app._was_committed(kept_xid, kept_after) is True
        assert await app._was_committed(lost_xid, lost_after) is False
    finally:
        await app.close()
        await database.close()
