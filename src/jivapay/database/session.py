"""Transactions: who opens, who commits, and what is known when a commit's answer is lost.

The door opens one transaction and commits it on leaving; services flush at most. `commit(` stands here and
nowhere else. Reading and writing sessions are different types, and a reading one cannot write: PostgreSQL
refuses. Source: DBU-01 to DBU-03, decision 11; `docs/adr/` on ambiguous commits.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from jivapay.config.clock import Clock
from jivapay.config.logger import get_logger
from jivapay.database.engine import STATEMENT_TIMEOUT_MS, make_engine
from jivapay.database.tls import LOOPBACK_ONLY, DatabaseTls
from jivapay.exceptions import DatabaseError

logger = get_logger(__name__)

RESOLVE_ATTEMPTS = 20
RESOLVE_PAUSE_SECONDS = 0.5

WHO_COMMITS = text("select pg_current_xact_id_if_assigned()::text, checkpoint_lsn::text from pg_control_checkpoint()")
WHAT_BECAME = text("""
select case
  when c.checkpoint_lsn <> cast(:checkpoint as text)::pg_lsn
   and cast(:xid as text)::bigint >= (split_part(c.next_xid, ':', 1)::bigint << 32) + split_part(c.next_xid, ':', 2)::bigint
  then 'aborted'
  else pg_xact_status(cast(:xid as text)::xid8)
end from pg_control_checkpoint() c
""")  # noqa: E501 - one expression
"""A crash forgets the numbers of transactions that never reached the disk, and gives them out again: whoever commits
next under our number is somebody else. Recovery ends with a checkpoint that says from where on numbers are given anew:
one made since our COMMIT that does not know our number proves that it was lost.
"""


class ReadSession(AsyncSession):
    """A session in a READ ONLY transaction."""


class WriteSession(AsyncSession):
    """A session whose transaction the door commits."""


AnySession = ReadSession | WriteSession


class Database:
    """The pool and the two kinds of session. One per process and event loop; `close()` it at the end."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        clock: Clock | None = None,
        application_name: str = "jivapay",
        statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
        keeps_plans: bool = False,
        tls: DatabaseTls = LOOPBACK_ONLY,
    ) -> None:
        self.engine = make_engine(
            url,
            pool_size=pool_size,
            application_name=application_name,
            statement_timeout_ms=statement_timeout_ms,
            keeps_plans=keeps_plans,
            tls=tls,
        )
        self._clock = clock or Clock()
        self._writes = async_sessionmaker(self.engine, class_=WriteSession, expire_on_commit=False)
        self._reads = async_sessionmaker(
            self.engine.execution_options(postgresql_readonly=True), class_=ReadSession, expire_on_commit=False
        )

    async def close(self) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        """A READ ONLY transaction, rolled back on leaving."""
        async with self._reads() as session:
            await self._follow_clock(session)
            yield session

    @asynccontextmanager
    async def write(self, *, is_repeated: bool = False) -> AsyncIterator[WriteSession]:
        """One transaction: committed on leaving, rolled back on any exception.

        Leaving without an exception means it is committed, even when the connection died during COMMIT.
        Raises DatabaseError when it is known not to be committed, or nothing can be learnt.

        `is_repeated`: after any exception the caller is tried again, and learns from the rows themselves whether it
        had been committed. The question that would settle it costs a round trip each time, and is not asked.
        """
        async with self._writes() as session:
            await self._follow_clock(session)
            yield session
            if is_repeated:
                await session.commit()
            else:
                await self._commit(session)

    async def _follow_clock(self, session: AnySession) -> None:
        """Tell `app_now()` about an injected clock; production's has no offset and costs nothing."""
        if self._clock.offset != timedelta(0):
            await session.execute(
                text("select set_config('jivapay.clock_offset', :offset, true)"),
                {"offset": f"{self._clock.offset.total_seconds()} seconds"},
            )

    async def _commit(self, session: WriteSession) -> None:
        await session.flush()
        if not session.in_transaction():
            return
        xid, checkpoint = (await session.execute(WHO_COMMITS)).one()
        try:
            await session.commit()
        except (DBAPIError, OSError, TimeoutError) as error:
            if xid is None or (isinstance(error, DBAPIError) and not error.connection_invalidated):
                raise
            if not await self._was_committed(xid, checkpoint):
                raise DatabaseError("The connection was lost before the change was kept; nothing changed.") from error
            logger.warning("commit_reply_lost", xid=xid, outcome="committed")

    async def _was_committed(self, xid: str, checkpoint: str) -> bool:
        """Ask the server what became of transaction `xid`; waits while it is still in progress."""
        for _ in range(RESOLVE_ATTEMPTS):
            try:
                async with self._reads() as session:
                    status: str | None = await session.scalar(WHAT_BECAME, {"xid": xid, "checkpoint": checkpoint})
            except (DBAPIError, PoolTimeout, OSError, TimeoutError):
                status = None
            if status in {"committed", "aborted"}:
                return status == "committed"
            await asyncio.sleep(RESOLVE_PAUSE_SECONDS)
        raise DatabaseError("The database went away while the change was being kept; ask again for its state.")


@asynccontextmanager
async def atomic_transaction(session: WriteSession) -> AsyncIterator[WriteSession]:
    """A savepoint inside the caller's transaction: undone on an exception, never the caller's commit."""
    async with session.begin_nested():
        yield session
