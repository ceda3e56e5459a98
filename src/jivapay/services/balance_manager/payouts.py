"""Money of pay-outs before and after they complete: the store's hold, and the trader's credit that has yet to clear.

The hold is taken when the pay-out is created and refers to the incoming order, so that it outlives traders who
decline. A buffer for a moving rate is part of it while no trader is found; what the trader is then credited stays
held for a time, because his own receipt is all that speaks for it (hard cases 4, 27).
"""

from decimal import Decimal

from sqlalchemy import func, select

from jivapay.database.models.ledger import Account, Hold
from jivapay.database.models.orders import IncomingOrder, Order
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.money import ZERO, percent_of
from jivapay.exceptions import PermissionDenied
from jivapay.schemas_enums.enums import HoldStatus, OwnerType
from jivapay.services.balance_manager.accounts import AccountKey, lock_accounts
from jivapay.services.balance_manager.blocking import is_blocked
from jivapay.services.balance_manager.holds import active_hold, place_hold, replace_hold, void_hold

INCOMING_ORDER = "incoming_order"
CLEARING = "clearing"


def payout_hold_amount(store_net: Decimal, buffer_percent: Decimal, crypto_scale: int) -> Decimal:
    """What is set aside for a pay-out that will cost the store `store_net` at the quoted rate."""
    return store_net + percent_of(store_net, buffer_percent, crypto_scale)


async def hold_payout(session: WriteSession, incoming: IncomingOrder, amount: Decimal) -> None:
    """Set a new pay-out's cost aside on the store's crypto.

    Locks the account first, so that a case that is opened meanwhile is seen. Raises InsufficientBalance, and
    PermissionDenied `balance.blocked` while the store owes what it has to return first (hard case 11).
    """
    key = AccountKey.store_crypto(incoming.store_id, incoming.crypto_currency, test=incoming.test)
    await lock_accounts(session, [key])
    if await is_blocked(session, (OwnerType.STORE, incoming.store_id)):
        raise PermissionDenied("The store has something to return; pay-outs wait for that.", code="balance.blocked")
    await place_hold(session, key, amount, ref_type=INCOMING_ORDER, ref_id=incoming.id)


async def held_for_payout(session: AnySession, incoming_order_id: int) -> Decimal:
    """What is set aside for a pay-out now; zero when nothing is."""
    held = await session.scalar(
        select(Hold.amount).where(
            Hold.ref_type == INCOMING_ORDER, Hold.ref_id == incoming_order_id, Hold.status == HoldStatus.ACTIVE
        )
    )
    return held if held is not None else ZERO


async def shrink_payout_hold(session: WriteSession, incoming_order_id: int, amount: Decimal) -> None:
    """A trader is found: keep what it will cost, give the rest back."""
    active = await _payout_hold(session, incoming_order_id)
    if amount > active.amount:
        raise AssertionError(f"pay-out {incoming_order_id} costs more than is set aside for it")
    await replace_hold(session, active, amount)


async def restore_payout_hold(session: WriteSession, incoming_order_id: int) -> None:
    """The trader declined: set the buffer aside again, as far as the store's balance allows."""
    active = await _payout_hold(session, incoming_order_id)
    first = await session.scalar(
        select(func.max(Hold.amount)).where(Hold.ref_type == INCOMING_ORDER, Hold.ref_id == incoming_order_id)
    )
    available = await session.scalar(
        select(Account.balance - Account.held).where(Account.id == active.account_id).with_for_update(key_share=True)
    )
    wanted = max(first or ZERO, active.amount)
    await replace_hold(session, active, min(wanted, active.amount + max(available or ZERO, ZERO)))


async def void_payout_hold(session: WriteSession, incoming_order_id: int) -> bool:
    """Give a pay-out's hold back to the store. False when there is none."""
    return await void_hold(session, ref_type=INCOMING_ORDER, ref_id=incoming_order_id)


async def hold_clearing(session: WriteSession, order: Order) -> None:
    """Set aside what a completed pay-out has credited to its trader."""
    key = AccountKey.trader_crypto(order.trader_id, order.crypto_currency, test=order.test)
    await place_hold(session, key, clearing_amount(order), ref_type=CLEARING, ref_id=order.id)


async def release_clearing(session: WriteSession, order: Order) -> bool:
    """Let the trader use what a pay-out has credited to him. False when it is not held."""
    return await void_hold(session, ref_type=CLEARING, ref_id=order.id)


def clearing_amount(order: Order) -> Decimal:
    return order.trader_amount_crypto + order.trader_commission


async def _payout_hold(session: WriteSession, incoming_order_id: int) -> Hold:
    active = await active_hold(session, INCOMING_ORDER, incoming_order_id)
    if active is None:
        raise AssertionError(f"pay-out {incoming_order_id} has no hold")
    return active
