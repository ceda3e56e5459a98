"""What a dispute does to its order: `dispute_order`, and the steps that carry a decision out (STM-07 to STM-09).

An order that is open goes to `dispute` with its hold; one that has ended stays as it is, with the dispute beside it,
until a person has decided. Each outcome is one step, or for a lapsed order two, with its postings, its audit and the
store's callback in one transaction.
"""

from collections.abc import Mapping
from decimal import Decimal

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal, lock_requisite_for_update
from jivapay.database.models.orders import Order
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.callback_events import ADJUSTED
from jivapay.domain.commissions import Quote
from jivapay.schemas_enums.enums import AmountException, OrderStatus
from jivapay.services import audit_service, balance_manager, requisite_selector, steps
from jivapay.services.balance_manager import AccountKey
from jivapay.services.order_status_manager.deciding import end_without_payment, lose_claim
from jivapay.services.order_status_manager.payin import (
    COUNTED_OPEN,
    complete,
    leave_open_ones,
    note_late,
    require_order,
)
from jivapay.services.order_status_manager.step import database_now, step, tell_store
from jivapay.services.order_status_manager.terms import Seen, take_late_rate

LAPSED = {OrderStatus.EXPIRED, OrderStatus.CANCELLED}


async def dispute_order(session: WriteSession, actor: Actor, deal: Deal, reason: str, rules: BusinessSettings) -> None:
    """An open order becomes `dispute`; its hold stays. Raises OrderStateConflict for one that has ended."""
    order = require_order(deal)
    await steps.announce(session, actor, reason)
    was_open = OrderStatus(order.status) in COUNTED_OPEN
    event = step(order, OrderStatus.DISPUTE, "order.disputed", reason=reason)
    if was_open:
        await leave_open_ones(session, order, await database_now(session), rules)
    order.expires_at = None
    await audit_service.log_events(session, actor, [event])
    await tell_store(session, deal, rules)


async def complete_disputed(
    session: WriteSession,
    actor: Actor,
    deal: Deal,
    reason: str,
    rules: BusinessSettings,
    *,
    dispute_id: int,
    quote: Quote | None = None,
    lends: bool = False,
) -> None:
    """The money was paid: settle a disputed order or a lapsed pay-in, at another amount when `quote` says so.

    A late one takes the rate it needs before anything is lent; a lapsed one that of this moment. Raises
    OrderStateConflict, RateStale, InsufficientBalance unless the platform `lends` what who pays it lacks.
    """
    order = require_order(deal)
    now = await database_now(session)
    await lock_requisite_for_update(session, order.requisite_id)
    if OrderStatus(order.status) in LAPSED:
        await _reopen(session, actor, deal, reason, rules)
        note_late(order, now)
    await take_late_rate(session, order, Seen(order.revived_at or now), rules)
    if quote is not None:
        quote = await balance_manager.quote_another_amount(session, order, quote.amount_fiat)
        balance_manager.restate(order, quote)
        note_amount(order)
        await requisite_selector.recount(session, order)
    await session.flush()
    await balance_manager.prepare_settlement(session, order, dispute_id=dispute_id, lends=lends)
    await complete(session, actor, deal, rules, now=now, reason=reason)


async def end_disputed(
    session: WriteSession, actor: Actor, deal: Deal, outcome: OrderStatus, reason: str, rules: BusinessSettings
) -> None:
    """The money was not paid: `cancelled` or `failed`. Raises OrderStateConflict."""
    await end_without_payment(session, actor, deal, outcome, reason, rules, now=await database_now(session))


async def fail_order(session: WriteSession, actor: Actor, deal: Deal, reason: str, rules: BusinessSettings) -> None:
    """A person ends a disputed order as `failed`: the hold is given back. Raises OrderStateConflict."""
    await end_disputed(session, actor, deal, OrderStatus.FAILED, reason, rules)


async def adjust_order(
    session: WriteSession,
    actor: Actor,
    deal: Deal,
    quote: Quote,
    reason: str,
    rules: BusinessSettings,
    *,
    dispute_id: int,
    lends: bool = False,
) -> None:
    """A completed order at another amount: a step `completed` → `completed` with its own event (hard case 8).

    Raises OrderStateConflict, InsufficientBalance.
    """
    order = require_order(deal)
    await steps.announce(session, actor, reason)
    await lock_requisite_for_update(session, order.requisite_id)
    details = {"amount_before": str(order.amount_fiat), "amount": str(quote.amount_fiat), "reason": reason}
    event = step(order, OrderStatus.COMPLETED, ADJUSTED, **details)
    await session.flush()
    moved = await balance_manager.adjust(session, order, quote, dispute_id=dispute_id, lends=lends)
    note_amount(order)
    await requisite_selector.recount(session, order)
    await audit_service.log_events(session, actor, [event])
    await tell_store(session, deal, rules, event=ADJUSTED, moved=_on_store(order, moved))


async def reverse_order(
    session: WriteSession,
    actor: Actor,
    deal: Deal,
    reason: str,
    rules: BusinessSettings,
    *,
    dispute_id: int,
    lends: bool = False,
) -> None:
    """Everything a completed order has moved goes back. Raises OrderStateConflict, InsufficientBalance."""
    order = require_order(deal)
    await steps.announce(session, actor, reason)
    event = step(order, OrderStatus.REVERSED, "order.reversed", reason=reason)
    await session.flush()
    moved = await balance_manager.reverse(session, order, dispute_id=dispute_id, lends=lends)
    await audit_service.log_events(session, actor, [event])
    await lose_claim(session, deal)
    await tell_store(session, deal, rules, moved=_on_store(order, moved))


def note_amount(order: Order) -> None:
    """How what was paid differs from what was agreed."""
    differences = {AmountException.UNDER, AmountException.OVER}
    kept = [one for one in order.amount_exceptions if one not in differences]
    if order.amount_fiat < order.amount_agreed:
        kept.append(AmountException.UNDER.value)
    elif order.amount_fiat > order.amount_agreed:
        kept.append(AmountException.OVER.value)
    order.amount_exceptions = kept


async def _reopen(session: WriteSession, actor: Actor, deal: Deal, reason: str, rules: BusinessSettings) -> None:
    """After a decision, and after the late window, only a person takes an ended order up again (hard case 9)."""
    await steps.announce(session, actor, reason)
    event = step(require_order(deal), OrderStatus.REQUIRES_ATTENTION, "order.reopened", reason=reason)
    await session.flush()
    await audit_service.log_events(session, actor, [event])
    await tell_store(session, deal, rules)


def _on_store(order: Order, moved: Mapping[AccountKey, Decimal]) -> Decimal:
    return moved[AccountKey.store_crypto(order.store_id, order.crypto_currency, test=order.test)]
