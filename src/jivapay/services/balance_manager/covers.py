"""Covers: what a person's decision takes beyond an owner's available is lent by the platform (hard case 1).

Lent in the transaction of the decision, by two persons. While one is open its owner takes nothing out, and each
credit is followed by a repayment: by a job, so that no completion ever locks a cover after its accounts.
"""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import func, insert, select, update

from jivapay.database.models.ledger import Account, Cover, CoverRepayment
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.money import ZERO
from jivapay.schemas_enums.enums import AccountKind, OwnerType, TransferKind
from jivapay.services.balance_manager.accounts import AccountKey, account_ids, get_balance, lock_accounts, move
from jivapay.services.balance_manager.transfers import write_transfer

REPAID_AT_ONCE_MAX = 200


async def cover(session: WriteSession, key: AccountKey, amount: Decimal, *, ref_type: str, ref_id: int) -> None:
    """Lend `amount` to the owner of `key` for the decision about `ref`. That two persons decided is the caller's."""
    account_id = (await account_ids(session, [key]))[key]
    cover_id: int | None = await session.scalar(
        insert(Cover)
        .values(account_id=account_id, amount=amount, outstanding=amount, ref_type=ref_type, ref_id=ref_id)
        .returning(Cover.id)
    )
    if cover_id is None:
        raise AssertionError("an insert returns its id")
    transfer_id = await write_transfer(session, TransferKind.COVER, "cover", cover_id, test=key.test)
    await move(session, transfer_id, [(key, amount), (AccountKey.platform(key.currency, test=key.test), -amount)])


async def cover_shortfall(
    session: WriteSession, key: AccountKey, needed: Decimal, *, ref_type: str, ref_id: int
) -> Decimal:
    """Lend what the available amount of a locked account lacks of `needed`; gives how much that was."""
    lacking = max(ZERO, needed - (await get_balance(session, key)).available)
    if lacking > ZERO and not key.may_go_negative:
        await cover(session, key, lacking, ref_type=ref_type, ref_id=ref_id)
        return lacking
    return ZERO


async def list_repayable_covers(session: AnySession) -> Sequence[int]:
    """Open covers whose owner has something available, the oldest first."""
    found = await session.scalars(
        select(Cover.id)
        .join(Account, Account.id == Cover.account_id)
        .where(Cover.outstanding > 0, Account.balance > Account.held)
        .order_by(Cover.id)
        .limit(REPAID_AT_ONCE_MAX)
    )
    return found.all()


async def cover_repayment(session: WriteSession, cover_id: int) -> Decimal:
    """Take back what is available of what is outstanding; gives how much. Locks the cover, then the account."""
    row = await session.scalar(
        select(Cover)
        .where(Cover.id == cover_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if row is None or row.outstanding == ZERO:
        return ZERO
    account = await session.get_one(Account, row.account_id)
    key = AccountKey(
        OwnerType(account.owner_type), account.owner_id, AccountKind(account.kind), account.currency, account.test
    )
    await lock_accounts(session, [key])
    amount = min(row.outstanding, (await get_balance(session, key)).available)
    if amount <= ZERO:
        return ZERO
    repayment_id: int | None = await session.scalar(
        insert(CoverRepayment).values(cover_id=cover_id, amount=amount).returning(CoverRepayment.id)
    )
    if repayment_id is None:
        raise AssertionError("an insert returns its id")
    transfer_id = await write_transfer(
        session, TransferKind.COVER_REPAYMENT, "cover_repayment", repayment_id, test=key.test
    )
    await move(session, transfer_id, [(key, -amount), (AccountKey.platform(key.currency, test=key.test), amount)])
    left = row.outstanding - amount
    await session.execute(
        update(Cover)
        .where(Cover.id == cover_id)
        .values(outstanding=left, repaid_at=func.app_now() if left == ZERO else None)
    )
    return amount
