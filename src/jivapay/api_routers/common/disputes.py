"""Disputes of one's own orders, for traders and merchants: opened, read, answered, proved."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, File, Query, Response, UploadFile

from jivapay.api_routers.common.dispute_views import list_dispute, read_dispute
from jivapay.api_routers.common.files import send_document
from jivapay.api_routers.idempotency import Claim, mark_replay
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.disputes import (
    DisputeCreate,
    DisputeFilter,
    DisputeListed,
    DisputeMessageCreate,
    DisputeRead,
)
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb, WriteDb
from jivapay.services import dispute_service
from jivapay.services.dispute_service import NewDispute, Said
from jivapay.utils.listing import show_page
from jivapay.utils.routing import api_router

router = api_router("", tags=("disputes",))

Reader = Annotated[Actor, Depends(requires("disputes:read:own"))]
Opener = Annotated[Actor, Depends(requires("disputes:open:own"))]
Speaker = Annotated[Actor, Depends(requires("disputes:answer:own"))]


@router.post("/orders/{order_id}/dispute", status_code=201)
async def open_dispute(
    actor: Opener,
    claim: Claim,
    session: WriteDb,
    resources: AppResources,
    response: Response,
    order_id: UUID,
    body: DisputeCreate,
) -> DisputeRead:
    """An open order waits for staff with its hold; of a completed one what would be returned is held."""
    rules = await resources.config.current()
    new = NewDispute(body.reason, body.amount)
    made = await dispute_service.open_dispute(session, actor, order_id, new, rules, claim)
    mark_replay(response, replayed=made.replayed)
    return read_dispute(made.thing)


@router.get("/disputes")
async def list_disputes(
    actor: Reader, session: ReadDb, query: Annotated[DisputeFilter, Query()]
) -> Page[DisputeListed]:
    """What is due soonest first."""
    return show_page(await dispute_service.list_disputes(session, actor, query), query, list_dispute)


@router.get("/disputes/{dispute_id}")
async def get_dispute(actor: Reader, session: ReadDb, dispute_id: UUID) -> DisputeRead:
    return read_dispute(await dispute_service.get_dispute(session, actor, dispute_id))


@router.post("/disputes/{dispute_id}/messages", status_code=201)
async def say(
    actor: Speaker, session: WriteDb, resources: AppResources, dispute_id: UUID, body: DisputeMessageCreate
) -> DisputeRead:
    """The answer of the side whose turn it is passes the turn on; the other one's is kept."""
    rules = await resources.config.current()
    said = Said(body.text, escalate=body.escalate)
    return read_dispute(await dispute_service.say(session, actor, dispute_id, said, rules))


@router.post("/disputes/{dispute_id}/evidence", status_code=201)
async def add_evidence(
    actor: Speaker,
    resources: AppResources,
    dispute_id: UUID,
    file: Annotated[UploadFile, File(description="PNG, JPEG, WebP or PDF, up to 10 MiB")],
) -> DisputeRead:
    """Cleaned before it is kept. The other side learns that it is there; staff may read it."""
    return read_dispute(await dispute_service.add_evidence(resources, actor, dispute_id, await file.read()))


@router.get("/disputes/{dispute_id}/evidence/{document_id}")
async def get_evidence(actor: Reader, resources: AppResources, dispute_id: UUID, document_id: UUID) -> Response:
    """One's own, or the payer's, as an attachment."""
    return send_document(await dispute_service.download_evidence(resources, actor, dispute_id, document_id))
