"""Withdrawals of merchants and traders, and the address book they go to."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from jivapay.api_routers.common.treasury_rendering import read_address, read_own_withdrawal
from jivapay.api_routers.idempotency import Claim, mark_replay
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.treasury import (
    AddressCreate,
    AddressList,
    AddressRead,
    MerchantWithdrawalCreate,
    TraderWithdrawalCreate,
    WithdrawalFilter,
    WithdrawalRead,
)
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb, WriteDb
from jivapay.services import withdrawal_service
from jivapay.services.withdrawal_service import NewWithdrawal
from jivapay.utils.listing import show_page
from jivapay.utils.routing import api_router

router = api_router(tags=("withdrawals",))
"""What merchants and traders share."""
of_merchants = api_router(tags=("withdrawals",))
of_traders = api_router(tags=("withdrawals",))

Reader = Annotated[Actor, Depends(requires("withdrawals:read:own"))]
Requester = Annotated[Actor, Depends(requires("withdrawals:create:own", step_up=True))]
Canceller = Annotated[Actor, Depends(requires("withdrawals:create:own"))]
BookKeeper = Annotated[Actor, Depends(requires("addresses:edit:own", step_up=True))]


@router.get("/withdrawal-addresses")
async def list_addresses(actor: Reader, session: ReadDb) -> AddressList:
    rows = await withdrawal_service.list_addresses(session, actor)
    return AddressList(items=[read_address(row) for row in rows])


@router.post("/withdrawal-addresses", status_code=201)
async def add_address(actor: BookKeeper, session: WriteDb, resources: AppResources, body: AddressCreate) -> AddressRead:
    """Usable from `usable_at` on."""
    rules = await resources.config.current()
    row = await withdrawal_service.add_address(session, actor, body.network, body.address, body.label, rules)
    return read_address(row)


@router.delete("/withdrawal-addresses/{address_id}", status_code=204)
async def remove_address(actor: BookKeeper, session: WriteDb, address_id: UUID) -> None:
    await withdrawal_service.remove_address(session, actor, address_id)


@router.get("/withdrawals")
async def list_withdrawals(
    actor: Reader, session: ReadDb, query: Annotated[WithdrawalFilter, Query()]
) -> Page[WithdrawalRead]:
    """Newest first."""
    listed = await withdrawal_service.list_own_withdrawals(session, actor, query)
    return show_page(listed, query, read_own_withdrawal)


@router.get("/withdrawals/{withdrawal_id}")
async def get_withdrawal(actor: Reader, session: ReadDb, withdrawal_id: UUID) -> WithdrawalRead:
    return read_own_withdrawal(await withdrawal_service.get_own_withdrawal(session, actor, withdrawal_id))


@router.post("/withdrawals/{withdrawal_id}/cancel")
async def cancel_withdrawal(actor: Canceller, session: WriteDb, withdrawal_id: UUID) -> WithdrawalRead:
    """Until somebody has approved it."""
    return read_own_withdrawal(await withdrawal_service.cancel_withdrawal(session, actor, withdrawal_id))


@of_traders.post("/withdrawals", status_code=201)
async def request_withdrawal(
    actor: Requester,
    claim: Claim,
    session: WriteDb,
    resources: AppResources,
    response: Response,
    body: TraderWithdrawalCreate,
) -> WithdrawalRead:
    """Amount and network fee are held at once."""
    new = NewWithdrawal(body.amount, body.currency, body.address_id)
    made = await withdrawal_service.request_withdrawal(
        session, actor, new, await resources.config.current(), claim=claim
    )
    mark_replay(response, replayed=made.replayed)
    return read_own_withdrawal(made.thing)


@of_merchants.post("/withdrawals", status_code=201)
async def request_store_withdrawal(
    actor: Requester,
    claim: Claim,
    session: WriteDb,
    resources: AppResources,
    response: Response,
    body: MerchantWithdrawalCreate,
) -> WithdrawalRead:
    """Of one store's balance; amount and network fee are held at once."""
    new = NewWithdrawal(body.amount, body.currency, body.address_id, body.store_id)
    made = await withdrawal_service.request_withdrawal(
        session, actor, new, await resources.config.current(), claim=claim
    )
    mark_replay(response, replayed=made.replayed)
    return read_own_withdrawal(made.thing)
