"""Tokens: signed access tokens for people, opaque ones (payment page, refresh, upload), callback secrets
(AUT-01, decision 16).

An access token says who and through which session, never what is allowed: permissions are read from the
database. Its algorithm is pinned by the settings, its header may carry nothing else, and its times are
judged by the injected clock.
"""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from jivapay.config.settings import Settings
from jivapay.exceptions import AuthenticationError, ConfigurationError

_ACCESS = "access"
_CLAIMS = ("typ", "iss", "aud", "sub", "sid", "jti", "iat", "exp")
_HEADERS = {"alg", "typ"}
_LEEWAY_SECONDS = 30
"""How far another host's clock may run ahead of ours; an expired token gets no grace."""
_TOKEN_LENGTH_MAX = 4096
_SECONDS_MAX = 253_402_300_799
"""The last second `datetime` can hold."""
_OPAQUE = re.compile(r"[A-Za-z0-9_-]{32,86}")


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a verified access token says. `subject` and `session_id` are public ids."""

    role: str
    subject: str
    session_id: str
    token_id: str
    issued_at: datetime
    expires_at: datetime


def encode_access_token(settings: Settings, *, role: str, subject: str, session_id: str, now: datetime) -> str:
    """Good for `ACCESS_TOKEN_EXPIRE_MINUTES` from `now`, at the door of `role` on this platform only."""
    expires_at = now + timedelta(minutes=settings.access_token_expire_minutes)
    claims = {
        "typ": _ACCESS,
        "iss": settings.public_base_url,
        "aud": role,
        "sub": subject,
        "sid": session_id,
        "jti": secrets.token_urlsafe(16),
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
    }
    return jwt.encode(claims, _signing_key(settings), algorithm=settings.algorithm)


def decode_access_token(settings: Settings, token: str, *, role: str, now: datetime) -> AccessClaims:
    """Raises AuthenticationError: `auth.wrong_token_type` for a token of ours made for something else,
    `auth.invalid` for everything else, without saying what was wrong.
    """
    if _OPAQUE.fullmatch(token):
        raise _wrong_type()
    claims = _verified_claims(settings, token, role)
    issued_at, expires_at = _time(claims, "iat"), _time(claims, "exp")
    not_before = _time(claims, "nbf") if "nbf" in claims else issued_at
    latest = now + timedelta(seconds=_LEEWAY_SECONDS)
    if now >= expires_at or issued_at > latest or not_before > latest:
        raise _invalid()
    if claims["typ"] != _ACCESS:
        raise _wrong_type()
    return AccessClaims(
        role=role,
        subject=_text(claims, "sub"),
        session_id=_text(claims, "sid"),
        token_id=_text(claims, "jti"),
        issued_at=issued_at,
        expires_at=expires_at,
    )


def new_token(byte_count: int = 24) -> str:
    """An opaque url-safe token of `byte_count` random bytes: 192 bits unless said otherwise."""
    return secrets.token_urlsafe(byte_count)


def token_hash(token: str) -> bytes:
    """What is stored of an opaque token. Unkeyed: nobody guesses 192 random bits."""
    return hashlib.sha256(token.encode()).digest()


def new_callback_secret() -> str:
    """`whsec_` and base64 of 32 random bytes, as Standard Webhooks writes them."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _verified_claims(settings: Settings, token: str, role: str) -> dict[str, Any]:
    if len(token) > _TOKEN_LENGTH_MAX:
        raise _invalid()
    try:
        if not set(jwt.get_unverified_header(token)) <= _HEADERS:
            # jku, x5u, jwk, crit and kid would let the token say how to check it.
            raise _invalid()
        claims: dict[str, Any] = jwt.decode(
            token,
            _signing_key(settings),
            algorithms=[settings.algorithm],
            audience=role,
            issuer=settings.public_base_url,
            # The times are judged by the injected clock, in the caller.
            options={
                "require": list(_CLAIMS),
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "strict_aud": True,
            },
        )
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        # ValueError and RecursionError come out of the JSON parser for hostile headers and payloads.
        raise _invalid() from None
    return claims


def _signing_key(settings: Settings) -> str:
    if settings.secret_key is None:
        raise ConfigurationError("SECRET_KEY must be set.")
    return settings.secret_key.get_secret_value()


def _time(claims: dict[str, Any], name: str) -> datetime:
    value = claims[name]
    if type(value) is not int or not 0 <= value <= _SECONDS_MAX:
        raise _invalid()
    return datetime.fromtimestamp(value, UTC)


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims[name]
    if not isinstance(value, str) or not value:
        raise _invalid()
    return value


def _invalid() -> AuthenticationError:
    return AuthenticationError(code="auth.invalid")


def _wrong_type() -> AuthenticationError:
    return AuthenticationError(code="auth.wrong_token_type")
