"""The payment page's own API: the token in the path is the caller's only credential (http-api, "Page")."""

from typing import Annotated

from fastapi import Depends, File, Path, Query, Request, Response, UploadFile

from jivapay.config.logger import current_request_id
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import QueryNumber
from jivapay.schemas_enums.gateway import MethodChoice, PaymentSessionRead
from jivapay.security.access import client_ip
from jivapay.security.dependencies import AppResources
from jivapay.services import gateway_service
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
    actor: Customer,
    token: Token,
    receipt: Annotated[UploadFile | None, File(description="PNG, JPEG, WebP or PDF, up to 10 MiB")] = None,
) -> PaymentSessionRead:
    """Say that the money was sent, with the receipt if there is one."""
    content = await receipt.read() if receipt is not None else None
    return await gateway_service.handle_payment_page_confirmation(resources, actor, token, content)


@router.post("/{token}/cancel")
async def cancel_payment_session(resources: AppResources, actor: Customer, token: Token) -> PaymentSessionRead:
    """Give up before paying."""
    return await gateway_service.cancel_payment_session(resources, actor, token)
