"""The hash chain over the audit log. What a link hashes stands in `database/audit_digest.py`.

Source: AUD-05 to AUD-07, hard case 23, reliability I22.
"""

import hashlib
from collections.abc import Sequence

from sqlalchemy import text

from jivapay.database.audit_digest import BROKEN_LINKS, ROW_DIGEST
from jivapay.database.models.records import AuditChain
from jivapay.database.session import AnySession, Database
from jivapay.services.hash_chain import HashChain, Head

BATCH = 1000

_READY = f"""
with bounds as materialized (
  select h.xid as done, pg_snapshot_xmin(pg_current_snapshot()) as safe from horizons h where h.name = :name
)
select bounds.safe::text as safe, a.id, a.xid::text as xid, {ROW_DIGEST} as digest
  from bounds
  left join audit_log a on a.xid >= bounds.done and a.xid < bounds.safe
       and not exists (select 1 from audit_chain c where c.audit_id = a.id)
 order by a.xid, a.id
 limit :limit
"""  # noqa: S608 - built from our own constants

_UNCHAINED = text("""
select a.id from audit_log a
 where a.at < app_now() - make_interval(secs => :age)
   and not exists (select 1 from audit_chain c where c.audit_id = a.id)
 order by a.id limit :limit
""")


def link_hash(previous: bytes, digest: bytes) -> bytes:
    """The hash of a link, from the one before it and its row's digest."""
    return hashlib.sha256(previous + digest).digest()


CHAIN = HashChain(
    name="audit_chain",
    lock_key=7_471_004,
    links=AuditChain,
    row_column="audit_id",
    ready=_READY,
    broken=BROKEN_LINKS,
    link=link_hash,
)


async def append(database: Database, *, batch: int = BATCH) -> int:
    """Link what has been committed since the last time; gives how many, 0 when somebody else is doing it."""
    return await CHAIN.append(database, batch)


async def get_head(session: AnySession) -> Head:
    """The newest link; before the first one, number 0 with the hash the first one continues."""
    return await CHAIN.get_head(session)


async def verify(session: AnySession) -> int | None:
    """Recompute every hash: the number of the first link that does not hold, None when all do."""
    return await CHAIN.verify(session)


async def list_unchained(session: AnySession, *, older_than_seconds: int = 60, limit: int = 100) -> Sequence[int]:
    """Ids of audit rows that should have been linked by now; a chain that holds may still have left some out."""
    found = await session.scalars(_UNCHAINED, {"age": older_than_seconds, "limit": limit})
    return found.all()
