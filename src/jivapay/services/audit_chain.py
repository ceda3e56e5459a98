"""The hash chain over the audit log: committed rows are linked by one leader, seconds after the deed (hard case 23).

Which rows are committed for good is told by the transaction horizon, never by a watermark of ids: a slower
transaction with smaller ids would be left out for ever (hard case 5). What a link hashes stands in
`database/audit_digest.py`; a chain kept whole proves that no row was altered, removed or slipped in.
Source: AUD-05 to AUD-07, reliability I22.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, text

from jivapay.database.audit_digest import BROKEN_LINKS, GENESIS, ROW_DIGEST
from jivapay.database.models.records import AuditChain
from jivapay.database.session import AnySession, Database, WriteSession

NAME = "audit_chain"
LOCK_KEY = 7_471_004
"""Advisory lock: two chainers that overlap for a moment do not both append."""
BATCH = 1000

_TRY_LOCK = text("select pg_try_advisory_xact_lock(:key)")
_OPEN_HORIZON = text("insert into horizons (name, xid) values (:name, '0'::xid8) on conflict do nothing")
_HEAD = text("select seq, hash from audit_chain order by seq desc limit 1")
_MOVE_HORIZON = text("update horizons set xid = cast(cast(:xid as text) as xid8) where name = :name")

# The horizon is of the same snapshot as the rows: every transaction before it has ended and is seen.
# A batch that is full may have cut a transaction in two, so the horizon then stays at its last row's.
_READY = text(f"""
with bounds as materialized (
  select h.xid as done, pg_snapshot_xmin(pg_current_snapshot()) as safe from horizons h where h.name = :name
)
select bounds.safe::text as safe, a.id, a.xid::text as xid, {ROW_DIGEST} as digest
  from bounds
  left join audit_log a on a.xid >= bounds.done and a.xid < bounds.safe
       and not exists (select 1 from audit_chain c where c.audit_id = a.id)
 order by a.xid, a.id
 limit :limit
""")  # noqa: S608 - built from our own constants

_EVER_BROKEN = BROKEN_LINKS.replace(":since", "'-infinity'")
_BREAK = text(f"select min(broken.seq) from ({_EVER_BROKEN}) broken")  # noqa: S608 - built from our own constants

_UNCHAINED = text("""
select a.id from audit_log a
 where a.at < app_now() - make_interval(secs => :age)
   and not exists (select 1 from audit_chain c where c.audit_id = a.id)
 order by a.id limit :limit
""")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest link. Whoever keeps it outside can prove later that nothing before it was changed."""

    seq: int
    hash: bytes


async def append(database: Database, *, batch: int = BATCH) -> int:
    """Link what has been committed since the last time, at most `batch` a transaction; gives how many.

    0 at once when somebody else is doing it.
    """
    total = 0
    while True:
        async with database.write() as session:
            linked = await _append_batch(session, batch)
        total += linked
        if linked < batch:
            return total


async def _append_batch(session: WriteSession, batch: int) -> int:
    if not await session.scalar(_TRY_LOCK, {"key": LOCK_KEY}):
        return 0
    await session.execute(_OPEN_HORIZON, {"name": NAME})
    ready = (await session.execute(_READY, {"name": NAME, "limit": batch})).all()
    rows = [row for row in ready if row.id is not None]
    if rows:
        head = await get_head(session)
        await session.execute(insert(AuditChain), _links(head, [(row.id, row.digest) for row in rows]))
    await session.execute(_MOVE_HORIZON, {"name": NAME, "xid": rows[-1].xid if len(rows) == batch else ready[0].safe})
    return len(rows)


def _links(head: Head, rows: Sequence[tuple[int, bytes]]) -> list[dict[str, object]]:
    links: list[dict[str, object]] = []
    seq, previous = head.seq, head.hash
    for audit_id, digest in rows:
        seq += 1
        current = link_hash(previous, digest)
        links.append({"seq": seq, "audit_id": audit_id, "prev_hash": previous, "hash": current})
        previous = current
    return links


def link_hash(previous: bytes, digest: bytes) -> bytes:
    """The hash of a link, from the one before it and its row's digest."""
    return hashlib.sha256(previous + digest).digest()


async def get_head(session: AnySession) -> Head:
    """The newest link; before the first one, number 0 with the hash the first one continues."""
    row = (await session.execute(_HEAD)).one_or_none()
    return Head(0, GENESIS) if row is None else Head(row.seq, row.hash)


async def verify(session: AnySession) -> int | None:
    """Recompute every hash: the number of the first link that does not hold, None when all do."""
    broken: int | None = await session.scalar(_BREAK)
    return broken


async def list_unchained(session: AnySession, *, older_than_seconds: int = 60, limit: int = 100) -> Sequence[int]:
    """Ids of audit rows that should have been linked by now; a chain that holds may still have left some out."""
    found = await session.scalars(_UNCHAINED, {"age": older_than_seconds, "limit": limit})
    return found.all()
