"""Late cover: what a trader may not take out while a late payment of one of his orders can still be proved.

For `LATE_PAYMENT_WINDOW_SECONDS` after an order whose requisite was shown left `pending` unpaid, its cost stays with
him, though no hold does: new orders may use it, a withdrawal may not (hard case 1). A late claim that waits for a
person without a hold keeps its part until the person has decided.
"""

from decimal import Decimal

from sqlalchemy import func, or_, select, text
from sqlalchemy.dialects.postgresql import INTERVAL

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.models.ledger import Hold
from jivapay.database.models.orders import Order
from jivapay.database.session import AnySession
from jivapay.domain.money import ZERO
from jivapay.schemas_enums.enums import AccountKind, Direction, HoldStatus, OrderStatus, OwnerType
from jivapay.services.balance_manager.accounts import AccountKey, get_balance

LAPSED = (OrderStatus.EXPIRED, OrderStatus.CANCELLED)
UNDECIDED = (OrderStatus.REQUIRES_ATTENTION, OrderStatus.DISPUTE)


async def late_cover(session: AnySession, key: AccountKey, rules: BusinessSettings) -> Decimal:
    """What of a trader's crypto answers for late payments; zero for every other account."""
    if key.owner_type is not OwnerType.TRADER or key.kind is not AccountKind.CRYPTO:
        return ZERO
    window = func.make_interval(0, 0, 0, 0, 0, 0, rules.late_payment_window_seconds, type_=INTERVAL)
    may_still_be_proved = (
        Order.status.in_(LAPSED) & Order.revived_at.is_(None) & (Order.left_unpaid_at >= func.app_now() - window)
    )
    held = select(Hold.id).where(Hold.ref_type == "order", Hold.ref_id == Order.id, Hold.status == HoldStatus.ACTIVE)
    waits_without_a_hold = Order.status.in_(UNDECIDED) & Order.revived_at.is_not(None) & ~held.exists()
    total: Decimal | None = await session.scalar(
        select(func.sum(Order.trader_amount_crypto - Order.trader_commission)).where(
            Order.trader_id == key.owner_id,
            Order.crypto_currency == key.currency,
            Order.test == key.test,
            Order.direction == Direction.PAY_IN,
            # Said once more in the words of the partial index.
            text("orders.left_unpaid_at is not null"),
            or_(may_still_be_proved, waits_without_a_hold),
        )
    )
    return total or ZERO


async def withdrawable(session: AnySession, key: AccountKey, rules: BusinessSettings) -> Decimal:
    """What an owner may take out of an account: what is available, for a trader's crypto without its late cover.

    Before it decides anything the account must be locked (`lock_accounts`): an order that lapses meanwhile gives its
    hold back and becomes part of the cover in one transaction, and is seen whole only after that one has ended.
    """
    balance = await get_balance(session, key)
    return max(ZERO, balance.available - await late_cover(session, key, rules))
