"""Which store is calling: `X-API-Key`, and for stores that ask for it a signed request (decision 18).

Authenticates in a read session of its own, closed before the route begins; the route is handed a frozen
`StoreContext` and no row. Order: key, store, network, scope, signature.
"""

import ipaddress
from dataclasses import dataclass
from typing import Literal

from fastapi import Request

from jivapay.config.crypto import api_key_matches, parse_api_key
from jivapay.config.logger import current_request_id
from jivapay.config.settings import Settings
from jivapay.domain.actors import Actor
from jivapay.domain.signatures import SignatureCheck, verify_body
from jivapay.exceptions import AuthenticationError, ConfigurationError, PermissionDenied
from jivapay.security.access import client_ip
from jivapay.security.dependencies import get_resources
from jivapay.services import api_key_service
from jivapay.services.api_key_service import KeyUse, StoreContext
from jivapay.utils.resources import Resources

__all__ = ["StoreAuth", "StoreContext"]


@dataclass(frozen=True, slots=True)
class StoreAuth:
    """`Annotated[StoreContext, Depends(StoreAuth("payin"))]`. Tests find it on every route of the gateway."""

    scope: Literal["payin", "payout", "read", "payouts"]

    async def __call__(self, request: Request) -> StoreContext:
        resources = get_resources(request)
        use = await _find_use(request, resources)
        ip = client_ip(request)
        actor = Actor.store(use.store.id, ip=ip, request_id=current_request_id())
        request.state.actor = actor
        await resources.rate_limiter.hit("RATE_LIMIT_GATEWAY", f"key:{use.key.key_id}")
        if not use.store.access or not use.merchant_is_active:
            raise PermissionDenied("This store is switched off.", code="store.access_denied")
        if not _is_inside(ip, use.key.networks) or self.scope not in use.key.scopes:
            raise PermissionDenied
        await _check_signature(request, resources, use)
        if use.use_is_stale:
            async with resources.database.write() as session:
                await api_key_service.note_use(session, use.key.id)
        return StoreContext.of(use.store, key_id=use.key.key_id, actor=actor)


async def _find_use(request: Request, resources: Resources) -> KeyUse:
    """Raises AuthenticationError `auth.required` without a key, `api_key.invalid` with a wrong one."""
    given = request.headers.getlist("x-api-key")
    if len(given) != 1 or not given[0]:
        raise AuthenticationError
    parts = parse_api_key(given[0])
    if parts is None:
        raise _invalid_key()
    async with resources.database.read() as session:
        use = await api_key_service.find_key_use(session, parts.kid)
    stored = None if use is None else use.key.key_hash
    if not api_key_matches(parts.secret, api_key_pepper(resources.settings), stored) or use is None:
        raise _invalid_key()
    if use.key.test != parts.test:
        raise _invalid_key()
    return use


async def _check_signature(request: Request, resources: Resources, use: KeyUse) -> None:
    """Raises AuthenticationError `signature.invalid` or `signature.expired`. A signature not asked for counts too."""
    timestamp, signature = request.headers.get("x-timestamp"), request.headers.get("x-signature")
    if not use.store.require_signed_requests and signature is None:
        return
    context = api_key_service.signing_secret_context(use.key.public_id)
    secret = resources.cipher.decrypt(use.key.signing_secret, context)
    now = int(resources.clock.now().timestamp())
    check = verify_body(secret, timestamp, signature, await request.body(), now=now)
    if check is not SignatureCheck.VALID:
        raise AuthenticationError(code=check.value)


def api_key_pepper(settings: Settings) -> str:
    if settings.api_key_pepper is None:
        raise ConfigurationError("API_KEY_PEPPER must be set.")
    return settings.api_key_pepper.get_secret_value()


def _is_inside(ip: str | None, networks: list[str]) -> bool:
    if not networks:
        return True
    try:
        address = ipaddress.ip_address(ip or "")
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(network) for network in networks)


def _invalid_key() -> AuthenticationError:
    return AuthenticationError(code="api_key.invalid")
