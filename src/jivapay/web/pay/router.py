"""The addresses of the payment page. Each form calls one function of the gateway service and is answered with 303."""

from typing import Annotated

from fastapi import Depends, Form, Request, Response, UploadFile

from jivapay.exceptions import (
    BrokerError,
    Conflict,
    DatabaseError,
    JivaPayException,
    NotFound,
    SessionExpired,
)
from jivapay.security.dependencies import AppResources
from jivapay.services.gateway_service import Brought
from jivapay.utils.rate_limits import rate_limited
from jivapay.utils.routing import UPLOAD_SIZE_MAX, api_router, takes_up_to
from jivapay.web.pay.answers import see_page, show_page
from jivapay.web.pay.forms import explain, read_choice, read_payer
from jivapay.web.pay.qr import draw_qr
from jivapay.web.pay.visits import Desk, refuse_foreign_form

CONFIRM_BODY_SIZE_MAX = 2 * UPLOAD_SIZE_MAX
"""Room for files that are refused: the refusal then stands at the field, and not on a page of its own."""
QR_CACHE = "private, max-age=900"
WITHOUT_PAGE = (NotFound, SessionExpired, DatabaseError, BrokerError)
"""After these there is nothing to show the form on."""

router = api_router(
    "/pay", tags=("pay",), include_in_schema=False, dependencies=[Depends(rate_limited("RATE_LIMIT_PAGE"))]
)
OwnForm = Depends(refuse_foreign_form)


@router.get("/{token}")
async def show_payment_page(request: Request, resources: AppResources, desk: Desk, token: str) -> Response:
    return show_page(request, await desk.show(), token, secure=_is_https(resources))


@router.post("/{token}/method", dependencies=[OwnForm])
async def choose_method(
    request: Request,
    desk: Desk,
    token: str,
    payment_method: Annotated[str, Form()] = "",
    bank: Annotated[str, Form()] = "",
    amount: Annotated[str, Form()] = "",
    customer_id: Annotated[str, Form()] = "",
) -> Response:
    typed = {"payment_method": payment_method, "bank": bank, "amount": amount, "customer_id": customer_id}
    try:
        await desk.choose(read_choice(typed))
    except JivaPayException as failure:
        return await _refused(request, desk, token, failure, typed)
    return see_page(token)


@router.post("/{token}/confirm", dependencies=[OwnForm])
@takes_up_to(CONFIRM_BODY_SIZE_MAX)
async def confirm_payment(
    request: Request,
    desk: Desk,
    token: str,
    receipt: UploadFile | None = None,
    amount: Annotated[str, Form()] = "",
    payer_bank: Annotated[str, Form()] = "",
    payer_name: Annotated[str, Form()] = "",
) -> Response:
    typed = {"amount": amount, "payer_bank": payer_bank, "payer_name": payer_name}
    try:
        said = read_payer(typed)
        await desk.confirm(Brought(await receipt.read() if receipt is not None else None, said))
    except JivaPayException as failure:
        return await _refused(request, desk, token, failure, typed, file_field=True)
    return see_page(token)


@router.post("/{token}/dispute", dependencies=[OwnForm])
@takes_up_to(CONFIRM_BODY_SIZE_MAX)
async def dispute_payment(request: Request, desk: Desk, token: str, receipt: UploadFile | None = None) -> Response:
    try:
        await desk.dispute(await receipt.read() if receipt is not None else None)
    except JivaPayException as failure:
        return await _refused(request, desk, token, failure, {}, file_field=True)
    return see_page(token)


@router.post("/{token}/cancel", dependencies=[OwnForm])
async def cancel_payment(request: Request, desk: Desk, token: str) -> Response:
    try:
        await desk.cancel()
    except JivaPayException as failure:
        return await _refused(request, desk, token, failure, {})
    return see_page(token)


@router.get("/{token}/qr.svg")
async def draw_requisite(desk: Desk) -> Response:
    """The requisite's number as a QR code, while it may be paid to."""
    session = await desk.show()
    if session.state != "pay" or session.requisite is None:
        raise NotFound
    return Response(draw_qr(session.requisite.number), media_type="image/svg+xml", headers={"Cache-Control": QR_CACHE})


async def _refused(
    request: Request,
    desk: Desk,
    token: str,
    failure: JivaPayException,
    typed: dict[str, str],
    *,
    file_field: bool = False,
) -> Response:
    """The same form with what is wrong, under the failure's own status; a conflict just shows how things stand."""
    if isinstance(failure, WITHOUT_PAGE):
        raise failure
    if isinstance(failure, Conflict):
        return see_page(token)
    form = explain(failure, typed, file_field=file_field)
    response = show_page(request, await desk.show(), token, form=form, status=failure.status)
    if failure.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(failure.retry_after_seconds)
    return response


def _is_https(resources: AppResources) -> bool:
    return resources.settings.public_base_url.startswith("https://")
