"""Withdrawals as they are shown: with public ids, to their owner his own, to staff all."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, select

from jivapay.database.models.people import MerchantStore
from jivapay.database.models.treasury import Withdrawal
from jivapay.database.session import AnySession
from jivapay.domain.actors import Actor
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.enums import OwnerType, Role
from jivapay.schemas_enums.treasury import WithdrawalFilter
from jivapay.services import account_owners, approval_service, reference_data
from jivapay.utils.listing import Listed, Sorting, fetch_list

SORTING = Sorting(
    {"created_at": Withdrawal.created_at, "amount": Withdrawal.amount}, Withdrawal.id, Withdrawal.public_id
)
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


async def list_withdrawals(session: AnySession, asked: WithdrawalFilter) -> Listed[WithdrawalView]:
    """For staff: one page, newest first. Raises ValidationFailed `sort.unknown_field` or `cursor.invalid`."""
    return await _list(session, select(Withdrawal), asked)


async def list_own_withdrawals(session: AnySession, actor: Actor, asked: WithdrawalFilter) -> Listed[WithdrawalView]:
    """The actor's own: as above."""
    return await _list(session, select(Withdrawal).where(is_own(actor)), asked)


async def _list(session: AnySession, statement: Select[Withdrawal], asked: WithdrawalFilter) -> Listed[WithdrawalView]:
    wanted = statement if asked.status is None else statement.where(Withdrawal.status == asked.status)
    listed = await fetch_list(session, wanted, SORTING, asked, among=statement)
    views = await _views(session, [row[0] for row in listed.rows])
    return Listed(views, listed.total, listed.next_cursor)


async def _one(session: AnySession, *conditions: ColumnElement[bool]) -> WithdrawalView:
    row = await session.scalar(select(Withdrawal).where(*conditions))
    if row is None:
        raise NotFound
    return (await _views(session, [row]))[0]


async def _views(session: AnySession, rows: Sequence[Withdrawal]) -> list[WithdrawalView]:
    people = [who for row in rows for who in (row.requested_by, row.claimed_by)]
    names = await account_owners.get_names(session, people, [(row.owner_type, row.owner_id) for row in rows])
    scales = await reference_data.get_scales(session)
    waiting: dict[int, UUID] = {}
    for action in WAITS_FOR:
        waiting |= await approval_service.list_open(session, action, [row.id for row in rows])
    return [
        WithdrawalView(
            row,
            owner_id=names.owners.get((row.owner_type, row.owner_id)),
            requested_by=names.users[row.requested_by],
            claimed_by=names.user(row.claimed_by),
            scale=scales[row.currency],
            approval_id=waiting.get(row.id),
        )
        for row in rows
    ]
