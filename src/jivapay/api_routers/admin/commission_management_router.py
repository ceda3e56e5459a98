"""Commissions of traders and stores: changed with step-up, in force, planned, and their whole history."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from jivapay.api_routers.common.rendering import read_changes, read_commission, read_terms
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Code, Page, PageQuery
from jivapay.schemas_enums.enums import OwnerType
from jivapay.schemas_enums.users import (
    CommissionChangeRead,
    CommissionChangeWrite,
    CommissionMethodEnd,
    CommissionTermsRead,
    TraderCommissionRead,
)
from jivapay.security.access import requires
from jivapay.security.dependencies import ReadDb, WriteDb
from jivapay.services import commission_service, merchant_service, trader_service
from jivapay.services.commission_service import Commission, When
from jivapay.utils.routing import api_router

router = api_router(tags=("admin commissions",))

Reader = Annotated[Actor, Depends(requires("commissions:read:any"))]
Pricer = Annotated[Actor, Depends(requires("commissions:edit:any", step_up=True))]


@router.put("/traders/{trader_id}/commission")
async def set_trader_commission(
    actor: Pricer, session: WriteDb, trader_id: UUID, body: CommissionChangeWrite
) -> TraderCommissionRead:
    """At once or from a moment on, for all methods or one; refused when an active store would pay less."""
    commission = Commission(body.payin, body.payout)
    when = When(body.effective_from, body.payment_method, body.reason)
    await trader_service.set_commission(session, actor, trader_id, commission, when)
    return TraderCommissionRead(trader_id=trader_id, commission=read_commission(commission))


@router.post("/traders/{trader_id}/commission/{payment_method}/end", status_code=204)
async def end_trader_method(
    actor: Pricer, session: WriteDb, trader_id: UUID, payment_method: Code, body: CommissionMethodEnd
) -> None:
    """The method follows the trader's default again, now and for all that was planned."""
    await trader_service.end_commission_method(session, actor, trader_id, payment_method, body.reason)


@router.post("/stores/{store_id}/commission/{payment_method}/end", status_code=204)
async def end_store_method(
    actor: Pricer, session: WriteDb, store_id: UUID, payment_method: Code, body: CommissionMethodEnd
) -> None:
    """The method follows the store's default again, now and for all that was planned."""
    await merchant_service.end_store_method(session, actor, store_id, payment_method, body.reason)


@router.get("/traders/{trader_id}/commissions")
async def get_trader_terms(actor: Reader, session: ReadDb, trader_id: UUID) -> CommissionTermsRead:  # noqa: ARG001 - the guard's answer is not needed
    trader = await trader_service.get_any_trader(session, trader_id)
    return read_terms(await commission_service.get_terms(session, OwnerType.TRADER, trader.id))


@router.get("/stores/{store_id}/commissions")
async def get_store_terms(actor: Reader, session: ReadDb, store_id: UUID) -> CommissionTermsRead:  # noqa: ARG001 - the guard's answer is not needed
    view = await merchant_service.get_any_store(session, store_id)
    return read_terms(await commission_service.get_terms(session, OwnerType.STORE, view.store.id))


@router.get("/traders/{trader_id}/commissions/history")
async def list_trader_changes(
    actor: Reader,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    trader_id: UUID,
    query: Annotated[PageQuery, Query()],
) -> Page[CommissionChangeRead]:
    """Newest first."""
    trader = await trader_service.get_any_trader(session, trader_id)
    return await _history(session, OwnerType.TRADER, trader.id, query)


@router.get("/stores/{store_id}/commissions/history")
async def list_store_changes(
    actor: Reader,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    store_id: UUID,
    query: Annotated[PageQuery, Query()],
) -> Page[CommissionChangeRead]:
    """Newest first."""
    view = await merchant_service.get_any_store(session, store_id)
    return await _history(session, OwnerType.STORE, view.store.id, query)


async def _history(
    session: ReadDb, owner_type: OwnerType, owner_id: int, query: PageQuery
) -> Page[CommissionChangeRead]:
    changes, total = await commission_service.list_changes(
        session, owner_type, owner_id, page=query.page, page_size=query.page_size
    )
    return read_changes(changes, total, query, with_author=True)
