"""The whole way, over real connections to shops on loopback that verify what they get."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest
from standardwebhooks import Webhook

from jivapay.domain.urls import CallbackRules, parse_nets
from jivapay.utils.http_client import HttpTransport
from services.callback.world import World
from support.sink import Sink

LOOPBACK = CallbackRules(allow_nets=parse_nets("127.0.0.0/8"))


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    sink = Sink()
    await sink.open()
    yield sink
    await sink.close()


async def test_a_shop_verifies_the_bytes_it_received(world: World, sink: Sink) -> None:
    shop = await world.add_shop(sink.url("status/204"), rotating=True)
    delivery = await world.book(shop, payload={"metadata": {"имя": "Ёж"}})
    async with HttpTransport(LOOPBACK) as transport:
        assert (await world.deliver(transport)).delivered == 1
    [(_, headers, body)] = sink.requests
    assert shop.previous_secret is not None
    for secret in (shop.secret, shop.previous_secret):
        assert Webhook(secret).verify(body, headers) == json.loads(body)
    [attempt] = await world.attempts(delivery)
    assert (attempt.response_status, attempt.failure, attempt.response_excerpt) == (204, None, None)


async def test_each_kind_of_bad_shop_is_recorded_and_the_good_ones_are_served(world: World, sink: Sink) -> None:
    expected = {
        "hang": (None, "timeout"),
        "drip/body": (200, "timeout"),
        "drip/head": (None, "timeout"),
        "redirect/http:%2f%2f169.254.169.254%2f": (302, "redirect"),
        "status/500": (500, "status"),
        "status/410": (410, "gone"),
        "reset/now": (None, "reset"),
        "reset/middle": (200, "reset"),
        "garbage/text": (None, "protocol"),
        "endless/plain": (200, None),
        "gzip": (200, None),
        "secret": (500, "status"),
    }
    ids = {path: await world.book(await world.add_shop(sink.url(path)), numbered=False) for path in expected}
    dead = await world.book(await world.add_shop("http://127.0.0.1:1/"), numbered=False)
    inside = await world.book(await world.add_shop("https://10.0.0.1/"), numbered=False)
    good = [await world.book(await world.add_shop(sink.url("status/200")), numbered=False) for _ in range(20)]
    await world.number()
    started = time.monotonic()
    async with HttpTransport(LOOPBACK, deadline_seconds=2) as transport:
        run = asyncio.create_task(world.deliver(transport))
        while await world.states(*good) != ["delivered"] * 20:
            assert time.monotonic() - started < 1.9
            await asyncio.sleep(0.05)
        await run
    for path, (status, failure) in expected.items():
        [attempt] = await world.attempts(ids[path])
        assert (path, attempt.response_status, attempt.failure) == (path, status, failure)
    assert [attempt.failure for attempt in await world.attempts(dead)] == ["connect"]
    assert [attempt.failure for attempt in await world.attempts(inside)] == ["blocked_address"]


async def test_a_shop_gets_two_at_a_time(world: World, sink: Sink) -> None:
    shop = await world.add_shop(sink.url("hang"))
    for _ in range(6):
        await world.book(shop, numbered=False)
    await world.number()
    async with HttpTransport(LOOPBACK, deadline_seconds=1.5) as transport:
        run = asyncio.create_task(world.deliver(transport, run_seconds=1))
        await asyncio.sleep(0.7)
        assert sink.connections == 2
        assert (await run).failed == 2
