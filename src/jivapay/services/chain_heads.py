"""Sealing a day: the root over all its postings and the newest links of both chains, signed, kept, and exported.

A UTC day is sealed once, a quarter of an hour after it has ended and when all its postings are chained. Its tree has a
leaf for each account, which stands for all postings of that account on that day: whoever is given his own postings and
the few hashes beside his account can recompute the root, and sees nothing of anybody else. The export lies in the
object store, out of reach of whoever rewrites the database: at every start the two are compared (reliability 6.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, insert, select, text

from jivapay.config.crypto.signing import HeadSigner, is_signed_by
from jivapay.config.logger import get_logger
from jivapay.database.models.proofs import ChainHead, ChainHeadAccount, ChainHeadExport
from jivapay.database.posting_digest import ACCOUNT, FIELDS, OF_POSTING
from jivapay.database.session import AnySession, Database, WriteSession
from jivapay.domain import merkle
from jivapay.domain.chain_heads import Newest, SignedHead, make_payload
from jivapay.domain.merkle import Step
from jivapay.exceptions import Conflict, NotFound
from jivapay.services import audit_chain, posting_chain
from jivapay.services.hash_chain import HashChain
from jivapay.utils.s3_client import Storage

logger = get_logger(__name__)

FOLDER = "chain-heads"
SEALED_AFTER = timedelta(minutes=15)
"""Longer than any transaction of ours: none that began on the day is still running."""
LOCK_KEY = 7_471_006
CHAINS: tuple[HashChain, ...] = (posting_chain.CHAIN, audit_chain.CHAIN)

DAY = """
p.created_at >= cast(:day as date)::timestamp at time zone 'utc'
   and p.created_at < (cast(:day as date) + 1)::timestamp at time zone 'utc'
"""
"""Whether a posting `p` was made on `:day` (UTC)."""

_FIRST_DAY = text("select (at at time zone 'utc')::date from audit_log order by id limit 1")
_LAST_ENDED = text("select ((app_now() - make_interval(secs => :after)) at time zone 'utc')::date - 1")
_UNCHAINED = text(f"""
select exists (
  select from postings p where {DAY} and not exists (select 1 from posting_chain c where c.posting_id = p.id))
""")  # noqa: S608 - built from our own constants
_LEAVES = text(f"""
select p.account_id, c.leaf from postings p join posting_chain c on c.posting_id = p.id
 where {DAY} order by p.account_id, p.id
""")  # noqa: S608 - built from our own constants
_ACCOUNTS = text(f"select a.id, {ACCOUNT} as name from accounts a where a.id = any(:ids)")  # noqa: S608 - our own
_POSTINGS = text(f"""
select {", ".join(f"{sql} as {name}" for name, sql in FIELDS.items())}, encode(c.salt, 'hex') as salt
  from postings p {OF_POSTING} join posting_chain c on c.posting_id = p.id
 where p.account_id = :account_id and {DAY} order by p.id
""")  # noqa: S608 - built from our own constants
_TRY_LOCK = text("select pg_try_advisory_xact_lock(:key)")


@dataclass(frozen=True, slots=True)
class AccountDay:
    """A leaf of a day's tree."""

    account_id: int
    account: str
    postings: int
    root: bytes

    @property
    def hash(self) -> bytes:
        return merkle.account_hash(self.account, self.postings, self.root)


@dataclass(frozen=True, slots=True)
class AccountProof:
    """One account's sealed day: all its postings, and the siblings that lead to the day's root."""

    account: str
    postings: Sequence[dict[str, str | None]]
    path: Sequence[Step]


async def seal_due(database: Database, signer: HeadSigner) -> list[date]:
    """Seal every day that has ended and is not sealed, oldest first; the days. Stops at one that is not ready."""
    sealed: list[date] = []
    while (day := await _seal_next(database, signer)) is not None:
        sealed.append(day)
        logger.info("day_sealed", day=day.isoformat())
    return sealed


async def _seal_next(database: Database, signer: HeadSigner) -> date | None:
    async with database.read() as session:
        due = await _next_due(session)
        if due is None:
            return None
        accounts = await compute_day(session, due)
    async with database.write() as session:
        if not await session.scalar(_TRY_LOCK, {"key": LOCK_KEY}) or await _next_due(session) != due:
            return None
        await _keep(session, due, accounts, signer)
    return due


async def _next_due(session: AnySession) -> date | None:
    """The oldest day that has ended, is not sealed and whose postings are all chained."""
    last: date | None = await session.scalar(select(func.max(ChainHead.day)))
    first: date | None = await session.scalar(_FIRST_DAY)
    day = first if last is None else last + timedelta(days=1)
    ended: date | None = await session.scalar(_LAST_ENDED, {"after": SEALED_AFTER.total_seconds()})
    if day is None or ended is None or day > ended or await session.scalar(_UNCHAINED, {"day": day}):
        return None
    return day


async def compute_day(session: AnySession, day: date) -> list[AccountDay]:
    """The leaves of a day's tree, out of the chain as it is now, by the accounts' names."""
    roots: dict[int, merkle.Root] = {}
    async for account_id, leaf in await session.stream(_LEAVES, {"day": day}):
        roots.setdefault(account_id, merkle.Root()).add(leaf)
    names = {row.id: row.name for row in await session.execute(_ACCOUNTS, {"ids": list(roots)})}
    found = [AccountDay(key, names[key], root.count, root.value()) for key, root in roots.items()]
    return sorted(found, key=lambda account: account.account)


async def _keep(session: WriteSession, day: date, accounts: Sequence[AccountDay], signer: HeadSigner) -> None:
    previous = await session.scalar(select(ChainHead.payload).order_by(ChainHead.day.desc()).limit(1))
    newest = {chain.name: await chain.get_head(session) for chain in CHAINS}
    payload = make_payload(
        day=day,
        accounts=len(accounts),
        postings=sum(account.postings for account in accounts),
        root=merkle.root_of(account.hash for account in accounts),
        posting_chain=Newest(newest["posting_chain"].seq, newest["posting_chain"].hash),
        audit_chain=Newest(newest["audit_chain"].seq, newest["audit_chain"].hash),
        previous=previous,
        sealed_at=(await session.execute(select(func.app_now()))).scalar_one(),
    )
    head = SignedHead(payload, b"", signer.key_id, signer.public_keys[signer.key_id])
    await session.execute(
        insert(ChainHead).values(
            day=day,
            payload=payload,
            signature=signer.sign(head.message),
            key_id=head.key_id,
            public_key=head.public_key,
            postings=sum(account.postings for account in accounts),
        )
    )
    if accounts:
        await session.execute(
            insert(ChainHeadAccount),
            [
                {
                    "day": day,
                    "position": position,
                    "account_id": one.account_id,
                    "account": one.account,
                    "postings": one.postings,
                    "root": one.root,
                }
                for position, one in enumerate(accounts)
            ],
        )


async def export_due(database: Database, storage: Storage) -> int:
    """Lay every head that is not there yet into the object store; how many. Raises StorageError."""
    async with database.read() as session:
        waiting = await session.scalars(
            select(ChainHead)
            .where(~select(ChainHeadExport).where(ChainHeadExport.day == ChainHead.day).exists())
            .order_by(ChainHead.day)
        )
        heads = list(waiting)
    for head in heads:
        key = object_key(head.day)
        await storage.put(key, signed(head).to_text().encode())
        async with database.write() as session:
            await session.execute(insert(ChainHeadExport).values(day=head.day, object_key=key))
    return len(heads)


async def find_rewritten(database: Database, storage: Storage, signer: HeadSigner) -> dict[str, str | None] | None:
    """What the last exported head and the database disagree about, as a row; None when they agree or none was exported.

    Raises StorageError.
    """
    exported = await storage.list_keys(FOLDER)
    async with database.read() as session:
        said = await session.scalar(select(func.max(ChainHeadExport.object_key)))
    last = max(exported, default=None)
    if last is None or (said is not None and said > last):
        return None if said is None else {"head": said, "difference": "the exported head is not in the object store"}
    content = await storage.get(last)
    try:
        head = SignedHead.from_text(content.decode())
        newest = {chain.name: head.newest(chain.name) for chain in CHAINS}
    except (KeyError, TypeError, ValueError):
        return {"head": last, "difference": "the exported head cannot be read"}
    known = signer.public_keys.get(head.key_id)
    if known is None or not is_signed_by(known, head.signature, head.message):
        return {"head": last, "difference": "the exported head is not signed by a key of PROOF_KEYS"}
    async with database.read() as session:
        for chain in CHAINS:
            if await chain.find_hash(session, newest[chain.name].seq) != newest[chain.name].hash:
                return {"head": last, "difference": f"{chain.name} is not the one this head was made of"}
        if await session.scalar(select(ChainHead.day).where(ChainHead.payload == head.payload)) is None:
            return {"head": last, "difference": "the database does not know this head"}
    return None


async def list_heads(session: AnySession, *, page: int = 1, page_size: int = 50) -> tuple[list[ChainHead], int]:
    """Newest first."""
    total = await session.scalar(select(func.count()).select_from(ChainHead)) or 0
    found = await session.scalars(
        select(ChainHead).order_by(ChainHead.day.desc()).limit(page_size).offset((page - 1) * page_size)
    )
    return list(found), total


async def list_public_keys(session: AnySession, signer: HeadSigner) -> dict[str, bytes]:
    """Every key that signs or has signed, by its id."""
    used = await session.execute(select(ChainHead.key_id, ChainHead.public_key).distinct())
    return {row.key_id: row.public_key for row in used} | signer.public_keys


async def get_head(session: AnySession, day: date) -> ChainHead:
    """Raises Conflict `proof.not_sealed` for a day that is not over or not sealed yet, NotFound before the first."""
    head = await session.get(ChainHead, day)
    if head is not None:
        return head
    first: date | None = await session.scalar(select(func.min(ChainHead.day)))
    if first is not None and day < first:
        raise NotFound
    raise Conflict("This day is not sealed yet.", code="proof.not_sealed")


async def prove(session: AnySession, head: ChainHead, account_ids: Sequence[int]) -> list[AccountProof]:
    """The sealed day of these accounts; one that had no posting that day has no proof."""
    rows = await session.scalars(
        select(ChainHeadAccount).where(ChainHeadAccount.day == head.day).order_by(ChainHeadAccount.position)
    )
    days = [AccountDay(row.account_id, row.account, row.postings, row.root) for row in rows]
    leaves = [day.hash for day in days]
    proofs = []
    for position, day in enumerate(days):
        if day.account_id in account_ids:
            found = await session.execute(_POSTINGS, {"account_id": day.account_id, "day": head.day})
            proofs.append(
                AccountProof(day.account, [dict(row) for row in found.mappings()], merkle.path_of(leaves, position))
            )
    return proofs


def signed(head: ChainHead) -> SignedHead:
    return SignedHead(head.payload, head.signature, head.key_id, head.public_key)


def object_key(day: date) -> str:
    return f"{FOLDER}/{day.isoformat()}.json"
