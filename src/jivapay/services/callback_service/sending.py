"""One attempt: sign what the row says, post it, note what came back. Touches no database."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from uuid import UUID

from jivapay.config.clock import Clock
from jivapay.config.crypto import Cipher
from jivapay.config.redaction import redact_text
from jivapay.domain.signatures import sign_message
from jivapay.exceptions import ConfigurationError
from jivapay.services.callback_service.leasing import Leased
from jivapay.services.callback_service.schedule import Judgement, Verdict, judge
from jivapay.utils.http_client import Answer, CallbackTransport

EXCERPT_CHARACTERS_MAX = 1024
_SIGNATURE_HEADERS = frozenset({"X-Signature", "webhook-signature"})
_SIGNATURE_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt came to; `request_headers` and `excerpt` are already masked."""

    delivery: Leased
    judgement: Judgement
    started_at: datetime
    duration_ms: int
    response_status: int | None
    request_headers: dict[str, str]
    excerpt: str | None


async def send_merchant_callback(
    transport: CallbackTransport, cipher: Cipher, clock: Clock, delivery: Leased
) -> Attempt:
    """Send one delivery once. Never raises for what the shop or this one row is to blame for."""
    started_at, started = clock.now(), monotonic()
    headers: dict[str, str] = {}
    try:
        keys = store_keys(cipher, delivery.store_public_id, delivery.callback_secret, delivery.callback_secret_previous)
        fields = event_fields(delivery.event_id, delivery.store_seq, json.loads(delivery.payload), started_at)
        message = sign_message(keys, fields, message_id=delivery.event_id, at=started_at)
    except (ConfigurationError, ValueError) as error:
        # A secret no key opens, or a body that is no JSON any more: a person has to look at this store or row.
        judgement = Judgement(Verdict.FAILED, "secret" if isinstance(error, ConfigurationError) else "payload")
        answer = Answer()
    else:
        headers = message.headers
        answer = await transport.post(delivery.url, message.body, message.headers)
        judgement = judge(answer, clock.now())
    return Attempt(
        delivery=delivery,
        judgement=judgement,
        started_at=started_at,
        duration_ms=round((monotonic() - started) * 1000),
        response_status=answer.status,
        request_headers=masked_headers(headers),
        excerpt=masked_excerpt(answer.excerpt),
    )


def store_keys(cipher: Cipher, store_public_id: UUID, current: bytes, previous: bytes | None) -> list[str]:
    """A store's active secrets, newest first. Raises ConfigurationError when they cannot be decrypted."""
    context = f"merchant_stores.callback_secret:{store_public_id}"
    return [cipher.decrypt(blob, context) for blob in (current, previous) if blob is not None]


def event_fields(event_id: str, store_seq: int, payload: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """The body as the store sees it, before it is signed."""
    return {
        **payload,
        "event_id": event_id,
        "store_seq": store_seq,
        "timestamp": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def masked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """What is kept of a request: each signature's beginning, enough to compare and too little to use."""
    return {
        name: " ".join(f"{part[:_SIGNATURE_SHOWN]}…" for part in value.split(" "))
        if name in _SIGNATURE_HEADERS
        else value
        for name, value in headers.items()
    }


def masked_excerpt(excerpt: bytes) -> str | None:
    """What is kept of an answer: at most a KiB, as text PostgreSQL takes, without what looks like a secret."""
    text = excerpt.decode("utf-8", "replace").replace("\x00", "\ufffd")
    return redact_text(text)[:EXCERPT_CHARACTERS_MAX] or None
