"""The history of an owner's commissions: every change with who made it, when, from what to what."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from jivapay.database.models.commissions import CommissionChange
from jivapay.database.models.people import User
from jivapay.database.session import AnySession
from jivapay.schemas_enums.enums import OwnerType


@dataclass(frozen=True, slots=True)
class Change:
    """A change, with the person who made it; None for the operator at the command line and for what came before."""

    row: CommissionChange
    set_by: UUID | None


async def list_changes(
    session: AnySession, owner_type: OwnerType, owner_id: int, *, page: int = 1, page_size: int = 50
) -> tuple[Sequence[Change], int]:
    """One page, newest first, and how many there are."""
    owner = CommissionChange.store_id if owner_type is OwnerType.STORE else CommissionChange.trader_id
    total = await session.scalar(select(func.count()).select_from(CommissionChange).where(owner == owner_id))
    rows = await session.execute(
        select(CommissionChange, User.public_id)
        .outerjoin(User, User.id == CommissionChange.set_by)
        .where(owner == owner_id)
        .order_by(CommissionChange.id.desc())
        .limit(page_size)
        .offset((page - 1) * page_size)
    )
    return [Change(row, set_by) for row, set_by in rows], total or 0
