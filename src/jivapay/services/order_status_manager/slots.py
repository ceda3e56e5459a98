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
from jivapay.services import requisite_selector

TAKE = text("update orders set amount_slot = :amount where id = :order_id")


def keep_slot_for_cooldown(order: Order, now: datetime, rules: BusinessSettings) -> None:
    """The slot stays taken for a while after the order was left unpaid."""
    if order.amount_slot is not None:
        order.slot_free_at = now + timedelta(seconds=rules.amount_cooldown_seconds)


async def retake_slot(session: WriteSession, order: Order) -> bool:
    """Hold the slot again for a revived order. False when another order has it; the requisite is locked."""
    if order.amount_slot is None:
        await requisite_selector.free_lapsed_slot(session, order.trader_id, order.fiat_currency, order.amount_agreed)
        try:
            async with atomic_transaction(session):
                await session.execute(TAKE, {"order_id": order.id, "amount": order.amount_agreed})
        except IntegrityError:
            return False
        order.amount_slot = order.amount_agreed
    order.slot_free_at = None
    return True
