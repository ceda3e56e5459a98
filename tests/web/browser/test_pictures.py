"""Every screen at its widths, in both languages and both themes: accessible and within its width.

`make browser-matrix` looks at every combination of them and takes pictures, into `artifacts/pay/` (ignored by git): a
person looks at those, no test compares them.
"""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.async_api import Page, ViewportSize

from web.browser.conftest import PHONE, SMALL, WIDE, Open, Served, Watch
from web.desks import Counter
from web.scenes import SCENES

pytestmark = pytest.mark.browser

ARTIFACTS = Path(__file__).parents[3] / "artifacts" / "pay"
VIEWS = {"390": PHONE, "320": SMALL, "1440": WIDE}
RUN_AXE = """
async () => {
  const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await axe.run(document, { runOnly, resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
"""


MATRIX = bool(os.environ.get("JIVAPAY_BROWSER_MATRIX"))
Theme = Literal["light", "dark"]
USUAL_LOOKS: tuple[tuple[str, Theme], ...] = (("ru", "light"), ("en", "dark"))
EVERY_LOOK: tuple[tuple[str, Theme], ...] = (*USUAL_LOOKS, ("ru", "dark"), ("en", "light"))


@asynccontextmanager
async def opened(page: AbstractAsyncContextManager[Page]) -> AsyncIterator[Page]:
    """With axe in every document."""
    async with page as opened_page:
        await opened_page.add_init_script(path=AXE_FILE_PATH)
        yield opened_page


async def look_at(page: Page, name: str, *, views: Mapping[str, ViewportSize] = VIEWS) -> None:
    """Nothing wider than the window at each width and nothing axe would report at the first; in the matrix at each,
    and a picture.
    """
    for number, (width, viewport) in enumerate(views.items()):
        await page.set_viewport_size(viewport)
        assert (number and not MATRIX) or await page.evaluate(RUN_AXE) == [], (name, width)
        assert await page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, (name, width)
        if MATRIX:
            await page.screenshot(path=ARTIFACTS / f"{name}-{width}.png", full_page=True)


@pytest.mark.parametrize(("language", "theme"), EVERY_LOOK if MATRIX else USUAL_LOOKS)
async def test_every_screen(counter: Counter, served: Served, open_page: Open, language: str, theme: Theme) -> None:
    """At every width in the first look, and in the matrix; at the phone's in the others."""
    views = VIEWS if MATRIX or (language, theme) == USUAL_LOOKS[0] else {"390": PHONE}
    async with opened(open_page(dark=theme == "dark")) as page:
        for scene in SCENES:
            counter.show(SCENES[scene], now=True)
            await page.set_viewport_size(PHONE)  # a wide window would open the QR code
            await page.goto(f"{served.page}?lang={language}")
            assert await page.locator("html").get_attribute("lang") == language, scene
            assert await page.locator("h1").count() == 1, scene
            await look_at(page, f"{scene}-{language}-{theme}", views=views)


@pytest.mark.parametrize("language", ["ru", "en"])
async def test_form_with_mistakes(
    counter: Counter, served: Served, open_page: Open, watch: Watch, language: str
) -> None:
    counter.show(SCENES["choose-open"], now=True)
    watch.expected.add(422)
    async with opened(open_page(language=language)) as page:
        await page.goto(served.page)
        await page.fill("#amount", "1,234")
        await page.fill("#customer_id", "u" * 128)
        await page.evaluate("document.querySelector('form').noValidate = true")
        await page.fill("#customer_id", " ")
        await page.click("button.primary")
        await page.locator("[role=alert]").wait_for()
        await look_at(page, f"choose-mistakes-{language}-light")


@pytest.mark.parametrize("language", ["ru", "en"])
async def test_opened_requisite(counter: Counter, served: Served, open_page: Open, language: str) -> None:
    """The QR code is open on a wide screen, the way out when asked for."""
    counter.show(SCENES["pay"], now=True)
    async with opened(open_page(WIDE, language=language)) as page:
        await page.goto(served.page)
        await page.locator(".qr img").wait_for()
        await page.click(".cancel summary")
        await page.locator(".qr img").scroll_into_view_if_needed()
        await look_at(page, f"pay-opened-{language}-light")


@pytest.mark.parametrize(("token", "status"), [("unknown-token-000000000000", 404)])
async def test_error_page(served: Served, open_page: Open, watch: Watch, token: str, status: int) -> None:
    watch.expected.add(status)
    async with opened(open_page()) as page:
        await page.goto(f"{served.url}/pay/{token}")
        await look_at(page, f"error-{status}-ru-light")
