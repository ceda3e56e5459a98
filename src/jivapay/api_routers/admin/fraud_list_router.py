"""The block and allow lists: who is denied, and who is not asked about (hard case 22)."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.enums import FraudListKind
from jivapay.schemas_enums.fraud_list import FraudEntryCreate, FraudEntryFilter, FraudEntryRead, FraudEntryRemoval
from jivapay.security.access import requires
from jivapay.security.dependencies import ReadDb, WriteDb
from jivapay.services import fraud_list_service
from jivapay.services.fraud_list_service import EntryView, NewEntry
from jivapay.utils.routing import api_router

router = api_router("/fraud-list", tags=("admin fraud list",))

Reader = Annotated[Actor, Depends(requires("fraud_list:read:any"))]
Editor = Annotated[Actor, Depends(requires("fraud_list:edit:any", step_up=True))]


@router.get("")
async def list_entries(
    actor: Reader,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    query: Annotated[FraudEntryFilter, Query()],
) -> Page[FraudEntryRead]:
    """Newest first."""
    views, total = await fraud_list_service.list_entries(
        session, list_type=query.list_type, page=query.page, page_size=query.page_size
    )
    return Page(items=[_read(view) for view in views], total=total, page=query.page, page_size=query.page_size)


@router.post("", status_code=201)
async def add_entry(actor: Editor, session: WriteDb, body: FraudEntryCreate) -> FraudEntryRead:
    """In force for the next order."""
    return _read(await fraud_list_service.add_entry(session, actor, NewEntry(**body.model_dump())))


@router.delete("/{entry_id}", status_code=204)
async def remove_entry(
    actor: Editor, session: WriteDb, entry_id: UUID, query: Annotated[FraudEntryRemoval, Query()]
) -> None:
    """With a reason, which the audit log keeps."""
    await fraud_list_service.remove_entry(session, actor, entry_id, query.reason)


def _read(view: EntryView) -> FraudEntryRead:
    entry = view.entry
    return FraudEntryRead(
        id=entry.public_id,
        list_type=entry.list_type,
        kind=entry.kind,
        ip=entry.value if entry.kind == FraudListKind.IP else None,
        store_id=view.store_id,
        customer_id=view.customer_id,
        reason=entry.reason,
        expires_at=entry.expires_at,
        created_at=entry.created_at,
    )
