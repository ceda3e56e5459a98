"""What a process holds for its whole life, opened once by its door and closed in reverse order.

The API keeps it in `app.state.resources`, a worker child in its module; nothing else holds connections.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from jivapay.config.clock import Clock
from jivapay.config.crypto import Cipher
from jivapay.config.settings import Settings
from jivapay.database.session import Database
from jivapay.database.tls import DatabaseTls
from jivapay.exceptions import ConfigurationError
from jivapay.utils.config_loader import ConfigLoader
from jivapay.utils.rate_limits import RateLimiter
from jivapay.utils.s3_client import Storage, open_storage

VALKEY_SECONDS = 1.0
"""To connect and for an answer: everything Valkey does here is a hint or a count, and can be done without."""


@dataclass(frozen=True, slots=True)
class Resources:
    settings: Settings
    database: Database
    redis: Redis
    storage: Storage
    cipher: Cipher
    clock: Clock
    config: ConfigLoader
    rate_limiter: RateLimiter


@asynccontextmanager
async def open_resources(
    settings: Settings,
    *,
    clock: Clock | None = None,
    storage: Storage | None = None,
    application_name: str = "jivapay",
    keeps_plans: bool = False,
) -> AsyncIterator[Resources]:
    """Everything of one process. Connects to nothing yet; raises ConfigurationError when a setting is missing.

    `keeps_plans`: for workers, see `database/engine.py`.
    """
    clock = clock or Clock()
    cipher = Cipher.from_settings(settings)
    storage = storage or open_storage(settings)
    redis = open_redis(settings)
    try:
        database = Database(
            settings.async_database_url,
            pool_size=settings.database_pool_size,
            clock=clock,
            application_name=application_name,
            keeps_plans=keeps_plans,
            tls=DatabaseTls.of(settings),
        )
        try:
            config = ConfigLoader(database)
            yield Resources(
                settings=settings,
                database=database,
                redis=redis,
                storage=storage,
                cipher=cipher,
                clock=clock,
                config=config,
                rate_limiter=RateLimiter(redis, config),
            )
        finally:
            await database.close()
    finally:
        await redis.aclose()


def open_redis(settings: Settings) -> Redis:
    """A client that gives up quickly. Connects to nothing yet."""
    if settings.redis_url is None:
        raise ConfigurationError("REDIS_URL must be set.")
    return Redis.from_url(
        settings.redis_url.get_secret_value(),
        socket_timeout=VALKEY_SECONDS,
        socket_connect_timeout=VALKEY_SECONDS,
        retry=Retry(NoBackoff(), 1),
        health_check_interval=30,
    )
