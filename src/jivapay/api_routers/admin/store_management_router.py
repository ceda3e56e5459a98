"""Stores as administrators see them, and what the platform takes of each."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from jivapay.api_routers.common.rendering import read_store
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Page, PageQuery
from jivapay.schemas_enums.stores import StoreAccessWrite, StoreRead, StoreTermsWrite
from jivapay.security.access import requires
from jivapay.security.dependencies import ReadDb, WriteDb
from jivapay.services import merchant_service
from jivapay.services.commission_service import Commission, When
from jivapay.utils.routing import api_router

router = api_router("/stores", tags=("admin stores",))

Reader = Annotated[Actor, Depends(requires("stores:read:any"))]
Editor = Annotated[Actor, Depends(requires("stores:edit:any", step_up=True))]
Pricer = Annotated[Actor, Depends(requires("commissions:edit:any", step_up=True))]


@router.get("")
async def list_stores(actor: Reader, session: ReadDb, query: Annotated[PageQuery, Query()]) -> Page[StoreRead]:  # noqa: ARG001 - the guard's answer is not needed
    views, total = await merchant_service.list_any_stores(session, page=query.page, page_size=query.page_size)
    items = [read_store(view) for view in views]
    return Page(items=items, total=total, page=query.page, page_size=query.page_size)


@router.get("/{store_id}")
async def get_store(actor: Reader, session: ReadDb, store_id: UUID) -> StoreRead:  # noqa: ARG001 - the guard's answer is not needed
    return read_store(await merchant_service.get_any_store(session, store_id))


@router.put("/{store_id}/access")
async def set_store_access(actor: Editor, session: WriteDb, store_id: UUID, body: StoreAccessWrite) -> StoreRead:
    """Let it in or keep it out: its keys, and its new orders."""
    view = await merchant_service.set_store_access(
        session, actor, store_id, access=body.access, traffic_access=body.traffic_access, reason=body.reason
    )
    return read_store(view)


@router.put("/{store_id}/commission")
async def set_store_terms(actor: Pricer, session: WriteDb, store_id: UUID, body: StoreTermsWrite) -> StoreRead:
    """At once or from a moment on, for all methods or one; refused when an active trader would take more."""
    view = await merchant_service.set_store_terms(
        session,
        actor,
        store_id,
        commission=Commission(body.commission.payin, body.commission.payout),
        margin_percent=body.rate_margin_percent,
        when=When(body.effective_from, body.payment_method, body.reason),
    )
    return read_store(view)
