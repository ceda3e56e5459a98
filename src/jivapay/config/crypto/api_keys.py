"""API keys of stores: `jp_live_<kid>_<43 base62>_<crc>`, `jp_test_…` for test stores (decision 18).

The kid finds the row, the secret (256 bits) proves the caller, the checksum lets a mistyped key be refused
without asking the database. Stored is only HMAC-SHA256 of the secret under `API_KEY_PEPPER`.
"""

import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass, field

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_KID_LENGTH = 12
_SECRET_LENGTH = 43
_CRC_LENGTH = 6
_KEY = re.compile(
    r"(?P<head>jp_(?P<mode>live|test)_(?P<kid>[0-9A-Za-z]{12})_(?P<secret>[0-9A-Za-z]{43}))_(?P<crc>[0-9A-Za-z]{6})"
)


@dataclass(frozen=True, slots=True)
class ApiKeyParts:
    """A key taken apart; neither secret nor text shows in a repr."""

    kid: str
    test: bool
    """As the text says; what the key may do is decided by the stored row."""
    secret: str = field(repr=False)
    text: str = field(repr=False)
    """The whole key, as shown once to its owner."""


def new_api_key(*, test: bool) -> ApiKeyParts:
    kid = _random_base62(_KID_LENGTH)
    secret = _random_base62(_SECRET_LENGTH)
    head = f"jp_{'test' if test else 'live'}_{kid}_{secret}"
    return ApiKeyParts(kid=kid, test=test, secret=secret, text=f"{head}_{_checksum(head)}")


def parse_api_key(text: str) -> ApiKeyParts | None:
    """None when the text is no key of ours or was mistyped."""
    match = _KEY.fullmatch(text)
    if match is None or match["crc"] != _checksum(match["head"]):
        return None
    return ApiKeyParts(kid=match["kid"], test=match["mode"] == "test", secret=match["secret"], text=text)


def hash_api_key(secret: str, pepper: str) -> bytes:
    return hmac.digest(pepper.encode(), secret.encode(), "sha256")


def api_key_matches(secret: str, pepper: str, stored: bytes | None) -> bool:
    """In constant time, also for an unknown kid (`stored=None`), which never matches."""
    same = hmac.compare_digest(hash_api_key(secret, pepper), stored or bytes(32))
    return same and stored is not None


def _random_base62(length: int) -> str:
    return "".join(secrets.choice(_BASE62) for _ in range(length))


def _checksum(head: str) -> str:
    rest = zlib.crc32(head.encode())
    figures = []
    for _ in range(_CRC_LENGTH):
        rest, figure = divmod(rest, len(_BASE62))
        figures.append(_BASE62[figure])
    return "".join(reversed(figures))
