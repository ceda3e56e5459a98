"""Deposits as those see them whose balances they are for."""

from typing import Annotated

from fastapi import Depends, Query

from jivapay.domain.actors import Actor
from jivapay.domain.money import format_amount
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.deposits import DepositFilter, OwnDepositRead
from jivapay.schemas_enums.enums import OwnerType
from jivapay.security.access import requires
from jivapay.security.dependencies import ReadDb
from jivapay.services import deposit_service
from jivapay.services.deposit_service import DepositView
from jivapay.utils.listing import show_page
from jivapay.utils.routing import api_router

router = api_router("/deposits", tags=("deposits",))

Accountant = Annotated[Actor, Depends(requires("balances:read:own"))]


@router.get("")
async def list_deposits(
    actor: Accountant, session: ReadDb, query: Annotated[DepositFilter, Query()]
) -> Page[OwnDepositRead]:
    """Newest first."""
    listed = await deposit_service.list_own_deposits(session, actor, query, status=query.status)
    return show_page(listed, query, _read)


def _read(view: DepositView) -> OwnDepositRead:
    deposit = view.deposit
    return OwnDepositRead(
        id=deposit.public_id,
        store_id=view.owner_id if deposit.owner_type == OwnerType.STORE else None,
        amount=format_amount(deposit.amount, view.scale),
        currency=deposit.currency,
        network=deposit.network,
        tx_hash=deposit.tx_hash,
        tx_output=deposit.tx_output,
        status=deposit.status,
        created_at=deposit.created_at,
        decided_at=deposit.decided_at,
    )
