"""The amount slot: no two payers with the same amount at one trader (hard case 17).

An order holds its slot while it may be paid, and for a cooldown after it was left unpaid, because its requisite
was shown and the money may still come. The unique index decides; the selector frees lapsed slots of the amount
it is about to use.
"""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.models.orders import Order
from jivapay.database.session import WriteSession, atomic_transaction

FREE_LAPSED = text("""
update orders set amount_slot = null, slot_free_at = null
 where id = any(array(
   select id from orders
    where trader_id = :trader_id and fiat_currency = :currency and amount_slot = :amount
      and slot_free_at <= app_now() and id <> :order_id
      for no key update skip locked
 ))
""")
"""Whoever works on the other order waits for the requisite that is locked here; waiting for him would be a deadlock."""

TAKE = text("update orders set amount_slot = :amount where id = :order_id")


def keep_slot_for_cooldown(order: Order, now: datetime, rules: BusinessSettings) -> None:
    """The slot stays taken for a while after the order was left unpaid."""
    if order.amount_slot is not None:
        order.slot_free_at = now + timedelta(seconds=rules.amount_cooldown_seconds)


async def retake_slot(session: WriteSession, order: Order) -> bool:
    """Hold the slot again for a revived order. False when another order has it; the requisite is locked."""
    if order.amount_slot is None:
        await session.execute(
            FREE_LAPSED,
            {
                "trader_id": order.trader_id,
                "currency": order.fiat_currency,
                "amount": order.amount_agreed,
                "order_id": order.id,
            },
        )
        try:
            async with atomic_transaction(session):
                await session.execute(TAKE, {"order_id": order.id, "amount": order.amount_agreed})
        except IntegrityError:
            return False
        order.amount_slot = order.amount_agreed
    order.slot_free_at = None
    return True
