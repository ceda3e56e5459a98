"""Faults F29 to F34 and bad input rows G04 to G13, against a real listener on loopback and nowhere else."""

import asyncio
import socket
import time
import tracemalloc
from collections.abc import AsyncIterator
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from urllib.parse import quote

import httpcore2
import pytest

from jivapay.domain.urls import CallbackRules, IPAddress, parse_nets
from jivapay.utils import http_client
from jivapay.utils.http_client import Answer, Failure, HttpTransport, InMemoryTransport
from support.sink import Sink

LOOPBACK = CallbackRules(allow_nets=parse_nets("127.0.0.0/8"))
STRICT = CallbackRules()
BODY = b'{"a":1}'
HEADERS = {"X-Signature": "abc", "webhook-id": "evt_1"}


def resolver_to(*addresses: str) -> http_client.Resolver:
    async def resolve(_host: str, _port: int) -> list[IPAddress]:
        return [ip_address(address) for address in addresses]

    return resolve


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    async with HttpTransport(LOOPBACK, deadline_seconds=0.5) as transport:
        yield transport


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Where connections would have gone; none is made."""
    seen: list[tuple[str, int]] = []

    async def connect_tcp(_self: object, host: str, port: int, *_: object) -> httpcore2.AsyncNetworkStream:
        seen.append((host, port))
        raise httpcore2.ConnectError("refused by the test")

    monkeypatch.setattr(httpcore2.AnyIOBackend, "connect_tcp", connect_tcp)
    return seen


async def test_what_is_sent_is_what_was_signed(transport: HttpTransport, sink: Sink) -> None:
    answer = await transport.post(sink.url("status/200"), BODY, HEADERS)
    assert answer == Answer(status=200, excerpt=b"done")
    [(path, headers, body)] = sink.requests
    assert (path, body) == ("status/200", BODY)
    assert headers["x-signature"] == "abc"
    assert headers["webhook-id"] == "evt_1"
    assert headers["content-type"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert headers["host"] == f"127.0.0.1:{sink.port}"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299, 400, 401, 404, 410, 429, 500, 503, 302, 304])
async def test_f30_every_status_is_reported_as_it_is(transport: HttpTransport, sink: Sink, status: int) -> None:
    answer = await transport.post(sink.url(f"status/{status}"), BODY, HEADERS)
    assert (answer.status, answer.failure) == (status, None)
    assert len(sink.requests) == 1


async def test_f30_switching_protocols_unasked_is_a_broken_answer(transport: HttpTransport, sink: Sink) -> None:
    assert await transport.post(sink.url("switch"), BODY, HEADERS) == Answer(failure=Failure.PROTOCOL)


async def test_f30_retry_after_is_handed_on(transport: HttpTransport, sink: Sink) -> None:
    answer = await transport.post(sink.url("status/429/Retry-After:%20120"), BODY, HEADERS)
    assert (answer.status, answer.retry_after) == (429, "120")


@pytest.mark.parametrize(
    "location",
    [
        pytest.param("http://169.254.169.254/latest", id="G09 cloud metadata"),
        pytest.param("http://example.com/", id="G09 to http"),
        pytest.param("//", id="nowhere"),
        pytest.param("http://[broken", id="broken"),
        pytest.param("https://a b/", id="invalid host"),
    ],
)
async def test_g09_a_redirect_is_not_followed(transport: HttpTransport, sink: Sink, location: str) -> None:
    answer = await transport.post(sink.url(f"redirect/{quote(location, safe='')}"), BODY, HEADERS)
    assert (answer.status, answer.failure) == (302, None)
    assert sink.connections == 1


async def test_a_redirect_to_another_listener_leaves_it_in_peace(
    transport: HttpTransport, sink: Sink, canary: Sink
) -> None:
    await transport.post(sink.url(f"redirect/{quote(canary.url('status/200'), safe='')}"), BODY, HEADERS)
    assert sink.connections == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("hang", None, id="F29 accepts and says nothing"),
        pytest.param("drip/body", 200, id="F33 a byte at a time after 200"),
        pytest.param("drip/head", None, id="a byte at a time in the head"),
        pytest.param("continue", None, id="interim answers without end"),
    ],
)
async def test_f29_f33_one_deadline_spans_the_whole_attempt(
    transport: HttpTransport, sink: Sink, path: str, status: int | None
) -> None:
    started = time.monotonic()
    answer = await transport.post(sink.url(path), BODY, HEADERS)
    assert (answer.status, answer.failure) == (status, Failure.TIMEOUT)
    assert 0.45 < time.monotonic() - started < 1.5


def test_the_deadline_is_fifteen_seconds() -> None:
    assert http_client.DEADLINE_SECONDS == 15.0
    assert http_client.ANSWER_BYTES_MAX == 16_384


@pytest.mark.parametrize("path", ["endless/plain", "endless/chunked"])
async def test_f31_an_endless_answer_is_read_to_16_kib(transport: HttpTransport, sink: Sink, path: str) -> None:
    answer = await transport.post(sink.url(path), BODY, HEADERS)
    assert answer == Answer(status=200, excerpt=b"x" * 1024)
    await asyncio.sleep(0.1)
    assert sink.bytes_written < 16_000_000


async def test_f31_a_gzip_bomb_is_not_unpacked(transport: HttpTransport, sink: Sink) -> None:
    tracemalloc.start()
    try:
        answer = await transport.post(sink.url("gzip"), BODY, HEADERS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status == 200
    assert answer.excerpt.startswith(b"\x1f\x8b")
    # The sink makes its 10 MB in this very process; unpacked here they would stand twice.
    assert peak < 15_000_000


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        pytest.param("reset/now", Answer(failure=Failure.RESET), id="F32 reset at once"),
        pytest.param("reset/head", Answer(failure=Failure.RESET), id="F32 reset in the head"),
        pytest.param("reset/middle", Answer(200, Failure.RESET, excerpt=b"begin"), id="F32 reset in the body"),
        pytest.param("leave/now", Answer(failure=Failure.PROTOCOL), id="closed at once"),
        pytest.param("leave/head", Answer(failure=Failure.PROTOCOL), id="closed in the head"),
        pytest.param("leave/middle", Answer(200, Failure.PROTOCOL, excerpt=b"begin"), id="closed in the body"),
        pytest.param("garbage/text", Answer(failure=Failure.PROTOCOL), id="no HTTP"),
        pytest.param("garbage/status", Answer(failure=Failure.PROTOCOL), id="no status"),
        pytest.param("garbage/lengths", Answer(failure=Failure.PROTOCOL), id="two lengths"),
        pytest.param("garbage/chunk", Answer(200, Failure.PROTOCOL), id="broken chunk"),
        pytest.param("garbage/head", Answer(failure=Failure.PROTOCOL), id="head too large"),
    ],
)
async def test_f32_a_broken_answer(transport: HttpTransport, sink: Sink, path: str, answer: Answer) -> None:
    assert await transport.post(sink.url(path), BODY, HEADERS) == answer


async def test_nobody_listens(transport: HttpTransport) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/"
        assert await transport.post(url, BODY, HEADERS) == Answer(failure=Failure.CONNECT)


async def test_f32_a_name_that_leads_nowhere() -> None:
    async def resolve(host: str, _port: int) -> list[IPAddress]:
        raise http_client.UnknownHost(host)

    async with HttpTransport(STRICT, resolver=resolve) as transport:
        assert await transport.post("https://shop.example/", BODY, {}) == Answer(failure=Failure.DNS)


async def test_the_systems_resolver() -> None:
    resolver = http_client.SystemResolver()
    try:
        assert ip_address("127.0.0.1") in await resolver("localhost", 443)
        assert await resolver("127.0.0.1", 443) == [ip_address("127.0.0.1")]
        with pytest.raises(http_client.UnknownHost):
            await resolver("a..b", 443)
    finally:
        resolver.close()


async def test_a_hanging_resolver_is_cut_off_too() -> None:
    async def resolve(_host: str, _port: int) -> list[IPAddress]:
        await asyncio.sleep(60)
        return []

    async with HttpTransport(STRICT, resolver=resolve, deadline_seconds=0.1) as transport:
        assert await transport.post("https://shop.example/", BODY, {}) == Answer(failure=Failure.TIMEOUT)


@pytest.mark.parametrize(
    "addresses",
    [
        pytest.param(["127.0.0.1"], id="G06 loopback"),
        pytest.param(["10.1.2.3"], id="G06 private"),
        pytest.param(["169.254.169.254"], id="cloud metadata"),
        pytest.param(["93.184.215.14", "10.0.0.1"], id="G06 public and private"),
        pytest.param(["10.0.0.1", "93.184.215.14"], id="G06 private and public"),
        pytest.param(["::ffff:127.0.0.1"], id="G04 mapped"),
        pytest.param(["64:ff9b::7f00:1"], id="G04 NAT64"),
        pytest.param(["2002:7f00:1::"], id="G04 6to4"),
        pytest.param(["fe80::1%lo"], id="G04 link-local with a zone"),
    ],
)
async def test_g06_a_name_leading_inside_is_blocked_before_connecting(
    connects: list[tuple[str, int]], addresses: list[str]
) -> None:
    async with HttpTransport(STRICT, resolver=resolver_to(*addresses)) as transport:
        answer = await transport.post("https://shop.example/", BODY, {})
    assert answer == Answer(failure=Failure.BLOCKED_ADDRESS)
    assert connects == []


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/", "https://[::1]/", "https://[::ffff:7f00:1]/", "https://10.0.0.1/", "https://[fe80::1]/"],
)
async def test_g04_an_address_inside_is_blocked_before_connecting(connects: list[tuple[str, int]], url: str) -> None:
    async with HttpTransport(STRICT) as transport:
        assert await transport.post(url, BODY, {}) == Answer(failure=Failure.BLOCKED_ADDRESS)
    assert connects == []


@pytest.mark.parametrize(
    "url", ["http://shop.example/", "https://shop.example:22/", "https://127.1/", "https://a@b.example/", "nonsense"]
)
async def test_an_address_that_is_no_longer_allowed_is_not_even_resolved(
    connects: list[tuple[str, int]], url: str
) -> None:
    async with HttpTransport(STRICT, resolver=resolver_to("93.184.215.14")) as transport:
        assert await transport.post(url, BODY, {}) == Answer(failure=Failure.URL)
    assert connects == []


@pytest.mark.parametrize("url", ["http://shop.example/", "https://shop.example:9000/", "https://shop/"])
async def test_beside_allowed_networks_a_public_name_keeps_the_rules(connects: list[tuple[str, int]], url: str) -> None:
    async with HttpTransport(LOOPBACK, resolver=resolver_to("93.184.215.14")) as transport:
        assert await transport.post(url, BODY, {}) == Answer(failure=Failure.BLOCKED_ADDRESS)
    assert connects == []


async def test_g06_the_connection_goes_to_the_judged_address_whatever_the_name_says_next(
    connects: list[tuple[str, int]], canary: Sink
) -> None:
    """Rebinding: the second answer points at loopback, and is never asked for."""
    answers = [["93.184.215.14"], ["127.0.0.1"]]
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> list[IPAddress]:
        asked.append(host)
        return [ip_address(address) for address in answers[len(asked) - 1]]

    async with HttpTransport(STRICT, resolver=resolve) as transport:
        first = await transport.post("https://shop.example:8443/", BODY, {})
        assert (asked, connects) == (["shop.example"], [("93.184.215.14", 8443)])
        second = await transport.post("https://shop.example:8443/", BODY, {})
    assert (first.failure, second.failure) == (Failure.CONNECT, Failure.BLOCKED_ADDRESS)
    assert connects == [("93.184.215.14", 8443)]


async def test_a_name_is_connected_by_its_address_and_keeps_its_host_header(sink: Sink) -> None:
    async with HttpTransport(LOOPBACK, resolver=resolver_to("127.0.0.1")) as transport:
        answer = await transport.post(sink.url("status/200", host="xn--e1afmkfd.example"), BODY, HEADERS)
    assert answer.status == 200
    assert sink.requests[0][1]["host"] == f"xn--e1afmkfd.example:{sink.port}"


async def test_the_next_address_is_tried(sink: Sink) -> None:
    async with HttpTransport(LOOPBACK, resolver=resolver_to("127.99.99.99", "127.0.0.1")) as transport:
        assert (await transport.post(sink.url("status/200", host="shop"), BODY, HEADERS)).status == 200


async def test_no_more_than_four_addresses_are_tried(connects: list[tuple[str, int]]) -> None:
    many = [str(IPv4Address("93.184.215.14") + index) for index in range(20)]
    async with HttpTransport(STRICT, resolver=resolver_to(*many)) as transport:
        assert await transport.post("https://shop.example/", BODY, {}) == Answer(failure=Failure.CONNECT)
    assert len(connects) == 4


async def test_a_name_without_addresses(connects: list[tuple[str, int]]) -> None:
    async with HttpTransport(STRICT, resolver=resolver_to()) as transport:
        assert await transport.post("https://shop.example/", BODY, {}) == Answer(failure=Failure.DNS)


async def test_g13_proxy_variables_are_ignored(
    sink: Sink, canary: Sink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, canary.url(""))
    async with HttpTransport(LOOPBACK) as transport:
        assert (await transport.post(sink.url("status/200"), BODY, HEADERS)).status == 200
    assert "authorization" not in sink.requests[0][1]


async def test_g12_no_more_than_a_kib_of_an_answer_leaves_the_client(transport: HttpTransport, sink: Sink) -> None:
    answer = await transport.post(sink.url("secret"), BODY, HEADERS)
    assert (answer.status, len(answer.excerpt)) == (500, 1024)


async def test_a_cookie_does_not_come_back(transport: HttpTransport, sink: Sink) -> None:
    for _ in range(2):
        await transport.post(sink.url("secret"), BODY, HEADERS)
    assert "cookie" not in sink.requests[1][1]


async def test_a_tls_handshake_that_is_never_answered(transport: HttpTransport, sink: Sink) -> None:
    assert await transport.post(sink.url("hang", "https"), BODY, HEADERS) == Answer(failure=Failure.TIMEOUT)


async def test_the_twin_keeps_what_was_sent_and_answers_as_told() -> None:
    twin = InMemoryTransport()
    assert await twin.post("https://shop.example/", BODY, HEADERS) == Answer(status=200)
    assert twin.sent == [http_client.Sent("https://shop.example/", BODY, HEADERS)]

    async def refuse(_sent: http_client.Sent) -> Answer:
        return Answer(status=500)

    twin.answer = refuse
    assert (await twin.post("https://shop.example/", BODY, HEADERS)).status == 500
    await twin.aclose()


async def test_a_cancelled_attempt_leaves_nothing_open(transport: HttpTransport, sink: Sink) -> None:
    task = asyncio.create_task(transport.post(sink.url("hang"), BODY, HEADERS))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
