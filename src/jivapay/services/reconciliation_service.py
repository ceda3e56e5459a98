"""Reconciliation: the books against each other and against the store, every night and whenever somebody asks.

What the invariants prove row by row is counted here by subject and kept as a report: balances against postings,
postings against orders, holds against open things, profit against orders, chains against sealed days, documents against
the object store. A difference in money freezes it; any other is an alarm. What a person has acknowledged is neither.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, insert, select, text, update

from jivapay.config.crypto import HeadSigner
from jivapay.database.invariants import INVARIANTS, Invariant
from jivapay.database.models.documents import UploadedDocument
from jivapay.database.models.proofs import ChainHead
from jivapay.database.models.reconciliations import Reconciliation, ReconciliationCheck
from jivapay.database.session import AnySession, Database, WriteSession
from jivapay.domain import merkle
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.exceptions import JivaPayException, NotFound, StorageError
from jivapay.schemas_enums.enums import DocumentState
from jivapay.services import (
    audit_service,
    chain_heads,
    freeze_service,
    idempotency,
    invariant_service,
    platform_service,
)
from jivapay.services.idempotency import IdempotencyClaim, Made
from jivapay.utils.notifications import report_critical_error
from jivapay.utils.s3_client import Storage

Row = dict[str, str | None]
Progress = Callable[[str], None]
"""Told the code of the check that begins."""

ROWS_KEPT = 20
READS_AT_ONCE = 8
READ_AGAIN_DAYS = 30
"""Every document is read again once in so many nights."""
NIGHT_HOUR = 3
"""UTC hour from which the night's reconciliation of the day before is due: after it was sealed and checked."""


class BooksDiffer(JivaPayException):
    """The books do not agree"""

    code = "reconciliation.differs"


@dataclass(frozen=True, slots=True)
class Check:
    """One subject: how many things it looks at, and which invariants say that they agree."""

    code: str
    sentence: str
    count: str = ""
    prefixes: tuple[str, ...] = ()
    """Of the codes of the invariants it asks."""
    is_money: bool = True

    @property
    def invariants(self) -> list[Invariant]:
        return [one for one in INVARIANTS if one.freezes and one.code[:3] in self.prefixes]


_SINCE = "coalesce(cast(:day as date)::timestamp at time zone 'utc', '-infinity')"

CHECKS = (
    Check(
        "balances",
        "Every balance is the sum of its postings, and all postings sum to zero",
        "select count(*) from accounts",
        ("I01", "I02", "I03", "I05", "I06", "I07", "I08"),
    ),
    Check(
        "orders",
        "Every order, deposit and decision has moved what it says, and nothing else has moved",
        f"select count(*) from transfers where created_at >= {_SINCE}",  # noqa: S608 - our own constant
        ("I09", "I10", "I11", "I12", "I28", "I29", "I40"),
    ),
    Check(
        "holds",
        "Everything held belongs to something open, and everything open is held for",
        "select count(*) from holds where status = 'active'",
        ("I04", "I14"),
    ),
    Check(
        "profit",
        "The platform was paid the profit of the orders",
        f"select count(*) from orders where completed_at >= {_SINCE}",  # noqa: S608 - our own constant
        ("I13",),
    ),
    Check(
        "chains",
        "Audit log and postings are the ones that were chained",
        "select (select count(*) from posting_chain) + (select count(*) from audit_chain)",
        ("I22",),
    ),
    Check("days", "Every sealed day computes to its signed root again, and its export is the same"),
    Check("documents", "Every document lies in the store as it was stored", is_money=False),
)
"""In the order in which they are made. Together they ask every invariant that freezes money (a test counts)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check came to."""

    check: Check
    examined: int
    rows: Sequence[Row]
    differences: int


@dataclass(frozen=True, slots=True)
class Report:
    reconciliation: Reconciliation
    checks: Sequence[ReconciliationCheck]


async def request(session: WriteSession, actor: Actor, day: date | None) -> Reconciliation:
    """Ask for one; the scheduler does it."""
    row = Reconciliation(public_id=new_id(), day=day, requested_by=actor.id)
    session.add(row)
    await session.flush()
    await audit_service.log_event(
        session,
        actor,
        "reconciliation.requested",
        entity="reconciliation",
        entity_id=row.id,
        details={"day": day.isoformat() if day else None},
    )
    return row


async def request_once(
    session: WriteSession, actor: Actor, day: date | None, *, claim: IdempotencyClaim | None
) -> Made[Reconciliation]:
    """`request`, once for each key."""

    async def make() -> tuple[int, Reconciliation]:
        row = await request(session, actor, day)
        return row.id, row

    async def load(reconciliation_id: int) -> Reconciliation:
        return await session.get_one(Reconciliation, reconciliation_id)

    return await idempotency.make_once(session, claim, resource_type="reconciliation", make=make, load=load)


async def request_nightly(session: WriteSession, actor: Actor) -> bool:
    """Ask for the day before, once, when its time has come."""
    due: date | None = await session.scalar(
        text("select ((app_now() - make_interval(hours => :hour)) at time zone 'utc')::date - 1"), {"hour": NIGHT_HOUR}
    )
    known = select(Reconciliation).where(Reconciliation.day == due, Reconciliation.requested_by.is_(None)).exists()
    if due is None or await session.scalar(select(known)):
        return False
    await request(session, actor, due)
    return True


async def run_due(database: Database, storage: Storage, signer: HeadSigner, actor: Actor) -> int:
    """Make every reconciliation that was asked for, oldest first; how many. `database` must be a patient one."""
    async with database.read() as session:
        waiting = select(Reconciliation.id).where(Reconciliation.finished_at.is_(None)).order_by(Reconciliation.id)
        ids = (await session.scalars(waiting)).all()
    for reconciliation_id in ids:
        await run(database, storage, signer, actor, reconciliation_id)
    return len(ids)


async def run(
    database: Database,
    storage: Storage,
    signer: HeadSigner,
    actor: Actor,
    reconciliation_id: int,
    *,
    progress: Progress = lambda _code: None,
) -> list[Outcome]:
    """Make one, keep its report, freeze money when money differs, raise alarms. Holds no transaction meanwhile."""
    async with database.read() as session:
        day: date | None = (await session.get_one(Reconciliation, reconciliation_id)).day
    outcomes = []
    for check in CHECKS:
        progress(check.code)
        outcomes.append(await _make(check, database, storage, signer, day))
    freezing = next((one for one in outcomes if one.differences and one.check.is_money and _is_finished(one)), None)
    async with database.write() as session:
        await session.execute(
            update(Reconciliation)
            .where(Reconciliation.id == reconciliation_id)
            .values(finished_at=func.app_now(), differences=sum(one.differences for one in outcomes))
        )
        await session.execute(
            insert(ReconciliationCheck),
            [
                {
                    "reconciliation_id": reconciliation_id,
                    "position": position,
                    "code": one.check.code,
                    "examined": one.examined,
                    "differences": one.differences,
                    "rows": list(one.rows[:ROWS_KEPT]),
                }
                for position, one in enumerate(outcomes)
            ],
        )
        if freezing is not None:
            await freeze_service.freeze(
                session, actor, reason=f"reconciliation: {freezing.check.sentence}", invariant=freezing.check.code
            )
    for one in outcomes:
        if one.differences:
            report_critical_error(
                BooksDiffer(one.check.sentence), f"reconciliation {one.check.code}", rows=list(one.rows[:ROWS_KEPT])
            )
    return outcomes


async def list_reconciliations(
    session: AnySession, *, page: int = 1, page_size: int = 50
) -> tuple[list[Reconciliation], int]:
    """Newest first."""
    total = await session.scalar(select(func.count()).select_from(Reconciliation)) or 0
    found = await session.scalars(
        select(Reconciliation).order_by(Reconciliation.id.desc()).limit(page_size).offset((page - 1) * page_size)
    )
    return list(found), total


async def get_report(session: AnySession, public_id: UUID) -> Report:
    """Raises NotFound."""
    row = await session.scalar(select(Reconciliation).where(Reconciliation.public_id == public_id))
    if row is None:
        raise NotFound
    checks = await session.scalars(
        select(ReconciliationCheck)
        .where(ReconciliationCheck.reconciliation_id == row.id)
        .order_by(ReconciliationCheck.position)
    )
    return Report(row, checks.all())


def _is_finished(outcome: Outcome) -> bool:
    """A check that could not be finished is an alarm, and says nothing against the books (hard case 24)."""
    return not all("not_finished" in row for row in outcome.rows)


async def _make(check: Check, database: Database, storage: Storage, signer: HeadSigner, day: date | None) -> Outcome:
    others: dict[str, Callable[[], Awaitable[tuple[int, list[Row]]]]] = {
        "days": lambda: _compare_days(database, storage, signer, day),
        "documents": lambda: _compare_documents(database, storage, day),
    }
    if check.code in others:
        try:
            examined, rows = await others[check.code]()
        except StorageError as error:
            examined, rows = 0, [{"not_finished": type(error).__name__}]
        return Outcome(check, examined, rows, len(rows))
    async with database.read() as session:
        examined = (
            await session.execute(text(check.count), {"day": day} if ":day" in check.count else {})
        ).scalar_one()
    since = None if day is None else f"{day.isoformat()} 00:00:00+00"
    results = await invariant_service.run_all(database, invariants=check.invariants, since=since)
    found = [{"invariant": result.code, **row} for result in results for row in result.rows]
    return Outcome(check, examined, found, len(found))


async def _compare_days(
    database: Database, storage: Storage, signer: HeadSigner, day: date | None
) -> tuple[int, list[Row]]:
    async with database.read() as session:
        chosen = select(ChainHead).order_by(ChainHead.day)
        heads = list(await session.scalars(chosen if day is None else chosen.where(ChainHead.day >= day)))
    rows: list[Row] = []
    for head in heads:
        async with database.read() as session:
            root = merkle.root_of(one.hash for one in await chain_heads.compute_day(session, head.day))
        if root.hex() != chain_heads.signed(head).facts["root"]:
            rows.append({"day": head.day.isoformat(), "difference": "the postings compute to another root"})
    return len(heads), [*rows, *await platform_service.find_head_violations(database, storage, signer)]


async def _compare_documents(database: Database, storage: Storage, day: date | None) -> tuple[int, list[Row]]:
    """All of them; for a day its own, and a part of the older ones, so that each is read again within a month."""
    chosen = select(UploadedDocument).where(UploadedDocument.state == DocumentState.STORED)
    if day is not None:
        of_the_day = func.date(func.timezone("utc", UploadedDocument.created_at)) == day
        its_turn = UploadedDocument.id % READ_AGAIN_DAYS == day.toordinal() % READ_AGAIN_DAYS
        chosen = chosen.where(of_the_day | its_turn)
    async with database.read() as session:
        documents = list(await session.scalars(chosen.order_by(UploadedDocument.id)))
    places = asyncio.Semaphore(READS_AT_ONCE)

    async def compare(document: UploadedDocument) -> Row | None:
        async with places:
            difference = await _find_difference(storage, document)
        return None if difference is None else {"document": str(document.public_id), "difference": difference}

    found = await asyncio.gather(*(compare(document) for document in documents))
    return len(documents), [row for row in found if row is not None]


async def _find_difference(storage: Storage, document: UploadedDocument) -> str | None:
    try:
        data = await storage.get(document.object_key)
    except StorageError as error:
        if error.code != "storage.missing":
            raise
        return "missing"
    if len(data) != document.size:
        return "another size"
    # Documents stored before their checksum was kept are compared by size alone.
    if document.stored_sha256 is not None and hashlib.sha256(data).digest() != document.stored_sha256:
        return "other content"
    return None
