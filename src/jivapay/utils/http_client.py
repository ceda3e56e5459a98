"""POST to an address a shop named, without trusting it: the port behind callbacks (reliability 6.1.7, 4.G).

The name is resolved here, every address it has is judged, and the connection goes to the very address that
was judged, so that a second look-up has nothing to change. No proxy variables, no redirects, TLS verified, one
deadline over everything, a bounded read. Failures are values: a shop's trouble is no exception.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from typing import Protocol, Self

import httpcore2
import httpx2

from jivapay.domain.urls import (
    CallbackRules,
    IPAddress,
    Target,
    find_callback_url_problem,
    is_public_form,
    parse_target,
)
from jivapay.utils.address_filter import is_public

DEADLINE_SECONDS = 15.0
ANSWER_BYTES_MAX = 16 * 1024
EXCERPT_BYTES_MAX = 1024
ADDRESSES_MAX = 4
CONNECT_SECONDS = 4.0
"""For each address but the last one, so that a dead one leaves time for the next."""
RESOLVER_THREADS = 64
"""The resolver blocks; threads of its own keep one shop's dead name server from stopping everybody else."""

OWN_HEADERS = {
    "User-Agent": "JivaPay-Callbacks/1",
    "Content-Type": "application/json",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
}

Resolver = Callable[[str, int], Awaitable[list[IPAddress]]]


class Failure(StrEnum):
    """Why there is no proper answer; stored with the attempt, never with the remote's own text."""

    TIMEOUT = "timeout"
    URL = "url"
    """The address is no longer one callbacks may go to."""
    DNS = "dns"
    BLOCKED_ADDRESS = "blocked_address"
    CONNECT = "connect"
    TLS = "tls"
    RESET = "reset"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. A status with a failure beside it began well and was never finished."""

    status: int | None = None
    failure: Failure | None = None
    retry_after: str | None = None
    excerpt: bytes = b""


@dataclass(frozen=True, slots=True)
class Sent:
    url: str
    body: bytes
    headers: Mapping[str, str]


class CallbackTransport(Protocol):
    """The port: one POST, whole in time and size. Never raises for what the remote side does."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer: ...

    async def aclose(self) -> None: ...


class BlockedAddress(Exception):
    """The name leads to an address nobody may reach on a shop's word"""


class UnknownHost(Exception):
    """The name leads nowhere"""


class InMemoryTransport:
    """The twin for tests: keeps what was sent and answers 200, or what `answer` says."""

    def __init__(self, answer: Callable[[Sent], Awaitable[Answer]] | None = None) -> None:
        self.sent: list[Sent] = []
        self.answer = answer

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        sent = Sent(url, body, dict(headers))
        self.sent.append(sent)
        return Answer(status=200) if self.answer is None else await self.answer(sent)

    async def aclose(self) -> None:
        """Holds nothing."""


class HttpTransport:
    """The real one. `resolver` and `ssl_context` are replaced by tests only."""

    def __init__(
        self,
        rules: CallbackRules,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._rules = rules
        self._deadline_seconds = deadline_seconds
        self._system_resolver = SystemResolver()
        # A transport without a client around it: nothing here knows of proxies, redirects, cookies or netrc.
        self._transport = PinnedTransport(
            rules,
            resolver or self._system_resolver,
            ssl_context or httpx2.create_ssl_context(trust_env=False),
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if find_callback_url_problem(url, self._rules) is not None:
            return Answer(failure=Failure.URL)
        reading = _Reading()
        try:
            async with asyncio.timeout(self._deadline_seconds):
                await self._exchange(reading, url, body, headers)
        except TimeoutError:
            reading.failure = Failure.TIMEOUT
        except (BlockedAddress, UnknownHost, httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            reading.failure = _classify(error)
        except httpcore2.TimeoutException:
            reading.failure = Failure.TIMEOUT
        except httpx2.InvalidURL:
            reading.failure = Failure.URL
        return Answer(reading.status_code, reading.failure, reading.retry_after, bytes(reading.excerpt))

    async def aclose(self) -> None:
        self._system_resolver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _exchange(self, reading: "_Reading", url: str, body: bytes, headers: Mapping[str, str]) -> None:
        request = httpx2.Request("POST", url, content=body, headers=OWN_HEADERS | dict(headers))
        async with aclosing(await self._transport.handle_async_request(request)) as response:
            reading.status_code = response.status_code
            reading.retry_after = response.headers.get("retry-after")
            left = ANSWER_BYTES_MAX
            # Raw on purpose: what was asked for as identity and came compressed is not unpacked.
            async for chunk in response.aiter_raw():
                reading.excerpt += chunk[: max(0, EXCERPT_BYTES_MAX - len(reading.excerpt))]
                left -= len(chunk)
                if left <= 0:
                    return


class SystemResolver:
    """`getaddrinfo` in threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="callback-dns")

    async def __call__(self, host: str, port: int) -> list[IPAddress]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, _look_up, host, port)
        except OSError as error:
            raise UnknownHost(host) from error
        return list(dict.fromkeys(ip_address(entry) for entry in found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class PinnedTransport(httpx2.AsyncBaseTransport):
    """One connection a request, to an address that was judged, closed afterwards."""

    def __init__(self, rules: CallbackRules, resolver: Resolver, ssl_context: ssl.SSLContext) -> None:
        self._rules = rules
        self._resolver = resolver
        self._ssl_context = ssl_context

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        target = parse_target(str(request.url))
        if target is None:
            raise httpx2.InvalidURL("the address cannot be read")
        network = PinnedBackend(await self._judged_addresses(target))
        connection = httpcore2.AsyncHTTPConnection(
            origin=httpcore2.Origin(target.scheme.encode(), request.url.raw_host, target.port),
            ssl_context=self._ssl_context,
            network_backend=network,
        )
        try:
            response = await connection.handle_async_request(
                httpcore2.Request(
                    method=request.method,
                    url=httpcore2.URL(
                        scheme=target.scheme.encode(),
                        host=request.url.raw_host,
                        port=target.port,
                        target=request.url.raw_path,
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                )
            )
        except BaseException:
            # The library forgets a connection whose TLS handshake is cancelled, which a deadline does.
            await network.aclose()
            raise
        return httpx2.Response(
            status_code=response.status, headers=response.headers, stream=_ClosingStream(network, response)
        )

    async def _judged_addresses(self, target: Target) -> list[IPAddress]:
        """Where `target` may be reached. One address too many refuses them all: no shop has a private one."""
        found = [target.address] if target.address else await self._resolver(target.host, target.port)
        if not found:
            raise UnknownHost(target.host)
        for address in found:
            if not self._rules.exempts(address) and not (is_public(address) and is_public_form(target)):
                raise BlockedAddress(target.host)
        return found[:ADDRESSES_MAX]


class PinnedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to the given addresses in turn, whatever host it is asked for; owns the one connection made."""

    def __init__(self, addresses: list[IPAddress]) -> None:
        self._addresses = addresses
        self._network = httpcore2.AnyIOBackend()
        self._stream: httpcore2.AsyncNetworkStream | None = None

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the judged addresses stand in its place
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        *others, last = self._addresses
        for address in others:
            try:
                self._stream = await self._network.connect_tcp(
                    str(address), port, CONNECT_SECONDS, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
            return self._stream
        self._stream = await self._network.connect_tcp(str(last), port, timeout, local_address, socket_options)
        return self._stream

    async def aclose(self) -> None:
        """Abort the connection, whatever was going on with it."""
        if self._stream is not None:
            await self._stream.aclose()


class _ClosingStream(httpx2.AsyncByteStream):
    """An answer's bytes; closing it closes the connection, read to its end or not."""

    def __init__(self, network: "PinnedBackend", response: httpcore2.Response) -> None:
        self._network = network
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        await self._network.aclose()


@dataclass(slots=True)
class _Reading:
    """What is known of an answer so far; survives the deadline that cuts it off."""

    status_code: int | None = None
    failure: Failure | None = None
    retry_after: str | None = None
    excerpt: bytearray = field(default_factory=bytearray)


def _classify(error: Exception) -> Failure:
    if isinstance(error, BlockedAddress):
        return Failure.BLOCKED_ADDRESS
    if isinstance(error, UnknownHost):
        return Failure.DNS
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return Failure.TLS
    if isinstance(error, httpcore2.ConnectError):
        return Failure.CONNECT
    if isinstance(error, httpcore2.ProtocolError):
        return Failure.PROTOCOL
    return Failure.RESET


def _look_up(host: str, port: int) -> list[str]:
    # Bytes keep Python's own idna step, which has opinions, out of it.
    entries = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in entries]
