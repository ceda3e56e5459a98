"""The block and allow lists as staff keeps them (FRD-11): addresses in one spelling, customers as stores name them.

Every change is audited. Whoever lost a late claim is put there by itself (`fraud_detector.block_customer`).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from jivapay.database.models.people import MerchantStore
from jivapay.database.models.reference import FraudListEntry
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.exceptions import Conflict, NotFound
from jivapay.schemas_enums.enums import FraudListKind, FraudListType
from jivapay.services import audit_service
from jivapay.services.fraud_detector import customer_entry


@dataclass(frozen=True, slots=True)
class NewEntry:
    """Who is named: an address, or a customer of one store."""

    list_type: FraudListType
    ip: str | None
    store_id: UUID | None
    customer_id: str | None
    reason: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class EntryView:
    """An entry; of a customer with the store's public id and the store's own name for him."""

    entry: FraudListEntry
    store_id: UUID | None
    customer_id: str | None


async def list_entries(
    session: AnySession, *, list_type: FraudListType | None = None, page: int = 1, page_size: int = 50
) -> tuple[list[EntryView], int]:
    """One page, newest first, and how many there are; those that have run out, too."""
    conditions: list[ColumnElement[bool]] = [] if list_type is None else [FraudListEntry.list_type == list_type]
    total = await session.scalar(select(func.count()).select_from(FraudListEntry).where(*conditions))
    rows = await session.scalars(
        select(FraudListEntry)
        .where(*conditions)
        .order_by(FraudListEntry.id.desc())
        .limit(page_size)
        .offset((page - 1) * page_size)
    )
    return [await _view(session, row) for row in rows.all()], total or 0


async def add_entry(session: WriteSession, actor: Actor, new: NewEntry) -> EntryView:
    """Raises NotFound for an unknown store, Conflict `fraud_list.exists` when it is there already."""
    kind, value = FraudListKind.IP, new.ip
    if value is None:
        kind = FraudListKind.CUSTOMER
        store = await session.scalar(select(MerchantStore.id).where(MerchantStore.public_id == new.store_id))
        if store is None:
            raise NotFound
        value = customer_entry(store, new.customer_id or "")
    entry = await session.scalar(
        insert(FraudListEntry)
        .values(
            public_id=new_id(),
            list_type=new.list_type,
            kind=kind,
            value=value,
            reason=new.reason,
            expires_at=new.expires_at,
            created_by=actor.id,
        )
        .on_conflict_do_nothing(index_elements=["list_type", "kind", "value"])
        .returning(FraudListEntry)
    )
    if entry is None:
        raise Conflict("This entry is on the list already.", code="fraud_list.exists")
    await _note(session, actor, entry, "fraud_list.added")
    return await _view(session, entry)


async def remove_entry(session: WriteSession, actor: Actor, public_id: UUID, reason: str) -> None:
    """Raises NotFound."""
    entry = await session.scalar(select(FraudListEntry).where(FraudListEntry.public_id == public_id).with_for_update())
    if entry is None:
        raise NotFound
    await session.execute(delete(FraudListEntry).where(FraudListEntry.id == entry.id))
    await _note(session, actor, entry, "fraud_list.removed", reason=reason)


async def _view(session: AnySession, entry: FraudListEntry) -> EntryView:
    if entry.kind != FraudListKind.CUSTOMER:
        return EntryView(entry, None, None)
    store, _, customer_id = entry.value.partition(":")
    public_id = await session.scalar(select(MerchantStore.public_id).where(MerchantStore.id == int(store)))
    return EntryView(entry, public_id, customer_id)


async def _note(session: WriteSession, actor: Actor, entry: FraudListEntry, action: str, **details: str) -> None:
    said = {"list_type": entry.list_type, "kind": entry.kind, **details}
    await audit_service.log_event(session, actor, action, entity="fraud_list_entry", entity_id=entry.id, details=said)
