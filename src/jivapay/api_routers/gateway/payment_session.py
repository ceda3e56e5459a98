"""The payment page's own API: the token in the path is the caller's only credential (http-api, "Page")."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from jivapay.api_routers.forms import Receipt, SentAmount, SentFromBank, SentFromName, read_file
from jivapay.api_routers.idempotency import IdempotencyKey, claim_for, mark_replay
from jivapay.config.crypto import token_hash
from jivapay.config.logger import current_request_id
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import QueryNumber
from jivapay.schemas_enums.gateway import MethodChoice, PaymentSessionRead
from jivapay.security.access import client_ip
from jivapay.security.dependencies import AppResources
from jivapay.services import dispute_service, gateway_service
from jivapay.services.gateway_service import Brought
from jivapay.services.order_status_manager import PayerSaid
from jivapay.utils.rate_limits import rate_limited
from jivapay.utils.routing import api_router

router = api_router(
    "/gateway/payment_session", tags=("payment_session",), dependencies=[Depends(rate_limited("RATE_LIMIT_PAGE"))]
)

Token = Annotated[str, Path(min_length=16, max_length=64)]


def customer(request: Request) -> Actor:
    """The bearer of the token, by the address he calls from."""
    return Actor.customer(ip=client_ip(request), request_id=current_request_id())


Customer = Annotated[Actor, Depends(customer)]


@router.get("/{token}")
async def get_payment_session(resources: AppResources, token: Token) -> PaymentSessionRead:
    """What the page shows now."""
    return await gateway_service.get_payment_session_details(resources, token)


@router.get("/{token}/status", responses={204: {"description": "Nothing has changed since version `v`"}})
async def get_payment_session_status(
    resources: AppResources, token: Token, response: Response, v: Annotated[QueryNumber, Query(ge=0)] = 0
) -> PaymentSessionRead | None:
    """The page's state if it is newer than version `v`, else 204 without a body."""
    if await gateway_service.get_payment_session_version(resources, token) == v:
        response.status_code = 204
        return None
    return await gateway_service.get_payment_session_details(resources, token)


@router.post("/{token}/method")
async def choose_method(
    resources: AppResources, actor: Customer, token: Token, body: MethodChoice
) -> PaymentSessionRead:
    """Choose how to pay, and what the store left open; waits up to five seconds for a requisite."""
    return await gateway_service.choose_method(resources, actor, token, body)


@router.post("/{token}/confirm")
async def confirm_payment(
    resources: AppResources,
    request: Request,
    actor: Customer,
    token: Token,
    response: Response,
    receipt: Receipt = None,
    amount: SentAmount = None,
    payer_bank: SentFromBank = None,
    payer_name: SentFromName = None,
    key: IdempotencyKey = None,
) -> PaymentSessionRead:
    """Say that the money was sent, with the receipt if there is one. `amount` is what was sent, if not as agreed."""
    claim = None if key is None else await claim_for(request, f"page:{token_hash(token).hex()}", key)
    brought = Brought(await read_file(receipt), PayerSaid(amount, payer_bank, payer_name), claim)
    made = await gateway_service.handle_payment_page_confirmation(resources, actor, token, brought)
    mark_replay(response, replayed=made.replayed)
    return made.thing


@router.post("/{token}/dispute")
async def dispute_payment(
    resources: AppResources, actor: Customer, token: Token, receipt: Receipt = None
) -> PaymentSessionRead:
    """Say that a lapsed payment was made, with its receipt, once the page revives it no more: a person looks."""
    async with resources.database.read() as session:
        incoming_id = await gateway_service.find_incoming_by_token(session, token)
    await dispute_service.claim_for_customer(resources, actor, incoming_id, await read_file(receipt))
    return await gateway_service.get_payment_session_details(resources, token)


@router.post("/{token}/cancel")
async def cancel_payment_session(resources: AppResources, actor: Customer, token: Token) -> PaymentSessionRead:
    """Give up before paying."""
    return await gateway_service.cancel_payment_session(resources, actor, token)
