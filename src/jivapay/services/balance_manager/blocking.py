"""Who may take nothing out: an owner with an open cover, or with a dispute whose hold is short (hard cases 1, 11)."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import ScalarSelect, func, or_, select

from jivapay.database.models.disputes import Dispute
from jivapay.database.models.ledger import Account, Cover, Hold
from jivapay.database.models.orders import Order
from jivapay.database.session import AnySession
from jivapay.domain.money import ZERO
from jivapay.schemas_enums.enums import AccountKind, Direction, DisputeStatus, HoldStatus, OrderStatus, OwnerType

GONE_ON_AT_ONCE_MAX = 200


async def is_blocked(session: AnySession, owner: tuple[OwnerType, int | None]) -> bool:
    """Neither withdrawals nor pay-outs of this owner, and for a trader no new orders.

    Before it decides about money going out the owner's account must be locked (`lock_accounts`).
    """
    owner_type, owner_id = owner
    if owner_type not in {OwnerType.STORE, OwnerType.TRADER}:
        return False
    covered = (
        select(Cover.id)
        .join(Account, Account.id == Cover.account_id)
        .where(Cover.outstanding > 0, Account.owner_type == owner_type, Account.owner_id == owner_id)
    )
    # A pay-in is returned by its store, a pay-out by its trader.
    is_store = owner_type is OwnerType.STORE
    gives_back = (
        (Order.store_id == owner_id) & (Order.direction == Direction.PAY_IN)
        if is_store
        else (Order.trader_id == owner_id) & (Order.direction == Direction.PAY_OUT)
    )
    short = (
        select(Dispute.id)
        .join(Order, Order.id == Dispute.order_id)
        .where(Dispute.status.not_like("resolved%"), gives_back, Dispute.hold_target > _held())
    )
    return bool(await session.scalar(select(covered.exists() | short.exists())))


async def list_short_disputes(session: AnySession) -> Sequence[int]:
    """Open disputes that can go on: something has come in for a short hold, or a decided return is whole."""
    has_something = (
        select(Account.id)
        .where(
            Account.kind == AccountKind.CRYPTO,
            Account.currency == Order.crypto_currency,
            Account.test == Order.test,
            or_(
                (Order.direction == Direction.PAY_IN)
                & (Account.owner_type == OwnerType.STORE)
                & (Account.owner_id == Order.store_id),
                (Order.direction == Direction.PAY_OUT)
                & (Account.owner_type == OwnerType.TRADER)
                & (Account.owner_id == Order.trader_id),
            ),
            Account.balance > Account.held,
        )
        .exists()
    )
    is_whole = (Dispute.status == DisputeStatus.WAITING_FUNDS) & (Dispute.hold_target <= _held())
    found = await session.scalars(
        select(Dispute.id)
        .join(Order, Order.id == Dispute.order_id)
        .where(
            Dispute.status.not_like("resolved%"),
            Order.status == OrderStatus.COMPLETED,
            is_whole | ((Dispute.hold_target > _held()) & has_something),
        )
        .order_by(Dispute.id)
        .limit(GONE_ON_AT_ONCE_MAX)
    )
    return found.all()


def _held() -> ScalarSelect[Decimal]:
    """For the dispute of the query around it."""
    return (
        select(func.coalesce(func.sum(Hold.amount), ZERO))
        .where(Hold.ref_type == "dispute", Hold.ref_id == Dispute.id, Hold.status == HoldStatus.ACTIVE)
        .correlate(Dispute)
        .scalar_subquery()
    )
