"""Disputes for administrators and support: opened, heard, decided; and an order's timeline."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, File, Query, Response, UploadFile

from jivapay.api_routers.common.dispute_views import list_dispute, read_dispute_for_staff
from jivapay.api_routers.common.files import send_document
from jivapay.api_routers.common.rendering import WAITS, show_decided
from jivapay.api_routers.idempotency import Claim, mark_replay
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.approvals import ApprovalRead
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.disputes import (
    DisputeCreate,
    DisputeDecision,
    DisputeListed,
    DisputeLoan,
    StaffDisputeFilter,
    StaffDisputeRead,
    StaffMessageCreate,
    TimelineEntryRead,
    TimelineRead,
)
from jivapay.schemas_enums.enums import DisputeSide
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb, WriteDb
from jivapay.services import dispute_service
from jivapay.services.approval_service import ApprovalView
from jivapay.services.dispute_service import Decision, DisputeView, NewDispute, Said
from jivapay.services.idempotency import Made
from jivapay.utils.listing import show_page
from jivapay.utils.routing import api_router

router = api_router("", tags=("staff disputes",))

OrderReader = Annotated[Actor, Depends(requires("orders:read:any"))]
Reader = Annotated[Actor, Depends(requires("disputes:read:any"))]
Opener = Annotated[Actor, Depends(requires("disputes:open:any"))]
Speaker = Annotated[Actor, Depends(requires("disputes:answer:any"))]
Decider = Annotated[Actor, Depends(requires("disputes:resolve:any", step_up=True))]


@router.get("/orders/{order_id}/timeline")
async def get_timeline(actor: OrderReader, session: ReadDb, order_id: UUID) -> TimelineRead:  # noqa: ARG001 - the guard's answer is not needed
    """Everything that happened to an order, oldest first: steps, deeds, messages, documents, decisions."""
    entries = await dispute_service.get_timeline(session, order_id)
    return TimelineRead(items=[TimelineEntryRead.model_validate(entry) for entry in entries])


@router.post("/orders/{order_id}/dispute", status_code=201)
async def open_dispute(
    actor: Opener,
    claim: Claim,
    session: WriteDb,
    resources: AppResources,
    response: Response,
    order_id: UUID,
    body: DisputeCreate,
) -> StaffDisputeRead:
    """Also about an order that a person has decided: the only way to take it up again."""
    rules = await resources.config.current()
    new = NewDispute(body.reason, body.amount)
    made = await dispute_service.open_dispute(session, actor, order_id, new, rules, claim)
    mark_replay(response, replayed=made.replayed)
    return read_dispute_for_staff(made.thing)


@router.get("/disputes")
async def list_disputes(
    actor: Reader, session: ReadDb, query: Annotated[StaffDisputeFilter, Query()]
) -> Page[DisputeListed]:
    """What is due soonest first."""
    return show_page(await dispute_service.list_disputes(session, actor, query, mine=query.mine), query, list_dispute)


@router.get("/disputes/{dispute_id}")
async def get_dispute(actor: Reader, session: ReadDb, dispute_id: UUID) -> StaffDisputeRead:
    return read_dispute_for_staff(await dispute_service.get_dispute(session, actor, dispute_id))


@router.post("/disputes/{dispute_id}/take")
async def take_case(actor: Speaker, session: WriteDb, resources: AppResources, dispute_id: UUID) -> StaffDisputeRead:
    """It is this person's to look at from now on."""
    rules = await resources.config.current()
    return read_dispute_for_staff(await dispute_service.take_case(session, actor, dispute_id, rules))


@router.post("/disputes/{dispute_id}/messages", status_code=201)
async def say(
    actor: Speaker, session: WriteDb, resources: AppResources, dispute_id: UUID, body: StaffMessageCreate
) -> StaffDisputeRead:
    """To both sides; `to` asks one of them for an answer."""
    rules = await resources.config.current()
    said = Said(body.text, to_side=None if body.to is None else DisputeSide(body.to))
    return read_dispute_for_staff(await dispute_service.say(session, actor, dispute_id, said, rules))


@router.post("/disputes/{dispute_id}/evidence", status_code=201)
async def add_evidence(
    actor: Speaker,
    resources: AppResources,
    dispute_id: UUID,
    file: Annotated[UploadFile, File(description="PNG, JPEG, WebP or PDF, up to 10 MiB")],
) -> StaffDisputeRead:
    return read_dispute_for_staff(await dispute_service.add_evidence(resources, actor, dispute_id, await file.read()))


@router.get("/disputes/{dispute_id}/evidence/{document_id}")
async def get_evidence(actor: Reader, resources: AppResources, dispute_id: UUID, document_id: UUID) -> Response:
    return send_document(await dispute_service.download_evidence(resources, actor, dispute_id, document_id))


@router.post("/disputes/{dispute_id}/resolve", responses={202: {"model": ApprovalRead, "description": WAITS}})
async def resolve_dispute(
    actor: Decider,
    claim: Claim,
    session: WriteDb,
    resources: AppResources,
    response: Response,
    dispute_id: UUID,
    body: DisputeDecision,
) -> StaffDisputeRead | ApprovalRead:
    """Paid, paid otherwise, or not paid. 202 with the approval when a second person must decide, too."""
    rules = await resources.config.current()
    decision = Decision(body.outcome, body.reason, body.amount, lends=body.lend)
    return _decided(await dispute_service.resolve_dispute(session, actor, dispute_id, decision, rules, claim), response)


@router.post("/disputes/{dispute_id}/lend", responses={202: {"model": ApprovalRead, "description": WAITS}})
async def lend(
    actor: Decider,
    claim: Claim,
    session: WriteDb,
    resources: AppResources,
    response: Response,
    dispute_id: UUID,
    body: DisputeLoan,
) -> StaffDisputeRead | ApprovalRead:
    """What a decided return waits for is lent by the platform; always by two persons."""
    rules = await resources.config.current()
    return _decided(
        await dispute_service.lend_for_dispute(session, actor, dispute_id, body.reason, rules, claim), response
    )


def _decided(made: Made[DisputeView | ApprovalView], response: Response) -> StaffDisputeRead | ApprovalRead:
    mark_replay(response, replayed=made.replayed)
    return show_decided(made.thing, response, read_dispute_for_staff)
