"""Encryption at rest: requisite numbers, holders, callback secrets, second-factor seeds (decision 19).

A keyring has one key that encrypts and any number that still decrypt, so a key is changed without a stop:
put the new one first, re-encrypt what `needs_rotation` names, drop the old one. What must be found again is
indexed under an HMAC with a key of its own (`blind_index`), never by the cipher text.
"""

import base64
import hmac
import os
import re
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from jivapay.config.settings import Settings
from jivapay.exceptions import ConfigurationError

_VERSION = 1
_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,32}")


def parse_data_keys(text: str, name: str = "DATA_KEYS") -> dict[str, bytes]:
    """`keyid:base64[,keyid:base64…]` in the order given, of the variable `name`.

    Raises ValueError, which names no key material.
    """
    keys: dict[str, bytes] = {}
    for position, item in enumerate(text.split(","), start=1):
        # Refusals name the position only: a key given without its id would stand where the id is looked for.
        key_id, separator, encoded = item.strip().partition(":")
        if not separator or not _KEY_ID.fullmatch(key_id):
            raise ValueError(f"{name}: entry {position} has no key id of letters, digits, '.', '_' or '-'")
        if key_id in keys:
            raise ValueError(f"{name}: entry {position} repeats a key id")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:  # binascii.Error, or characters outside ASCII
            raise ValueError(f"{name}: the key of entry {position} is not base64") from None
        if len(key) != _KEY_BYTES:
            raise ValueError(f"{name}: the key of entry {position} has {len(key)} bytes instead of {_KEY_BYTES}")
        keys[key_id] = key
    return keys


class Cipher:
    """AES-256-GCM under a keyring.

    A blob is: version (1 byte), length of the key id (1 byte), key id, nonce (12 bytes), cipher text with tag.
    The context (`requisites.number:<public id>`) and the key id are authenticated: a blob moved to another
    row, column or key id does not decrypt. Nonces are random, good for 2**32 messages under one key.
    """

    def __init__(self, keys: dict[str, bytes], index_key: bytes) -> None:
        if not keys or not index_key:
            raise ConfigurationError("Encryption needs a data key and a blind index key.")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = next(iter(keys))
        self._index_key = index_key

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Raises ConfigurationError when `DATA_KEYS` or `BLIND_INDEX_KEY` is missing or malformed."""
        if settings.data_keys is None or settings.blind_index_key is None:
            raise ConfigurationError("DATA_KEYS and BLIND_INDEX_KEY must be set.")
        try:
            keys = parse_data_keys(settings.data_keys.get_secret_value())
        except ValueError as error:
            raise ConfigurationError(str(error)) from None
        return cls(keys, settings.blind_index_key.get_secret_value().encode())

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Every key id that decrypts; the first one encrypts."""
        return tuple(self._ciphers)

    def encrypt(self, text: str, context: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        key_id = self._current
        sealed = self._ciphers[key_id].encrypt(nonce, text.encode(), _bound_to(context, key_id))
        return bytes((_VERSION, len(key_id))) + key_id.encode() + nonce + sealed

    def decrypt(self, blob: bytes, context: str) -> str:
        """Raises ConfigurationError: `encryption.unknown_key` when the keyring lacks the blob's key,
        `encryption.tampered` when the blob was altered or belongs to another context.
        """
        key_id, nonce, sealed = _split(blob)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise ConfigurationError(f"No data key {key_id} is configured.", code="encryption.unknown_key")
        try:
            return cipher.decrypt(nonce, sealed, _bound_to(context, key_id)).decode()
        except InvalidTag:
            raise _tampered() from None

    def needs_rotation(self, blob: bytes) -> bool:
        """True when another key than the current one encrypted it."""
        return _split(blob)[0] != self._current

    def blind_index(self, text: str, context: str) -> bytes:
        """32 bytes equal for equal texts of one context (`requisites.number`), telling nothing else.
        The caller normalises the text first (digits of a card without spaces).
        """
        return hmac.digest(self._index_key, context.encode() + b"\x00" + text.encode(), "sha256")


def _bound_to(context: str, key_id: str) -> bytes:
    # A key id holds no '|', so the last one always divides the two.
    return f"{context}|{key_id}".encode()


def _split(blob: bytes) -> tuple[str, bytes, bytes]:
    key_ends = 2 + blob[1] if len(blob) > 1 else 2
    if len(blob) < key_ends + _NONCE_BYTES + _TAG_BYTES or blob[0] != _VERSION:
        raise _tampered()
    key_id = blob[2:key_ends].decode("ascii", "replace")
    nonce_ends = key_ends + _NONCE_BYTES
    return key_id, blob[key_ends:nonce_ends], blob[nonce_ends:]


def _tampered() -> ConfigurationError:
    return ConfigurationError("Stored data could not be decrypted.", code="encryption.tampered")
