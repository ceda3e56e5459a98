"""The numbers of an order when another amount or a later rate than agreed is settled (hard cases 12 and 13).

Amounts are recomputed at the rate and the percentages frozen on the order. The frozen rate covers a late payment
until `rate_until`; a later one takes the rate of the moment at which its money or receipt came, with the store's
margin of that moment.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.models.orders import Order
from jivapay.database.models.people import MerchantStore
from jivapay.database.models.reference import Currency
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.amounts import Stated
from jivapay.domain.commissions import Terms, calculate_quote
from jivapay.domain.money import FIAT_SCALE, ZERO, fits_scale
from jivapay.exceptions import ValidationFailed
from jivapay.schemas_enums.enums import ActorKind, AmountException, AmountPolicy, Direction
from jivapay.services import balance_manager, rate_service
from jivapay.services.rate_service import Rate


@dataclass(frozen=True, slots=True)
class Seen:
    """When the money or the receipt of a late payment came, and the rate of that moment where it is known."""

    at: datetime
    rate: Rate | None = None


def keep_rate(order: Order, now: datetime, rules: BusinessSettings) -> None:
    """The order leaves `pending` unpaid: from its deadline on the frozen rate holds for LATE_RATE_SECONDS."""
    order.rate_until = (order.expires_at or now) + timedelta(seconds=rules.late_rate_seconds)


def needs_late_rate(order: Order, moment: datetime) -> bool:
    return order.rate_until is not None and moment > order.rate_until


async def take_late_rate(session: AnySession, order: Order, seen: Seen, rules: BusinessSettings) -> None:
    """Compute the order anew at the rate of `seen`, when the frozen one no longer covers it. Raises RateStale.

    An amount so small that a leg would vanish at that rate keeps its own.
    """
    if not needs_late_rate(order, seen.at):
        return
    rate = seen.rate or await rate_service.get_rate(
        session,
        fiat=order.fiat_currency,
        crypto=order.crypto_currency,
        direction=Direction(order.direction),
        rules=rules,
    )
    margin = await session.scalar(select(MerchantStore.rate_margin_percent).where(MerchantStore.id == order.store_id))
    scale = await session.scalar(select(Currency.scale).where(Currency.code == order.crypto_currency))
    terms = Terms(
        Direction(order.direction),
        rate.value,
        margin or ZERO,
        order.store_percent,
        order.trader_percent,
        scale or 0,
    )
    quote = calculate_quote(order.amount_fiat, terms)
    order.rate_until = None
    if quote.is_payable:
        order.rate, order.base_rate, order.rate_source, order.rate_at = quote.rate, rate.value, rate.source, rate.at
        order.margin_percent = terms.margin_percent
        balance_manager.restate(order, quote)


async def take_amount(session: WriteSession, order: Order, amount: Decimal) -> None:
    """Compute the order anew for what has arrived, and note how it differs from what was agreed.

    Raises ValidationFailed `amount.too_small` when a leg would vanish.
    """
    if amount != order.amount_fiat:
        balance_manager.restate(order, await balance_manager.quote_another_amount(session, order, amount))
    if amount < order.amount_agreed:
        note_exception(order, AmountException.UNDER)
    elif amount > order.amount_agreed:
        note_exception(order, AmountException.OVER)


def note_exception(order: Order, exception: AmountException) -> None:
    if exception.value not in order.amount_exceptions:
        order.amount_exceptions = [*order.amount_exceptions, exception.value]


def hear_amount(order: Order, actor: Actor, amount: Decimal) -> None:
    """What payer or store says was sent. Raises ValidationFailed `money.too_many_decimals`."""
    check_amount(amount)
    if actor.kind is ActorKind.CUSTOMER:
        order.amount_by_payer = amount
    else:
        order.amount_by_store = amount


def check_amount(amount: Decimal) -> None:
    """Raises ValidationFailed `money.too_many_decimals`."""
    if not fits_scale(amount, FIAT_SCALE):
        raise ValidationFailed.at("body", "amount", code="money.too_many_decimals")


def stated(order: Order) -> Stated:
    return Stated(order.amount_agreed, order.amount_by_trader, order.amount_by_payer, order.amount_by_store)


async def accepted_percent(session: AnySession, order: Order) -> Decimal:
    """How far an amount that both sides state may be off at this store; zero when it wants to be asked."""
    row = (
        await session.execute(
            select(MerchantStore.amount_policy, MerchantStore.amount_percent).where(MerchantStore.id == order.store_id)
        )
    ).one()
    return row.amount_percent if row.amount_policy == AmountPolicy.ACCEPT_WITHIN_PERCENT else ZERO
