"""A real browser on a real port, under the page's own policy; nothing it does wrong goes unnoticed."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from support.browser import FLAGS, require_browser
from support.serving import serve
from web.desks import Counter
from web.scenes import TOKEN

WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
SMALL = {"width": 320, "height": 640}


@dataclass
class Served:
    """An app on a port, and its customers' address."""

    url: str
    token: str = TOKEN

    @property
    def page(self) -> str:
        return f"{self.url}/pay/{self.token}"


@pytest.fixture(scope="module")
async def served(counter: Counter) -> AsyncIterator[Served]:
    async with serve(counter.app) as url:
        yield Served(url)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = require_browser()
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        await opened.close()


@dataclass
class Watch:
    """Everything that must not happen, but for requests to `origins` and the statuses a test provokes."""

    origins: tuple[str, ...]
    seen: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)

    def attach(self, page: Page) -> None:
        page.on("console", lambda said: self._console(said.type, said.text))
        page.on("pageerror", lambda error: self.seen.append(f"page error: {error}"))
        page.on("request", lambda request: self._request(request.url))
        page.on("response", lambda response: self._response(response.status, response.url))

    def _console(self, kind: str, text: str) -> None:
        if kind == "error" and not any(f"status of {status}" in text for status in self.expected):
            self.seen.append(f"console: {text}")

    def _request(self, url: str) -> None:
        if not url.startswith((*self.origins, "data:", "blob:")):
            self.seen.append(f"foreign request: {url}")

    def _response(self, status: int, url: str) -> None:
        if status >= 400 and status not in self.expected:
            self.seen.append(f"{status}: {url}")


Open = Callable[..., AbstractAsyncContextManager[Page]]
"""`open_page(viewport, dark=True, language="en", script=False)`: a page of a fresh browser context."""


@pytest.fixture
def watch(served: Served) -> Watch:
    return Watch((served.url,))


@pytest.fixture
async def open_page(browser: Browser, watch: Watch) -> AsyncIterator[Open]:
    contexts: list[BrowserContext] = []

    @asynccontextmanager
    async def open_one(
        viewport: dict[str, int] = PHONE,
        *,
        dark: bool = False,
        language: str = "ru",
        script: bool = True,
        **options: Any,  # noqa: ANN401 - Playwright's
    ) -> AsyncIterator[Page]:
        context = await browser.new_context(
            viewport=viewport,
            color_scheme="dark" if dark else "light",
            locale={"ru": "ru-RU", "en": "en-GB"}[language],
            java_script_enabled=script,
            **options,
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = await context.new_page()
        watch.attach(page)
        yield page

    yield open_one
    for context in contexts:
        await context.close()
    assert watch.seen == []
