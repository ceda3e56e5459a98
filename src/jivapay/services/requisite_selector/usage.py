"""The running counters of a requisite, kept under its row lock (hard case 21).

An order remembers the day and the amount it was counted with. Leaving the count lowers the day's figure only
while the requisite still counts that day; invariant I37 compares the counters with the orders.
"""

from datetime import date
from decimal import Decimal

from sqlalchemy import bindparam, text
from sqlalchemy.types import Numeric

from jivapay.database.models.orders import Order
from jivapay.database.session import WriteSession
from jivapay.domain.money import ZERO
from jivapay.schemas_enums.users import PRIORITY_MAX
from jivapay.services.requisite_selector.rules import DAY_USED, TODAY

PRIORITY_STEP = 10
"""By how much a lapse puts a trader behind; lower figures are served first."""

COUNT_ONE_MORE = f"""
update requisites r
   set day_used = {DAY_USED} + :amount, day = {TODAY}, total_used = r.total_used + :amount,
       open_count = r.open_count + 1, last_used_at = clock_timestamp() + (app_now() - now())
"""  # noqa: S608 - built from our own constants
"""Counts one more open order of `:amount` on a locked requisite; the statement goes on to say which."""

BOOK = text(f"{COUNT_ONE_MORE} where r.id = :requisite_id returning r.day").bindparams(
    bindparam("amount", type_=Numeric())
)

CLOSE = text("update requisites set open_count = open_count - 1 where id = :requisite_id")

RELEASE = text("""
update requisites
   set day_used = day_used - case when day = :counted_day then :amount else 0 end,
       total_used = total_used - :amount
 where id = :requisite_id
""").bindparams(bindparam("amount", type_=Numeric()))
"""Without its type PostgreSQL takes the amount for a whole number, because of the 0, and the kopecks are lost."""


LOCK_ALL_OF_TRADER = text("select id from requisites where trader_id = :trader_id order by id for no key update")
LOWER_PRIORITY = tuple(
    text(f"update {table} set traffic_priority = least(traffic_priority + :by, :most) where {column} = :trader_id")  # noqa: S608 - two names of ours
    for table, column in (("requisites", "trader_id"), ("traders", "id"))
)


async def lower_priority(session: WriteSession, trader_id: int) -> None:
    """The trader is served after others from now on. Locks all his requisites, so before any single one of them."""
    await session.execute(LOCK_ALL_OF_TRADER, {"trader_id": trader_id})
    for statement in LOWER_PRIORITY:
        await session.execute(statement, {"trader_id": trader_id, "by": PRIORITY_STEP, "most": PRIORITY_MAX})


async def book_usage(session: WriteSession, requisite_id: int, amount: Decimal) -> date:
    """Count one more open order on a locked requisite. Returns the UTC day it counts on."""
    day = await session.scalar(BOOK, {"requisite_id": requisite_id, "amount": amount})
    if not isinstance(day, date):
        raise AssertionError(f"requisite {requisite_id} is gone")  # noqa: TRY004 - a broken state, not a type
    return day


async def count_again(session: WriteSession, order: Order) -> None:
    """A revived order counts again, on today; it may pass the limit, because the money is already sent."""
    order.counted_day = await book_usage(session, order.requisite_id, order.amount_fiat)
    order.counted_amount = order.amount_fiat


async def recount(session: WriteSession, order: Order) -> None:
    """The amount of a counted order has changed; it counts with the new one on its own day. Locks the requisite."""
    if order.counted_day is None or order.counted_amount == order.amount_fiat:
        return
    given = {"counted_day": order.counted_day, "amount": order.counted_amount - order.amount_fiat}
    await session.execute(RELEASE, {"requisite_id": order.requisite_id, **given})
    order.counted_amount = order.amount_fiat


async def release_usage(session: WriteSession, order: Order, *, was_open: bool, keeps_turnover: bool) -> None:
    """The order has left the open ones, and unless `keeps_turnover` the turnover too. Locks the requisite."""
    if was_open:
        await session.execute(CLOSE, {"requisite_id": order.requisite_id})
    if not keeps_turnover and order.counted_day is not None:
        await session.execute(
            RELEASE,
            {
                "requisite_id": order.requisite_id,
                "counted_day": order.counted_day,
                "amount": order.counted_amount,
            },
        )
        order.counted_day, order.counted_amount = None, ZERO
