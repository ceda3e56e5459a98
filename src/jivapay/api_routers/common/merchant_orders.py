"""Orders of a merchant's own stores (ARC-06)."""

from typing import Annotated

from fastapi import Depends, Query

from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.orders import MerchantOrderRead, OrderFilter
from jivapay.security.access import requires
from jivapay.security.dependencies import ReadDb
from jivapay.services import order_service
from jivapay.utils.routing import api_router

router = api_router("/orders", tags=("merchant orders",))

Reader = Annotated[Actor, Depends(requires("orders:read:own"))]


@router.get("")
async def list_orders(
    actor: Reader, session: ReadDb, query: Annotated[OrderFilter, Query()]
) -> Page[MerchantOrderRead]:
    """Newest first, with those that have no requisite yet."""
    return await order_service.list_orders_for_merchant(session, actor, query)
