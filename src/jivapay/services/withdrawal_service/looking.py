"""Withdrawals as they are shown: with public ids, to their owner his own, to staff all."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select

from jivapay.database.models.people import MerchantStore, Trader, User
from jivapay.database.models.treasury import Withdrawal
from jivapay.database.session import AnySession
from jivapay.domain.actors import Actor
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.enums import OwnerType, Role, WithdrawalStatus
from jivapay.services import approval_service, reference_data

WAITS_FOR = ("withdrawal.approve", "withdrawal.return")


@dataclass(frozen=True, slots=True)
class WithdrawalView:
    """A withdrawal, whose it is (a store's id, a trader's user id), the people, and its currency's scale."""

    withdrawal: Withdrawal
    owner_id: UUID | None
    requested_by: UUID
    claimed_by: UUID | None
    scale: int
    approval_id: UUID | None
    """What waits for a second person."""


def is_own(actor: Actor) -> ColumnElement[bool]:
    """A trader's, or of one of a merchant's stores."""
    if actor.role is Role.TRADER:
        return and_(Withdrawal.owner_type == OwnerType.TRADER, Withdrawal.owner_id == (actor.owner_id or 0))
    stores = select(MerchantStore.id).where(MerchantStore.merchant_id == (actor.owner_id or 0))
    return and_(
        Withdrawal.owner_type == OwnerType.STORE,
        Withdrawal.owner_id.in_(stores if actor.role is Role.MERCHANT else []),
    )


async def get_view(session: AnySession, withdrawal_id: int) -> WithdrawalView:
    return await _one(session, Withdrawal.id == withdrawal_id)


async def get_withdrawal(session: AnySession, public_id: UUID) -> WithdrawalView:
    """For staff. Raises NotFound."""
    return await _one(session, Withdrawal.public_id == public_id)


async def get_own_withdrawal(session: AnySession, actor: Actor, public_id: UUID) -> WithdrawalView:
    """Raises NotFound, also for somebody else's."""
    return await _one(session, Withdrawal.public_id == public_id, is_own(actor))


async def list_withdrawals(
    session: AnySession, *, status: WithdrawalStatus | None = None, page: int = 1, page_size: int = 50
) -> tuple[list[WithdrawalView], int]:
    """For staff: one page, newest first, and how many there are."""
    return await _page(session, [], status, page, page_size)


async def list_own_withdrawals(
    session: AnySession, actor: Actor, *, status: WithdrawalStatus | None = None, page: int = 1, page_size: int = 50
) -> tuple[list[WithdrawalView], int]:
    """The actor's own: as above."""
    return await _page(session, [is_own(actor)], status, page, page_size)


async def _page(
    session: AnySession,
    conditions: list[ColumnElement[bool]],
    status: WithdrawalStatus | None,
    page: int,
    page_size: int,
) -> tuple[list[WithdrawalView], int]:
    conditions = [*conditions, *([] if status is None else [Withdrawal.status == status])]
    total = await session.scalar(select(func.count()).select_from(Withdrawal).where(*conditions))
    newest = select(Withdrawal).where(*conditions).order_by(Withdrawal.id.desc())
    rows = await session.scalars(newest.limit(page_size).offset((page - 1) * page_size))
    return await _views(session, rows.all()), total or 0


async def _one(session: AnySession, *conditions: ColumnElement[bool]) -> WithdrawalView:
    row = await session.scalar(select(Withdrawal).where(*conditions))
    if row is None:
        raise NotFound
    return (await _views(session, [row]))[0]


async def _views(session: AnySession, rows: Sequence[Withdrawal]) -> list[WithdrawalView]:
    people = {row.requested_by for row in rows} | {row.claimed_by for row in rows if row.claimed_by}
    traders = [row.owner_id for row in rows if row.owner_type == OwnerType.TRADER]
    found = await session.execute(
        select(User.id, User.public_id, Trader.id)
        .outerjoin(Trader, Trader.user_id == User.id)
        .where(or_(User.id.in_(people), Trader.id.in_(traders)))
    )
    users: dict[int, UUID] = {}
    owners: dict[tuple[str, int | None], UUID] = {}
    for user_id, public_id, trader_id in found:
        users[user_id] = public_id
        owners[OwnerType.TRADER, trader_id] = public_id
    stores = await session.execute(
        select(MerchantStore.id, MerchantStore.public_id).where(
            MerchantStore.id.in_([row.owner_id for row in rows if row.owner_type == OwnerType.STORE])
        )
    )
    for store_id, public_id in stores:
        owners[OwnerType.STORE, store_id] = public_id
    scales = await reference_data.get_scales(session)
    waiting: dict[int, UUID] = {}
    for action in WAITS_FOR:
        waiting |= await approval_service.list_open(session, action, [row.id for row in rows])
    return [
        WithdrawalView(
            row,
            owner_id=owners.get((row.owner_type, row.owner_id)),
            requested_by=users[row.requested_by],
            claimed_by=users[row.claimed_by] if row.claimed_by else None,
            scale=scales[row.currency],
            approval_id=waiting.get(row.id),
        )
        for row in rows
    ]
