"""Pay-ins as stores ask for them: init, session, status, confirm, cancel, balance."""

import asyncio
import hashlib
import time
from dataclasses import dataclass
from typing import Any

import orjson

from jivapay.database.locks import lock_deal_for_update
from jivapay.database.session import AnySession, Database
from jivapay.domain.actors import Actor
from jivapay.domain.money import format_amount
from jivapay.exceptions import DependencyUnavailable, OrderStateConflict, ValidationFailed
from jivapay.schemas_enums.enums import Direction, IncomingOrderStatus, OrderStatus
from jivapay.schemas_enums.gateway import (
    BalanceRead,
    PayinFields,
    PayinInit,
    PayinInitiateSession,
    PayinRead,
    PayinSessionRead,
)
from jivapay.services import (
    balance_manager,
    callback_service,
    document_service,
    idempotency,
    order_processor,
    order_status_manager,
    reference_data,
)
from jivapay.services.api_key_service import StoreContext
from jivapay.services.balance_manager import AccountKey
from jivapay.services.document_service import StoredReceipt
from jivapay.services.gateway_service.deals import Viewer, get_deal, get_store_deal, show_payin
from jivapay.services.idempotency import IdempotencyClaim, Made
from jivapay.services.order_processor import Request, UrlRules
from jivapay.utils.resources import Resources

POLL_SECONDS = (0.03, 0.05, 0.1, 0.2)
"""Pauses between looks while an answer waits for a requisite; the last one repeats."""
OTHER_KIND_OF_REQUEST = b"hosted"
INCOMING_ORDER = "incoming_order"


@dataclass(frozen=True, slots=True)
class Answer:
    """A pay-in, and whether this request made it (201) or found it (200)."""

    made: Made[PayinRead]
    created: bool


async def initialize_payin(
    resources: Resources, store: StoreContext, asked: PayinInit, claim: IdempotencyClaim | None
) -> Answer:
    """Host-to-host: the store shows the requisite itself. Waits up to `wait_seconds` for one."""
    return await _accept(resources, store, asked, claim, hosted=False)


async def initiate_payment_session(
    resources: Resources, store: StoreContext, asked: PayinInitiateSession, claim: IdempotencyClaim | None
) -> Answer:
    """With a payment page; the answer also carries the page's token."""
    return await _accept(resources, store, asked, claim, hosted=True)


async def _accept(
    resources: Resources,
    store: StoreContext,
    asked: PayinInit | PayinInitiateSession,
    claim: IdempotencyClaim | None,
    *,
    hosted: bool,
) -> Answer:
    viewer = await open_viewer(resources)
    request = _request(asked, hosted=hosted)
    async with resources.database.write() as session:
        replay = await idempotency.find_replay(session, claim) if claim else None
        if replay is None:
            accepted = await order_processor.accept(
                session,
                store.actor,
                store,
                request,
                rules=viewer.rules,
                urls=url_rules(resources),
                cipher=resources.cipher,
            )
            incoming_id, created = accepted.incoming_order_id, accepted.created
            if claim:
                await idempotency.remember(
                    session,
                    claim,
                    status=201 if created else 200,
                    resource_type=INCOMING_ORDER,
                    resource_id=incoming_id,
                )
        else:
            incoming_id, created = replay.resource_id, replay.status == 201  # noqa: PLR2004 - HTTP's own number
    if replay is None:
        await wait_for_requisite(resources.database, incoming_id, asked.wait_seconds)
    async with resources.database.read() as session:
        deal = await get_deal(session, incoming_id)
        body = await show_payin(session, deal, viewer)
        if hosted and deal.page is not None:
            body = PayinSessionRead(**body.model_dump(), token=viewer.token_of(deal.page))
    return Answer(Made(body, replayed=replay is not None), created)


def _request(asked: PayinFields, *, hosted: bool) -> Request:
    fields: dict[str, Any] = asked.model_dump(exclude={"wait_seconds"})
    return Request(**fields, hosted=hosted, request_hash=_request_hash(fields, hosted=hosted))


def _request_hash(fields: dict[str, Any], *, hosted: bool) -> bytes:
    """Of what was asked, after parsing: spelling and order of fields make no difference."""
    canonical = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(canonical + (OTHER_KIND_OF_REQUEST if hosted else b"")).digest()


async def get_incoming_order_status(
    resources: Resources, store: StoreContext, identifier: str, *, by: str
) -> PayinRead:
    """A store's own pay-in. Raises NotFound."""
    viewer = await open_viewer(resources)
    async with resources.database.read() as session:
        deal = await get_store_deal(session, store.id, Direction.PAY_IN, identifier, by)
        return await show_payin(session, deal, viewer)


async def confirm_payin(resources: Resources, store: StoreContext, identifier: str, receipt: bytes | None) -> PayinRead:
    """The store says that its customer has paid. Raises NotFound, OrderStateConflict, SessionExpired."""
    async with resources.database.read() as session:
        deal = await get_store_deal(session, store.id, Direction.PAY_IN, identifier, "order_id")
    await confirm_deal(resources, store.actor, deal.incoming.id, receipt, receipt_required=store.receipt_required)
    return await get_incoming_order_status(resources, store, identifier, by="order_id")


async def confirm_deal(
    resources: Resources, actor: Actor, incoming_order_id: int, receipt: bytes | None, *, receipt_required: bool
) -> None:
    """Check, close, store, link: the receipt is cleaned and stored before the transaction that links it.

    Storage down: the first confirmation is kept without the receipt; a store that insists on one, a late claim and
    the receipt that follows a lost one come to nothing without it (DependencyUnavailable).
    """
    rules = await resources.config.current()
    async with resources.database.read() as session:
        deal = await get_deal(session, incoming_order_id)
        now = await order_status_manager.database_now(session)
        order = order_status_manager.require_order(deal)
        if order_status_manager.is_late(deal):
            order_status_manager.check_late_window(order, now, rules)
        had_receipt = deal.incoming.status != IncomingOrderStatus.FAILED_PROCESSING_RECEIPT
        needs_receipt = receipt_required or OrderStatus(order.status) is not OrderStatus.PENDING
    if receipt is None and receipt_required and had_receipt:
        raise ValidationFailed.at("body", "receipt", code="receipt.required")
    stored: StoredReceipt | None = None
    lost = False
    if receipt is not None:
        try:
            cleaned = await document_service.prepare_receipt(receipt)
            stored = await document_service.stage(resources.storage, cleaned, clock=resources.clock)
        except DependencyUnavailable:
            if needs_receipt:
                raise
            lost = True
    async with resources.database.write() as session:
        await order_processor.finalize_order_after_client_confirmation(
            session, actor, incoming_order_id, receipt=stored, receipt_lost=lost, rules=rules
        )


async def cancel_payin(resources: Resources, store: StoreContext, identifier: str, reason: str) -> PayinRead:
    """Give up before the payer has confirmed. Raises NotFound, OrderStateConflict."""
    async with resources.database.read() as session:
        deal = await get_store_deal(session, store.id, Direction.PAY_IN, identifier, "order_id")
    await cancel_deal(resources, store.actor, deal.incoming.id, reason)
    return await get_incoming_order_status(resources, store, identifier, by="order_id")


async def cancel_deal(resources: Resources, actor: Actor, incoming_order_id: int, reason: str) -> None:
    """Cancel whatever stands: the waiting request or the reserved requisite."""
    rules = await resources.config.current()
    async with resources.database.write() as session:
        deal = await lock_deal_for_update(session, incoming_order_id)
        if deal.order is not None:
            await order_status_manager.cancel_order(session, actor, deal, reason, rules)
        elif IncomingOrderStatus(deal.incoming.status).is_terminal:
            raise OrderStateConflict(deal.incoming.status)
        else:
            await order_status_manager.cancel_waiting(session, actor, deal, reason, rules)


async def get_balance(session: AnySession, store: StoreContext) -> BalanceRead:
    """The store's settlement balance."""
    key = AccountKey.store_crypto(store.id, store.crypto_currency, test=store.test)
    balance = await balance_manager.get_balance(session, key)
    scale = (await reference_data.get_scales(session))[store.crypto_currency]
    return BalanceRead(
        currency=store.crypto_currency,
        total=format_amount(balance.total, scale),
        held=format_amount(balance.held, scale),
        available=format_amount(balance.available, scale),
    )


async def wait_for_requisite(database: Database, incoming_order_id: int, seconds: float) -> None:
    """Wait until a requisite is reserved or none will be, at most `seconds`; holds nothing meanwhile."""
    deadline = time.monotonic() + seconds
    looks = 0
    while time.monotonic() < deadline:
        async with database.read() as session:
            deal = await get_deal(session, incoming_order_id)
        waits = IncomingOrderStatus(deal.incoming.status).awaits_requisite
        if not waits or deal.incoming.next_attempt_at is None:
            return
        await asyncio.sleep(POLL_SECONDS[min(looks, len(POLL_SECONDS) - 1)])
        looks += 1


async def open_viewer(resources: Resources) -> Viewer:
    return Viewer(resources.cipher, resources.settings.public_base_url, await resources.config.current())


def url_rules(resources: Resources) -> UrlRules:
    return UrlRules(
        callback_service.callback_rules(resources.settings),
        allow_loopback_http=not resources.settings.is_production,
    )
