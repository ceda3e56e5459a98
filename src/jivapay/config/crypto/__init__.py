"""Primitives for secrets: what is encrypted, hashed, signed or drawn at random, and how. Who may do what
with the result is decided above (`security/`, `services/`). Source: AUT-01 to AUT-04, decisions 16, 18, 19.
"""

from jivapay.config.crypto.api_keys import ApiKeyParts, api_key_matches, hash_api_key, new_api_key, parse_api_key
from jivapay.config.crypto.cipher import Cipher, parse_data_keys
from jivapay.config.crypto.passwords import dummy_verify, hash_password, verify_password
from jivapay.config.crypto.signing import HeadSigner, is_signed_by
from jivapay.config.crypto.tokens import (
    AccessClaims,
    decode_access_token,
    encode_access_token,
    new_callback_secret,
    new_token,
    token_hash,
)
from jivapay.config.crypto.totp import find_totp_step, is_totp_reused, new_totp_secret, totp_uri

__all__ = [
    "AccessClaims",
    "ApiKeyParts",
    "Cipher",
    "HeadSigner",
    "api_key_matches",
    "decode_access_token",
    "dummy_verify",
    "encode_access_token",
    "find_totp_step",
    "hash_api_key",
    "hash_password",
    "is_signed_by",
    "is_totp_reused",
    "new_api_key",
    "new_callback_secret",
    "new_token",
    "new_totp_secret",
    "parse_api_key",
    "parse_data_keys",
    "token_hash",
    "totp_uri",
    "verify_password",
]
