"""A merchant's keys: whoever may change the store issues, rotates and revokes them; each deed is audited."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from jivapay.config.crypto import Cipher
from jivapay.database.models.people import MerchantStore, StoreApiKey
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.exceptions import Conflict, ValidationFailed
from jivapay.services import api_key_service, audit_service, idempotency
from jivapay.services.api_key_service import IssuedKey
from jivapay.services.idempotency import IdempotencyClaim, Made
from jivapay.services.merchant_service.stores import get_merchant_store, lock_own_store

LIVE_KEYS_MAX = 20
"""Of one store."""


@dataclass(frozen=True, slots=True)
class KeyMaker:
    """The secrets that making a key needs."""

    pepper: str
    cipher: Cipher


async def issue_api_key(
    session: WriteSession,
    actor: Actor,
    store_id: UUID,
    *,
    name: str,
    scopes: Sequence[str],
    networks: Sequence[str],
    maker: KeyMaker,
    claim: IdempotencyClaim | None = None,
) -> Made[IssuedKey]:
    """A new key of the merchant's own store. Raises NotFound, ValidationFailed, Conflict `api_key.too_many`."""
    for network in networks:
        _check_network(network)

    async def make() -> tuple[int, IssuedKey]:
        store = await lock_own_store(session, actor, store_id)
        issued = await _issue(session, store, name, scopes, networks, maker)
        await _record(session, actor, "api_key.issued", issued.row)
        return issued.row.id, issued

    return await idempotency.make_once(session, claim, resource_type="api_key", make=make, load=None)


async def list_api_keys(session: AnySession, actor: Actor, store_id: UUID) -> Sequence[StoreApiKey]:
    """Raises NotFound."""
    view = await get_merchant_store(session, actor, store_id)
    return await api_key_service.list_keys(session, view.store.id)


async def rotate_api_key(
    session: WriteSession, actor: Actor, store_id: UUID, key_id: UUID, *, overlap: timedelta, maker: KeyMaker
) -> IssuedKey:
    """A new key like this one; the old one lives on for `overlap`. Raises NotFound, Conflict."""
    store = await lock_own_store(session, actor, store_id)
    old = await api_key_service.get_live_key_for_update(session, store.id, key_id)
    issued = await _issue(session, store, old.name, old.scopes, old.networks, maker)
    await api_key_service.end_after(session, old, overlap)
    await _record(session, actor, "api_key.rotated", old)
    await _record(session, actor, "api_key.issued", issued.row)
    return issued


async def revoke_api_key(session: WriteSession, actor: Actor, store_id: UUID, key_id: UUID) -> None:
    """At once. Raises NotFound."""
    store = await lock_own_store(session, actor, store_id)
    key = await api_key_service.get_live_key_for_update(session, store.id, key_id)
    await api_key_service.revoke(session, key)
    await _record(session, actor, "api_key.revoked", key)


async def _issue(
    session: WriteSession,
    store: MerchantStore,
    name: str,
    scopes: Sequence[str],
    networks: Sequence[str],
    maker: KeyMaker,
) -> IssuedKey:
    if await api_key_service.count_live_keys(session, store.id) >= LIVE_KEYS_MAX:
        raise Conflict("There are too many keys.", code="api_key.too_many")
    return await api_key_service.issue(
        session, store, name=name, scopes=scopes, networks=networks, pepper=maker.pepper, cipher=maker.cipher
    )


def _check_network(network: str) -> None:
    try:
        ipaddress.ip_network(network)
    except ValueError:
        raise ValidationFailed.at("body", "networks", code="network.invalid") from None


async def _record(session: WriteSession, actor: Actor, action: str, key: StoreApiKey) -> None:
    await audit_service.log_event(
        session, actor, action, entity="store_api_key", entity_id=key.id, details={"key_id": key.key_id}
    )
