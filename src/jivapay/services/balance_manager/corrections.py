"""Corrections of what an order has moved: another amount, and everything back (hard cases 8 and 11).

Nothing is edited: another amount is one transfer `adjustment` of the difference, with the dispute as its reference;
a reversal is, for each transfer still in force, its exact opposite that names it. Both end what was held for the
dispute. What an owner lacks refuses the correction, unless the platform lends it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import aliased

from jivapay.database.models.disputes import Dispute
from jivapay.database.models.ledger import Account, Posting, Transfer
from jivapay.database.models.orders import Order
from jivapay.database.models.reference import Currency
from jivapay.database.session import WriteSession
from jivapay.domain.commissions import Quote, calculate_legs
from jivapay.domain.money import ZERO
from jivapay.exceptions import InsufficientBalance, ValidationFailed
from jivapay.schemas_enums.enums import AccountKind, Direction, HoldStatus, OwnerType, TransferKind
from jivapay.services.balance_manager.accounts import AccountKey, get_balance, lock_accounts, move_together
from jivapay.services.balance_manager.covers import cover, cover_shortfall
from jivapay.services.balance_manager.holds import active_hold, end_hold, place_hold, replace_hold, void_hold
from jivapay.services.balance_manager.payouts import CLEARING, clearing_amount
from jivapay.services.balance_manager.settlement import hold_reference, order_hold_amount, payer_of, settlement_legs
from jivapay.services.balance_manager.transfers import write_transfer

Legs = Sequence[tuple[AccountKey, Decimal]]


async def quote_another_amount(session: WriteSession, order: Order, amount_fiat: Decimal) -> Quote:
    """The order's legs for `amount_fiat`, at its frozen rate and percentages.

    Raises ValidationFailed `amount.too_small` when nothing would be left of one.
    """
    scale = await session.scalar(select(Currency.scale).where(Currency.code == order.crypto_currency))
    quote = calculate_legs(
        amount_fiat,
        direction=Direction(order.direction),
        rate=order.rate,
        base_rate=order.base_rate,
        store_percent=order.store_percent,
        trader_percent=order.trader_percent,
        crypto_scale=scale or 0,
    )
    if not quote.is_payable or quote.platform_profit < ZERO:
        raise ValidationFailed.at("body", "amount", code="amount.too_small")
    return quote


def restate(order: Order, quote: Quote) -> None:
    """Write the legs of another amount on the order. What was agreed stays as it is."""
    order.amount_fiat = quote.amount_fiat
    order.amount_crypto = quote.amount_crypto
    order.trader_amount_crypto = quote.trader_amount_crypto
    order.store_commission = quote.store_commission
    order.trader_commission = quote.trader_commission
    order.platform_profit = quote.platform_profit


async def prepare_settlement(session: WriteSession, order: Order, *, dispute_id: int, lends: bool = False) -> None:
    """Before a disputed order is settled: its hold becomes what it costs now, what who pays it lacks is lent.

    An order without a hold stays without one; the settlement takes it. Raises InsufficientBalance.
    """
    await lock_accounts(session, [key for key, _ in settlement_legs(order)])
    active = await active_hold(session, *hold_reference(order))
    cost = order_hold_amount(order)
    if lends:
        key = payer_of(order)
        more = cost - (active.amount if active else ZERO)
        await cover_shortfall(session, key, more, ref_type="dispute", ref_id=dispute_id)
    if active is not None:
        await replace_hold(session, active, cost)


def returning_leg(order: Order) -> tuple[AccountKey, Decimal]:
    """Who would give back what, if the order were reversed: the store of a pay-in, the trader of a pay-out."""
    owner = OwnerType.STORE if order.direction == Direction.PAY_IN else OwnerType.TRADER
    return next(
        (key, amount)
        for key, amount in settlement_legs(order)
        if key.owner_type is owner and key.kind is AccountKind.CRYPTO
    )


def returned_part(order: Order, quote: Quote) -> Decimal:
    """What stays with whom `returning_leg` names, at the amount of `quote`."""
    return quote.store_net if order.direction == Direction.PAY_IN else quote.trader_net


async def hold_for_dispute(session: WriteSession, order: Order, dispute_id: int, target: Decimal) -> Decimal:
    """Hold `target` of what would be given back, as far as it is available; gives what is held now.

    Locks the account. A hold that grows is replaced; it never shrinks.
    """
    key, _ = returning_leg(order)
    await lock_accounts(session, [key])
    active = await active_hold(session, "dispute", dispute_id)
    held = active.amount if active else ZERO
    free = (await get_balance(session, key)).available
    wanted = target if key.may_go_negative else min(target, held + max(ZERO, free))
    if wanted <= held:
        return held
    if active is not None:
        await replace_hold(session, active, wanted)
    else:
        await place_hold(session, key, wanted, ref_type="dispute", ref_id=dispute_id)
    return wanted


async def cleared_amount(session: WriteSession, order: Order) -> Decimal:
    """What a pay-out's credit still lies held for, as `clearing`."""
    active = await active_hold(session, "clearing", order.id)
    return active.amount if active else ZERO


async def adjust(
    session: WriteSession, order: Order, quote: Quote, *, dispute_id: int, lends: bool = False
) -> Mapping[AccountKey, Decimal]:
    """Post the difference between the order's legs and those of `quote`, and write these on the order.

    Gives what it moved. Raises InsufficientBalance, unless the platform `lends` what is lacking.
    """
    before = dict(settlement_legs(order))
    restate(order, quote)
    legs = [(key, after - before[key]) for key, after in settlement_legs(order)]
    transfer_id = await write_transfer(session, TransferKind.ADJUSTMENT, "dispute", dispute_id, test=order.test)
    given = _Given(dispute_id, lends=lends, clears=clearing_amount(order))
    return await _correct(session, order, [(transfer_id, legs)], given)


async def reverse(
    session: WriteSession, order: Order, *, dispute_id: int, lends: bool = False
) -> Mapping[AccountKey, Decimal]:
    """Take back every transfer of the order that is in force, each by its exact opposite.

    Gives and raises as `adjust`.
    """
    undo = aliased(Transfer)
    found = await session.execute(
        select(Transfer, Account, Posting.amount)
        .join(Posting, Posting.transfer_id == Transfer.id)
        .join(Account, Account.id == Posting.account_id)
        .where(
            _of_order(order),
            ~select(undo.id).where(undo.reverses_id == Transfer.id).exists(),
        )
        .order_by(Posting.id)
    )
    in_force: dict[int, tuple[Transfer, list[tuple[AccountKey, Decimal]]]] = {}
    for transfer, account, amount in found:
        key = AccountKey(
            OwnerType(account.owner_type), account.owner_id, AccountKind(account.kind), account.currency, account.test
        )
        in_force.setdefault(transfer.id, (transfer, []))[1].append((key, -amount))
    if not in_force:
        raise AssertionError(f"order {order.id} has nothing in force")
    movements = []
    for transfer, legs in in_force.values():
        kind = TransferKind(transfer.kind).reversal
        reversal = await write_transfer(
            session, kind, transfer.ref_type, transfer.ref_id, test=order.test, reverses_id=transfer.id
        )
        movements.append((reversal, legs))
    return await _correct(session, order, movements, _Given(dispute_id, lends=lends, clears=ZERO))


def _of_order(order: Order) -> ColumnElement[bool]:
    disputes = select(Dispute.id).where(Dispute.order_id == order.id)
    settled = (
        (Transfer.kind == TransferKind.SETTLEMENT) & (Transfer.ref_type == "order") & (Transfer.ref_id == order.id)
    )
    adjusted = (
        (Transfer.kind == TransferKind.ADJUSTMENT) & (Transfer.ref_type == "dispute") & Transfer.ref_id.in_(disputes)
    )
    return settled | adjusted


@dataclass(frozen=True, slots=True)
class _Given:
    """What a correction is made for. `clears`: what of a pay-out's credit has yet to clear afterwards."""

    dispute_id: int
    lends: bool
    clears: Decimal


async def _correct(
    session: WriteSession, order: Order, movements: Sequence[tuple[int, Legs]], given: _Given
) -> Mapping[AccountKey, Decimal]:
    """Move it all at once, with what was held for it; what an owner lacks is lent, or refuses everything."""
    net: dict[AccountKey, Decimal] = {}
    for _, legs in movements:
        for key, amount in legs:
            net[key] = net.get(key, ZERO) + amount
    debtor, _ = returning_leg(order)
    await lock_accounts(session, {*net, debtor})
    released = await _end_dispute_hold(session, given.dispute_id, is_used=net.get(debtor, ZERO) < ZERO)
    clearing = await active_hold(session, CLEARING, order.id)
    if clearing is not None and given.clears == ZERO:
        await end_hold(session, clearing, HoldStatus.POSTED)
        released += clearing.amount
    elif clearing is not None and given.clears < clearing.amount:
        await replace_hold(session, clearing, given.clears)
    for key, amount in net.items():
        if key.may_go_negative:
            continue
        lacking = -amount - (await get_balance(session, key)).available - (released if key == debtor else ZERO)
        if amount < ZERO and lacking > ZERO:
            if not given.lends:
                raise InsufficientBalance
            await cover(session, key, lacking, ref_type="dispute", ref_id=given.dispute_id)
    await move_together(session, movements, released={debtor: released})
    if clearing is not None and given.clears > clearing.amount:
        await replace_hold(session, clearing, given.clears)
    return net


async def _end_dispute_hold(session: WriteSession, dispute_id: int, *, is_used: bool) -> Decimal:
    """Give it back; or what of it the correction takes, which the movement itself releases."""
    if not is_used:
        await void_hold(session, ref_type="dispute", ref_id=dispute_id)
        return ZERO
    active = await active_hold(session, "dispute", dispute_id)
    if active is None:
        return ZERO
    await end_hold(session, active, HoldStatus.POSTED)
    return active.amount
