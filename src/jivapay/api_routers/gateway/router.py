"""Pay-ins and balance for stores, authenticated by `X-API-Key` (http-api, "Stores")."""

from typing import Annotated, Literal

from fastapi import Depends, Path, Query, Response

from jivapay.api_routers.forms import Receipt, SentAmount, read_file
from jivapay.api_routers.idempotency import Claim, mark_replay
from jivapay.schemas_enums.gateway import (
    BalanceRead,
    CancelRequest,
    CapacityQuery,
    CapacityRead,
    EventList,
    EventQuery,
    PayinInit,
    PayinInitiateSession,
    PayinRead,
    PayinSessionRead,
)
from jivapay.security.dependencies import AppResources, ReadDb
from jivapay.security.store_auth import StoreAuth, StoreContext
from jivapay.services import callback_service, gateway_service
from jivapay.services.gateway_service import Brought
from jivapay.services.order_status_manager import PayerSaid
from jivapay.utils.routing import api_router

router = api_router("/gateway", tags=("gateway",))

PayinStore = Annotated[StoreContext, Depends(StoreAuth("payin"))]
ReadingStore = Annotated[StoreContext, Depends(StoreAuth("read"))]

Identifier = Annotated[str, Path(max_length=128, examples=["0199aa7e-5d0c-7c31-b3a5-0d3f1c2b4a5d"])]
By = Annotated[Literal["order_id", "external_order_id", "payment_token"], Query()]


@router.post("/payin/init", status_code=201)
async def initialize_payin(
    store: PayinStore, resources: AppResources, claim: Claim, body: PayinInit, response: Response
) -> PayinRead:
    """Ask for a requisite that the store shows itself. 200 when the same request was made before."""
    answer = await gateway_service.initialize_payin(resources, store, body, claim)
    response.status_code = 201 if answer.created else 200
    mark_replay(response, replayed=answer.made.replayed)
    return answer.made.thing


@router.post("/payin/initiate_session", status_code=201)
async def initiate_payment_session(
    store: PayinStore, resources: AppResources, claim: Claim, body: PayinInitiateSession, response: Response
) -> PayinSessionRead:
    """Ask for a payment page. 200 when the same request was made before."""
    answer = await gateway_service.initiate_payment_session(resources, store, body, claim)
    response.status_code = 201 if answer.created else 200
    mark_replay(response, replayed=answer.made.replayed)
    return PayinSessionRead.model_validate(answer.made.thing)


@router.get("/payin/status/{identifier}")
async def get_payin_status(
    store: ReadingStore, resources: AppResources, identifier: Identifier, by: By = "order_id"
) -> PayinRead:
    """A pay-in by its order id, its external id or its page's token."""
    return await gateway_service.get_incoming_order_status(resources, store, identifier, by=by)


@router.post("/payin/confirm/{order_id}")
async def confirm_payin(
    store: PayinStore,
    resources: AppResources,
    order_id: Identifier,
    claim: Claim,
    response: Response,
    receipt: Receipt = None,
    amount: SentAmount = None,
) -> PayinRead:
    """Say that the customer has paid, with the receipt if there is one. `amount` is what was sent, if not as agreed;
    it may also be said later, and settles the order when the trader has seen the same.
    """
    brought = Brought(await read_file(receipt), PayerSaid(amount), claim)
    made = await gateway_service.confirm_payin(resources, store, order_id, brought)
    mark_replay(response, replayed=made.replayed)
    return made.thing


@router.post("/payin/cancel/{order_id}")
async def cancel_payin(
    store: PayinStore,
    resources: AppResources,
    order_id: Identifier,
    claim: Claim,
    response: Response,
    body: CancelRequest | None = None,
) -> PayinRead:
    """Give up before the customer has confirmed."""
    reason = (body.reason if body else None) or "cancelled by the store"
    made = await gateway_service.cancel_payin(resources, store, order_id, reason, claim)
    mark_replay(response, replayed=made.replayed)
    return made.thing


@router.get("/balance")
async def get_balance(store: ReadingStore, session: ReadDb) -> BalanceRead:
    """The store's settlement balance."""
    return await gateway_service.get_balance(session, store)


@router.get("/events")
async def list_events(
    store: ReadingStore, session: ReadDb, resources: AppResources, query: Annotated[EventQuery, Query()]
) -> EventList:
    """What happened to the store's orders, also what was never pushed; ask again after the last `store_seq`."""
    items = await callback_service.list_events(
        session, resources.cipher, store_id=store.id, after=query.after, limit=query.limit
    )
    return EventList(items=items)


@router.get("/capacity")
async def get_capacity(
    store: ReadingStore, session: ReadDb, resources: AppResources, query: Annotated[CapacityQuery, Query()]
) -> CapacityRead:
    """Whether an order like this could be served at this moment."""
    return await gateway_service.get_capacity(session, store, query, await resources.config.current())
