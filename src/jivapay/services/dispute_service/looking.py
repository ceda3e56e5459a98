"""Disputes as those concerned see them, and an order's timeline for staff.

Both sides read every message. A side downloads its own evidence and the payer's; the other side's bank statements are
for staff only. Staff stay nameless to the sides.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, func, literal, or_, select, true, union_all

from jivapay.database.models.disputes import Dispute, DisputeMessage
from jivapay.database.models.documents import UploadedDocument
from jivapay.database.models.orders import IncomingOrder, Order, PaymentSession
from jivapay.database.models.people import MerchantStore, User
from jivapay.database.models.records import AuditLog, StatusHistory
from jivapay.database.session import AnySession
from jivapay.domain.actors import Actor
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.disputes import DisputeFilter
from jivapay.schemas_enums.enums import ActorKind, DisputeSide, DocumentState, Role
from jivapay.services import balance_manager, document_service, reference_data
from jivapay.services.dispute_service import turns
from jivapay.services.document_service import Download
from jivapay.utils.listing import Listed, Sorting, fetch_list
from jivapay.utils.resources import Resources

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Behind every due time."""
SORTING = Sorting(
    {
        "due_at": func.coalesce(Dispute.due_at, NEVER),
        "created_at": Dispute.created_at,
    },
    -Dispute.id,
    Dispute.public_id,
    default="due_at",
)
"""Of those that are equal, as all that are resolved, the newest first."""


@dataclass(frozen=True, slots=True)
class Evidence:
    document: UploadedDocument
    side: DisputeSide
    may_download: bool


@dataclass(frozen=True, slots=True)
class DisputeView:
    """A dispute with what its readers need; `held` and `assigned_to` are for staff."""

    dispute: Dispute
    order: Order
    incoming: IncomingOrder
    store_name: str
    scale: int
    held: Decimal
    is_overdue: bool
    assigned_to: UUID | None = None
    messages: tuple[DisputeMessage, ...] = ()
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something that happened to an order: a status step, an audited deed, a message, a document."""

    at: datetime
    kind: str
    entity: str
    name: str
    actor_kind: str
    actor: UUID | None
    details: Mapping[str, Any] = field(default_factory=dict)


async def find_dispute_id(session: AnySession, actor: Actor, dispute_id: UUID) -> int:
    """Somebody else's is not found. Raises NotFound."""
    found: int | None = await session.scalar(
        select(Dispute.id)
        .join(Order, Order.id == Dispute.order_id)
        .join(MerchantStore, MerchantStore.id == Order.store_id)
        .where(Dispute.public_id == dispute_id, _concerns(actor))
    )
    if found is None:
        raise NotFound
    return found


async def get_dispute(session: AnySession, actor: Actor, dispute_id: UUID) -> DisputeView:
    """With everything said and shown in it. Raises NotFound."""
    row_id = await find_dispute_id(session, actor, dispute_id)
    rows = await session.execute(_disputes().where(Dispute.id == row_id))
    (view,) = await _read(session, rows.all())
    messages = await session.scalars(
        select(DisputeMessage).where(DisputeMessage.dispute_id == row_id).order_by(DisputeMessage.id)
    )
    return DisputeView(
        **{name: getattr(view, name) for name in ("dispute", "order", "incoming", "store_name", "scale", "held")},
        is_overdue=view.is_overdue,
        assigned_to=await _public_id(session, view.dispute.assigned_to),
        messages=tuple(messages),
        evidence=tuple(await _evidence(session, actor, row_id)),
    )


async def list_disputes(
    session: AnySession, actor: Actor, asked: DisputeFilter, *, mine: bool = False
) -> Listed[DisputeView]:
    """What is due soonest comes first, what is resolved last. `mine`: assigned to the actor.

    Raises ValidationFailed `sort.unknown_field` or `cursor.invalid`.
    """
    every = _disputes().where(_concerns(actor))
    wanted = every if asked.status is None else every.where(Dispute.status == asked.status)
    if mine:
        wanted = wanted.where(Dispute.assigned_to == actor.id)
    listed = await fetch_list(session, wanted, SORTING, asked, among=every)
    return Listed(await _read(session, listed.rows), listed.total, listed.next_cursor)


async def get_evidence(session: AnySession, actor: Actor, dispute_id: UUID, document_id: UUID) -> UploadedDocument:
    """A file of it that this reader may have. Raises NotFound."""
    row_id = await find_dispute_id(session, actor, dispute_id)
    for evidence in await _evidence(session, actor, row_id):
        if evidence.document.public_id == document_id and evidence.may_download:
            return evidence.document
    raise NotFound


async def download_evidence(resources: Resources, actor: Actor, dispute_id: UUID, document_id: UUID) -> Download:
    """Such a file, fetched after the transaction that found it. Raises NotFound, StorageError."""
    async with resources.database.read() as session:
        document = await get_evidence(session, actor, dispute_id, document_id)
    return await document_service.load_for_download(resources.storage, document)


async def get_timeline(session: AnySession, order_id: UUID) -> list[TimelineEntry]:
    """Everything that happened to an order, oldest first: steps, deeds, messages and documents. Raises NotFound."""
    incoming_id = await session.scalar(select(IncomingOrder.id).where(IncomingOrder.public_id == order_id))
    if incoming_id is None:
        raise NotFound
    entities = await _entities(session, incoming_id)
    concerned = [(StatusHistory.entity == name) & (StatusHistory.entity_id == key) for name, key in entities]
    audited = [(AuditLog.entity == name) & (AuditLog.entity_id == key) for name, key in entities]
    steps = await session.scalars(select(StatusHistory).where(or_(false(), *concerned)))
    deeds = await session.scalars(select(AuditLog).where(AuditLog.version.is_(None), or_(false(), *audited)))
    disputes = [key for name, key in entities if name == "dispute"]
    messages = await session.scalars(select(DisputeMessage).where(DisputeMessage.dispute_id.in_(disputes)))
    documents = await session.scalars(select(UploadedDocument).where(UploadedDocument.incoming_order_id == incoming_id))
    found: list[tuple[datetime, int, str, str, str, str, int | None, dict[str, Any]]] = []
    for row in steps:
        moved = {"from": row.from_status, "to": row.to_status, "reason": row.reason}
        found.append((row.at, 0, "step", row.entity, row.to_status, row.actor_kind, row.actor_id, moved))
    for deed in deeds:
        details = dict(deed.details)
        found.append((deed.at, 1, "deed", deed.entity or "", deed.action, deed.actor_kind, deed.actor_id, details))
    for message in messages:
        said = {"text": message.text}
        kind = ActorKind.CUSTOMER if message.side == DisputeSide.CUSTOMER else ActorKind.USER
        found.append((message.created_at, 2, "message", "dispute", message.side, kind, message.author_id, said))
    for document in documents:
        shown = {"document_id": str(document.public_id), "content_type": document.content_type, "state": document.state}
        found.append(
            (
                document.created_at, 3, "document", "document", document.kind, document.uploader_kind,
                document.uploader_id, shown,
            )
        )  # fmt: skip
    people = await _people(session, {row[6] for row in found if row[5] == ActorKind.USER and row[6] is not None})
    found.sort(key=lambda row: row[:2])
    return [
        TimelineEntry(at, kind, entity, name, by, people.get(by_id or 0) if by == ActorKind.USER else None, details)
        for at, _, kind, entity, name, by, by_id, details in found
    ]


async def _entities(session: AnySession, incoming_id: int) -> list[tuple[str, int]]:
    parts = union_all(
        select(literal("order"), Order.id).where(Order.incoming_order_id == incoming_id),
        select(literal("payment_session"), PaymentSession.id).where(PaymentSession.incoming_order_id == incoming_id),
        select(literal("dispute"), Dispute.id).where(Dispute.incoming_order_id == incoming_id),
    )
    found = await session.execute(parts)
    return [("incoming_order", incoming_id), *((name, key) for name, key in found)]


def _concerns(actor: Actor) -> ColumnElement[bool]:
    """Over `orders` and `merchant_stores`."""
    match turns.side_of(actor):
        case DisputeSide.STAFF:
            return true()
        case DisputeSide.TRADER:
            return Order.trader_id == actor.owner_id
        case DisputeSide.MERCHANT:
            return MerchantStore.merchant_id == actor.owner_id
    return false()


def _disputes() -> Select[Dispute, Order, IncomingOrder, str, datetime]:
    return (
        select(Dispute, Order, IncomingOrder, MerchantStore.name, func.app_now())
        .join(Order, Order.id == Dispute.order_id)
        .join(IncomingOrder, IncomingOrder.id == Dispute.incoming_order_id)
        .join(MerchantStore, MerchantStore.id == Order.store_id)
    )


async def _read(session: AnySession, rows: Sequence[Any]) -> list[DisputeView]:
    held = await balance_manager.held_for(session, "dispute", [row[0].id for row in rows])
    scales = await reference_data.get_scales(session)
    return [
        DisputeView(
            dispute,
            order,
            incoming,
            store_name,
            scale=scales[order.crypto_currency],
            held=held.get(dispute.id, Decimal(0)),
            is_overdue=dispute.due_at is not None and dispute.due_at < now,
        )
        for dispute, order, incoming, store_name, now in rows
    ]


async def _evidence(session: AnySession, actor: Actor, dispute_row_id: int) -> list[Evidence]:
    rows = await session.execute(
        select(UploadedDocument, User.role)
        .outerjoin(User, (User.id == UploadedDocument.uploader_id) & (UploadedDocument.uploader_kind == ActorKind.USER))
        .where(UploadedDocument.dispute_id == dispute_row_id, UploadedDocument.state == DocumentState.STORED)
        .order_by(UploadedDocument.id)
    )
    reader = turns.side_of(actor)
    found = []
    for document, role in rows:
        side = turns.side_of(Actor(ActorKind(document.uploader_kind), role=Role(role) if role else None))
        may_download = reader is DisputeSide.STAFF or side in {reader, DisputeSide.CUSTOMER}
        found.append(Evidence(document, side, may_download))
    return found


async def _public_id(session: AnySession, user_id: int | None) -> UUID | None:
    return None if user_id is None else (await _people(session, {user_id})).get(user_id)


async def _people(session: AnySession, ids: Collection[int]) -> dict[int, UUID]:
    found = await session.execute(select(User.id, User.public_id).where(User.id.in_(ids)))
    return {user_id: public_id for user_id, public_id in found}  # noqa: C416 - a row is no pair to mypy
