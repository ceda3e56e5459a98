"""TLS is verified against the name a shop gave, whatever address it leads to (F32)."""

import ssl
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path

import pytest

from jivapay.domain.urls import CallbackRules, IPAddress, parse_nets
from jivapay.utils.http_client import Answer, Failure, HttpTransport
from support.certificates import certificate
from support.sink import Sink

LOOPBACK = CallbackRules(allow_nets=parse_nets("127.0.0.0/8"))
BODY = b'{"a":1}'


async def to_loopback(_host: str, _port: int) -> list[IPAddress]:
    return [ip_address("127.0.0.1")]


@pytest.mark.parametrize(
    ("host", "days", "trusted", "answer"),
    [
        pytest.param("shop.example", 1, True, Answer(status=200, excerpt=b"done"), id="good"),
        pytest.param("shop.example", 1, False, Answer(failure=Failure.TLS), id="F32 self-signed"),
        pytest.param("shop.example", -1, True, Answer(failure=Failure.TLS), id="F32 expired"),
        pytest.param("other.example", 1, True, Answer(failure=Failure.TLS), id="F32 another name"),
        pytest.param("127.0.0.1", 1, True, Answer(failure=Failure.TLS), id="the address is not the name"),
    ],
)
async def test_f32_tls_is_verified_against_the_name(
    open_sink: Callable[[ssl.SSLContext], Awaitable[Sink]],
    tmp_path: Path,
    host: str,
    days: int,
    trusted: bool,
    answer: Answer,
) -> None:
    listener, authority = certificate(tmp_path, host, days=days)
    sink = await open_sink(listener)
    context = ssl.create_default_context(cafile=str(authority)) if trusted else None
    async with HttpTransport(LOOPBACK, resolver=to_loopback, ssl_context=context) as transport:
        assert await transport.post(sink.url("status/200", "https", "shop.example"), BODY, {}) == answer
    assert len(sink.requests) == (1 if answer.status else 0)
