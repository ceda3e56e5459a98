"""The hash chain over the postings: made after the money has moved, never in its transaction (hard case 23).

What a leaf and a link hash stands in `database/posting_digest.py`; the days' signed heads are made from the leaves
(`services/chain_heads.py`).
"""

from jivapay.database.models.proofs import PostingChain
from jivapay.database.posting_digest import BROKEN_LINKS, OF_POSTING, leaf
from jivapay.database.session import AnySession, Database
from jivapay.domain import merkle
from jivapay.services.hash_chain import HashChain, Head

BATCH = 1000

# A random UUID holds 122 bits of the server's strong randomness.
_READY = f"""
with bounds as materialized (
  select h.xid as done, pg_snapshot_xmin(pg_current_snapshot()) as safe from horizons h where h.name = :name
), fresh as materialized (
  select p.id, p.xid, decode(replace(gen_random_uuid()::text, '-', ''), 'hex') as salt
    from bounds join postings p on p.xid >= bounds.done and p.xid < bounds.safe
   where not exists (select 1 from posting_chain c where c.posting_id = p.id)
   order by p.xid, p.id
   limit :limit
)
select bounds.safe::text as safe, f.id, f.xid::text as xid, f.salt, l.leaf, l.leaf as digest
  from bounds
  left join fresh f on true
  left join lateral (select {leaf("f.salt")} as leaf from postings p {OF_POSTING} where p.id = f.id) l on true
 order by f.xid, f.id
"""  # noqa: S608 - built from our own constants

CHAIN = HashChain(
    name="posting_chain",
    lock_key=7_471_005,
    links=PostingChain,
    row_column="posting_id",
    ready=_READY,
    broken=BROKEN_LINKS,
    link=merkle.link_hash,
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
