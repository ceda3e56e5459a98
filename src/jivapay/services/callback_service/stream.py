"""`GET /gateway/events`: what happened to a store's orders, in the order in which it was told, with nothing missing."""

import json
from typing import Any

from sqlalchemy import Text, cast, select

from jivapay.config.crypto import Cipher
from jivapay.database.models.callbacks import CallbackDelivery
from jivapay.database.models.people import MerchantStore
from jivapay.database.session import AnySession
from jivapay.domain.signatures import sign_fields
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.gateway import EVENTS_MAX
from jivapay.services.callback_service.sending import event_fields, store_keys


async def list_events(
    session: AnySession, cipher: Cipher, *, store_id: int, after: int = 0, limit: int = EVENTS_MAX
) -> list[dict[str, Any]]:
    """The bodies after number `after`, oldest first, each with the time it was booked and its signature.

    Every event of the store is here once, also those that were never pushed. Raises NotFound for no such store.
    """
    store = await session.execute(
        select(MerchantStore.public_id, MerchantStore.callback_secret).where(MerchantStore.id == store_id)
    )
    row = store.one_or_none()
    if row is None:
        raise NotFound
    key = store_keys(cipher, row.public_id, row.callback_secret, None)[0]
    events = await session.execute(
        select(
            CallbackDelivery.event_id,
            CallbackDelivery.store_seq,
            cast(CallbackDelivery.payload, Text).label("payload"),
            CallbackDelivery.created_at,
        )
        .where(CallbackDelivery.store_id == store_id, CallbackDelivery.store_seq > after)
        .order_by(CallbackDelivery.store_seq)
        .limit(min(limit, EVENTS_MAX))
    )
    bodies = [event_fields(e.event_id, e.store_seq or 0, json.loads(e.payload), e.created_at) for e in events]
    return [{**body, "signature": sign_fields(key, body)} for body in bodies]
