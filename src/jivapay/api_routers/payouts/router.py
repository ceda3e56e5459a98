"""`/api/payouts/`: the entries of the payouts service, as its document shows them (PAY-05 to PAY-21)."""

import re
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Response

from jivapay.api_routers.idempotency import Claim, mark_replay
from jivapay.api_routers.payouts.field_errors import FieldErrorsRoute
from jivapay.api_routers.payouts.rendering import brief, full, json_response, page_link
from jivapay.exceptions import NotFound, ValidationFailed
from jivapay.schemas_enums.base import DATABASE_INTEGER_MAX
from jivapay.schemas_enums.payout_requests import (
    FieldErrors,
    PayoutCreate,
    PayoutDetails,
    PayoutPage,
    PayoutPatch,
    PayoutRead,
)
from jivapay.security.dependencies import AppResources, ReadDb, WriteDb
from jivapay.security.payouts_auth import PayoutsAuth
from jivapay.security.store_auth import StoreContext
from jivapay.services import payout_service
from jivapay.services.payout_service import NewPayout, Terms
from jivapay.utils.problems import PROBLEM_RESPONSES
from jivapay.utils.resources import Resources
from jivapay.utils.routing import api_router

router = api_router("/api/payouts", tags=("payouts",))
router.route_class = FieldErrorsRoute

Caller = Annotated[StoreContext, Depends(PayoutsAuth("payouts"))]
PayoutId = Annotated[int, Path(ge=1, le=DATABASE_INTEGER_MAX)]
BY_FIELD: dict[int | str, dict[str, Any]] = {
    400: {
        "model": FieldErrors,
        "description": "What is wrong with which field; a problem document when the request cannot be read at all",
        "content": PROBLEM_RESPONSES["4XX"]["content"],
    }
}
_INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_PAGE = re.compile(r"[0-9]{1,9}", re.ASCII)


@router.get("/", response_model=PayoutPage, responses=BY_FIELD)
async def list_payouts(
    store: Caller,
    session: ReadDb,
    resources: AppResources,
    request: Request,
    user_id: Annotated[
        str,
        Query(
            description="A whole number; without it the list is empty",
            json_schema_extra={"pattern": "^(-?[0-9]{1,18})?$"},
        ),
    ] = "",
    page: Annotated[
        str, Query(description="From 1; beyond the last one is 404", json_schema_extra={"pattern": "^[0-9]{1,9}$"})
    ] = "1",
) -> Response:
    """The requests of one user, 100 a page, oldest first."""
    number = _page_number(page)
    if not user_id:
        found = payout_service.PayoutPage(0, ())
        if number != 1:
            raise NotFound("There is no such page.")
    else:
        found = await payout_service.list_payouts(session, store, _user_number(user_id), page=number)
    has_next = number * payout_service.PAGE_SIZE < found.count
    return json_response(
        {
            "count": found.count,
            "next": page_link(request, resources.settings, number + 1) if has_next else None,
            "previous": page_link(request, resources.settings, number - 1) if number > 1 else None,
            "results": [brief(payout) for payout in found.rows],
        }
    )


@router.post("/", status_code=201, response_model=PayoutDetails, responses=BY_FIELD)
async def create_payout(
    store: Caller, claim: Claim, session: WriteDb, resources: AppResources, body: PayoutCreate
) -> Response:
    """A new request, `pending` until somebody has paid."""
    new = NewPayout(**{name: getattr(body, name) for name in PayoutCreate.model_fields})
    made = await payout_service.create_payout(session, store, new, await open_terms(resources), claim=claim)
    response = json_response(full(made.thing), status=201)
    mark_replay(response, replayed=made.replayed)
    return response


@router.get("/{payout_id:digits}/", response_model=PayoutRead)
async def get_payout(store: Caller, session: ReadDb, payout_id: PayoutId) -> Response:
    return json_response(brief(await payout_service.get_payout(session, store, payout_id)))


@router.patch("/{payout_id:digits}/", response_model=PayoutDetails, responses=BY_FIELD)
async def update_payout(
    store: Caller, session: WriteDb, resources: AppResources, payout_id: PayoutId, body: PayoutPatch
) -> Response:
    """Only `status`, and only along its table; the status it has already is no change. 409 while its executor pays."""
    rules = await resources.config.current()
    return json_response(full(await payout_service.set_payout_status(session, store, payout_id, body.status, rules)))


@router.delete("/{payout_id:digits}/", status_code=204)
async def delete_payout(store: Caller, session: WriteDb, resources: AppResources, payout_id: PayoutId) -> None:
    """While nobody pays it and nobody has: `pending`, `cancelled` or `failed`."""
    await payout_service.delete_payout(session, store, payout_id, await resources.config.current())


async def open_terms(resources: Resources) -> Terms:
    """What new requests are made under, now."""
    return Terms(resources.settings.payouts_executor, resources.cipher, await resources.config.current())


def _page_number(text: str) -> int:
    if not _PAGE.fullmatch(text):
        raise NotFound("There is no such page.")
    return int(text)


def _user_number(text: str) -> int:
    if not _INTEGER.fullmatch(text) or not -DATABASE_INTEGER_MAX - 1 <= int(text) <= DATABASE_INTEGER_MAX:
        raise ValidationFailed.at("query", "user_id", code="validation.integer")
    return int(text)
