"""Signing what others verify without us: the heads of the ledger's days, with Ed25519 (`docs/proofs.md`).

`PROOF_KEYS` is a keyring like `DATA_KEYS`: the first key signs, the public halves of all are published. A key that
is replaced stays behind the new one until the next day is sealed, so that the start check still knows it.
"""

from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from jivapay.config.crypto.cipher import parse_data_keys
from jivapay.config.settings import Settings
from jivapay.exceptions import ConfigurationError


class HeadSigner:
    """The keys of this platform. `key_id` names the one that signs."""

    def __init__(self, seeds: dict[str, bytes]) -> None:
        if not seeds:
            raise ConfigurationError("Signing needs a key.")
        private = {key_id: Ed25519PrivateKey.from_private_bytes(seed) for key_id, seed in seeds.items()}
        self.key_id = next(iter(private))
        self._current = private[self.key_id]
        self.public_keys = {key_id: key.public_key().public_bytes_raw() for key_id, key in private.items()}

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Raises ConfigurationError when `PROOF_KEYS` is missing or malformed."""
        if settings.proof_keys is None:
            raise ConfigurationError("PROOF_KEYS must be set.")
        try:
            return cls(parse_data_keys(settings.proof_keys.get_secret_value(), "PROOF_KEYS"))
        except ValueError as error:
            raise ConfigurationError(str(error)) from None

    def sign(self, message: bytes) -> bytes:
        return self._current.sign(message)


def is_signed_by(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
