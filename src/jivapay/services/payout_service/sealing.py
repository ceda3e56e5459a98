"""Whom a payout request pays, whole: encrypted in its row and opened for whoever carries it out (PAY-14)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from jivapay.config.crypto import Cipher
from jivapay.database.models.payout_requests import Payout
from jivapay.exceptions import ConfigurationError
from jivapay.utils.exact_json import write_exact_json


def seal(cipher: Cipher, public_id: UUID, details: Mapping[str, Any], comment: str) -> bytes:
    given = {"recipient_details": details, "comment": comment}
    return cipher.encrypt(write_exact_json(given).decode(), _context(public_id))


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The key is gone, or the bytes were altered: whom the request pays nobody can say."""

    code: str


def open_details(cipher: Cipher, payout: Payout) -> Mapping[str, Any] | Unreadable:
    """`recipient_details` as they were given."""
    try:
        text = cipher.decrypt(payout.recipient_sealed, _context(payout.public_id))
    except ConfigurationError as error:
        return Unreadable(error.code)
    given: dict[str, dict[str, Any]] = orjson.loads(text)
    return given["recipient_details"]


def _context(public_id: UUID) -> str:
    return f"payouts.recipient:{public_id}"
