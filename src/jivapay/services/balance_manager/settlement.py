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
from jivapay.services.balance_manager.holds import active_hold, end_hold, hold_trader_crypto, replace_hold
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
    """What an open pay-in sets aside on the trader's crypto: what it will cost him."""
    return order.trader_amount_crypto - order.trader_commission


async def retake_hold(session: WriteSession, order: Order) -> None:
    """Hold a lapsed pay-in's cost anew. Raises InsufficientBalance."""
    await hold_trader_crypto(
        session,
        order.trader_id,
        order.crypto_currency,
        order_hold_amount(order),
        test=order.test,
        ref_type="order",
        ref_id=order.id,
    )


async def update_balances_for_completed_order(session: WriteSession, order: Order) -> None:
    """Post an order's settlement and end its hold; the order's numbers are taken as frozen.

    A hold that lapsed is taken anew first, one of another amount than the order costs now is replaced; that moves the
    trader's account before the others, so all are locked by id beforehand. The database refuses a second settlement
    of the same order. Raises InsufficientBalance.
    """
    active = await active_hold(session, "order", order.id)
    if active is None or active.amount != order_hold_amount(order):
        await lock_accounts(session, settlement_accounts(order))
        if active is None:
            await retake_hold(session, order)
        else:
            await replace_hold(session, active, order_hold_amount(order))
        active = await active_hold(session, "order", order.id)
        if active is None:
            raise AssertionError(f"order {order.id} has no hold to settle")
    transfer_id = await write_transfer(session, TransferKind.SETTLEMENT, "order", order.id, test=order.test)
    trader = AccountKey.trader_crypto(order.trader_id, order.crypto_currency, test=order.test)
    await move(session, transfer_id, settlement_legs(order), released={trader: active.amount})
    await end_hold(session, active, HoldStatus.POSTED)


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
