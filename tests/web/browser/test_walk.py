"""A customer with a real browser at a real store: services, database, worker and trader behind the page."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from factories.world import World
from support.receipt_files import picture
from support.serving import serve
from web.browser.conftest import Open, Served, Watch
from web.shops import Shop, open_shop

pytestmark = pytest.mark.browser

LIVE_MS = 6_000


@pytest.fixture
def shop(world: World) -> Shop:
    return open_shop(world)


@pytest.fixture
async def served(shop: Shop) -> AsyncIterator[Served]:
    async with serve(shop.app) as url:
        yield Served(url)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
async def test_from_choosing_to_paid(shop: Shop, served: Served, open_page: Open, script: bool) -> None:
    order = await shop.world.accept(None, method=None, return_url="https://shop.example/thanks")
    served.token = await shop.open(order)
    async with shop.worker(order), open_page(script=script) as page:
        await page.goto(served.page)
        await page.fill("#amount", "4 750,50")
        await page.check("[value=card]")
        await page.get_by_role("button", name="Продолжить").click()
        await expect(page.locator("h1")).to_contain_text("Переведите деньги", timeout=10_000)
        await expect(page.locator(".row.big .value")).to_have_text("4\u00a0750,50\u00a0₽")
        number = await page.locator(".row .value").nth(1).inner_text()
        receipt = {"name": "receipt.png", "mimeType": "image/png", "buffer": picture("PNG")}
        await page.set_input_files("#receipt", files=receipt)  # type: ignore[arg-type]  # a file payload
        await page.get_by_role("button", name="Я оплатил").click()
        await expect(page.locator("h1")).to_have_text("Проверяем ваш платёж")
        await expect(page.locator(".steps")).to_contain_text("чек приложен")
        await shop.world.confirm_by_trader(order)
        await expect(page.locator("h1")).to_have_text("Оплата получена", timeout=LIVE_MS if script else 12_000)
        await expect(page.locator(".facts")).to_contain_text(f"•• {number[-4:]}")
    assert await shop.world.statuses(order) == ("processed", "completed", "completed")


async def test_every_device_sees_the_same_requisite(shop: Shop, served: Served, open_page: Open) -> None:
    await shop.world.add_trader()
    order = await shop.world.assign()
    served.token = await shop.open(order)
    seen = []
    for _ in range(2):
        async with open_page() as page:
            for _ in range(2):
                await page.goto(served.page)
                seen.append(await page.locator(".requisite").inner_text())
    assert len(set(seen)) == 1


async def test_a_large_file_without_script_is_refused_at_its_field(
    shop: Shop, served: Served, open_page: Open, watch: Watch
) -> None:
    order = await shop.world.assign()
    served.token = await shop.open(order)
    watch.expected.add(413)
    large = {"name": "large.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7" + bytes(11 * 1024**2)}
    async with open_page(script=False) as page:
        await page.goto(served.page)
        await page.set_input_files("#receipt", files=large)  # type: ignore[arg-type]  # a file payload
        await page.get_by_role("button", name="Я оплатил").click()
        await expect(page.locator("#receipt-error")).to_have_text(
            "Файл больше 10\u00a0МБ. Приложите поменьше или снимок экрана."
        )
