"""Settling an order: what each party gets, posted in the transaction that completes it (decision 11)."""

from decimal import Decimal

from sqlalchemy import select

from jivapay.database.models.deposits import Deposit
from jivapay.database.models.ledger import Transfer
from jivapay.database.models.orders import Order
from jivapay.database.session import WriteSession
from jivapay.domain.commissions import Quote, Terms, calculate_quote
from jivapay.exceptions import ConfigurationError
from jivapay.schemas_enums.enums import AccountKind, Direction, HoldStatus, OrderStatus, OwnerType, TransferKind
from jivapay.services.balance_manager.accounts import AccountKey, lock_accounts, move
from jivapay.services.balance_manager.holds import active_hold, end_hold, place_hold, replace_hold, void_hold
from jivapay.services.balance_manager.payouts import INCOMING_ORDER, hold_clearing
from jivapay.services.balance_manager.transfers import write_transfer


def calculate_commissions(
    amount_fiat: Decimal,
    *,
    direction: Direction,
    base_rate: Decimal,
    margin_percent: Decimal,
    store_percent: Decimal | None,
    trader_percent: Decimal | None,
    crypto_scale: int,
) -> Quote:
    """The legs of a deal. Raises ConfigurationError when a commission is not set: it is never silently zero."""
    if store_percent is None or trader_percent is None:
        raise ConfigurationError("A commission is not set.", code="configuration.commission_missing")
    terms = Terms(direction, base_rate, margin_percent, store_percent, trader_percent, crypto_scale)
    return calculate_quote(amount_fiat, terms)


def order_hold_amount(order: Order) -> Decimal:
    """What an open order sets aside: what it will cost the trader (pay-in) or the store (pay-out)."""
    if order.direction == Direction.PAY_IN:
        return order.trader_amount_crypto - order.trader_commission
    return order.amount_crypto + order.store_commission


def payer_of(order: Order) -> AccountKey:
    """Whose crypto the order is held on and settled from."""
    if order.direction == Direction.PAY_IN:
        return AccountKey.trader_crypto(order.trader_id, order.crypto_currency, test=order.test)
    return AccountKey.store_crypto(order.store_id, order.crypto_currency, test=order.test)


def hold_reference(order: Order) -> tuple[str, int]:
    """What its hold refers to: a pay-out is held before it has an order, and through every trader who declines."""
    if order.direction == Direction.PAY_IN:
        return "order", order.id
    return INCOMING_ORDER, order.incoming_order_id


async def retake_hold(session: WriteSession, order: Order) -> None:
    """Hold an order's cost anew. Raises InsufficientBalance."""
    ref_type, ref_id = hold_reference(order)
    await place_hold(session, payer_of(order), order_hold_amount(order), ref_type=ref_type, ref_id=ref_id)


async def void_order_hold(session: WriteSession, order: Order) -> bool:
    """Give an order's hold back to whom it was taken from. False when there is none."""
    ref_type, ref_id = hold_reference(order)
    return await void_hold(session, ref_type=ref_type, ref_id=ref_id)


async def update_balances_for_completed_order(session: WriteSession, order: Order) -> None:
    """Post an order's settlement and end its hold; the order's numbers are taken as frozen.

    A hold that lapsed is taken anew first, one of another amount than the order costs now is replaced; that moves one
    account before the others, so all are locked by id beforehand. What a pay-out's trader is credited is held until it
    clears. The database refuses a second settlement of the same order. Raises InsufficientBalance.
    """
    active = await active_hold(session, *hold_reference(order))
    if active is None or active.amount != order_hold_amount(order):
        await lock_accounts(session, settlement_accounts(order))
        if active is None:
            await retake_hold(session, order)
        else:
            await replace_hold(session, active, order_hold_amount(order))
        active = await active_hold(session, *hold_reference(order))
        if active is None:
            raise AssertionError(f"order {order.id} has no hold to settle")
    transfer_id = await write_transfer(session, TransferKind.SETTLEMENT, "order", order.id, test=order.test)
    await move(session, transfer_id, settlement_legs(order), released={payer_of(order): active.amount})
    await end_hold(session, active, HoldStatus.POSTED)
    if order.clearing_until is not None:
        await hold_clearing(session, order)


async def repair_completed_order(session: WriteSession, order_id: int) -> bool:
    """Settle an order that is completed and has no settlement; False, and nothing done, for any other.

    Status and money commit together, so this finds nothing to do in a healthy system (decision 11).
    """
    order = await session.scalar(
        select(Order).where(Order.id == order_id, Order.status == OrderStatus.COMPLETED).with_for_update(key_share=True)
    )
    settled = select(Transfer.id).where(
        Transfer.kind == TransferKind.SETTLEMENT, Transfer.ref_type == "order", Transfer.ref_id == order_id
    )
    if order is None or await session.scalar(settled) is not None:
        return False
    await update_balances_for_completed_order(session, order)
    return True


def settlement_legs(order: Order) -> list[tuple[AccountKey, Decimal]]:
    """The postings of a completed order; see the worked numbers in `docs/money.md`."""
    test, crypto, fiat = order.test, order.crypto_currency, order.fiat_currency
    sign = 1 if order.direction == Direction.PAY_IN else -1
    return [
        (
            AccountKey.trader_crypto(order.trader_id, crypto, test=test),
            order.trader_commission - sign * order.trader_amount_crypto,
        ),
        (
            AccountKey.store_crypto(order.store_id, crypto, test=test),
            sign * order.amount_crypto - order.store_commission,
        ),
        (AccountKey.platform(crypto, test=test), order.platform_profit),
        (AccountKey.trader_fiat(order.trader_id, fiat, test=test), sign * order.amount_fiat),
        (AccountKey.world(AccountKind.FIAT, fiat, test=test), -sign * order.amount_fiat),
    ]


def settlement_accounts(order: Order) -> list[AccountKey]:
    """The accounts that completing an order moves, for a caller that moves one of them before (`lock_accounts`)."""
    return [key for key, _ in settlement_legs(order)]


async def post_deposit(session: WriteSession, deposit: Deposit) -> None:
    """Credit a deposit against the outside world. The same deposit cannot be posted twice."""
    key = AccountKey(OwnerType(deposit.owner_type), deposit.owner_id, AccountKind.CRYPTO, deposit.currency, test=False)
    transfer_id = await write_transfer(session, TransferKind.DEPOSIT, "deposit", deposit.id, test=False)
    world = AccountKey.world(AccountKind.CRYPTO, deposit.currency, test=False)
    await move(session, transfer_id, [(key, deposit.amount), (world, -deposit.amount)])
