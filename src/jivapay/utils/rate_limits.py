"""How often somebody may call: sliding windows in Valkey, with the limits of `configuration_settings` (decision 17).

A limit is changed without a restart, because its text is read at each call (from the loader's cache). When Valkey is
out of reach each process counts by itself, and signing in gets a quarter of its limit: being slow with an attacker
matters more there than with an honest mistyper. The failures of one account are counted in the database anyway.
"""

import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network

from fastapi import Request
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from jivapay.config.logger import get_logger
from jivapay.domain.actors import Actor
from jivapay.exceptions import LimitExceeded
from jivapay.schemas_enums.enums import ActorKind
from jivapay.utils.config_loader import ConfigLoader

logger = get_logger(__name__)

STRICTER_WITHOUT_VALKEY = frozenset({"RATE_LIMIT_LOGIN"})
STRICTER_BY = 4
RETRY_VALKEY_SECONDS = 5.0
KEY_PREFIX = "jivapay:limit"
IPV6_SUBSCRIBER_BITS = 64
"""One subscriber has at least this many addresses; counting them one by one would count nothing."""

Key = Callable[[Request], str]


class RateLimiter:
    """One per process."""

    def __init__(self, redis: Redis, config: ConfigLoader) -> None:
        self._config = config
        self._shared = SlidingWindowCounterRateLimiter(
            RedisStorage(
                "async+redis://",
                implementation="redispy",
                key_prefix=KEY_PREFIX,
                connection_pool=redis.connection_pool,  # type: ignore[arg-type]  # taken, but not in its hints
            )
        )
        self._local = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._local_until = 0.0

    async def hit(self, name: str, key: str) -> None:
        """Count one call of `key` against the setting `name` (`RATE_LIMIT_PAGE`). Raises LimitExceeded."""
        settings = await self._config.current()
        limit = parse_limit(getattr(settings, name.lower()))
        if not await self._hit(name, limit, key):
            raise LimitExceeded("Too many requests; wait.", retry_after_seconds=_wait_seconds(limit))

    async def _hit(self, name: str, limit: RateLimitItem, key: str) -> bool:
        if time.monotonic() >= self._local_until:
            try:
                return bool(await self._shared.hit(limit, name, key))
            except (RedisError, OSError, TimeoutError) as error:
                self._local_until = time.monotonic() + RETRY_VALKEY_SECONDS
                logger.warning("rate_limits_local", error=type(error).__name__, seconds=RETRY_VALKEY_SECONDS)
        if name in STRICTER_WITHOUT_VALKEY:
            limit = type(limit)(max(1, limit.amount // STRICTER_BY), limit.multiples)
        return bool(await self._local.hit(limit, name, key))


@lru_cache(maxsize=256)
def parse_limit(text: str) -> RateLimitItem:
    """`100/minute`, `30/15 minutes`. Raises ValueError."""
    item: RateLimitItem = parse(text)
    return item


def _wait_seconds(limit: RateLimitItem) -> int:
    """When one more call fits, if calls are spread evenly: exact times would cost a second round trip."""
    return max(1, round(limit.get_expiry() / limit.amount))


def by_address(request: Request) -> str:
    """The caller's address; a whole /64 of IPv6."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return "address:unknown"
    if isinstance(address, IPv6Address):
        return f"address:{ip_network((address, IPV6_SUBSCRIBER_BITS), strict=False)}"
    return f"address:{address}"


def by_user(request: Request) -> str:
    """The signed-in user; the address before anybody is known."""
    actor = _actor(request)
    return f"user:{actor.id}" if actor is not None and actor.kind is ActorKind.USER else by_address(request)


def by_api_key(request: Request) -> str:
    """The key of a store that is known; the address otherwise, since a made-up key costs nothing."""
    actor = _actor(request)
    if actor is None or actor.kind is not ActorKind.STORE:
        return by_address(request)
    presented = request.headers.get("x-api-key", "")
    return f"store:{actor.id}:{blake2b(presented.encode(), digest_size=8).hexdigest()}"


def rate_limited(name: str, key: Key = by_address) -> Callable[[Request], Awaitable[None]]:
    """A dependency: `Depends(rate_limited("RATE_LIMIT_PAGE"))`. By user or key: place it after authentication."""

    async def check(request: Request) -> None:
        limiter: RateLimiter = request.app.state.resources.rate_limiter
        await limiter.hit(name, key(request))

    return check


def _actor(request: Request) -> Actor | None:
    """Who authentication found; it leaves the actor in `request.state.actor`."""
    actor = getattr(request.state, "actor", None)
    return actor if isinstance(actor, Actor) else None
