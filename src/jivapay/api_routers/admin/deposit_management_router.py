"""Deposits: recorded by one person, above the four-eyes amount decided by another (hard case 14)."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from jivapay.api_routers.idempotency import Claim, mark_replay
from jivapay.domain.actors import Actor
from jivapay.domain.money import format_amount
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.deposits import DepositCreate, DepositDecision, DepositFilter, DepositRead
from jivapay.schemas_enums.enums import OwnerType
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb, WriteDb
from jivapay.services import deposit_service
from jivapay.services.deposit_service import DepositView, NewDeposit
from jivapay.utils.listing import show_page
from jivapay.utils.routing import api_router

router = api_router("/deposits", tags=("admin deposits",))

Reader = Annotated[Actor, Depends(requires("deposits:read:any"))]
Requester = Annotated[Actor, Depends(requires("deposits:create:any", step_up=True))]
Decider = Annotated[Actor, Depends(requires("deposits:decide:any", step_up=True))]


@router.get("")
async def list_deposits(
    actor: Reader,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    query: Annotated[DepositFilter, Query()],
) -> Page[DepositRead]:
    """Newest first."""
    listed = await deposit_service.list_deposits(session, query, status=query.status)
    return show_page(listed, query, _read)


@router.post("", status_code=201)
async def create_deposit(
    actor: Requester,
    claim: Claim,
    session: WriteDb,
    resources: AppResources,
    response: Response,
    body: DepositCreate,
) -> DepositRead:
    """Posted at once, or `requested` until a second person has decided."""
    rules = await resources.config.current()
    new = NewDeposit(
        owner_type=OwnerType(body.owner_type),
        owner_id=body.owner_id,
        amount=body.amount,
        currency=body.currency,
        network=body.network,
        tx_hash=body.tx_hash,
        tx_output=body.tx_output,
        reason=body.reason,
    )
    made = await deposit_service.request_deposit(session, actor, new, rules, claim=claim)
    mark_replay(response, replayed=made.replayed)
    return _read(made.thing)


@router.get("/{deposit_id}")
async def get_deposit(actor: Reader, session: ReadDb, deposit_id: UUID) -> DepositRead:  # noqa: ARG001 - the guard's answer is not needed
    return _read(await deposit_service.get_deposit(session, deposit_id))


@router.post("/{deposit_id}/decision")
async def decide_deposit(actor: Decider, session: WriteDb, deposit_id: UUID, body: DepositDecision) -> DepositRead:
    """By another person than the one who recorded it."""
    view = await deposit_service.decide_deposit(
        session, actor, deposit_id, approve=body.decision == "approve", reason=body.reason
    )
    return _read(view)


def _read(view: DepositView) -> DepositRead:
    deposit = view.deposit
    return DepositRead(
        id=deposit.public_id,
        owner_type=deposit.owner_type,
        owner_id=view.owner_id,
        amount=format_amount(deposit.amount, view.scale),
        currency=deposit.currency,
        network=deposit.network,
        tx_hash=deposit.tx_hash,
        tx_output=deposit.tx_output,
        reason=deposit.reason,
        status=deposit.status,
        needs_second_person=deposit.needs_second_person,
        approval_id=view.approval_id,
        requested_by=view.requested_by,
        decided_by=view.decided_by,
        decision_reason=deposit.decision_reason,
        created_at=deposit.created_at,
        decided_at=deposit.decided_at,
        version=deposit.version,
    )
