"""A trader's own orders: seen, accepted, confirmed, given up (ARC-06, API-04)."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Form, Query, Response

from jivapay.api_routers.common.files import send_document
from jivapay.api_routers.forms import Receipt, SentAmount, read_file
from jivapay.api_routers.idempotency import Claim, mark_replay
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.certificates import RateCertificateRead
from jivapay.schemas_enums.orders import OrderCancel, OrderDecline, OrderFilter, TraderOrderRead
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb, WriteDb
from jivapay.services import certificate_service, order_service
from jivapay.services.order_status_manager import TraderAnswer
from jivapay.utils.routing import api_router

router = api_router("/orders", tags=("trader orders",))

Reader = Annotated[Actor, Depends(requires("orders:read:own"))]
Confirmer = Annotated[Actor, Depends(requires("orders:confirm:own"))]
Canceller = Annotated[Actor, Depends(requires("orders:cancel:own"))]


@router.get("")
async def list_orders(actor: Reader, session: ReadDb, query: Annotated[OrderFilter, Query()]) -> Page[TraderOrderRead]:
    """Newest first."""
    return await order_service.list_orders_for_trader(session, actor, query)


@router.get("/{order_id}")
async def get_order(actor: Reader, resources: AppResources, order_id: UUID) -> TraderOrderRead:
    """With the recipient's whole number while he is to pay a pay-out he has accepted; that is noted."""
    return await order_service.show_order_to_trader(resources, actor, order_id)


@router.get("/{order_id}/rate-certificate")
async def get_rate_certificate(actor: Reader, session: ReadDb, order_id: UUID) -> RateCertificateRead:
    """How his own amounts came about: the rate, its age, his percentage, the rounding."""
    return await certificate_service.certify_for_trader(session, actor, order_id)


@router.get("/{order_id}/receipt")
async def get_receipt(actor: Reader, resources: AppResources, order_id: UUID) -> Response:
    """The newest receipt, as an attachment: nothing a customer sent is shown in place."""
    found = await order_service.download_receipt_for_trader(resources, actor, order_id)
    return send_document(found)


@router.post("/{order_id}/accept")
async def accept_order(
    actor: Confirmer, claim: Claim, session: WriteDb, resources: AppResources, response: Response, order_id: UUID
) -> TraderOrderRead:
    """Take a pay-out on; the answer says whom to pay."""
    rules = await resources.config.current()
    made = await order_service.accept_order_for_trader(session, actor, order_id, rules, resources.cipher, claim)
    mark_replay(response, replayed=made.replayed)
    return made.thing


@router.post("/{order_id}/decline")
async def decline_order(
    actor: Canceller,
    claim: Claim,
    session: WriteDb,
    resources: AppResources,
    response: Response,
    order_id: UUID,
    body: OrderDecline | None = None,
) -> TraderOrderRead:
    """Leave a pay-out to somebody else, before accepting it."""
    reason = (body.reason if body else None) or "declined by the trader"
    rules = await resources.config.current()
    made = await order_service.decline_order_for_trader(session, actor, order_id, reason, rules, claim)
    mark_replay(response, replayed=made.replayed)
    return made.thing


@router.post("/{order_id}/confirm")
async def confirm_order(
    actor: Confirmer,
    resources: AppResources,
    order_id: UUID,
    claim: Claim,
    response: Response,
    receipt: Receipt = None,
    amount: SentAmount = None,
    from_third_party: Annotated[bool, Form(description="Somebody else than the payer has sent it")] = False,
) -> TraderOrderRead:
    """The money has arrived: the order completes, and the store is paid, at once. Or a pay-out is paid, which takes
    the receipt.

    A smaller `amount` waits until payer or store state the same, or a person decides; of a larger one the rest goes to
    the inbox of unmatched money. Money from a third party always waits for a person.
    """
    answer = TraderAnswer(amount, from_third_party)
    content = await read_file(receipt)
    made = await order_service.confirm_order_with_receipt(resources, actor, order_id, content, answer, claim)
    mark_replay(response, replayed=made.replayed)
    return made.thing


@router.post("/{order_id}/cancel")
async def cancel_order(
    actor: Canceller,
    claim: Claim,
    session: WriteDb,
    resources: AppResources,
    response: Response,
    order_id: UUID,
    body: OrderCancel,
) -> TraderOrderRead:
    """Only before the payer has confirmed."""
    rules = await resources.config.current()
    made = await order_service.cancel_order_for_trader(session, actor, order_id, body.reason, rules, claim)
    mark_replay(response, replayed=made.replayed)
    return made.thing
