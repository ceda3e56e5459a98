"""A shop's callback endpoint: a small HTTP server that believes nothing it cannot verify.

Every callback is checked as a shop would check it: by the `standardwebhooks` library, and by `X-Signature` over the
bytes that came.
"""

import asyncio
import hmac
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

HEAD_SIZE_MAX = 16_384
BODY_SIZE_MAX = 65_536
PATIENCE_SECONDS = 10.0


class BadMail(Exception):
    """A callback that a shop refuses."""


class Mailbox:
    """`deliver` gets each verified body; whatever cannot be verified is answered with 400, and counted."""

    def __init__(self, secret: str, deliver: Callable[[dict[str, Any]], None]) -> None:
        self._secret = secret
        self._deliver = deliver
        self._server: asyncio.Server | None = None
        self.received = 0
        self.refused = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=HEAD_SIZE_MAX)

    @property
    def url(self) -> str:
        if self._server is None:
            raise AssertionError("the mailbox is not open")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/callbacks"

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                status = await self._take(reader)
                writer.write(f"HTTP/1.1 {status} \r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever called went away; the platform sends again
        finally:
            writer.close()

    async def _take(self, reader: asyncio.StreamReader) -> int:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = head.rstrip().split("\r\n")[1:]
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(min(int(headers.get("content-length", "0")), BODY_SIZE_MAX))
        self.received += 1
        try:
            content = verify(self._secret, headers, body)
        except BadMail:
            self.refused += 1
            return 400
        self._deliver(content)
        return 200


def verify(secret: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """The body of a genuine callback. Header names in lower case. Raises BadMail."""
    try:
        Webhook(secret).verify(body, headers)
    except (WebhookVerificationError, ValueError) as error:
        raise BadMail(f"webhook-signature: {error}") from error
    signed = headers.get("x-timestamp", "").encode() + b"." + body
    if not hmac.compare_digest(hmac.new(secret.encode(), signed, sha256).hexdigest(), headers.get("x-signature", "")):
        raise BadMail("x-signature")
    content = json.loads(body)
    if content.get("event_id") != headers.get("webhook-id"):
        raise BadMail("webhook-id is not the event's")
    return dict(content)
