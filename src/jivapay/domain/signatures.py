"""How callbacks are signed and how signed requests of stores are checked (http-api.md "Callbacks", K41).

Always over the bytes that travel, never over a payload serialised a second time. Three signatures stand side
by side: `X-Signature` over `timestamp.body`; the Standard Webhooks headers; and the body's own `signature`
over the canonical JSON of its other fields, for shops that only see the parsed body. No clock here: the
caller says what time it is.
"""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from standardwebhooks import Webhook

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix all secrets share is none
SECRET_BYTES = 32
TOLERANCE_SECONDS = 300

_UNIX_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_HEX_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class SignatureCheck(StrEnum):
    """What a signed request turned out to be; the values are the error codes callers answer with."""

    VALID = "valid"
    INVALID = "signature.invalid"
    EXPIRED = "signature.expired"


REFUSALS = (SignatureCheck.INVALID, SignatureCheck.EXPIRED)


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """The bytes to send, and every header a receiver may check them by."""

    body: bytes
    headers: dict[str, str]


def is_secret(text: str) -> bool:
    """Whether `text` has the form of a callback secret; anything else cannot key Standard Webhooks."""
    if not text.startswith(SECRET_PREFIX):
        return False
    try:
        return len(base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)) == SECRET_BYTES
    except (binascii.Error, ValueError):
        return False


def canonical_json(fields: Mapping[str, Any]) -> bytes:
    """Sorted keys, no spaces, UTF-8 unescaped. Money is text here, so that no two languages print it apart."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sign_body(secret: str, timestamp: int, body: bytes) -> str:
    """`X-Signature`: hex HMAC-SHA256 over `timestamp.body`, keyed by the secret's text as the store sees it."""
    return _hex_hmac(secret, f"{timestamp}.".encode("ascii") + body)


def sign_fields(secret: str, fields: Mapping[str, Any]) -> str:
    """The body's `signature`: over the canonical JSON of every other field, keyed like `X-Signature`."""
    return _hex_hmac(secret, canonical_json({name: value for name, value in fields.items() if name != "signature"}))


def sign_standard(keys: Sequence[str], message_id: str, at: datetime, body: bytes) -> str:
    """`webhook-signature`: one `v1,…` for each active secret, so that a shop may change over in its own time."""
    # The library takes the clock face of `at` for UTC, whatever zone it is in.
    moment, text = at.astimezone(UTC), body.decode()
    return " ".join(Webhook(key).sign(message_id, moment, text) for key in keys)


def sign_message(keys: Sequence[str], fields: Mapping[str, Any], *, message_id: str, at: datetime) -> SignedMessage:
    """The body with its own signature, and the headers about it.

    `keys` are the store's active secrets, newest first; `X-Signature` and `signature` hold one value and
    are keyed by the newest. `at` is aware and becomes the timestamp of all three.
    """
    if not keys:
        raise ValueError("a message cannot be signed without a secret")
    if at.tzinfo is None:
        raise ValueError("the time of signing must be aware")
    timestamp = int(at.timestamp())
    body = canonical_json({**fields, "signature": sign_fields(keys[0], fields)})
    headers = {
        "X-Timestamp": str(timestamp),
        "X-Signature": sign_body(keys[0], timestamp, body),
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign_standard(keys, message_id, at, body),
    }
    return SignedMessage(body, headers)


def verify_body(secret: str, timestamp: str | None, signature: str | None, body: bytes, *, now: int) -> SignatureCheck:
    """A store's signed request: `X-Timestamp` and `X-Signature` over the raw body.

    The signature is judged before the age, so that only its holder learns that a request came late.
    """
    if timestamp is None or signature is None or not _UNIX_SECONDS.fullmatch(timestamp):
        return SignatureCheck.INVALID
    given = signature.lower()
    if not _HEX_SHA256.fullmatch(given):
        return SignatureCheck.INVALID
    # Signed is the header as it was sent, leading zeros and all.
    if not hmac.compare_digest(_hex_hmac(secret, timestamp.encode("ascii") + b"." + body), given):
        return SignatureCheck.INVALID
    return SignatureCheck.VALID if abs(now - int(timestamp)) <= TOLERANCE_SECONDS else SignatureCheck.EXPIRED


def verify_fields(secret: str, fields: Mapping[str, Any]) -> bool:
    """Whether a parsed callback body carries the right `signature`; what a shop does that kept no raw body."""
    given = fields.get("signature")
    return isinstance(given, str) and given.isascii() and hmac.compare_digest(sign_fields(secret, fields), given)


def self_test() -> None:
    """Known answers, checked at start. Raises AssertionError naming the one that differs."""
    secret = SECRET_PREFIX + base64.b64encode(bytes(range(SECRET_BYTES))).decode("ascii")
    body = b'{"a":1}'
    known = {
        "X-Signature": (
            sign_body(secret, 1_700_000_000, body),
            "7ca151e4fc23256c89e882261933d6af9a8be1f09f32dd687e83b0e34da7e68f",
        ),
        "signature": (
            sign_fields(secret, {"b": "й", "a": 1, "signature": "x"}),
            "b7127538d7eec5e2973613fd55d0189f82fec03713319df363923ec5b09b1801",
        ),
        "webhook-signature": (
            sign_standard([secret], "evt_1", datetime.fromtimestamp(1_700_000_000, UTC), body),
            "v1,hUVxIYXs8Zy9GDiZD1uQbBwXoZGMAB6RVLdZZ3ffmek=",
        ),
    }
    for name, (made, expected) in known.items():
        if made != expected:
            raise AssertionError(f"{name} is not what its definition says")


def _hex_hmac(secret: str, data: bytes) -> str:
    return hmac.new(secret.encode(), data, sha256).hexdigest()
