"""A shop's endpoint that misbehaves in every way a callback can meet, on loopback."""

import asyncio
import contextlib
import gzip
import socket
import ssl
import struct
from urllib.parse import unquote


class Sink:
    """Keeps what it was sent; the first segment of the path says how it answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.connections = 0
        self.bytes_written = 0
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self, context: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def url(self, path: str, scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}/{path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # The streams protocol reports a cancelled task as an error; the shop just goes away.
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        path = first.split(" ")[1].lstrip("/")
        self.requests.append((path, headers, body))
        kind, _, argument = path.partition("/")
        await getattr(self, f"_{kind}")(writer, argument)
        with contextlib.suppress(OSError):
            await writer.drain()

    async def _status(self, writer: asyncio.StreamWriter, argument: str) -> None:
        code, _, more = argument.partition("/")
        extra = f"{unquote(more)}\r\n" if more else ""
        body = b"" if code in {"204", "304"} else b"done"
        length = "" if code == "204" else f"Content-Length: {len(body)}\r\n"
        writer.write(f"HTTP/1.1 {code} Said\r\n{length}{extra}\r\n".encode() + body)

    async def _switch(self, writer: asyncio.StreamWriter, _: str) -> None:
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: anything\r\n\r\nraw")
        await writer.drain()
        await asyncio.sleep(60)

    async def _redirect(self, writer: asyncio.StreamWriter, argument: str) -> None:
        location = unquote(argument)
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())

    async def _hang(self, writer: asyncio.StreamWriter, _: str) -> None:
        await asyncio.sleep(60)
        writer.write(b"never")

    async def _later(self, writer: asyncio.StreamWriter, argument: str) -> None:
        await asyncio.sleep(float(argument))
        await self._status(writer, "200")

    async def _drip(self, writer: asyncio.StreamWriter, argument: str) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
        text = b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000 if argument == "head" else head + b"x" * 1000
        if argument != "head":
            writer.write(head)
        for index in range(len(text)):
            writer.write(text[index : index + 1] if argument == "head" else b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def _continue(self, writer: asyncio.StreamWriter, _: str) -> None:
        while True:
            writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    async def _endless(self, writer: asyncio.StreamWriter, argument: str) -> None:
        chunked = argument == "chunked"
        writer.write(b"HTTP/1.1 200 OK\r\n" + (b"Transfer-Encoding: chunked\r\n" if chunked else b"") + b"\r\n")
        block = b"x" * 65536
        while True:
            writer.write(b"10000\r\n" + block + b"\r\n" if chunked else block)
            self.bytes_written += len(block)
            await writer.drain()

    async def _gzip(self, writer: asyncio.StreamWriter, _: str) -> None:
        bomb = gzip.compress(bytes(10_000_000))
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
        writer.write(head.encode() + bomb)

    async def _reset(self, writer: asyncio.StreamWriter, argument: str) -> None:
        await self._leave(writer, argument)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def _leave(self, writer: asyncio.StreamWriter, argument: str) -> None:
        if argument == "middle":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegin")
            await writer.drain()
            await asyncio.sleep(0.05)
        elif argument == "head":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-")
            await writer.drain()

    async def _garbage(self, writer: asyncio.StreamWriter, argument: str) -> None:
        answers = {
            "text": b"hello there\r\n\r\n",
            "status": b"HTTP/1.1 ABC OK\r\n\r\n",
            "lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
            "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
            "head": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000 + b"\r\n\r\n",
            "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        }
        writer.write(answers[argument])

    async def _secret(self, writer: asyncio.StreamWriter, _: str) -> None:
        body = b'{"error":"db password hunter2","card":"4111111111111111"}\x00\xff' + b"y" * 5000
        writer.write(f"HTTP/1.1 500 No\r\nSet-Cookie: sid=1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
