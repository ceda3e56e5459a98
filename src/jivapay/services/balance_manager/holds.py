"""Holds: set aside when a deal opens, ended once by a step of that deal (decision 12, hard case 2)."""

from decimal import Decimal

from sqlalchemy import select, text, update

from jivapay.database.models.ledger import Account, Hold
from jivapay.database.session import WriteSession
from jivapay.exceptions import InsufficientBalance
from jivapay.schemas_enums.enums import HoldStatus
from jivapay.services.balance_manager.accounts import AccountKey, account_ids

HOLD = text("""
with covered as (
  update accounts set held = held + :amount
   where id = (select id from accounts where owner_type = :owner_type and owner_id = :owner_id and kind = :kind
                  and currency = :currency and test = :test)
     and (may_go_negative or balance - held >= :amount)
  returning id
)
insert into holds (account_id, amount, ref_type, ref_id)
select id, :amount, :ref_type, :ref_id from covered
returning id
""")


async def hold(session: WriteSession, key: AccountKey, amount: Decimal, *, ref_type: str, ref_id: int) -> None:
    """Set `amount` aside on an account for one open deal. Locks the account.

    Raises InsufficientBalance when it does not cover it. A second active hold of the same deal is refused by
    the database.
    """
    if amount <= 0:
        raise AssertionError("a hold is positive")
    values = {
        "amount": amount,
        "owner_type": key.owner_type.value,
        "owner_id": key.owner_id,
        "kind": key.kind.value,
        "currency": key.currency,
        "test": key.test,
        "ref_type": ref_type,
        "ref_id": ref_id,
    }
    if await session.scalar(HOLD, values) is not None:
        return
    if key.may_go_negative:
        await account_ids(session, [key])
        if await session.scalar(HOLD, values) is not None:
            return
    raise InsufficientBalance


async def active_hold(session: WriteSession, ref_type: str, ref_id: int) -> Hold | None:
    """The deal's active hold, locked."""
    return await session.scalar(
        select(Hold)
        .where(Hold.ref_type == ref_type, Hold.ref_id == ref_id, Hold.status == HoldStatus.ACTIVE)
        .with_for_update()
    )


async def end_hold(session: WriteSession, active: Hold, ending: HoldStatus) -> None:
    """End a hold once. The account's `held` is moved by the caller (posted) or by `void_hold`."""
    await session.execute(
        update(Hold)
        .where(Hold.id == active.id, Hold.status == HoldStatus.ACTIVE)
        .values(status=ending, resolved_at=text("app_now()"))
    )


async def void_hold(session: WriteSession, *, ref_type: str, ref_id: int) -> bool:
    """Give a deal's hold back to its owner. False when there is none."""
    active = await active_hold(session, ref_type, ref_id)
    if active is None:
        return False
    await session.execute(
        update(Account).where(Account.id == active.account_id).values(held=Account.held - active.amount)
    )
    await end_hold(session, active, HoldStatus.VOIDED)
    return True
