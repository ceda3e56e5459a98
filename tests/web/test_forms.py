"""The page's forms over a paper desk: 303 when taken, the same form with its mistakes when not."""
# ruff: noqa: ANN401 - the options of a request are httpx's

import re
from decimal import Decimal
from html import unescape
from typing import Any

import httpx2
import pytest

from jivapay.exceptions import (
    DatabaseError,
    JivaPayException,
    LimitExceeded,
    NotFound,
    OpenOrdersLimitExceeded,
    OrderStateConflict,
    PlatformFrozen,
    RateStale,
    RequestTooLarge,
    ResourceBusy,
    SessionExpired,
    StorageError,
    ValidationFailed,
)
from jivapay.schemas_enums.gateway import MethodChoice
from jivapay.services.order_status_manager import PayerSaid
from support.qr_reader import read_qr
from web.desks import Counter
from web.scenes import SCENES, TOKEN

PAGE = f"/pay/{TOKEN}"
OWN = {"sec-fetch-site": "same-origin", "accept-language": "en"}
LONG_ID = "Check this ID: it is too long or has characters that are not allowed."
EMPTY_FILE_FIELD = (
    b'--x\r\ncontent-disposition: form-data; name="receipt"; filename=""\r\n'
    b"content-type: application/octet-stream\r\n\r\n\r\n--x--\r\n"
)
CARD = {"payment_method": "card", "bank": "", "amount": "", "customer_id": ""}


async def post(counter: Counter, form: str, **options: Any) -> httpx2.Response:
    async with counter.client(**OWN) as client:
        return await client.post(f"{PAGE}/{form}", **options)


def alert_of(answer: httpx2.Response) -> str:
    match = re.search(r'<div class="alert"[^>]*>(.*?)</div></div>', answer.text, re.DOTALL)
    assert match is not None
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", match[1]).split()))


def wrong_fields(answer: httpx2.Response) -> dict[str, str]:
    """Each marked field with its sentence; every field is linked from the summary and described by its error."""
    found = dict(re.findall(r'<p class="wrong" id="(\w+)-error">.*?<span>(.*?)</span>', answer.text, re.DOTALL))
    for name in found:
        assert f'<a href="#{name}">' in answer.text
        assert f'id="{name}"' in answer.text
        assert re.search(rf'aria-invalid="true" aria-describedby="{name}-error', answer.text)
    return {name: unescape(text) for name, text in found.items()}


async def test_a_choice_is_taken_once(counter: Counter) -> None:
    """A double click: the second form finds the first one's requisite and shows it."""
    desk = counter.show(SCENES["choose"])
    for _ in range(2):
        answer = await post(counter, "method", data=CARD)
        assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert desk.asked == [MethodChoice(payment_method="card")] * 2
    assert (desk.session.state, desk.session.version) == ("pay", 4)


@pytest.mark.parametrize("typed", ["1 234,5", "1\u00a0234,50", "1234.50", "1,234.50 ₽"])
async def test_amounts_are_understood_as_typed(counter: Counter, typed: str) -> None:
    desk = counter.show(SCENES["choose-open"])
    data = {"payment_method": "sbp", "bank": "sber", "amount": typed, "customer_id": " u-7 "}
    assert (await post(counter, "method", data=data)).status_code == 303
    [choice] = desk.asked
    assert (str(choice.amount).rstrip("0"), choice.customer_id, choice.bank) == ("1234.5", "u-7", "sber")


@pytest.mark.parametrize(
    ("data", "field", "text"),
    [
        ({"amount": "1,234"}, "amount", "Write the amount like this: 1234.50"),
        ({"amount": "a lot"}, "amount", "Write the amount like this: 1234.50"),
        ({"amount": "0"}, "amount", "The amount must be greater than zero."),
        ({"amount": "-5"}, "amount", "The amount must be greater than zero."),
        ({"amount": "1.23456"}, "amount", "There are too many digits after the decimal point."),
        ({"amount": "1" * 16}, "amount", "The amount is more than the store accepts."),
        ({"payment_method": ""}, "payment_method", "Choose how you will pay."),
        ({"payment_method": "../x"}, "payment_method", "Choose how you will pay."),
        ({"bank": "нет"}, "bank", "This bank is not available for this method. Choose another one."),
        ({"customer_id": "u" * 129}, "customer_id", LONG_ID),
    ],
)
async def test_mistakes_stand_at_their_field(counter: Counter, data: dict[str, str], field: str, text: str) -> None:
    desk = counter.show(SCENES["choose-open"])
    typed = {"payment_method": "card", "bank": "", "amount": "500", "customer_id": "u-7", **data}
    answer = await post(counter, "method", data=typed)
    assert answer.status_code == 422
    assert wrong_fields(answer) == {field: text}
    assert "<title>Error: How would you like to pay? · Northwind Games</title>" in answer.text
    assert desk.asked == []


async def test_what_was_typed_stays(counter: Counter) -> None:
    counter.show(SCENES["choose-open"])
    data = {"payment_method": "card", "bank": "tbank", "amount": '1,234"', "customer_id": "<u>"}
    answer = await post(counter, "method", data=data)
    assert 'value="1,234&#34;"' in answer.text
    assert 'value="&lt;u&gt;"' in answer.text
    assert re.search(r'value="card"[^>]* checked', answer.text)
    assert '<option value="tbank" selected>' in answer.text


@pytest.mark.parametrize(
    ("failure", "status", "fields"),
    [
        ("order.amount_below_limit", 422, {"amount": "The amount is less than the store accepts."}),
        ("order.amount_above_limit", 422, {"amount": "The amount is more than the store accepts."}),
        ("amount.too_small", 422, {"amount": "The amount is less than the store accepts."}),
        ("validation.required", 422, {"amount": "Enter the amount."}),
        ("something.new", 422, {"amount": "Write the amount like this: 1234.50"}),
    ],
)
async def test_the_stores_rules_stand_at_the_amount(
    counter: Counter, failure: str, status: int, fields: dict[str, str]
) -> None:
    counter.show(SCENES["choose-open"]).refusal = ValidationFailed.at("body", "amount", code=failure)
    answer = await post(counter, "method", data={**CARD, "amount": "5"})
    assert answer.status_code == status
    assert wrong_fields(answer) == fields


@pytest.mark.parametrize(
    ("refusal", "status", "text"),
    [
        (RateStale(), 503, "New payments are paused for a moment Try again in a few minutes. Your order is kept."),
        (PlatformFrozen(), 503, "New payments are paused for a moment Try again in a few minutes. Your order is kept."),
        (
            OpenOrdersLimitExceeded(retry_after_seconds=60),
            429,
            "You have too many unpaid payments Finish or cancel one of them, then try again.",
        ),
        (LimitExceeded(), 429, "Too many requests Wait a minute and try again."),
        (
            ValidationFailed.at("body", "unknown", code="validation.unknown_field"),
            422,
            "Something in the form was not understood Check what you have entered and send it again.",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, JivaPayException) else "",
)
async def test_other_refusals_stand_above_the_form(
    counter: Counter, refusal: JivaPayException, status: int, text: str
) -> None:
    counter.show(SCENES["choose"]).refusal = refusal
    answer = await post(counter, "method", data=CARD)
    assert answer.status_code == status
    assert alert_of(answer) == text
    assert answer.headers.get("retry-after") == (
        str(refusal.retry_after_seconds) if refusal.retry_after_seconds else None
    )
    assert re.search(r'value="card"[^>]* checked', answer.text)


@pytest.mark.parametrize("form", ["method", "confirm", "cancel"])
async def test_a_conflict_shows_how_things_stand(counter: Counter, form: str) -> None:
    counter.show(SCENES["paid"]).refusal = OrderStateConflict("completed")
    answer = await post(counter, form, data=CARD if form == "method" else {})
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)


@pytest.mark.parametrize(
    ("files", "receipt"), [({"receipt": ("r.png", b"\x89PNG", "image/png")}, b"\x89PNG"), ({}, None)]
)
async def test_confirming_with_and_without_a_receipt(counter: Counter, files: Any, receipt: bytes | None) -> None:
    desk = counter.show(SCENES["pay"])
    answer = await post(counter, "confirm", files=files)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert desk.asked == [receipt]


@pytest.mark.parametrize(("typed", "amount"), [("4 700,50", Decimal("4700.50")), ("4750", Decimal(4750)), ("", None)])
async def test_a_late_claim_says_how_much_was_sent(counter: Counter, typed: str, amount: Decimal | None) -> None:
    desk = counter.show(SCENES["expired"])
    data = {"amount": typed, "payer_bank": " Сбербанк ", "payer_name": ""}
    answer = await post(counter, "confirm", data=data, files={"receipt": ("r.png", b"x", "image/png")})
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert desk.said == [PayerSaid(amount, "Сбербанк", None)]


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("1,234", "Write the amount like this: 1234.50"),
        ("-5", "The amount must be greater than zero."),
        ("1.23456", "There are too many digits after the decimal point."),
    ],
)
async def test_a_claimed_amount_is_refused_at_its_field(counter: Counter, typed: str, text: str) -> None:
    desk = counter.show(SCENES["expired"])
    answer = await post(counter, "confirm", data={"amount": typed}, files={"receipt": ("r.png", b"x", "image/png")})
    assert answer.status_code == 422
    assert wrong_fields(answer) == {"amount": text}
    assert f'value="{typed}"' in answer.text
    assert desk.asked == []


async def test_an_empty_file_field_is_no_receipt(counter: Counter) -> None:
    """What a browser sends when no file was chosen."""
    desk = counter.show(SCENES["pay"])
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = await post(counter, "confirm", content=EMPTY_FILE_FIELD, headers=headers)
    assert answer.status_code == 303
    assert desk.asked == [None]


@pytest.mark.parametrize(
    ("refusal", "status", "text"),
    [
        (ValidationFailed.at("body", "receipt", code="file.empty"), 422, "This file is empty. Choose another one."),
        (
            ValidationFailed.at("body", "receipt", code="file.type_not_allowed"),
            422,
            "Attach a PNG, JPEG or WebP picture or a PDF.",
        ),
        (ValidationFailed.at("body", "receipt", code="receipt.required"), 422, "Attach the receipt."),
        (RequestTooLarge(), 413, "The file is larger than 10 MB. Attach a smaller one or a screenshot."),
    ],
)
@pytest.mark.parametrize("scene", ["pay", "expired", "cancelled", "check-lost"])
async def test_receipts_are_refused_at_their_field(
    counter: Counter, scene: str, refusal: JivaPayException, status: int, text: str
) -> None:
    counter.show(SCENES[scene]).refusal = refusal
    answer = await post(counter, "confirm", files={"receipt": ("r.png", b"x", "image/png")})
    assert answer.status_code == status
    assert wrong_fields(answer) == {"receipt": text}


@pytest.mark.parametrize("refusal", [StorageError(), ResourceBusy()], ids=["storage down", "too many receipts"])
async def test_a_receipt_that_could_not_be_kept(counter: Counter, refusal: JivaPayException) -> None:
    counter.show(SCENES["pay-card"]).refusal = refusal
    answer = await post(counter, "confirm", files={"receipt": ("r.png", b"x", "image/png")})
    assert answer.status_code == 503
    assert alert_of(answer).endswith("If you have transferred the money, it is not lost.")


async def test_a_large_file_reaches_the_field_and_a_huge_one_its_page(counter: Counter) -> None:
    desk = counter.show(SCENES["pay"])
    eleven = {"receipt": ("r.png", b"x" * 11 * 1024**2, "image/png")}
    assert (await post(counter, "confirm", files=eleven)).status_code == 303
    assert len(desk.asked[0]) == 11 * 1024**2
    huge = await post(counter, "confirm", files={"receipt": ("r.png", b"x" * 21 * 1024**2, "image/png")})
    assert huge.status_code == 413
    assert "<h1>The file is too large</h1>" in huge.text


async def test_cancelling(counter: Counter) -> None:
    desk = counter.show(SCENES["pay"])
    answer = await post(counter, "cancel")
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert desk.session.state == "cancelled"


@pytest.mark.parametrize(
    ("name", "headers", "passes"),
    [
        ("own", {"sec-fetch-site": "same-origin"}, True),
        ("typed by hand", {"sec-fetch-site": "none"}, True),
        ("another site", {"sec-fetch-site": "cross-site"}, False),
        ("a sister site", {"sec-fetch-site": "same-site"}, False),
        ("another site that claims our origin", {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1"}, False),
        ("old browser, own origin", {"origin": "http://127.0.0.1"}, True),
        ("old browser, public address", {"origin": "http://127.0.0.1:8080"}, True),
        ("old browser, another site", {"origin": "https://evil.example"}, False),
        ("old browser that sends no referrer", {"origin": "null"}, True),
        ("no browser", {}, True),
    ],
)
@pytest.mark.parametrize("form", ["method", "confirm", "cancel"])
async def test_forms_come_from_the_page(
    counter: Counter, form: str, name: str, headers: dict[str, str], passes: bool
) -> None:
    desk = counter.show(SCENES["choose"])
    async with counter.client(**headers) as client:
        answer = await client.post(f"{PAGE}/{form}", data=CARD if form == "method" else {})
    assert answer.status_code == (303 if passes else 403)
    assert bool(desk.asked) is passes
    if not passes:
        assert "<h1>Форма отправлена не со страницы оплаты</h1>" in answer.text


# Failures with a page of their own


async def error_page(counter: Counter, path: str = PAGE, method: str = "GET", **options: Any) -> httpx2.Response:
    async with counter.client(**OWN) as client:
        answer = await client.request(method, path, **options)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "style-src 'sha256-" in answer.headers["content-security-policy"]
    assert answer.headers["x-request-id"] in answer.text
    assert TOKEN not in answer.text or answer.status_code not in {404, 410}
    return answer


@pytest.mark.parametrize(
    ("failure", "status", "heading"),
    [
        (NotFound(), 404, "There is no such payment page"),
        (SessionExpired(), 410, "This payment link is closed"),
        (DatabaseError(), 503, "The payment page is unavailable for a moment"),
    ],
)
async def test_failures_of_the_page(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, failure: JivaPayException, status: int, heading: str
) -> None:
    desk = counter.show(SCENES["choose"])

    async def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(desk, "show", fail)
    monkeypatch.setattr(desk, "choose", fail)
    for method, path in (("GET", PAGE), ("POST", f"{PAGE}/method")):
        answer = await error_page(counter, path, method, **({"data": CARD} if method == "POST" else {}))
        assert answer.status_code == status
        assert f"<h1>{heading}</h1>" in answer.text
        assert (f'href="{PAGE}"' in answer.text) is (status == 503)


async def test_an_unknown_token_is_told_nothing(counter: Counter) -> None:
    unknown = await error_page(counter, "/pay/unknown")
    assert unknown.status_code == 404
    assert "Northwind" not in unknown.text
    assert (await error_page(counter, "/pay/unknown/cancel", "POST")).status_code == 404
    assert (await error_page(counter, f"{PAGE}/nowhere")).status_code == 404


async def test_too_many_requests(counter: Counter) -> None:
    counter.limiter.refusal = LimitExceeded(retry_after_seconds=7)
    try:
        answer = await error_page(counter)
    finally:
        counter.limiter.refusal = None
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert "<h1>Too many requests</h1>" in answer.text


async def test_what_nobody_expected(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr(counter.show(SCENES["choose"]), "show", fail)
    answer = await error_page(counter)
    assert answer.status_code == 500
    assert "<h1>Something went wrong on our side</h1>" in answer.text
    assert f'href="{PAGE}"' in answer.text
    assert "canary" not in answer.text


async def test_other_refusals_lead_back(counter: Counter) -> None:
    wrong_method = await error_page(counter, f"{PAGE}/method")
    assert wrong_method.status_code == 405
    twice = await error_page(counter, f"{PAGE}?lang=en&lang=ru")
    assert twice.status_code == 422
    assert f'href="{PAGE}"' in twice.text
    json = await error_page(counter, f"{PAGE}/method", "POST", json={"payment_method": "card"})
    assert json.status_code == 415


# The QR code


@pytest.mark.parametrize(("scene", "number"), [("pay", "+79001234567"), ("pay-card", "2200700123456789")])
async def test_the_code_is_the_bare_number(counter: Counter, scene: str, number: str) -> None:
    counter.show(SCENES[scene])
    async with counter.client() as client:
        answer = await client.get(f"{PAGE}/qr.svg")
    assert answer.status_code == 200
    assert read_qr(answer.text) == number
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cache-control"] == "private, max-age=900"
    assert "style=" not in answer.text


@pytest.mark.parametrize("scene", ["choose", "check", "paid", "expired"])
async def test_there_is_no_code_otherwise(counter: Counter, scene: str) -> None:
    counter.show(SCENES[scene])
    async with counter.client() as client:
        answer = await client.get(f"{PAGE}/qr.svg")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
