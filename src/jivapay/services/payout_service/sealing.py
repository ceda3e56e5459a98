"""Whom a payout request pays, whole: encrypted in its row and opened for whoever carries it out (PAY-14)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from jivapay.config.crypto import Cipher
from jivapay.database.models.payout_requests import Payout
from jivapay.utils.exact_json import write_exact_json


def seal(cipher: Cipher, public_id: UUID, details: Mapping[str, Any], comment: str) -> bytes:
    given = {"recipient_details": details, "comment": comment}
    return cipher.encrypt(write_exact_json(given).decode(), _context(public_id))


def open_details(cipher: Cipher, payout: Payout) -> Mapping[str, Any]:
    """`recipient_details` as they were given."""
    given: dict[str, dict[str, Any]] = orjson.loads(cipher.decrypt(payout.recipient_sealed, _context(payout.public_id)))
    return given["recipient_details"]


def _context(public_id: UUID) -> str:
    return f"payouts.recipient:{public_id}"
