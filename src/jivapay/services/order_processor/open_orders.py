"""Nobody hoards requisites: unpaid open orders are bounded per customer, per address and per store (hard case 17).

Counted under an advisory lock of the customer and of the address, so that many requests at once cannot all find
room. The locks are taken in that order, and whoever holds them waits for no row that another holder may have.
"""

from sqlalchemy import ColumnElement, and_, func, or_, select, text, true

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.models.orders import IncomingOrder, Order
from jivapay.database.session import WriteSession
from jivapay.exceptions import OpenOrdersLimitExceeded
from jivapay.schemas_enums.enums import OrderStatus
from jivapay.services.api_key_service import StoreContext

RETRY_AFTER_SECONDS = 60
UNPAID = text("incoming_orders.status in ('new', 'retrying', 'assigned')")
"""Spelled out, so that every plan can use the partial indexes."""


async def check_open_orders(
    session: WriteSession,
    store: StoreContext,
    customer_id: str | None,
    customer_ip: str | None,
    rules: BusinessSettings,
    *,
    but: int | None = None,
) -> None:
    """Raises OpenOrdersLimitExceeded. `but` is an order that is being decided on and does not count."""
    mine = IncomingOrder.store_id == store.id
    bounds: list[tuple[ColumnElement[bool], int]] = []
    if customer_id is not None:
        await _take_turn(session, f"customer:{store.id}:{customer_id}")
        bounds.append((and_(mine, IncomingOrder.customer_id == customer_id), rules.open_unpaid_max_per_customer))
    if customer_ip is not None:
        await _take_turn(session, f"address:{store.test}:{customer_ip}")
        same_address = and_(IncomingOrder.customer_ip == customer_ip, IncomingOrder.test == store.test)
        bounds.append((same_address, rules.open_unpaid_max_per_address))
    bounds.append((mine, rules.open_unpaid_max_per_store))
    other = true() if but is None else IncomingOrder.id != but
    for whose, maximum in bounds:
        if await _is_reached(session, and_(whose, other), maximum):
            raise OpenOrdersLimitExceeded(retry_after_seconds=RETRY_AFTER_SECONDS)


async def _take_turn(session: WriteSession, name: str) -> None:
    await session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"open_orders:{name}"}
    )


async def _is_reached(session: WriteSession, whose: ColumnElement[bool], maximum: int) -> bool:
    """Whether `maximum` unpaid orders are open already; looks at no more rows than that."""
    unpaid = (
        select(IncomingOrder.id)
        .outerjoin(Order, Order.id == IncomingOrder.assigned_order_id)
        .where(whose, UNPAID, or_(Order.id.is_(None), Order.status == OrderStatus.PENDING))
        .limit(maximum)
        .subquery()
    )
    count = await session.scalar(select(func.count()).select_from(unpaid))
    return count is not None and count >= maximum
