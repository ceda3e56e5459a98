"""Money in and out: withdrawals, adjustments, and the undoing of what was booked wrongly (domain.md, "In and out").

A withdrawal holds amount and network fee when it is asked for and posts both against `world` when it is sent. The
platform's own account is insert-only: what it may give is what is rolled up, less what has left since and what is held.
"""

from decimal import Decimal

from sqlalchemy import func, select, text, update

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.models.ledger import Account, Posting, Transfer
from jivapay.database.models.treasury import BalanceAdjustment, Withdrawal
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.money import ZERO
from jivapay.exceptions import InsufficientBalance
from jivapay.schemas_enums.enums import AccountKind, HoldStatus, OwnerType, TransferKind
from jivapay.services.balance_manager.accounts import AccountKey, account_ids, get_balance, move
from jivapay.services.balance_manager.holds import active_hold, end_hold, place_hold
from jivapay.services.balance_manager.late_cover import withdrawable
from jivapay.services.balance_manager.transfers import write_transfer

WITHDRAWAL = "withdrawal"
ADJUSTMENT = "balance_adjustment"
CORRECTABLE = {
    "deposit": TransferKind.DEPOSIT,
    WITHDRAWAL: TransferKind.WITHDRAWAL,
    ADJUSTMENT: TransferKind.ADJUSTMENT,
}
"""What may be undone by a person: the entity, and the kind of its transfer."""


def owner_account(owner_type: str, owner_id: int | None, currency: str, *, test: bool = False) -> AccountKey:
    """The crypto account that deposits, withdrawals and adjustments of this owner move."""
    return AccountKey(OwnerType(owner_type), owner_id, AccountKind.CRYPTO, currency, test)


async def lock_owner(session: WriteSession, key: AccountKey) -> int:
    """Lock the one account that money is to leave, opening it at zero, and give its id."""
    account_id = (await account_ids(session, [key]))[key]
    await session.execute(select(Account.id).where(Account.id == account_id).with_for_update(key_share=True))
    return account_id


async def may_leave(session: AnySession, key: AccountKey, rules: BusinessSettings) -> Decimal:
    """What may be withdrawn from an account; decides only while it is locked."""
    if not key.rolled_up:
        return await withdrawable(session, key, rules)
    balance = await get_balance(session, key)
    return max(ZERO, balance.available + await _left_since_roll_up(session, key))


async def _left_since_roll_up(session: AnySession, key: AccountKey) -> Decimal:
    """Below zero or zero. What has come since is not counted: it may be taken only once it is rolled up."""
    total: Decimal | None = await session.scalar(
        select(func.sum(Posting.amount))
        .join(Account, Account.id == Posting.account_id)
        .where(
            Account.owner_type == key.owner_type,
            Account.owner_id.is_not_distinct_from(key.owner_id),
            Account.kind == key.kind,
            Account.currency == key.currency,
            Account.test == key.test,
            Posting.amount < ZERO,
            Posting.xid >= func.coalesce(Account.rolled_xid, text("'0'::xid8")),
        )
    )
    return total or ZERO


async def hold_withdrawal(session: WriteSession, withdrawal: Withdrawal, rules: BusinessSettings) -> None:
    """Set amount and fee aside on the owner's account, locked by the caller. Raises InsufficientBalance."""
    key = owner_account(withdrawal.owner_type, withdrawal.owner_id, withdrawal.currency)
    total = withdrawal.amount + withdrawal.network_fee
    if total > await may_leave(session, key, rules):
        raise InsufficientBalance
    await place_hold(session, key, total, ref_type=WITHDRAWAL, ref_id=withdrawal.id)


async def post_withdrawal(session: WriteSession, withdrawal: Withdrawal) -> None:
    """It has left: the hold is posted against the outside. The same withdrawal cannot be posted twice."""
    active = await active_hold(session, WITHDRAWAL, withdrawal.id)
    if active is None:
        raise AssertionError(f"withdrawal {withdrawal.id} has no hold")
    key = owner_account(withdrawal.owner_type, withdrawal.owner_id, withdrawal.currency)
    transfer_id = await write_transfer(session, TransferKind.WITHDRAWAL, WITHDRAWAL, withdrawal.id, test=False)
    world = AccountKey.world(AccountKind.CRYPTO, withdrawal.currency, test=False)
    if key.rolled_up:
        # `move` leaves insert-only accounts alone, so the hold is taken off here.
        await session.execute(
            update(Account).where(Account.id == active.account_id).values(held=Account.held - active.amount)
        )
    await move(session, transfer_id, [(key, -active.amount), (world, active.amount)], released={key: active.amount})
    await end_hold(session, active, HoldStatus.POSTED)


async def post_adjustment(session: WriteSession, adjustment: BalanceAdjustment) -> None:
    """Set a balance right at the platform's cost; the platform's own against the outside.

    Raises InsufficientBalance when what is available does not cover it.
    """
    key = owner_account(adjustment.owner_type, adjustment.owner_id, adjustment.currency, test=adjustment.test)
    if adjustment.owner_type == OwnerType.PLATFORM:
        other = AccountKey.world(AccountKind.CRYPTO, adjustment.currency, test=adjustment.test)
    else:
        other = AccountKey.platform(adjustment.currency, test=adjustment.test)
    legs = [(key, adjustment.amount), (other, -adjustment.amount)]
    await _refuse_overdraft(session, key, adjustment.amount)
    transfer_id = await write_transfer(
        session, TransferKind.ADJUSTMENT, ADJUSTMENT, adjustment.id, test=adjustment.test
    )
    await move(session, transfer_id, legs)


async def find_correctable(session: AnySession, entity: str, entity_id: int) -> Decimal | None:
    """What undoing its transfer would give the owner; None when it has none in force."""
    found = await _in_force(session, entity, entity_id)
    return None if found is None else -found[2]


async def post_correction(session: WriteSession, adjustment: BalanceAdjustment) -> None:
    """Undo the transfer of what `adjustment` names by its exact opposite, which names it.

    Raises InsufficientBalance. The database refuses a second reversal.
    """
    entity, entity_id = adjustment.corrects_type or "", adjustment.corrects_id or 0
    found = await _in_force(session, entity, entity_id)
    if found is None:
        raise AssertionError(f"{entity} {entity_id} has nothing in force")
    reversed_id, kind, _ = found
    rows = await session.execute(
        select(Account, Posting.amount)
        .join(Posting, Posting.account_id == Account.id)
        .where(Posting.transfer_id == reversed_id)
        .order_by(Account.id)
    )
    legs = [
        (AccountKey(OwnerType(a.owner_type), a.owner_id, AccountKind(a.kind), a.currency, a.test), -amount)
        for a, amount in rows
    ]
    key = owner_account(adjustment.owner_type, adjustment.owner_id, adjustment.currency, test=adjustment.test)
    await _refuse_overdraft(session, key, adjustment.amount)
    transfer_id = await write_transfer(
        session, TransferKind(kind).reversal, entity, entity_id, test=adjustment.test, reverses_id=reversed_id
    )
    await move(session, transfer_id, legs)


async def _refuse_overdraft(session: WriteSession, key: AccountKey, amount: Decimal) -> None:
    """`move` refuses it for everybody whose account is moved in place; the platform's is looked at here."""
    if amount >= ZERO or not key.rolled_up:
        return
    await lock_owner(session, key)
    balance = await get_balance(session, key)
    if balance.available + await _left_since_roll_up(session, key) + amount < ZERO:
        raise InsufficientBalance


async def _in_force(session: AnySession, entity: str, entity_id: int) -> tuple[int, str, Decimal] | None:
    """Id and kind of the transfer, and what it gave its owner: no part of it is the platform's or the outside's."""
    undone = select(Transfer.reverses_id).where(Transfer.reverses_id.is_not(None))
    rows = await session.execute(
        select(Transfer.id, Transfer.kind, Account.owner_type, Posting.amount)
        .join(Posting, Posting.transfer_id == Transfer.id)
        .join(Account, Account.id == Posting.account_id)
        .where(
            Transfer.kind == CORRECTABLE[entity],
            Transfer.ref_type == entity,
            Transfer.ref_id == entity_id,
            Transfer.id.not_in(undone),
        )
    )
    by_owner = {OwnerType(owner): (transfer_id, str(kind), amount) for transfer_id, kind, owner, amount in rows}
    for owner in (OwnerType.STORE, OwnerType.TRADER, OwnerType.PLATFORM):
        if owner in by_owner:
            return by_owner[owner]
    return None
