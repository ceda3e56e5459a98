"""What each screen says, in both languages, from sessions as the gateway service tells them."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest

from jivapay.schemas_enums import enums
from jivapay.web.ui.assets import get_assets, get_inline_style
from web.desks import Counter
from web.scenes import ORDER_ID, PHONE, SCENES, TOKEN, session

PAGE = f"/pay/{TOKEN}"
HEADINGS = {
    "choose": ("Как вам удобно оплатить?", "How would you like to pay?"),
    "choose-open": ("Как вам удобно оплатить?", "How would you like to pay?"),
    "choose-none": ("Как вам удобно оплатить?", "How would you like to pay?"),
    "choose-closed": ("Магазин сейчас не принимает платежи", "The store is not taking payments right now"),
    "searching": ("Подбираем реквизиты", "Finding payment details"),
    "pay": ("Переведите деньги в приложении банка", "Transfer the money in your bank app"),
    "pay-card": ("Переведите деньги в приложении банка", "Transfer the money in your bank app"),
    "check": ("Проверяем ваш платёж", "Checking your payment"),
    "check-lost": ("Проверяем ваш платёж", "Checking your payment"),
    "review": ("Платёж проверяет специалист", "Your payment is being reviewed"),
    "review-first": ("Проверяем ваш заказ", "Checking your order"),
    "paid": ("Оплата получена", "Payment received"),
    "paid-test": ("Оплата получена", "Payment received"),
    "expired": ("Время вышло", "Time is up"),
    "expired-early": ("Время вышло", "Time is up"),
    "cancelled": ("Платёж отменён", "Payment cancelled"),
    "cancelled-early": ("Платёж отменён", "Payment cancelled"),
    "failed": ("Платёж не прошёл", "The payment did not go through"),
    "failed-none": ("Платёж не прошёл", "The payment did not go through"),
    "reversed": ("Платёж отозван", "The payment was taken back"),
    "expired-over": ("Время вышло", "Time is up"),
    "dispute": ("Разбираемся с вашим платежом", "We are looking into your payment"),
}
RELOADS = {"searching": 3, "check": 10, "check-lost": 10, "review": 30, "review-first": 30, "dispute": 60}
LATIN_ALLOWED = {
    *("N", "Northwind", "Games", "English", "JivaPay", "A", "PDF", "ID", "QR", "UTC", "PNG", "JPEG", "WebP"),
}
RAW_NAMES = {
    str(value)
    for enum in (enums.OrderStatus, enums.IncomingOrderStatus, enums.PaymentSessionStatus)
    for value in enum
    if "_" in value
}


class TextOf(HTMLParser):
    """The words of a page: no tags, styles or scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.silent = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in {"style", "script"}
        self.words += [value for name, value in attrs if name in {"alt", "aria-label"} and value]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in {"style", "script"}

    def handle_data(self, data: str) -> None:
        if not self.silent and data.strip():
            self.words.append(re.sub(r"[ \n]+", " ", data.strip()))

    @property
    def text(self) -> str:
        return "\n".join(self.words)


async def get(counter: Counter, scene: str, language: str = "ru", **headers: str) -> str:
    counter.show(SCENES[scene])
    async with counter.client(**{"accept-language": language, **headers}) as client:
        answer = await client.get(PAGE)
    assert answer.status_code == 200
    return answer.text


def first(pattern: str, html: str) -> str:
    match = re.search(pattern, html, re.DOTALL)
    assert match is not None, pattern
    return unescape(re.sub(r"<span[^>]*>\d</span>|<[^>]+>", "", match[1])).strip()


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("scene", SCENES)
async def test_heading_and_title(counter: Counter, scene: str, language: str) -> None:
    html = await get(counter, scene, language)
    heading = HEADINGS[scene][language == "en"]
    assert html.count("<h1") == 1
    assert first(r"<h1[^>]*>(.*?)</h1>", html) == heading
    if scene != "choose-closed":
        assert first(r"<title>(.*?)</title>", html) == f"{heading} · Northwind Games"
    assert f'<html lang="{language}">' in html


@pytest.mark.parametrize("scene", SCENES)
async def test_nothing_is_left_untranslated(counter: Counter, scene: str) -> None:
    text = TextOf(await get(counter, scene)).text.replace(str(ORDER_ID), "")
    assert {word for word in re.findall("[A-Za-z]+", text) if word not in LATIN_ALLOWED} == set()


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("scene", SCENES)
async def test_nothing_raw_is_shown(counter: Counter, scene: str, language: str) -> None:
    text = TextOf(await get(counter, scene, language)).text
    assert [raw for raw in ("None", "{{", "{%", "Traceback", "Undefined", "%(") if raw in text] == []
    assert [name for name in RAW_NAMES if name in text] == []
    assert re.search(r"\b\d{4,}[.,]\d", text) is None


@pytest.mark.parametrize("scene", SCENES)
async def test_a_whole_page_is_at_most_forty_kilobytes(counter: Counter, scene: str) -> None:
    page = len((await get(counter, scene)).encode())
    qr = 0
    if SCENES[scene].state == "pay":
        async with counter.client() as client:
            qr = len((await client.get(f"{PAGE}/qr.svg")).content)
    assert page + qr + len(get_assets()["pay.js"].content) <= 40_000


@pytest.mark.parametrize("scene", SCENES)
async def test_waiting_pages_reload_themselves_without_a_script(counter: Counter, scene: str) -> None:
    html = await get(counter, scene)
    found = re.findall(r'<noscript><meta http-equiv="refresh" content="(\d+);url=([^"]+)"></noscript>', html)
    assert found == ([(str(RELOADS[scene]), PAGE)] if scene in RELOADS else [])


async def test_headers(counter: Counter) -> None:
    counter.show(SCENES["pay"])
    async with counter.client() as client:
        headers = (await client.get(PAGE)).headers
    assert headers["content-security-policy"] == (
        f"default-src 'none'; script-src 'self'; style-src {get_inline_style('pay.css').source}; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-robots-tag"] == "noindex, nofollow"
    assert headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in headers


async def test_the_requisite_is_whole_with_bare_values_to_copy(counter: Counter) -> None:
    html = await get(counter, "pay-card")
    assert re.findall(r'data-copy="([^"]+)"', html) == ["12500.50", "2200700123456789", "Т-Банк", "Константин Е."]
    text = TextOf(html).text
    assert "2200 7001 2345 6789" in text
    assert "12\u00a0500,50\u00a0₽" in html
    assert "Переведите до 10:05 (UTC+3)" in text
    assert 'data-deadline="2026-11-21T07:05:05.000+00:00"' in html
    assert '<progress max="900" value="900"' in html


@pytest.mark.parametrize("state", ["expired", "cancelled"])
async def test_nobody_is_led_to_pay_to_what_has_lapsed(counter: Counter, state: str) -> None:
    """The shop is given the number as long as a late receipt is taken; the page shows its last digits."""
    counter.show(session(state, requisite=PHONE, total_seconds=900, may_claim_late=True))
    async with counter.client() as client:
        html = (await client.get(PAGE)).text
        assert (await client.get(f"{PAGE}/qr.svg")).status_code == 404
    assert f"•• {PHONE.number[-4:]}" in html
    assert PHONE.number[-7:] not in html


async def test_a_required_receipt_is_said_and_asked_for(counter: Counter) -> None:
    assert re.search(r'<input type="file"[^>]* required', await get(counter, "pay-card"))
    assert not re.search(r'<input type="file"[^>]* required', await get(counter, "pay"))


async def test_only_what_the_store_left_open_is_asked(counter: Counter) -> None:
    closed, left_open = await get(counter, "choose"), await get(counter, "choose-open")
    assert 'name="amount"' not in closed
    assert 'name="customer_id"' not in closed
    assert 'name="amount" inputmode="decimal"' in left_open
    assert 'name="customer_id"' in left_open
    assert "От 100\u00a0₽ до 100\u00a0000\u00a0₽" in TextOf(left_open).text.replace("\n", " ")


async def test_a_test_payment_is_marked(counter: Counter) -> None:
    assert "Тестовый платёж: настоящие деньги не переводятся" in await get(counter, "paid-test")
    assert "Тестовый платёж" not in await get(counter, "paid")


async def test_no_requisite_leaves_the_choice_open(counter: Counter) -> None:
    html = await get(counter, "choose-none")
    assert "Сейчас нет свободных реквизитов" in html
    assert html.count('type="radio"') == 3
    assert 'value="sbp" data-banks="sber tbank alfa" id="payment_method" checked' in html


@pytest.mark.parametrize(
    ("scene", "claims"),
    [("expired", True), ("cancelled", True), ("expired-early", False), ("cancelled-early", False), ("failed", False)],
)
async def test_late_money_may_be_claimed(counter: Counter, scene: str, claims: bool) -> None:
    html = await get(counter, scene)
    assert (f'action="{PAGE}/confirm"' in html) is claims
    assert bool(re.search(r'<input type="file"[^>]* required', html)) is claims


async def test_what_is_not_revived_any_more_goes_to_a_person(counter: Counter) -> None:
    html = await get(counter, "expired-over")
    assert f'action="{PAGE}/dispute"' in html
    assert f'action="{PAGE}/confirm"' not in html
    assert re.search(r'<input type="file"[^>]* required', html)


@pytest.mark.parametrize(
    ("name", "url", "link"),
    [
        ("with a query", "https://shop.example/t?cart=9", f"https://shop.example/t?cart=9&amp;order_id={ORDER_ID}"),
        ("without", "https://shop.example", f"https://shop.example?order_id={ORDER_ID}"),
        ("with a fragment", "https://shop.example/#x", f"https://shop.example/?order_id={ORDER_ID}#x"),
        ("its own order_id stays", "https://shop.example/?order_id=7", "https://shop.example/?order_id=7"),
        ("a script", "javascript:alert(1)", None),
        ("a page of data", "data:text/html,x", None),
        ("none", None, None),
    ],
)
async def test_the_way_back(counter: Counter, name: str, url: str | None, link: str | None) -> None:
    counter.show(SCENES["paid"].model_copy(update={"return_url": url}))
    async with counter.client() as client:
        html = (await client.get(PAGE)).text
    assert re.findall(r'href="([^"]+)" rel="noreferrer" id="back"', html) == ([link] if link else [])
    assert "javascript:" not in html


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("mailto:help@shop.example", f"mailto:help@shop.example?subject={ORDER_ID}"),
        ("mailto:h@s.example?cc=x@s.example", f"mailto:h@s.example?cc=x@s.example&amp;subject={ORDER_ID}"),
        ("https://shop.example/help", "https://shop.example/help"),
        ("javascript:alert(1)", None),
        (None, None),
    ],
)
async def test_support_knows_the_payment(counter: Counter, url: str | None, link: str | None) -> None:
    counter.show(SCENES["pay"].model_copy(update={"support_url": url}))
    async with counter.client() as client:
        html = (await client.get(PAGE)).text
    assert re.findall(r'<footer>.*?<a href="([^"]+)"', html, re.DOTALL) == ([link] if link else [])


async def test_what_a_store_says_is_escaped(counter: Counter) -> None:
    evil = '"><script>alert(1)</script>'
    counter.show(session("paid", store_name=evil, external_order_id=evil))
    async with counter.client() as client:
        html = (await client.get(PAGE)).text
    assert "<script>alert" not in html
    assert html.count("&lt;script&gt;alert(1)") >= 3


async def test_the_language_is_remembered(counter: Counter) -> None:
    counter.show(SCENES["choose"])
    async with counter.client() as client:
        answer = await client.get(f"{PAGE}?lang=en")
        assert answer.headers["set-cookie"].lower() == "lang=en; httponly; max-age=31536000; path=/; samesite=lax"
        assert "How would you like to pay?" in (await client.get(PAGE)).text


async def test_the_receipt_says_everything(counter: Counter) -> None:
    text = TextOf(await get(counter, "paid", "en")).text
    for fact in ("₽4,750.00", "Northwind Games", "A-20417", "21 November 2026, 09:50 (UTC+3)", str(ORDER_ID)):
        assert fact in text
    assert "Иван П., Сбербанк •• 4567" in text.replace("\n", " ")
