"""Signatures as a receiver checks them: with the Standard Webhooks library, and by hand from the raw bytes."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from jivapay.config.crypto import new_callback_secret
from jivapay.domain import signatures
from jivapay.domain.signatures import SignatureCheck

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
FIELDS = {
    "event_id": "evt_0199",
    "type": "order.completed",
    "store_seq": 41,
    "amount_fiat": "4750.00",
    "paid": True,
    "amount_exceptions": [],
    "metadata": {"cart": "9", "примечание": "Привет, «мир» 🙂 /\\"},
    "commission": None,
}
BODY = b'{"amount":"4750.00"}'
NOW = 1_790_000_000


def signed(keys: list[str], fields: dict[str, object] = FIELDS, at: datetime | None = None) -> signatures.SignedMessage:
    return signatures.sign_message(keys, fields, message_id="evt_0199", at=at or datetime.now(UTC))


def request_signature(secret: str, timestamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def test_the_self_test_passes() -> None:
    signatures.self_test()


def test_what_is_a_secret() -> None:
    assert signatures.is_secret(SECRET)
    assert signatures.is_secret(new_callback_secret())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("whsec_", id="prefix alone"),
        pytest.param(SECRET.removeprefix("whsec_"), id="without prefix"),
        pytest.param("whsec_" + base64.b64encode(b"x" * 31).decode(), id="31 bytes"),
        pytest.param("whsec_" + base64.b64encode(b"x" * 33).decode(), id="33 bytes"),
        pytest.param("whsec_!!!!", id="no base64"),
        pytest.param("whsec_й", id="not ascii"),
    ],
)
def test_what_is_no_secret(text: str) -> None:
    assert not signatures.is_secret(text)


def test_a_receiver_with_the_standard_library_accepts_it() -> None:
    message = signed([SECRET])
    assert Webhook(SECRET).verify(message.body, message.headers) == json.loads(message.body)


def test_the_zone_of_the_time_of_signing_does_not_matter() -> None:
    at = datetime.now(timezone(timedelta(hours=9)))
    message = signed([SECRET], at=at)
    Webhook(SECRET).verify(message.body, message.headers)
    assert message.headers == signed([SECRET], at=at.astimezone(UTC)).headers


def test_while_rotating_old_and_new_secret_both_verify() -> None:
    message = signed([SECRET, OTHER])
    assert len(message.headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, OTHER):
        Webhook(secret).verify(message.body, message.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_callback_secret()).verify(message.body, message.headers)


@pytest.mark.parametrize(
    ("header", "change"),
    [
        pytest.param("webhook-id", lambda _: "evt_other", id="another id"),
        pytest.param("webhook-timestamp", lambda signed_at: str(int(signed_at) + 7), id="another timestamp"),
        pytest.param("webhook-timestamp", lambda _: "1700000000", id="stale"),
    ],
)
def test_a_changed_header_does_not_verify(header: str, change: Callable[[str], str]) -> None:
    message = signed([SECRET])
    changed = message.headers | {header: change(message.headers[header])}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(message.body, changed)


def test_a_body_serialised_again_does_not_verify() -> None:
    message = signed([SECRET])
    again = json.dumps(json.loads(message.body)).encode()
    assert again != message.body
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(again, message.headers)


def test_x_signature_is_over_timestamp_dot_raw_body_keyed_by_the_shown_text() -> None:
    message = signed([SECRET, OTHER])
    expected = request_signature(SECRET, message.headers["X-Timestamp"], message.body)
    assert message.headers["X-Signature"] == expected
    assert message.headers["X-Timestamp"] == message.headers["webhook-timestamp"]


def test_the_body_signature_is_over_the_canonical_json_of_the_other_fields() -> None:
    parsed = json.loads(signed([SECRET]).body)
    given_signature = parsed.pop("signature")
    canonical = json.dumps(parsed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert given_signature == hmac.new(SECRET.encode(), canonical, hashlib.sha256).hexdigest()
    assert parsed == FIELDS
    assert signatures.verify_fields(SECRET, parsed | {"signature": given_signature})
    assert not signatures.verify_fields(SECRET, parsed | {"signature": given_signature, "paid": False})
    assert not signatures.verify_fields(OTHER, parsed | {"signature": given_signature})
    assert not signatures.verify_fields(SECRET, parsed)
    assert not signatures.verify_fields(SECRET, parsed | {"signature": "й"})


def test_an_old_signature_in_the_fields_is_not_signed_again() -> None:
    assert signatures.sign_fields(SECRET, FIELDS | {"signature": "old"}) == signatures.sign_fields(SECRET, FIELDS)


def test_signing_needs_a_secret_and_an_aware_time() -> None:
    with pytest.raises(ValueError, match="without a secret"):
        signed([])
    with pytest.raises(ValueError, match="aware"):
        signed([SECRET], at=datetime(2026, 1, 1))  # noqa: DTZ001 - the naive time is what is refused


@pytest.mark.parametrize("offset", [-300, -1, 0, 299, 300])
def test_a_stores_request_is_valid_within_five_minutes(offset: int) -> None:
    timestamp = str(NOW + offset)
    signature = request_signature(SECRET, timestamp, BODY)
    assert signatures.verify_body(SECRET, timestamp, signature, BODY, now=NOW) is SignatureCheck.VALID
    assert signatures.verify_body(SECRET, timestamp, signature.upper(), BODY, now=NOW) is SignatureCheck.VALID


@pytest.mark.parametrize("offset", [-301, 301, -86_400, 10**9])
def test_a_stores_request_of_another_time_has_expired(offset: int) -> None:
    timestamp = str(NOW + offset)
    signature = request_signature(SECRET, timestamp, BODY)
    assert signatures.verify_body(SECRET, timestamp, signature, BODY, now=NOW) is SignatureCheck.EXPIRED


GOOD = request_signature(SECRET, str(NOW), BODY)


@pytest.mark.parametrize(
    ("timestamp", "signature", "body"),
    [
        pytest.param(None, GOOD, BODY, id="no timestamp"),
        pytest.param(str(NOW), None, BODY, id="no signature"),
        pytest.param("", GOOD, BODY, id="empty timestamp"),
        pytest.param(str(NOW), "", BODY, id="empty signature"),
        pytest.param(f" {NOW}", GOOD, BODY, id="space"),
        pytest.param(f"+{NOW}", GOOD, BODY, id="plus"),
        pytest.param(f"{NOW}.0", GOOD, BODY, id="decimal"),
        pytest.param("1e9", GOOD, BODY, id="exponent"),
        pytest.param("١٧٩٠٠٠٠٠٠٠", GOOD, BODY, id="other digits"),
        pytest.param("9" * 5000, GOOD, BODY, id="long number"),
        pytest.param(str(NOW), "v1," + GOOD, BODY, id="another scheme"),
        pytest.param(str(NOW), GOOD[:-1], BODY, id="short"),
        pytest.param(str(NOW), GOOD[:-1] + "й", BODY, id="not ascii"),
        pytest.param(str(NOW), GOOD, BODY + b" ", id="another body"),
        pytest.param(str(NOW + 1), GOOD, BODY, id="another timestamp"),
        pytest.param("0" + str(NOW), GOOD, BODY, id="leading zero"),
        pytest.param("1", GOOD, BODY, id="stale and wrong is wrong"),
        pytest.param(str(NOW), request_signature(OTHER, str(NOW), BODY), BODY, id="another secret"),
    ],
)
def test_a_stores_request_that_is_not_signed(timestamp: str | None, signature: str | None, body: bytes) -> None:
    assert signatures.verify_body(SECRET, timestamp, signature, body, now=NOW) is SignatureCheck.INVALID


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), json_values))
def test_any_fields_survive_signing_and_verify(fields: dict[str, object]) -> None:
    fields.pop("signature", None)
    message = signed([SECRET], fields)
    parsed = json.loads(message.body)
    assert parsed == fields | {"signature": parsed["signature"]}
    assert signatures.verify_fields(SECRET, parsed)
    Webhook(SECRET).verify(message.body, message.headers)
