"""Everything traders call, under one prefix."""

from typing import Annotated

from fastapi import Depends, Query

from jivapay.api_routers.common import (
    disputes,
    own_deposits,
    requisites,
    trader_orders,
    trader_statements,
    unmatched_payments,
    withdrawals,
)
from jivapay.api_routers.common.rendering import read_account, read_changes, read_terms
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Page, PageQuery
from jivapay.schemas_enums.enums import OwnerType, Role
from jivapay.schemas_enums.statements import AtQuery
from jivapay.schemas_enums.stores import AccountBalances
from jivapay.schemas_enums.traders import WorkRead, WorkWrite
from jivapay.schemas_enums.users import CommissionChangeRead, CommissionTermsRead
from jivapay.security.access import bearer_scheme, requires
from jivapay.security.dependencies import ReadDb, WriteDb
from jivapay.services import commission_service, trader_service
from jivapay.utils.routing import api_router

router = api_router("/api/trader", tags=("trader",), dependencies=[bearer_scheme(Role.TRADER)])
router.include_router(requisites.router)
router.include_router(trader_orders.router)
router.include_router(disputes.router)
router.include_router(trader_statements.router)
router.include_router(unmatched_payments.trader_router)
router.include_router(withdrawals.router)
router.include_router(withdrawals.of_traders)
router.include_router(own_deposits.router)

Worker = Annotated[Actor, Depends(requires("work:switch:own"))]
TermsReader = Annotated[Actor, Depends(requires("commissions:read:own"))]
Accountant = Annotated[Actor, Depends(requires("balances:read:own"))]


@router.get("/work")
async def get_work(actor: Worker, session: ReadDb) -> WorkRead:
    return WorkRead.model_validate(await trader_service.get_trader(session, actor))


@router.post("/work")
async def set_work(actor: Worker, session: WriteDb, body: WorkWrite) -> WorkRead:
    """Begin or end taking new orders; those that exist go on."""
    return WorkRead.model_validate(await trader_service.set_work(session, actor, in_work=body.in_work))


@router.get("/commissions")
async def get_commissions(actor: TermsReader, session: ReadDb) -> CommissionTermsRead:
    """What he takes, and what has been decided for later."""
    trader = await trader_service.get_trader(session, actor)
    return read_terms(await commission_service.get_terms(session, OwnerType.TRADER, trader.id))


@router.get("/commissions/history")
async def list_commission_changes(
    actor: TermsReader, session: ReadDb, query: Annotated[PageQuery, Query()]
) -> Page[CommissionChangeRead]:
    """Newest first."""
    trader = await trader_service.get_trader(session, actor)
    changes, total = await commission_service.list_changes(
        session, OwnerType.TRADER, trader.id, page=query.page, page_size=query.page_size
    )
    return read_changes(changes, total, query, with_author=False)


@router.get("/balances")
async def list_balances(actor: Accountant, session: ReadDb, query: Annotated[AtQuery, Query()]) -> AccountBalances:
    """Now, or as they were at a moment."""
    found = await trader_service.list_balances(session, actor, query.at)
    return AccountBalances(items=[read_account(balance, scale) for balance, scale in found])
