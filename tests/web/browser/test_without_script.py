"""The whole way from choosing to paid with JavaScript off: links, forms, and pages that reload themselves."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from playwright.async_api import expect

from web.browser.conftest import Open, Served, Watch
from web.desks import Counter
from web.scenes import SCENES

pytestmark = pytest.mark.browser


async def test_from_choosing_to_paid(counter: Counter, served: Served, open_page: Open, watch: Watch) -> None:
    desk = counter.show(SCENES["choose-open"], now=True)
    watch.expected.add(422)
    async with open_page(script=False) as page:
        await page.goto(served.page)
        assert await page.locator(".copy:visible, .scripted:visible").count() == 0
        await page.fill("#amount", "много")
        await page.fill("#customer_id", "u-7")
        await page.check("[value=sbp]")
        await page.click("button.primary")
        await expect(page.get_by_role("alert")).to_contain_text("Напишите сумму так: 1234,50")
        await page.fill("#amount", "1 234,5")
        await page.click("button.primary")
        await expect(page.locator(".row.big .value")).to_have_text("1\u00a0234,50\u00a0₽")
        await expect(page.locator(".timer noscript p")).to_be_visible()
        await expect(page.locator(".countdown")).to_be_hidden()
        await page.click(".qr summary")
        await expect(page.locator(".qr img")).to_be_visible()
        receipt = {"name": "r.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 paid"}
        await page.set_input_files("#receipt", files=receipt)  # type: ignore[arg-type]  # a file payload
        await page.get_by_role("button", name="Я оплатил").click()
        await expect(page.locator("h1")).to_have_text("Проверяем ваш платёж")
        assert desk.asked[-1] == b"%PDF-1.7 paid"
        desk.turn("paid", completed_at=datetime.now(UTC))
        await page.get_by_role("link", name="Обновить статус").click()
        await expect(page.locator("h1")).to_have_text("Оплата получена")
        await expect(page.locator("#back")).to_be_visible()


async def test_a_late_claim_says_how_much_was_sent(
    counter: Counter, served: Served, open_page: Open, watch: Watch
) -> None:
    desk = counter.show(SCENES["expired"], now=True)
    watch.expected.add(422)
    async with open_page(script=False) as page:
        await page.goto(served.page)
        await expect(page.get_by_text("Оставьте пустым, если перевели ровно 4\u00a0750\u00a0₽")).to_be_visible()
        receipt = {"name": "r.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 paid"}
        await page.fill("#amount", "много")
        await page.set_input_files("#receipt", files=receipt)  # type: ignore[arg-type]  # a file payload
        await page.get_by_role("button", name="Я перевёл деньги").click()
        await expect(page.get_by_role("alert")).to_contain_text("Напишите сумму так: 1234,50")
        await page.get_by_label("Сколько вы перевели, если другую сумму").fill("4 700,50")
        await page.set_input_files("#receipt", files=receipt)  # type: ignore[arg-type]  # a file payload
        await page.get_by_role("button", name="Я перевёл деньги").click()
        await expect(page.locator("h1")).to_have_text("Проверяем ваш платёж")
    assert [said.amount for said in desk.said] == [Decimal("4700.50")]


async def test_a_page_that_searches_reloads_itself(counter: Counter, served: Served, open_page: Open) -> None:
    desk = counter.show(SCENES["searching"], now=True)
    async with open_page(script=False, language="en") as page:
        await page.goto(served.page)
        await expect(page.locator("h1")).to_have_text("Finding payment details")
        desk.turn("pay", requisite=SCENES["pay"].requisite, total_seconds=900)
        await expect(page.locator("h1")).to_contain_text("Transfer the money", timeout=8_000)


async def test_giving_up_takes_two_steps(counter: Counter, served: Served, open_page: Open) -> None:
    desk = counter.show(SCENES["pay"], now=True)
    async with open_page(script=False) as page:
        await page.goto(served.page)
        button = page.get_by_role("button", name="Да, отменить платёж")
        await expect(button).to_be_hidden()
        await page.click(".cancel summary")
        await button.click()
        await expect(page.locator("h1")).to_have_text("Платёж отменён")
    assert desk.asked == ["cancel"]


async def test_languages_are_links(counter: Counter, served: Served, open_page: Open) -> None:
    counter.show(SCENES["choose"], now=True)
    async with open_page(script=False) as page:
        await page.goto(served.page)
        await page.get_by_role("link", name="English").click()
        await expect(page.locator("h1")).to_have_text("How would you like to pay?")
        await page.goto(served.page)
        await expect(page.locator("html")).to_have_attribute("lang", "en")
