"""Pay-ins as stores ask for them: init, session, status, balance."""

import asyncio
import hashlib
import time
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.session import AnySession, Database
from jivapay.domain.money import format_amount
from jivapay.schemas_enums.enums import Direction, IncomingOrderStatus
from jivapay.schemas_enums.gateway import (
    BalanceRead,
    PayinFields,
    PayinInit,
    PayinInitiateSession,
    PayinRead,
    PayinSessionRead,
    PayoutRead,
)
from jivapay.services import (
    balance_manager,
    callback_service,
    idempotency,
    order_processor,
    reference_data,
)
from jivapay.services.api_key_service import StoreContext
from jivapay.services.balance_manager import AccountKey
from jivapay.services.gateway_service.deals import Viewer, get_deal, get_store_deal, show_payin
from jivapay.services.idempotency import IdempotencyClaim, Made
from jivapay.services.order_processor import Accepted, Request, UrlRules
from jivapay.utils.resources import Resources

POLL_SECONDS = (0.03, 0.05, 0.1, 0.2)
"""Pauses between looks while an answer waits for a requisite; the last one repeats."""
OTHER_KIND_OF_REQUEST = b"hosted"
INCOMING_ORDER = "incoming_order"


Shown = TypeVar("Shown", PayinRead, PayoutRead)


@dataclass(frozen=True, slots=True)
class Answer(Generic[Shown]):
    """A deal, and whether this request made it (201) or found it (200)."""

    made: Made[Shown]
    created: bool


async def initialize_payin(
    resources: Resources, store: StoreContext, asked: PayinInit, claim: IdempotencyClaim | None
) -> Answer[PayinRead]:
    """Host-to-host: the store shows the requisite itself. Waits up to `wait_seconds` for one."""
    return await _accept(resources, store, asked, claim, hosted=False)


async def initiate_payment_session(
    resources: Resources, store: StoreContext, asked: PayinInitiateSession, claim: IdempotencyClaim | None
) -> Answer[PayinRead]:
    """With a payment page; the answer also carries the page's token."""
    return await _accept(resources, store, asked, claim, hosted=True)


async def _accept(
    resources: Resources,
    store: StoreContext,
    asked: PayinInit | PayinInitiateSession,
    claim: IdempotencyClaim | None,
    *,
    hosted: bool,
) -> Answer[PayinRead]:
    viewer = await open_viewer(resources)
    request = _request(asked, hosted=hosted)
    accepted, replayed = await accept_once(resources, store, request, viewer.rules, claim)
    if not replayed:
        await wait_for_requisite(resources.database, accepted.incoming_order_id, asked.wait_seconds)
    async with resources.database.read() as session:
        deal = await get_deal(session, accepted.incoming_order_id)
        body = await show_payin(session, deal, viewer)
        if hosted and deal.page is not None:
            body = PayinSessionRead(**body.model_dump(), token=viewer.token_of(deal.page))
    return Answer(Made(body, replayed=replayed), accepted.created)


async def accept_once(
    resources: Resources,
    store: StoreContext,
    request: Request,
    rules: BusinessSettings,
    claim: IdempotencyClaim | None,
) -> tuple[Accepted, bool]:
    """Accept the request in one transaction, or find what the first one with this key made (True)."""
    accept = order_processor.accept if request.recipient is None else order_processor.accept_payout
    async with resources.database.write() as session:
        replay = await idempotency.find_replay(session, claim) if claim else None
        if replay is not None:
            return Accepted(replay.resource_id, created=replay.status == 201), True  # noqa: PLR2004 - HTTP's own number
        accepted = await accept(
            session,
            store.actor,
            store,
            request,
            rules=rules,
            urls=url_rules(resources),
            cipher=resources.cipher,
        )
        if claim:
            await idempotency.remember(
                session,
                claim,
                status=201 if accepted.created else 200,
                resource_type=INCOMING_ORDER,
                resource_id=accepted.incoming_order_id,
            )
    return accepted, False


def _request(asked: PayinFields, *, hosted: bool) -> Request:
    fields: dict[str, Any] = asked.model_dump(exclude={"wait_seconds"})
    return Request(**fields, hosted=hosted, request_hash=request_hash(fields, hosted=hosted))


def request_hash(fields: dict[str, Any], *, hosted: bool) -> bytes:
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
