"""Who calls the payouts service: a store by its key, or, where that is switched on, a peer inside (hard case 18).

`PAYOUTS_ACCESS=internal` judges the direct peer alone. Behind a proxy every stranger would have the proxy's address, so
a request that bears a forwarding header is refused, and production refuses the setting.
"""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from fastapi import Request

from jivapay.config.logger import current_request_id
from jivapay.config.settings import PayoutsAccess, Settings
from jivapay.domain.actors import Actor
from jivapay.exceptions import AuthenticationError, PermissionDenied
from jivapay.security.access import client_ip
from jivapay.security.dependencies import get_resources
from jivapay.security.store_auth import StoreAuth, StoreContext
from jivapay.services import payout_service
from jivapay.utils.resources import Resources

FORWARDING = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip"})
FORWARDING_PREFIX = "x-forwarded-"
INTERNAL_KEY_ID = "internal"


@dataclass(frozen=True, slots=True)
class PayoutsAuth(StoreAuth):
    """`Annotated[StoreContext, Depends(PayoutsAuth("payouts"))]`. A key that is shown must be right."""

    async def __call__(self, request: Request) -> StoreContext:
        resources = get_resources(request)
        settings = resources.settings
        if settings.payouts_access is PayoutsAccess.KEY or "x-api-key" in request.headers:
            return await StoreAuth.__call__(self, request)
        if _is_forwarded(request) or not _is_internal(client_ip(request), settings):
            raise AuthenticationError
        return await _internal_store(request, resources)


def _is_forwarded(request: Request) -> bool:
    return any(name in FORWARDING or name.startswith(FORWARDING_PREFIX) for name in request.headers)


def _is_internal(peer: str | None, settings: Settings) -> bool:
    try:
        address = ip_address(peer or "")
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    networks = filter(None, (part.strip() for part in settings.payouts_internal_networks.split(",")))
    return any(address in ip_network(network) for network in networks)


async def _internal_store(request: Request, resources: Resources) -> StoreContext:
    store_id = resources.settings.payouts_internal_store
    async with resources.database.read() as session:
        store = None if store_id is None else await payout_service.find_internal_store(session, store_id)
    if store is None:
        raise PermissionDenied("This store is switched off.", code="store.access_denied")
    actor = Actor.store(store.id, ip=client_ip(request), request_id=current_request_id())
    request.state.actor = actor
    await resources.rate_limiter.hit("RATE_LIMIT_GATEWAY", f"internal:{store.id}")
    return StoreContext.of(store, key_id=INTERNAL_KEY_ID, actor=actor)
