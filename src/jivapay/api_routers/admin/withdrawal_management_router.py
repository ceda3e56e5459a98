"""Withdrawals in the hands of staff: approved, claimed by one person, sent; and the platform's own (hard case 14)."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from jivapay.api_routers.common.rendering import WAITS, read_approval, show_decided
from jivapay.api_routers.common.treasury_rendering import read_withdrawal
from jivapay.api_routers.idempotency import Claim, mark_replay
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.approvals import ApprovalComment, ApprovalRead
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.treasury import (
    PlatformWithdrawalCreate,
    WithdrawalFilter,
    WithdrawalSent,
    WithdrawalStaffRead,
)
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb, WriteDb
from jivapay.services import withdrawal_service
from jivapay.services.withdrawal_service import PlatformWithdrawal
from jivapay.utils.listing import show_page
from jivapay.utils.routing import api_router

router = api_router("/withdrawals", tags=("admin withdrawals",))

Reader = Annotated[Actor, Depends(requires("withdrawals:read:any"))]
Requester = Annotated[Actor, Depends(requires("withdrawals:create:any", step_up=True))]
Decider = Annotated[Actor, Depends(requires("withdrawals:decide:any", step_up=True))]
Sender = Annotated[Actor, Depends(requires("withdrawals:send:any", step_up=True))]


@router.get("")
async def list_withdrawals(
    actor: Reader,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    query: Annotated[WithdrawalFilter, Query()],
) -> Page[WithdrawalStaffRead]:
    """Newest first."""
    return show_page(await withdrawal_service.list_withdrawals(session, query), query, read_withdrawal)


@router.post("", status_code=202)
async def request_platform_withdrawal(
    actor: Requester,
    claim: Claim,
    session: WriteDb,
    resources: AppResources,
    response: Response,
    body: PlatformWithdrawalCreate,
) -> WithdrawalStaffRead:
    """Of the platform's profit: held at once, and always decided by a second person."""
    new = PlatformWithdrawal(body.amount, body.currency, body.network, body.address, body.reason)
    made = await withdrawal_service.request_platform_withdrawal(
        session, actor, new, await resources.config.current(), claim=claim
    )
    mark_replay(response, replayed=made.replayed)
    return read_withdrawal(made.thing)


@router.get("/{withdrawal_id}")
async def get_withdrawal(actor: Reader, session: ReadDb, withdrawal_id: UUID) -> WithdrawalStaffRead:  # noqa: ARG001 - the guard's answer is not needed
    return read_withdrawal(await withdrawal_service.get_withdrawal(session, withdrawal_id))


@router.post("/{withdrawal_id}/approve", responses={202: {"model": ApprovalRead, "description": WAITS}})
async def approve_withdrawal(
    actor: Decider,
    session: WriteDb,
    resources: AppResources,
    withdrawal_id: UUID,
    body: ApprovalComment,
    response: Response,
) -> WithdrawalStaffRead | ApprovalRead:
    """At once, or above the four-eyes amount once a second person agrees."""
    decided = await withdrawal_service.approve_withdrawal(
        session, actor, withdrawal_id, body.reason, await resources.config.current()
    )
    return show_decided(decided, response, read_withdrawal)


@router.post("/{withdrawal_id}/reject")
async def reject_withdrawal(
    actor: Decider, session: WriteDb, withdrawal_id: UUID, body: ApprovalComment
) -> WithdrawalStaffRead:
    """The money goes back to its owner's available balance."""
    return read_withdrawal(await withdrawal_service.reject_withdrawal(session, actor, withdrawal_id, body.reason))


@router.post("/{withdrawal_id}/claim")
async def claim_withdrawal(actor: Sender, session: WriteDb, withdrawal_id: UUID) -> WithdrawalStaffRead:
    """Take it in hand; nobody else sends it from now on."""
    return read_withdrawal(await withdrawal_service.claim_withdrawal(session, actor, withdrawal_id))


@router.post("/{withdrawal_id}/sent")
async def send_withdrawal(
    actor: Sender, session: WriteDb, withdrawal_id: UUID, body: WithdrawalSent
) -> WithdrawalStaffRead:
    """By the person who claimed it, with the transaction it left in."""
    return read_withdrawal(await withdrawal_service.send_withdrawal(session, actor, withdrawal_id, body.tx_hash))


@router.post("/{withdrawal_id}/return", status_code=202)
async def return_withdrawal(
    actor: Sender, session: WriteDb, resources: AppResources, withdrawal_id: UUID, body: ApprovalComment
) -> ApprovalRead:
    """Nothing has left: approved again once a second person agrees."""
    return read_approval(
        await withdrawal_service.return_withdrawal(
            session, actor, withdrawal_id, body.reason, await resources.config.current()
        )
    )
