"""Orders of a merchant's own stores (ARC-06)."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from jivapay.api_routers.forms import Receipt, SentAmount, read_file
from jivapay.api_routers.idempotency import Claim, mark_replay
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.certificates import RateCertificateRead
from jivapay.schemas_enums.gateway import PayinRead, PayinSessionRead
from jivapay.schemas_enums.orders import MerchantOrderCreate, MerchantOrderRead, OrderFilter
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb
from jivapay.services import certificate_service, gateway_service, order_service
from jivapay.services.gateway_service import Brought
from jivapay.services.order_status_manager import PayerSaid
from jivapay.utils.routing import api_router

router = api_router("/orders", tags=("merchant orders",))

Reader = Annotated[Actor, Depends(requires("orders:read:own"))]
Confirmer = Annotated[Actor, Depends(requires("orders:confirm:own"))]
Creator = Annotated[Actor, Depends(requires("orders:create:own"))]


@router.get("")
async def list_orders(
    actor: Reader, session: ReadDb, query: Annotated[OrderFilter, Query()]
) -> Page[MerchantOrderRead]:
    """Newest first, with those that have no requisite yet."""
    return await order_service.list_orders_for_merchant(session, actor, query)


@router.post("", status_code=201)
async def create_order(
    actor: Creator, resources: AppResources, claim: Claim, body: MerchantOrderCreate, response: Response
) -> PayinSessionRead:
    """An order with a payment page to send to the customer. 200 when the same was made before."""
    answer = await gateway_service.create_order_from_incoming(resources, actor, body, claim)
    response.status_code = 201 if answer.created else 200
    mark_replay(response, replayed=answer.made.replayed)
    return PayinSessionRead.model_validate(answer.made.thing)


@router.get("/{order_id}/rate-certificate")
async def get_rate_certificate(actor: Reader, session: ReadDb, order_id: UUID) -> RateCertificateRead:
    """How the store's amounts came about: the rate, its age, the margin, the percentage, the rounding."""
    return await certificate_service.certify_for_merchant(session, actor, order_id)


@router.post("/{order_id}/confirm_payment")
async def confirm_payment(
    actor: Confirmer,
    resources: AppResources,
    order_id: UUID,
    claim: Claim,
    response: Response,
    receipt: Receipt = None,
    amount: SentAmount = None,
) -> PayinRead:
    """Say that the customer has paid, with the receipt if there is one. `amount` is what was sent, if not as agreed;
    it may also be said later, and settles the order when the trader has seen the same.
    """
    brought = Brought(await read_file(receipt), PayerSaid(amount), claim)
    made = await gateway_service.confirm_payment_for_merchant(resources, actor, order_id, brought)
    mark_replay(response, replayed=made.replayed)
    return made.thing
