"""Holds: set aside when a deal opens, ended once by a step of that deal (decision 12, hard case 2)."""

from collections.abc import Collection, Mapping
from decimal import Decimal

from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.types import Numeric

from jivapay.database.models.ledger import Account, Hold
from jivapay.database.session import AnySession, WriteSession
from jivapay.exceptions import InsufficientBalance
from jivapay.schemas_enums.enums import HoldStatus
from jivapay.services.balance_manager.accounts import AccountKey, account_ids

COVER_HOLD = """
update accounts set held = held + :hold_amount
 where id = (select id from accounts where owner_type = 'trader' and owner_id = :trader_id and kind = 'crypto'
                and currency = :crypto and test = :test)
   and (may_go_negative or balance - held >= :hold_amount)
"""
"""Sets `:hold_amount` aside on the trader's crypto account; no row when it is not covered. A hold row must follow.

The statement that it is part of may go on with conditions, and ends it with `returning id`.
"""

PLACE_ORDER_HOLD = """
insert into holds (account_id, amount, ref_type, ref_id)
select covered.id, :hold_amount, 'order', made.id from covered cross join made
returning id
"""
"""The hold row that follows COVER_HOLD (as `covered`) for the order just made (as `made`)."""

HOLD = text(f"""
with covered as ({COVER_HOLD} returning id)
insert into holds (account_id, amount, ref_type, ref_id)
select id, :hold_amount, :ref_type, :ref_id from covered
returning id
""").bindparams(bindparam("hold_amount", type_=Numeric()))  # noqa: S608 - built from our own constants


async def hold_trader_crypto(
    session: WriteSession, trader_id: int, currency: str, amount: Decimal, *, test: bool, ref_type: str, ref_id: int
) -> None:
    """Set `amount` aside on a trader's crypto for one open deal. Locks the account.

    Raises InsufficientBalance when it does not cover it. A second active hold of the same deal is refused by
    the database.
    """
    if amount <= 0:
        raise AssertionError("a hold is positive")
    values = {
        "hold_amount": amount,
        "trader_id": trader_id,
        "crypto": currency,
        "test": test,
        "ref_type": ref_type,
        "ref_id": ref_id,
    }
    if await session.scalar(HOLD, values) is None:
        raise InsufficientBalance


async def active_hold(session: WriteSession, ref_type: str, ref_id: int) -> Hold | None:
    """The deal's active hold, locked."""
    return await session.scalar(
        select(Hold)
        .where(Hold.ref_type == ref_type, Hold.ref_id == ref_id, Hold.status == HoldStatus.ACTIVE)
        .with_for_update()
    )


async def held_for(session: AnySession, ref_type: str, ref_ids: Collection[int]) -> Mapping[int, Decimal]:
    """What is held for each of these things; those of which nothing is held are left out."""
    found = await session.execute(
        select(Hold.ref_id, func.sum(Hold.amount))
        .where(Hold.ref_type == ref_type, Hold.ref_id.in_(ref_ids), Hold.status == HoldStatus.ACTIVE)
        .group_by(Hold.ref_id)
    )
    return {ref_id: total for ref_id, total in found}  # noqa: C416 - a row is no pair to mypy


async def end_hold(session: WriteSession, active: Hold, ending: HoldStatus) -> None:
    """End a hold once. The account's `held` is moved by the caller (posted) or by `void_hold`."""
    await session.execute(
        update(Hold)
        .where(Hold.id == active.id, Hold.status == HoldStatus.ACTIVE)
        .values(status=ending, resolved_at=text("app_now()"))
    )


async def void_hold(session: WriteSession, *, ref_type: str, ref_id: int) -> bool:
    """Give a deal's hold back to its owner. False when there is none."""
    return await release_hold(session, ref_type=ref_type, ref_id=ref_id, ending=HoldStatus.VOIDED)


async def release_hold(session: WriteSession, *, ref_type: str, ref_id: int, ending: HoldStatus) -> bool:
    """As `void_hold`; `ending` says `replaced` where another hold of the same transaction takes its place."""
    active = await active_hold(session, ref_type, ref_id)
    if active is None:
        return False
    await session.execute(
        update(Account).where(Account.id == active.account_id).values(held=Account.held - active.amount)
    )
    await end_hold(session, active, ending)
    return True


async def place_hold(session: WriteSession, key: AccountKey, amount: Decimal, *, ref_type: str, ref_id: int) -> None:
    """Set `amount` aside on any account, which the caller has locked. Raises InsufficientBalance."""
    account_id = (await account_ids(session, [key]))[key]
    await _set_aside(session, account_id, amount)
    await session.execute(insert(Hold).values(account_id=account_id, amount=amount, ref_type=ref_type, ref_id=ref_id))


async def replace_hold(session: WriteSession, active: Hold, amount: Decimal) -> None:
    """A hold is never edited: another one takes its place (hard case 2). Raises InsufficientBalance."""
    if amount == active.amount:
        return
    await end_hold(session, active, HoldStatus.REPLACED)
    await _set_aside(session, active.account_id, amount - active.amount)
    await session.execute(
        insert(Hold).values(account_id=active.account_id, amount=amount, ref_type=active.ref_type, ref_id=active.ref_id)
    )


async def _set_aside(session: WriteSession, account_id: int, amount: Decimal) -> None:
    covered = Account.may_go_negative | (Account.balance - Account.held >= amount)
    done = await session.scalar(
        update(Account)
        .where(Account.id == account_id, covered)
        .values(held=Account.held + amount)
        .returning(Account.id)
    )
    if done is None:
        raise InsufficientBalance
