"""Shops' endpoints on loopback, opened and closed with the test."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from support.sink import Sink

OpenSink = Callable[..., Awaitable[Sink]]


@pytest.fixture
async def open_sink() -> AsyncIterator[OpenSink]:
    opened: list[Sink] = []

    async def opens(context: ssl.SSLContext | None = None) -> Sink:
        opened.append(Sink())
        await opened[-1].open(context)
        return opened[-1]

    yield opens
    for sink in opened:
        await sink.close()


@pytest.fixture
async def sink(open_sink: OpenSink) -> Sink:
    return await open_sink()


@pytest.fixture
async def canary(open_sink: OpenSink) -> AsyncIterator[Sink]:
    """A listener on loopback that nothing may reach."""
    canary = await open_sink()
    yield canary
    assert canary.connections == 0
