"""A TCP proxy on loopback that does to a connection what networks do: cut it, slow it, swallow an answer.

Runs in the test's own event loop, between the application and PostgreSQL, Valkey or a store:
`async with FaultProxy("127.0.0.1", port) as proxy: proxy.fault = LoseReply(b"COMMIT")`.
"""
# ruff: noqa: ARG002 - most faults do not care which way data travels

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

CHUNK = 65536


class Fault:
    """What happens to each piece of data; this one lets everything pass."""

    refuses = False

    async def passes(self, _data: bytes, *, downstream: bool) -> bool:
        """Whether this piece travels on; False cuts the connection at once. `downstream` comes from the server."""
        return True


class Refuse(Fault):
    """Nobody gets in, and who is in is cut off."""

    refuses = True

    async def passes(self, _data: bytes, *, downstream: bool) -> bool:
        return False


@dataclass
class Delay(Fault):
    seconds: float

    async def passes(self, _data: bytes, *, downstream: bool) -> bool:
        await asyncio.sleep(self.seconds)
        return True


class Blackhole(Fault):
    """Packets vanish: neither an answer nor an end."""

    async def passes(self, _data: bytes, *, downstream: bool) -> bool:
        await asyncio.Event().wait()
        return False


@dataclass
class _Lose(Fault):
    """The next `times` pieces that hold `token` are swallowed and their connections cut, in one direction."""

    token: bytes
    times: int = 1
    lost: int = 0
    from_server: bool = field(default=True, init=False)

    async def passes(self, data: bytes, *, downstream: bool) -> bool:
        if downstream is not self.from_server or self.lost >= self.times or self.token not in data:
            return True
        self.lost += 1
        return False


class LoseReply(_Lose):
    """The server has done it and the client never hears so."""


class LoseRequest(_Lose):
    """The server never hears of it."""

    from_server = False


class FaultProxy:
    def __init__(self, host: str, port: int) -> None:
        self.fault = Fault()
        self.port = 0
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut_all(self) -> None:
        """Every open connection is reset; new ones get in."""
        for writer in tuple(self._writers):
            _reset(writer)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            # The streams protocol reports a cancelled handler as an error; the proxy just goes away.
            with contextlib.suppress(asyncio.CancelledError):
                await self._join(reader, writer)
        finally:
            self._tasks.discard(task)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.fault.refuses:
            _reset(writer)
            return
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(writer)
            return
        pair = (writer, server_writer)
        self._writers.update(pair)
        try:
            await asyncio.gather(
                self._pump(reader, server_writer, pair, downstream=False),
                self._pump(server_reader, writer, pair, downstream=True),
            )
        finally:
            self._writers.difference_update(pair)
            for one in pair:
                one.transport.abort()

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        *,
        downstream: bool,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK):
                if not await self.fault.passes(data, downstream=downstream):
                    for one in pair:
                        _reset(one)
                    return
                sink.write(data)
                await sink.drain()
        sink.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End with RST, as a machine that has lost its state does."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
