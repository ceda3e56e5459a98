import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from jivapay.config.crypto import (
    decode_access_token,
    encode_access_token,
    new_callback_secret,
    new_token,
    token_hash,
)
from jivapay.config.settings import Settings
from jivapay.exceptions import AuthenticationError, ConfigurationError

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRET = "0123456789abcdef0123456789abcdef"
SETTINGS = Settings(secret_key=SECRET, public_base_url="https://pay.example")
STAMP = int(NOW.timestamp())


def good_claims(**changes: object) -> dict[str, Any]:
    claims = {"typ": "access", "iss": "https://pay.example", "aud": "trader", "sub": "u", "sid": "s", "jti": "j"}
    merged = claims | {"iat": STAMP, "exp": STAMP + 600} | changes
    return {name: value for name, value in merged.items() if value is not None}


def sign(claims: dict[str, Any], key: str = SECRET, **headers: object) -> str:
    return jwt.encode(claims, key, algorithm="HS256", headers=headers)


def raw(header: object, payload: object, signature: str = "") -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, payload))
    return ".".join([*parts, signature])


def refusal(token: str, *, settings: Settings = SETTINGS, role: str = "trader", now: datetime = NOW) -> str:
    with pytest.raises(AuthenticationError) as failure:
        decode_access_token(settings, token, role=role, now=now)
    return failure.value.code


def test_a_token_reads_back() -> None:
    token = encode_access_token(SETTINGS, role="trader", subject="u-1", session_id="s-1", now=NOW)
    claims = decode_access_token(SETTINGS, token, role="trader", now=NOW + timedelta(minutes=9, seconds=59))
    assert (claims.role, claims.subject, claims.session_id) == ("trader", "u-1", "s-1")
    assert (claims.issued_at, claims.expires_at) == (NOW, NOW + timedelta(minutes=10))
    assert len(claims.token_id) == 22
    assert refusal(token, now=NOW + timedelta(minutes=10)) == "auth.invalid"
    assert refusal(token, role="admin") == "auth.invalid"
    assert refusal(token, settings=Settings(secret_key=SECRET, public_base_url="https://stage.example"))
    assert refusal(token, settings=Settings(secret_key="x" * 32, public_base_url="https://pay.example"))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("expired by one second", {"exp": STAMP - 1}),
        ("expired by 31 seconds", {"exp": STAMP - 31}),
        ("expires as text", {"exp": str(STAMP + 600)}),
        ("expires as float", {"exp": STAMP + 600.0}),
        ("expires after the last day", {"exp": 10**20}),
        ("never expires", {"exp": None}),
        ("expires when true", {"exp": True}),
        ("issued in the future", {"iat": STAMP + 31, "exp": STAMP + 700}),
        ("not yet good", {"nbf": STAMP + 31}),
        ("two audiences", {"aud": ["trader", "admin"]}),
        ("no audience", {"aud": None}),
        ("another issuer", {"iss": "https://other.example"}),
        ("no subject", {"sub": None}),
        ("subject is a number", {"sub": 7}),
        ("session is empty", {"sid": ""}),
        ("no type", {"typ": None}),
        ("no id", {"jti": None}),
    ],
)
def test_wrong_claims_are_refused(name: str, changes: dict[str, Any]) -> None:
    assert refusal(sign(good_claims(**changes))) == "auth.invalid"


def test_a_clock_running_ahead_is_forgiven_for_thirty_seconds() -> None:
    token = sign(good_claims(iat=STAMP + 30, nbf=STAMP + 30))
    assert decode_access_token(SETTINGS, token, role="trader", now=NOW).subject == "u"


@pytest.mark.parametrize(
    "headers",
    [
        {"kid": "../../dev/null"},
        {"kid": "' OR 1=1"},
        {"jku": "https://evil.example"},
        {"x5u": "https://evil.example"},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"crit": ["exp"]},
    ],
)
def test_headers_that_steer_the_check_are_refused(headers: dict[str, Any]) -> None:
    assert refusal(sign(good_claims(), **headers)) == "auth.invalid"


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "HS384", "HS512", "RS256", "", None, 5])
def test_only_the_pinned_algorithm_is_accepted(algorithm: object) -> None:
    assert refusal(raw({"alg": algorithm, "typ": "JWT"}, good_claims())) == "auth.invalid"


def test_other_keys_and_edited_payloads_are_refused() -> None:
    assert refusal(sign(good_claims(), key="y" * 32)) == "auth.invalid"
    head, _, signature = sign(good_claims()).split(".")
    edited = base64.urlsafe_b64encode(json.dumps(good_claims(sub="admin")).encode()).decode().rstrip("=")
    assert refusal(f"{head}.{edited}.{signature}") == "auth.invalid"
    assert refusal(jwt.encode(good_claims(), "z" * 64, algorithm="HS512")) == "auth.invalid"


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "abc", "токен", "x" * 5000, "a" * 4000 + ".b.c", raw([], []), raw("x", 1)]
)
def test_rubbish_is_refused(token: str) -> None:
    assert refusal(token) == "auth.invalid"


def test_deeply_nested_json_is_refused() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 2500).decode().rstrip("=")
    assert refusal(f"{deep}.{deep}.x") == "auth.invalid"


def test_a_token_of_ours_for_something_else_is_named_so() -> None:
    assert refusal(sign(good_claims(typ="refresh"))) == "auth.wrong_token_type"
    assert refusal(new_token()) == "auth.wrong_token_type"
    assert refusal(new_token(32)) == "auth.wrong_token_type"


def test_without_a_secret_nothing_is_signed_or_read() -> None:
    with pytest.raises(ConfigurationError):
        encode_access_token(Settings(), role="trader", subject="u", session_id="s", now=NOW)


def test_opaque_tokens_and_callback_secrets() -> None:
    token = new_token()
    assert len(token) == 32
    assert token != new_token()
    assert token_hash("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    secret = new_callback_secret()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
