"""Approvals as people see them: with public ids, the oldest waiting ones first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from jivapay.database.models.approvals import Approval
from jivapay.database.models.people import User
from jivapay.database.models.reference import Currency
from jivapay.database.session import AnySession
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.enums import ApprovalStatus


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """An approval, who asked and who decided, and its currency's scale."""

    approval: Approval
    requested_by: UUID
    decided_by: UUID | None
    scale: int


async def get_approval(session: AnySession, approval_id: UUID) -> ApprovalView:
    """Raises NotFound."""
    approval = await session.scalar(select(Approval).where(Approval.public_id == approval_id))
    if approval is None:
        raise NotFound
    return await view(session, approval)


async def view(session: AnySession, approval: Approval) -> ApprovalView:
    return (await _views(session, [approval]))[0]


async def list_approvals(
    session: AnySession, *, status: ApprovalStatus | None = None, page: int = 1, page_size: int = 50
) -> tuple[list[ApprovalView], int]:
    """One page and how many there are: newest first, but what waits is worked off from its oldest."""
    conditions = [] if status is None else [Approval.status == status]
    total = await session.scalar(select(func.count()).select_from(Approval).where(*conditions))
    order = Approval.id if status is ApprovalStatus.REQUESTED else Approval.id.desc()
    rows = await session.scalars(
        select(Approval).where(*conditions).order_by(order).limit(page_size).offset((page - 1) * page_size)
    )
    return await _views(session, list(rows)), total or 0


async def list_open(session: AnySession, action: str, entity_ids: Collection[int]) -> dict[int, UUID]:
    """The public ids of what waits for a second person, by the id of its object."""
    found = await session.execute(
        select(Approval.entity_id, Approval.public_id).where(
            Approval.action == action, Approval.entity_id.in_(entity_ids), Approval.status == ApprovalStatus.REQUESTED
        )
    )
    return dict(found.all())


async def _views(session: AnySession, approvals: Sequence[Approval]) -> list[ApprovalView]:
    people = {row.requested_by for row in approvals} | {row.decided_by for row in approvals if row.decided_by}
    found = await session.execute(select(User.id, User.public_id).where(User.id.in_(people)))
    users: dict[int, UUID] = dict(found.all())
    scales = dict((await session.execute(select(Currency.code, Currency.scale))).all())
    return [
        ApprovalView(
            row,
            requested_by=users[row.requested_by],
            decided_by=users[row.decided_by] if row.decided_by else None,
            scale=scales[row.currency],
        )
        for row in approvals
    ]
