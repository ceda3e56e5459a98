import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from jivapay.config.crypto import new_callback_secret
from jivapay.domain.signatures import SignedMessage, sign_message
from jivapay.simulation.mailbox import BadMail, Mailbox, verify

SECRET = new_callback_secret()
BODY = {"event_id": "evt_1", "type": "order.completed", "amount_fiat": "4750.00", "note": "привет"}


def signed(secret: str = SECRET, at: datetime | None = None, message_id: str = "evt_1") -> SignedMessage:
    return sign_message([secret], BODY, message_id=message_id, at=at or datetime.now(UTC))


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@pytest.fixture
async def mailbox() -> AsyncIterator[tuple[Mailbox, list[dict[str, Any]]]]:
    delivered: list[dict[str, Any]] = []
    box = Mailbox(SECRET, delivered.append)
    await box.open()
    yield box, delivered
    await box.close()


async def test_a_genuine_callback_is_taken(mailbox: tuple[Mailbox, list[dict[str, Any]]]) -> None:
    box, delivered = mailbox
    message = signed()
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.post(box.url, content=message.body, headers=message.headers)
    assert answer.status_code == 200
    assert delivered == [json.loads(message.body)]
    assert (box.received, box.refused) == (1, 0)


async def test_a_forged_callback_is_refused_and_counted(mailbox: tuple[Mailbox, list[dict[str, Any]]]) -> None:
    box, delivered = mailbox
    message = signed()
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.post(box.url, content=message.body.replace(b"4750", b"9750"), headers=message.headers)
    assert answer.status_code == 400
    assert delivered == []
    assert (box.received, box.refused) == (1, 1)


async def test_somebody_who_leaves_in_the_middle_disturbs_nobody(
    mailbox: tuple[Mailbox, list[dict[str, Any]]],
) -> None:
    box, delivered = mailbox
    url = httpx2.URL(box.url)
    _, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
    writer.close()
    await writer.wait_closed()
    message = signed()
    async with httpx2.AsyncClient(trust_env=False) as client:
        assert (await client.post(box.url, content=message.body, headers=message.headers)).status_code == 200
    assert len(delivered) == 1


@pytest.mark.parametrize("header", ["X-Signature", "X-Timestamp", "webhook-signature", "webhook-timestamp"])
def test_every_signature_is_looked_at(header: str) -> None:
    message = signed()
    verify(SECRET, lower(message.headers), message.body)
    with pytest.raises(BadMail):
        verify(SECRET, lower(message.headers) | {header.lower(): "1"}, message.body)
    with pytest.raises(BadMail):
        verify(SECRET, {k: v for k, v in lower(message.headers).items() if k != header.lower()}, message.body)


def test_another_secret_an_old_message_and_another_id_are_refused() -> None:
    for message in (
        signed(new_callback_secret()),
        signed(at=datetime.now(UTC) - timedelta(hours=1)),
        signed(message_id="evt_2"),
    ):
        with pytest.raises(BadMail):
            verify(SECRET, lower(message.headers), message.body)
