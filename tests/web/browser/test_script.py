"""What pay.js adds: copying, the countdown, news without reloading, help with forms. Everything over a paper desk."""

import asyncio
import io
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Page, Route, expect

from web.browser.conftest import PHONE, WIDE, Open, Served, Watch
from web.desks import Counter
from web.scenes import SCENES

pytestmark = pytest.mark.browser

LIVE_MS = 6_000
"""The first look for news comes after three seconds; a screen must follow within five of the event."""


def noise(side: int) -> bytes:
    """A picture that no format makes small."""
    out = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(out, "PNG")
    return out.getvalue()


async def test_copies_are_bare_values(counter: Counter, served: Served, open_page: Open) -> None:
    counter.show(SCENES["pay-card"], now=True)
    async with open_page(permissions=["clipboard-read", "clipboard-write"]) as page:
        await page.goto(served.page)
        for place, bare in enumerate(["12500.50", "2200700123456789", "Т-Банк", "Константин Е."]):
            button = page.locator(".copy").nth(place)
            await button.click()
            await expect(button).to_have_class("copy copied")
            await expect(button.locator(".said")).to_have_text("Скопировано")
            assert await page.evaluate("navigator.clipboard.readText()") == bare
        await expect(page.locator("#announce")).to_have_text("Скопировано")
        await expect(page.locator(".copied")).to_have_count(0)
        await expect(page.locator(".said").first).to_have_text("Копировать")


async def test_copies_without_a_clipboard(counter: Counter, served: Served, open_page: Open) -> None:
    """Where the browser keeps its clipboard to secure pages, the old way still copies."""
    counter.show(SCENES["pay"], now=True)
    async with open_page() as page:
        await page.goto(served.page)
        await page.evaluate(
            "() => { Object.defineProperty(navigator, 'clipboard', { value: undefined });"
            "document.execCommand = () => { self.selected = String(document.activeElement.value); return true; } }"
        )
        await page.locator(".copy").first.click()
        await expect(page.locator(".copied")).to_have_count(1)
        assert await page.evaluate("self.selected") == "4750"
        assert await page.locator("textarea").count() == 0


async def test_the_countdown_follows_the_server(counter: Counter, served: Served, open_page: Open) -> None:
    desk = counter.show(SCENES["pay"], now=True)
    deadline = desk.session.expires_at
    assert deadline is not None
    async with open_page() as page:
        await page.clock.install(time=datetime(2020, 1, 1, tzinfo=UTC))
        await page.goto(served.page)
        for _ in range(3):
            minutes, _, seconds = (await page.locator(".countdown").inner_text()).partition(":")
            left = (deadline - datetime.now(UTC)).total_seconds()
            assert abs(left - (int(minutes) * 60 + int(seconds))) <= 5  # a busy browser draws late
            await asyncio.sleep(0.7)
        await page.clock.fast_forward(595_000)
        await expect(page.locator("#announce")).to_have_text("Осталось минут на перевод: 5", timeout=4_000)
        await page.clock.fast_forward(200_000)
        await expect(page.locator(".countdown")).to_have_class("countdown low")


async def test_the_code_is_open_where_there_is_room(counter: Counter, served: Served, open_page: Open) -> None:
    counter.show(SCENES["pay"], now=True)
    for viewport, opened, drawn in ((WIDE, "open", 1), (PHONE, None, 0)):
        asked: list[str] = []
        async with open_page(viewport) as page:
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            await page.goto(served.page, wait_until="load")
            await page.locator(".js").wait_for()
            await asyncio.sleep(0.3)
            assert await page.locator(".qr").get_attribute("open") == (None if opened is None else "")
            assert sum(url.endswith("qr.svg") for url in asked) == drawn


async def test_news_come_without_reloading(counter: Counter, served: Served, open_page: Open) -> None:
    desk = counter.show(SCENES["pay"], now=True)
    async with open_page() as page:
        await page.goto(served.page)
        await page.evaluate("self.same = true")
        desk.turn("check", receipt_attached=True)
        await expect(page.locator("h1")).to_have_text("Проверяем ваш платёж", timeout=LIVE_MS)
        desk.turn("paid", completed_at=datetime.now(UTC))
        await expect(page.locator("h1")).to_have_text("Оплата получена", timeout=LIVE_MS)
        await expect(page.locator("#announce")).to_have_text("Оплата получена")
        await expect(page).to_have_title("Оплата получена · Northwind Games")
        assert await page.evaluate("self.same")


async def test_news_come_at_once_when_the_page_is_looked_at(counter: Counter, served: Served, open_page: Open) -> None:
    desk = counter.show(SCENES["searching"], now=True)
    async with open_page() as page:
        await page.goto(served.page)
        await page.locator(".js").wait_for()
        desk.turn("pay", **SCENES["pay"].model_dump(include={"total_seconds"}), requisite=SCENES["pay"].requisite)
        await page.evaluate("dispatchEvent(new Event('focus'))")
        await expect(page.locator("h1")).to_contain_text("Переведите деньги", timeout=1_500)


async def test_a_chosen_receipt_survives_news(counter: Counter, served: Served, open_page: Open) -> None:
    desk = counter.show(SCENES["pay"], now=True)
    async with open_page() as page:
        await page.goto(served.page)
        receipt = {"name": "r.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 paid"}
        await page.set_input_files("#receipt", files=receipt)  # type: ignore[arg-type]  # a file payload
        desk.turn("expired", requisite=SCENES["expired"].requisite, may_claim_late=True)
        await page.evaluate("dispatchEvent(new Event('online'))")
        await expect(page.locator("h1")).to_have_text("Время вышло")
        await page.get_by_role("button", name="Я перевёл деньги").click()
        await expect(page.locator("h1")).to_have_text("Проверяем ваш платёж")
        assert desk.asked == [b"%PDF-1.7 paid"]


async def test_typing_is_not_disturbed(counter: Counter, served: Served, open_page: Open) -> None:
    desk = counter.show(SCENES["choose-open"], now=True)
    async with open_page() as page:
        await page.goto(served.page)
        await page.fill("#amount", "500")
        desk.turn("choose")
        async with page.expect_response(lambda answer: "/status?v=3" in answer.url):
            await page.evaluate("dispatchEvent(new Event('focus'))")
        await expect(page.locator("main")).to_have_attribute("data-version", "4")
        assert await page.input_value("#amount") == "500"


async def test_losing_the_connection_is_said_and_recovered_from(
    counter: Counter, served: Served, open_page: Open, watch: Watch
) -> None:
    desk = counter.show(SCENES["check"], now=True)

    async def cut(route: Route) -> None:
        await route.abort("internetdisconnected")

    async with open_page() as page:
        await page.goto(served.page)
        await page.route("**/status?*", cut)
        for _ in range(2):
            async with page.expect_event("requestfailed"):
                await page.evaluate("dispatchEvent(new Event('focus'))")
            await asyncio.sleep(0.1)
        await expect(page.locator("#offline")).to_be_visible()
        await page.unroute("**/status?*")
        desk.turn("paid", completed_at=datetime.now(UTC))
        await page.evaluate("dispatchEvent(new Event('online'))")
        await expect(page.locator("h1")).to_have_text("Оплата получена")
        await expect(page.locator("#offline")).to_be_hidden()
        watch.seen = [seen for seen in watch.seen if "ERR_INTERNET_DISCONNECTED" not in seen]


async def test_a_double_click_makes_one_order(counter: Counter, served: Served, open_page: Open) -> None:
    desk = counter.show(SCENES["choose"], now=True)
    async with open_page() as page:
        await page.goto(served.page)
        await page.get_by_role("button", name="Продолжить").dblclick(no_wait_after=True)
        await expect(page.locator("h1")).to_contain_text("Переведите деньги")
        assert len(desk.asked) == 1


@pytest.mark.parametrize(
    ("language", "typed", "understood"),
    [
        ("ru", "1 234,5", "= 1\u00a0234,50\u00a0₽"),
        ("en", "1234.50", "= ₽1,234.50"),
        ("ru", "1,234", ""),
        ("ru", "сто", ""),
    ],
)
async def test_amounts_are_shown_as_understood(
    counter: Counter, served: Served, open_page: Open, language: str, typed: str, understood: str
) -> None:
    counter.show(SCENES["choose-open"], now=True)
    async with open_page(language=language) as page:
        await page.goto(served.page)
        await page.fill("#amount", typed)
        assert await page.locator("#understood").inner_text() == understood


async def test_banks_follow_the_method(counter: Counter, served: Served, open_page: Open) -> None:
    counter.show(SCENES["choose"], now=True)
    async with open_page() as page:
        await page.goto(served.page)
        await page.select_option("#bank", "tbank")
        await page.check("[value=account]")
        assert await page.input_value("#bank") == ""
        offered = "[...document.querySelectorAll('#bank option')].filter((o) => !o.disabled).map((o) => o.value)"
        assert await page.evaluate(offered) == ["", "alfa"]
        await page.check("[value=card]")
        assert await page.evaluate(offered) == ["", "sber", "tbank"]


async def test_large_photos_are_made_smaller(counter: Counter, served: Served, open_page: Open, tmp_path: Path) -> None:
    desk = counter.show(SCENES["pay"], now=True)
    photo = tmp_path / "photo.png"
    photo.write_bytes(noise(1800))
    async with open_page() as page:
        await page.goto(served.page)
        await page.set_input_files("#receipt", photo)
        await expect(page.locator(".drop")).to_have_class("drop has")
        await page.wait_for_timeout(1_500)
        await page.get_by_role("button", name="Я оплатил").click()
        await expect(page.locator("h1")).to_have_text("Проверяем ваш платёж")
    [sent] = desk.asked
    assert len(sent) < photo.stat().st_size
    with Image.open(io.BytesIO(sent)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (1600, 1600))


async def test_files_that_stay_too_large_are_not_sent(
    counter: Counter, served: Served, open_page: Open, tmp_path: Path
) -> None:
    desk = counter.show(SCENES["pay"], now=True)
    large = tmp_path / "large.pdf"
    large.write_bytes(b"%PDF-1.7" + bytes(11 * 1024**2))
    async with open_page() as page:
        await page.goto(served.page)
        await page.set_input_files("#receipt", large)
        field = page.locator("#receipt")
        await page.get_by_role("button", name="Я оплатил").click()
        assert await field.evaluate("(field) => field.validationMessage") == (
            "Файл больше 10\u00a0МБ. Приложите поменьше или снимок экрана."
        )
        assert desk.asked == []


async def test_receipts_print(counter: Counter, served: Served, open_page: Open) -> None:
    counter.show(SCENES["paid"], now=True)
    async with open_page(WIDE) as page:
        await page.goto(served.page)
        await page.evaluate("self.print = () => { self.printed = true; }")
        await page.get_by_role("button", name="Распечатать").click()
        assert await page.evaluate("self.printed")
        await page.emulate_media(media="print")
        assert await page.locator(".button:visible, .language:visible, footer:visible").count() == 0
        await expect(page.locator(".on-paper")).to_be_visible()


async def test_the_way_back_tells_the_shop_no_address(
    counter: Counter, served: Served, open_page: Open, watch: Watch
) -> None:
    counter.show(SCENES["paid"], now=True)
    told: dict[str, str] = {}

    async def shop(route: Route) -> None:
        told.update(await route.request.all_headers())
        await route.fulfill(body="<title>shop</title>", content_type="text/html")

    watch.origins += ("https://shop.example/",)
    async with open_page() as page:
        await page.route("https://shop.example/**", shop)
        await page.goto(served.page)
        await page.click("#back")
        await expect(page).to_have_title("shop")
        assert page.url == f"https://shop.example/thanks?cart=9&order_id={SCENES['paid'].order_id}"
    assert "referer" not in told


async def visible_focus(page: Page) -> str:
    """The focused element's name, when its focus can be seen."""
    name: str = await page.evaluate(
        """() => {
          const it = document.activeElement, box = it.closest(".option") || it;
          const { outlineStyle, outlineWidth } = getComputedStyle(box);
          const seen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
          return (seen ? "" : "unseen ") + (it.id || it.value || it.textContent).trim();
        }"""
    )
    return name


async def test_everything_is_reached_by_keyboard(counter: Counter, served: Served, open_page: Open) -> None:
    desk = counter.show(SCENES["choose-open"], now=True)
    async with open_page(language="en") as page:
        await page.goto(served.page)
        order = []
        for _ in range(8):
            await page.keyboard.press("Tab")
            order.append(await visible_focus(page))
        places = ["Skip to content", "Русский", "amount", "customer_id", "payment_method", "bank", "Continue"]
        assert order == [*places, "Cancel payment"]
        await page.focus("#amount")
        await page.keyboard.type("500")
        await page.keyboard.press("Tab")
        await page.keyboard.type("u-7")
        await page.keyboard.press("Tab")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_contain_text("Transfer the money")
    assert [(choice.payment_method, str(choice.amount)) for choice in desk.asked] == [("card", "500")]


async def test_mistakes_lead_to_their_field(counter: Counter, served: Served, open_page: Open, watch: Watch) -> None:
    counter.show(SCENES["choose-open"], now=True)
    watch.expected.add(422)
    async with open_page(language="en") as page:
        await page.goto(served.page)
        await page.fill("#customer_id", "u-7")
        await page.fill("#amount", "a lot")
        await page.keyboard.press("Enter")
        await expect(page.locator("[role=alert]")).to_be_focused()
        await page.get_by_role("link", name="Write the amount like this").click()
        await expect(page.locator("#amount")).to_be_focused()


@pytest.mark.parametrize("name", ["choose-open", "pay-card", "check-lost", "paid", "expired"])
async def test_text_of_twice_the_size_fits(counter: Counter, served: Served, open_page: Open, name: str) -> None:
    counter.show(SCENES[name], now=True)
    async with open_page(PHONE) as page:
        await page.goto(served.page)
        await page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert await page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        cut_off = await page.evaluate(
            """() => [...document.querySelectorAll("main *")].filter((it) =>
              it.children.length === 0 && it.scrollWidth > it.clientWidth + 1 && it.clientWidth > 1
              && getComputedStyle(it).overflow !== "visible" && it.tagName !== "INPUT").map((it) => it.outerHTML)"""
        )
        assert cut_off == []
