"""Pay-outs for stores, authenticated by `X-API-Key` (http-api, "Stores")."""

from typing import Annotated, Literal

from fastapi import Depends, Path, Query, Response

from jivapay.api_routers.idempotency import Claim, mark_replay
from jivapay.schemas_enums.gateway import CancelRequest, PayoutInit, PayoutRead
from jivapay.security.dependencies import AppResources
from jivapay.security.store_auth import StoreAuth, StoreContext
from jivapay.services import gateway_service
from jivapay.utils.routing import api_router

router = api_router("/gateway/payout", tags=("gateway",))

PayoutStore = Annotated[StoreContext, Depends(StoreAuth("payout"))]
ReadingStore = Annotated[StoreContext, Depends(StoreAuth("read"))]

Identifier = Annotated[str, Path(max_length=128, examples=["0199aa7e-5d0c-7c31-b3a5-0d3f1c2b4a5d"])]
By = Annotated[Literal["order_id", "external_order_id"], Query()]


@router.post("/init", status_code=201)
async def initialize_payout(
    store: PayoutStore, resources: AppResources, claim: Claim, body: PayoutInit, response: Response
) -> PayoutRead:
    """Pay a recipient from the store's balance. 200 when the same request was made before."""
    answer = await gateway_service.initialize_payout(resources, store, body, claim)
    response.status_code = 201 if answer.created else 200
    mark_replay(response, replayed=answer.made.replayed)
    return answer.made.thing


@router.get("/status/{identifier}")
async def get_payout_status(
    store: ReadingStore, resources: AppResources, identifier: Identifier, by: By = "order_id"
) -> PayoutRead:
    """A pay-out by its order id or its external id."""
    return await gateway_service.get_payout_status(resources, store, identifier, by=by)


@router.post("/cancel/{order_id}")
async def cancel_payout(
    store: PayoutStore,
    resources: AppResources,
    order_id: Identifier,
    claim: Claim,
    response: Response,
    body: CancelRequest | None = None,
) -> PayoutRead:
    """Give up before a trader has accepted."""
    reason = (body.reason if body else None) or "cancelled by the store"
    made = await gateway_service.cancel_payout(resources, store, order_id, reason, claim)
    mark_replay(response, replayed=made.replayed)
    return made.thing


@router.post("/confirm/{order_id}")
async def confirm_payout(
    store: PayoutStore, resources: AppResources, order_id: Identifier, claim: Claim, response: Response
) -> PayoutRead:
    """Say that the recipient has the money: the trader may use what he was credited. Again changes nothing."""
    made = await gateway_service.confirm_payout(resources, store, order_id, claim)
    mark_replay(response, replayed=made.replayed)
    return made.thing
