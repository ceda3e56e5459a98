"""Limits over real Valkey, by whom they count, and what is left of them without it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest
from fastapi import Depends, FastAPI, Request
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.requests import Request as StarletteRequest

from jivapay.config.business_settings import BusinessSettings
from jivapay.domain.actors import Actor
from jivapay.exceptions import LimitExceeded
from jivapay.schemas_enums.enums import ActorKind, Role
from jivapay.servers.app_factory import create_app
from jivapay.utils.config_loader import ConfigLoader
from jivapay.utils.rate_limits import RateLimiter, by_address, by_api_key, by_user, rate_limited
from jivapay.utils.resources import Resources
from jivapay.utils.routing import api_router

router = api_router("/limited", tags=("limited",))


@router.get("/page", dependencies=[Depends(rate_limited("RATE_LIMIT_PAGE"))])
async def get_page() -> dict[str, bool]:
    return {"ok": True}


class FixedConfig(ConfigLoader):
    """Settings a test decides."""

    def __init__(self, **values: str) -> None:
        self.values = values

    async def current(self) -> BusinessSettings:
        return BusinessSettings().model_copy(update=self.values)


@pytest.fixture
async def config() -> FixedConfig:
    return FixedConfig(rate_limit_page="3/minute", rate_limit_login="8/minute")


@pytest.fixture
async def redis(resources: Resources) -> Redis:
    await resources.redis.flushdb()
    return resources.redis


@pytest.fixture
async def dead_redis() -> AsyncIterator[Redis]:
    client = Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2, retry=Retry(NoBackoff(), 0))
    yield client
    await client.aclose()


async def allowed(limiter: RateLimiter, name: str, key: str, calls: int) -> int:
    """How many of `calls` pass."""
    passed = 0
    for _ in range(calls):
        try:
            await limiter.hit(name, key)
        except LimitExceeded:
            continue
        passed += 1
    return passed


async def test_processes_share_one_count_and_keys_do_not(redis: Redis, config: FixedConfig) -> None:
    first, second = RateLimiter(redis, config), RateLimiter(redis, config)
    assert await allowed(first, "RATE_LIMIT_PAGE", "a", 2) == 2
    assert await allowed(second, "RATE_LIMIT_PAGE", "a", 5) == 1
    assert await allowed(second, "RATE_LIMIT_PAGE", "b", 5) == 3
    assert await allowed(second, "RATE_LIMIT_LOGIN", "a", 9) == 8


async def test_calls_at_once_do_not_slip_through(redis: Redis, config: FixedConfig) -> None:
    limiter = RateLimiter(redis, config)
    results = await asyncio.gather(*(limiter.hit("RATE_LIMIT_PAGE", "c") for _ in range(20)), return_exceptions=True)
    assert sum(result is None for result in results) == 3


async def test_a_changed_setting_counts_at_once(redis: Redis, config: FixedConfig) -> None:
    limiter = RateLimiter(redis, config)
    assert await allowed(limiter, "RATE_LIMIT_PAGE", "a", 5) == 3
    config.values["rate_limit_page"] = "6/minute"
    assert await allowed(limiter, "RATE_LIMIT_PAGE", "a", 5) == 5


async def test_without_valkey_each_process_counts_and_signing_in_is_stricter(
    dead_redis: Redis, config: FixedConfig
) -> None:
    limiter = RateLimiter(dead_redis, config)
    assert await allowed(limiter, "RATE_LIMIT_PAGE", "a", 9) == 3
    assert await allowed(limiter, "RATE_LIMIT_LOGIN", "a", 9) == 2


async def test_too_many_calls_are_told_to_wait(resources: Resources, redis: Redis, config: FixedConfig) -> None:
    app = create_app("limited", [router], resources=replace(resources, rate_limiter=RateLimiter(redis, config)))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as client:
        answers = [await client.get("/limited/page") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].json()["code"] == "rate_limited"
    assert answers[3].headers["retry-after"] == "20"


def _request(host: str, actor: Actor | None = None, api_key: str = "") -> Request:
    scope = {
        "type": "http",
        "app": FastAPI(),
        "client": (host, 1),
        "headers": [(b"x-api-key", api_key.encode())] if api_key else [],
        "state": {"actor": actor} if actor else {},
    }
    return StarletteRequest(scope)


def test_an_address_counts_whole_and_an_ipv6_subscriber_by_its_network() -> None:
    assert by_address(_request("203.0.113.9")) == "address:203.0.113.9"
    assert by_address(_request("2001:db8:1:2::1")) == by_address(_request("2001:db8:1:2:ffff::2"))
    assert by_address(_request("2001:db8:1:2::1")) != by_address(_request("2001:db8:1:3::1"))
    assert by_address(_request("testclient")) == "address:unknown"


def test_users_and_keys_count_only_once_they_are_known() -> None:
    user = Actor(kind=ActorKind.USER, id=7, role=Role.TRADER)
    store = Actor.store(9)
    assert by_user(_request("203.0.113.9", user)) == "user:7"
    assert by_user(_request("203.0.113.9")) == "address:203.0.113.9"
    assert by_api_key(_request("203.0.113.9", None, "jp_live_made_up")) == "address:203.0.113.9"
    known = by_api_key(_request("203.0.113.9", store, "jp_live_a"))
    assert known.startswith("store:9:")
    assert "jp_live_a" not in known
    assert known != by_api_key(_request("203.0.113.9", store, "jp_live_b"))
