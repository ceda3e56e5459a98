"""Money decisions that wait for a second person, for administrators and support (hard case 14).

`ACTIONS` says which use case carries out what was approved, and which permission that takes: whoever may not decide
it alone may not be its second person either.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from jivapay.api_routers.common.rendering import read_approval
from jivapay.config.business_settings import BusinessSettings
from jivapay.database.models.approvals import Approval
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.permissions import allows
from jivapay.exceptions import PermissionDenied
from jivapay.schemas_enums.approvals import ApprovalComment, ApprovalFilter, ApprovalRead
from jivapay.schemas_enums.base import Page
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb, WriteDb
from jivapay.services import (
    adjustment_service,
    approval_service,
    deposit_service,
    dispute_service,
    order_service,
    payout_service,
    unmatched_service,
    withdrawal_service,
)
from jivapay.utils.routing import api_router

router = api_router("/approvals", tags=("approvals",))

Reader = Annotated[Actor, Depends(requires("approvals:read:any"))]
Decider = Annotated[Actor, Depends(requires("approvals:decide:any", step_up=True))]

Carry = Callable[[WriteSession, Actor, Approval, BusinessSettings], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Action:
    """`execute` goes on in the transaction that approved it; `reject` undoes what the request had set aside."""

    permission: str
    execute: Carry
    reject: Carry | None = None


ACTIONS: dict[str, Action] = {
    "deposit.post": Action("deposits:decide:any", deposit_service.execute_deposit, deposit_service.reject_deposit),
    dispute_service.RESOLVE: Action("disputes:resolve:any", dispute_service.execute_resolution),
    "withdrawal.approve": Action(
        "withdrawals:decide:any", withdrawal_service.execute_approval, withdrawal_service.reject_requested
    ),
    "withdrawal.return": Action("withdrawals:send:any", withdrawal_service.execute_return),
    "balance_adjustment.post": Action(
        "adjustments:decide:any", adjustment_service.execute_adjustment, adjustment_service.reject_adjustment
    ),
    "order.decide": Action("orders:decide:any", order_service.execute_decision),
    payout_service.EXECUTE: Action(
        "payouts:decide:any", payout_service.execute_approved, payout_service.cancel_rejected
    ),
    "unmatched.attach": Action("unmatched:decide:any", unmatched_service.execute_attach),
    "unmatched.return": Action("unmatched:decide:any", unmatched_service.execute_return),
}


@router.get("")
async def list_approvals(
    actor: Reader,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    query: Annotated[ApprovalFilter, Query()],
) -> Page[ApprovalRead]:
    """Newest first; those that wait, asked for alone, oldest first."""
    views, total = await approval_service.list_approvals(
        session, status=query.status, page=query.page, page_size=query.page_size
    )
    return Page(items=[read_approval(view) for view in views], total=total, page=query.page, page_size=query.page_size)


@router.get("/{approval_id}")
async def get_approval(actor: Reader, session: ReadDb, approval_id: UUID) -> ApprovalRead:  # noqa: ARG001 - the guard's answer is not needed
    return read_approval(await approval_service.get_approval(session, approval_id))


@router.post("/{approval_id}/approve")
async def approve(actor: Decider, session: WriteDb, resources: AppResources, approval_id: UUID) -> ApprovalRead:
    """Carried out at once. By another person, with no part in the case, who might have decided it himself."""
    rules = await resources.config.current()
    action = await _action(session, actor, approval_id)
    approval = await approval_service.take(session, actor, approval_id)
    await action.execute(session, actor, approval, rules)
    return read_approval(await approval_service.view(session, approval))


@router.post("/{approval_id}/reject")
async def reject(
    actor: Decider, session: WriteDb, resources: AppResources, approval_id: UUID, body: ApprovalComment
) -> ApprovalRead:
    """It does not happen. By another person, too."""
    rules = await resources.config.current()
    action = await _action(session, actor, approval_id)
    approval = await approval_service.reject(session, actor, approval_id, body.reason)
    if action.reject is not None:
        await action.reject(session, actor, approval, rules)
    return read_approval(await approval_service.view(session, approval))


async def _action(session: AnySession, actor: Actor, approval_id: UUID) -> Action:
    """Raises NotFound, PermissionDenied."""
    found = await approval_service.get_approval(session, approval_id)
    action = ACTIONS[found.approval.action]
    if not allows(actor.permissions, action.permission):
        raise PermissionDenied
    return action
