"""Canaries: what must never stand in a log, in every place it might hide."""

import pytest

from jivapay.config.redaction import escape_control_characters, is_luhn, redact_named, redact_text, redact_value

CARD = "4111111111111111"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"paid to {CARD} today", "paid to ****1111 today", id="card"),
        pytest.param("4111 1111 1111 1111", "****1111", id="card in groups"),
        pytest.param("4111-1111-1111-1111", "****1111", id="card with dashes"),
        pytest.param(f"n{CARD}n", "n****1111n", id="card inside letters"),
        pytest.param("4111111111111112", "4111111111111112", id="not a card: its check digit is wrong"),
        pytest.param("order 20261121084500", "order 20261121084500", id="not a card: a time"),
        pytest.param(
            "0199a1b2-1111-7111-8111-411111111111", "0199a1b2-1111-7111-8111-411111111111", id="not a card: an id"
        ),
        pytest.param("Authorization: Bearer abc.d-e_f", "Authorization: Bearer [redacted]", id="bearer"),
        pytest.param("Basic dXNlcjpwYXNz", "Basic [redacted]", id="basic"),
        pytest.param("eyJhbGciOi.eyJzdWIi.c2ln", "[redacted]", id="access token"),
        pytest.param("key jp_live_k1_secretsecret_crc", "key jp_live_[redacted]", id="live key"),
        pytest.param("key jp_test_k1_secretsecret_crc", "key jp_test_[redacted]", id="test key"),
        pytest.param("whsec_AAAAbbbb+/=", "whsec_[redacted]", id="callback secret"),
        pytest.param("GET /pay/abcDEF123_-xyz", "GET /pay/[redacted]", id="page token"),
        pytest.param("/pay/abcDEF123_-xyz/confirm", "/pay/[redacted]/confirm", id="page token, deeper"),
        pytest.param("/pay/static/pay-0123456789.css", "/pay/static/pay-0123456789.css", id="a page's file"),
        pytest.param(
            "/gateway/payment_session/abcDEF123_-xyz", "/gateway/payment_session/[redacted]", id="session token"
        ),
        pytest.param("https://shop.example/hook?sig=abc", "https://shop.example/hook?[redacted]", id="query string"),
        pytest.param("GET /x?token=abc HTTP/1.1", "GET /x?[redacted] HTTP/1.1", id="query of a path"),
        pytest.param("postgresql://jp:pw@db:5432/jp", "postgresql://[redacted]@db:5432/jp", id="database password"),
        pytest.param("ivan.petrov@shop.example wrote", "i***@shop.example wrote", id="e-mail"),
        pytest.param("call +79001234567 now", "call +79***67 now", id="phone"),
    ],
)
def test_secrets_inside_sentences_are_hidden(text: str, expected: str) -> None:
    assert redact_text(text) == expected


@pytest.mark.parametrize(
    "key", ["password", "new_password", "access_token", "callback_secret", "X-API-Key", "Cookie", "otp", "holder"]
)
def test_a_key_that_names_a_secret_hides_its_value(key: str) -> None:
    assert redact_named(key, "plain") == "[redacted]"
    assert redact_named(key, None) is None


def test_collections_numbers_and_strange_objects_are_searched() -> None:
    class Strange:
        def __str__(self) -> str:
            return f"Strange({CARD})"

    assert redact_value({"a": [CARD, {"password": "x"}], "b": (int(CARD), 7)}) == {
        "a": ["****1111", {"password": "[redacted]"}],
        "b": ["****1111", 7],
    }
    assert redact_value(Strange()) == "Strange(****1111)"


def test_deep_nesting_ends() -> None:
    value: object = CARD
    for _ in range(50):
        value = [value]
    assert CARD not in str(redact_value(value))


def test_nothing_on_a_terminal_breaks_its_line_but_a_traceback() -> None:
    event = escape_control_characters(None, "info", {"event": "a\n\x1b[31mb", "exception": "Traceback\n  line"})
    assert event == {"event": "a\\n\\x1b[31mb", "exception": "Traceback\n  line"}


@pytest.mark.parametrize(("number", "valid"), [("79927398713", True), ("79927398710", False), ("0", True)])
def test_luhn(number: str, valid: bool) -> None:
    assert is_luhn([int(digit) for digit in number]) is valid
