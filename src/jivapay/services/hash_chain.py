"""Linking committed rows into a chain of hashes: one leader appends, seconds after the deed (hard case 23).

Which rows are committed for good is told by the transaction horizon, never by a watermark of ids: a slower
transaction with smaller ids would be left out for ever (hard case 5). A chain kept whole proves that no row was
altered, removed or slipped in. Source: AUD-05 to AUD-07, reliability I22.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, text

from jivapay.database.models.base import Base
from jivapay.database.session import AnySession, Database, WriteSession

GENESIS = b"\0" * 32
"""What stands before the first link."""

_TRY_LOCK = text("select pg_try_advisory_xact_lock(:key)")
_OPEN_HORIZON = text("insert into horizons (name, xid) values (:name, '0'::xid8) on conflict do nothing")
_MOVE_HORIZON = text("update horizons set xid = cast(cast(:xid as text) as xid8) where name = :name")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest link. Whoever keeps it outside can prove later that nothing before it was changed."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class HashChain:
    """A chain: the rows of one table, linked in another."""

    name: str
    """Of its horizon, and of its table of links."""
    lock_key: int
    """Advisory lock: two chainers that overlap for a moment do not both append."""
    links: type[Base]
    row_column: str
    """Of the links: which row it is."""
    ready: str
    """Query for rows that are committed for good and not linked yet: `safe` (the horizon, in every row), `id` (none
    when there is no row), `xid`, `digest`, and what else a link keeps; by `xid, id`; takes `:name` and `:limit`.
    The horizon is of the same snapshot as the rows: every transaction before it has ended and is seen.
    """
    broken: str
    """Query for links that do not hold, with `seq`; those of rows since `:since`."""
    link: Callable[[bytes, bytes], bytes]
    """The hash of a link, from the one before it and its row's digest."""

    async def append(self, database: Database, batch: int) -> int:
        """Link what has been committed since the last time, at most `batch` a transaction; gives how many.

        0 at once when somebody else is doing it.
        """
        total = 0
        while True:
            async with database.write() as session:
                linked = await self._append_batch(session, batch)
            total += linked
            if linked < batch:
                return total

    async def _append_batch(self, session: WriteSession, batch: int) -> int:
        if not await session.scalar(_TRY_LOCK, {"key": self.lock_key}):
            return 0
        await session.execute(_OPEN_HORIZON, {"name": self.name})
        ready = (await session.execute(text(self.ready), {"name": self.name, "limit": batch})).mappings().all()
        rows = [dict(row) for row in ready if row["id"] is not None]
        # A batch that is full may have cut a transaction in two, so the horizon then stays at its last row's.
        horizon = rows[-1]["xid"] if len(rows) == batch else ready[0]["safe"]
        if rows:
            await session.execute(insert(self.links), self._make_links(await self.get_head(session), rows))
        await session.execute(_MOVE_HORIZON, {"name": self.name, "xid": horizon})
        return len(rows)

    def _make_links(self, head: Head, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        links: list[dict[str, Any]] = []
        seq, previous = head.seq, head.hash
        for row in rows:
            seq += 1
            current = self.link(previous, row["digest"])
            kept = {key: value for key, value in row.items() if key not in {"safe", "id", "xid", "digest"}}
            links.append({"seq": seq, self.row_column: row["id"], "prev_hash": previous, "hash": current, **kept})
            previous = current
        return links

    async def get_head(self, session: AnySession) -> Head:
        """The newest link; before the first one, number 0 with the hash the first one continues."""
        query = text(f"select seq, hash from {self.name} order by seq desc limit 1")  # noqa: S608 - our own constant
        row = (await session.execute(query)).one_or_none()
        return Head(0, GENESIS) if row is None else Head(row.seq, row.hash)

    async def find_hash(self, session: AnySession, seq: int) -> bytes | None:
        """What a link hashes to; the first one's predecessor has number 0. None when there is no such link."""
        if seq == 0:
            return GENESIS
        query = text(f"select hash from {self.name} where seq = :seq")  # noqa: S608 - our own constant
        found: bytes | None = await session.scalar(query, {"seq": seq})
        return found

    async def verify(self, session: AnySession) -> int | None:
        """Recompute every hash: the number of the first link that does not hold, None when all do."""
        broken = self.broken.replace(":since", "'-infinity'")
        first: int | None = await session.scalar(text(f"select min(broken.seq) from ({broken}) broken"))  # noqa: S608 - our own
        return first
