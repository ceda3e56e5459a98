"""Rate certificates: how an order's amounts came about, from what was frozen at its assignment (domain.md "The rate").

Whose the order is decides what is shown: a merchant the store's leg, a trader his own and the rate without the store's
margin, staff all of it.
"""

from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, select

from jivapay.database.models.orders import IncomingOrder, Order
from jivapay.database.models.people import MerchantStore
from jivapay.database.session import AnySession
from jivapay.domain.actors import Actor
from jivapay.domain.money import FIAT_SCALE, RATE_SCALE, format_amount, format_percent, format_rate
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.certificates import CertifiedLeg, CertifiedRate, RateCertificateRead, RoundingRead
from jivapay.schemas_enums.enums import Direction
from jivapay.services import reference_data


async def certify_for_merchant(session: AnySession, actor: Actor, order_id: UUID) -> RateCertificateRead:
    """The store's leg. Raises NotFound, also for somebody else's and before a requisite is assigned."""
    own = MerchantStore.merchant_id == (actor.owner_id or 0)
    return await _certify(session, order_id, own, store=True)


async def certify_for_trader(session: AnySession, actor: Actor, order_id: UUID) -> RateCertificateRead:
    """His own leg, at the rate without the store's margin. Raises NotFound, also for somebody else's."""
    return await _certify(session, order_id, Order.trader_id == (actor.owner_id or 0), trader=True)


async def certify_for_staff(session: AnySession, order_id: UUID) -> RateCertificateRead:
    """Both legs and what the platform keeps. Raises NotFound."""
    return await _certify(session, order_id, IncomingOrder.public_id == order_id, store=True, trader=True)


async def _certify(
    session: AnySession, order_id: UUID, own: ColumnElement[bool], *, store: bool = False, trader: bool = False
) -> RateCertificateRead:
    order = await session.scalar(
        select(Order)
        .join(IncomingOrder, IncomingOrder.id == Order.incoming_order_id)
        .join(MerchantStore, MerchantStore.id == Order.store_id)
        .where(IncomingOrder.public_id == order_id, own)
        .order_by(Order.id.desc())
        .limit(1)
    )
    if order is None:
        raise NotFound
    scale = (await reference_data.get_scales(session))[order.crypto_currency]
    return RateCertificateRead(
        order_id=order_id,
        direction=order.direction,
        status=order.status,
        amount_fiat=format_amount(order.amount_fiat, FIAT_SCALE),
        amount_agreed=format_amount(order.amount_agreed, FIAT_SCALE),
        fiat_currency=order.fiat_currency,
        crypto_currency=order.crypto_currency,
        rate=_rate(order, with_margin=store),
        rounding=RoundingRead(rate_decimals=RATE_SCALE, fiat_decimals=FIAT_SCALE, crypto_decimals=scale),
        store=_store_leg(order, scale) if store else None,
        trader=_trader_leg(order, scale) if trader else None,
        platform_profit=format_amount(order.platform_profit, scale) if store and trader else None,
        test=order.test,
    )


def _rate(order: Order, *, with_margin: bool) -> CertifiedRate:
    margin = order.margin_percent if with_margin else None
    is_late = order.rate_at > order.created_at
    taken_at = (order.revived_at or order.completed_at or order.rate_at) if is_late else order.created_at
    return CertifiedRate(
        base_rate=format_rate(order.base_rate),
        margin_percent=None if margin is None else format_percent(margin),
        rate=format_rate(order.rate) if with_margin else None,
        source=order.rate_source,
        stamped_at=order.rate_at,
        taken_at=taken_at,
        age_seconds=max(0, int((taken_at - order.rate_at).total_seconds())),
        is_late=is_late,
    )


def _store_leg(order: Order, scale: int) -> CertifiedLeg:
    moves = _sign(order) * order.amount_crypto - order.store_commission
    return _leg(order.rate, order.amount_crypto, order.store_percent, order.store_commission, moves, scale)


def _trader_leg(order: Order, scale: int) -> CertifiedLeg:
    moves = order.trader_commission - _sign(order) * order.trader_amount_crypto
    return _leg(
        order.base_rate, order.trader_amount_crypto, order.trader_percent, order.trader_commission, moves, scale
    )


def _leg(
    rate: Decimal, amount: Decimal, percent: Decimal, commission: Decimal, moves: Decimal, scale: int
) -> CertifiedLeg:
    return CertifiedLeg(
        rate=format_rate(rate),
        amount_crypto=format_amount(amount, scale),
        percent=format_percent(percent),
        commission=format_amount(commission, scale),
        moves=format_amount(moves, scale),
    )


def _sign(order: Order) -> int:
    """A pay-in takes from the trader and gives to the store; a pay-out the other way round."""
    return 1 if order.direction == Direction.PAY_IN else -1
