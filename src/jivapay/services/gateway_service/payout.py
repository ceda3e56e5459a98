"""Pay-outs as stores ask for them: init, status, cancel, and the store's word that the money has arrived (GTW-08)."""

from typing import Any

from jivapay.database.locks import lock_deal_for_update
from jivapay.schemas_enums.enums import Direction
from jivapay.schemas_enums.gateway import PayoutInit, PayoutRead
from jivapay.services import idempotency, order_status_manager
from jivapay.services.api_key_service import StoreContext
from jivapay.services.gateway_service.confirming import cancel_deal
from jivapay.services.gateway_service.deals import get_deal, get_store_deal, show_payout
from jivapay.services.gateway_service.payin import (
    Answer,
    accept_once,
    open_viewer,
    request_hash,
    wait_for_requisite,
)
from jivapay.services.idempotency import IdempotencyClaim, Made
from jivapay.services.order_processor import Recipient, Request
from jivapay.utils.resources import Resources


async def initialize_payout(
    resources: Resources, store: StoreContext, asked: PayoutInit, claim: IdempotencyClaim | None
) -> Answer[PayoutRead]:
    """Set the cost aside and look for a trader; waits up to `wait_seconds` for one.

    Raises InsufficientBalance, and then nothing was created.
    """
    viewer = await open_viewer(resources)
    accepted, replayed = await accept_once(resources, store, _request(asked), viewer.rules, claim)
    if not replayed:
        await wait_for_requisite(resources.database, accepted.incoming_order_id, asked.wait_seconds)
    async with resources.database.read() as session:
        deal = await get_deal(session, accepted.incoming_order_id)
        body = await show_payout(session, deal, viewer)
    return Answer(Made(body, replayed=replayed), accepted.created)


def _request(asked: PayoutInit) -> Request:
    fields: dict[str, Any] = asked.model_dump(exclude={"wait_seconds"})
    digest = request_hash(fields, hosted=False)
    recipient = Recipient(**fields.pop("recipient"))
    return Request(**fields, hosted=False, request_hash=digest, recipient=recipient)


async def get_payout_status(resources: Resources, store: StoreContext, identifier: str, *, by: str) -> PayoutRead:
    """A store's own pay-out. Raises NotFound."""
    viewer = await open_viewer(resources)
    async with resources.database.read() as session:
        deal = await get_store_deal(session, store.id, Direction.PAY_OUT, identifier, by)
        return await show_payout(session, deal, viewer)


async def cancel_payout(
    resources: Resources, store: StoreContext, identifier: str, reason: str, claim: IdempotencyClaim | None = None
) -> Made[PayoutRead]:
    """Give up before a trader has accepted; what was set aside is free again. Raises NotFound, OrderStateConflict."""
    async with resources.database.read() as session:
        deal = await get_store_deal(session, store.id, Direction.PAY_OUT, identifier, "order_id")
    replayed = await cancel_deal(resources, store.actor, deal.incoming.id, reason, claim)
    return Made(await get_payout_status(resources, store, identifier, by="order_id"), replayed)


async def confirm_payout(
    resources: Resources, store: StoreContext, identifier: str, claim: IdempotencyClaim | None = None
) -> Made[PayoutRead]:
    """The recipient has the money: the trader may use what he was credited. Raises NotFound, OrderStateConflict."""
    async with resources.database.read() as session:
        deal = await get_store_deal(session, store.id, Direction.PAY_OUT, identifier, "order_id")
    async with resources.database.write() as writing:

        async def confirm() -> None:
            locked = await lock_deal_for_update(writing, deal.incoming.id)
            await order_status_manager.confirm_receipt(writing, store.actor, locked)

        replayed = await idempotency.do_once(
            writing, claim, resource_type="receipt_confirmation", resource_id=deal.incoming.id, do=confirm
        )
    return Made(await get_payout_status(resources, store, identifier, by="order_id"), replayed)
