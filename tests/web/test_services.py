"""The page over the real services: what a customer sees is what the database holds."""

import re
from collections.abc import AsyncIterator
from decimal import Decimal
from html import unescape
from uuid import UUID

import httpx2
import pytest

from factories import disputes
from factories.world import World
from support.qr_reader import read_qr
from support.receipt_files import picture
from web.shops import Shop, open_shop

CARD = {"payment_method": "card", "bank": "", "amount": "", "customer_id": ""}
PNG = {"receipt": ("receipt.png", picture("PNG"), "image/png")}


@pytest.fixture
def shop(world: World) -> Shop:
    return open_shop(world)


@pytest.fixture
async def client(shop: Shop) -> AsyncIterator[httpx2.AsyncClient]:
    async with shop.client() as opened:
        yield opened


def heading(answer: httpx2.Response) -> str:
    match = re.search(r"<h1[^>]*>(.*?)</h1>", answer.text, re.DOTALL)
    assert match is not None, answer.text
    return unescape(re.sub(r"<span.*?</span>", "", match[1]))


async def test_from_choosing_to_paid(shop: Shop, client: httpx2.AsyncClient) -> None:
    order = await shop.world.accept(None, method=None, external_order_id="A-1")
    page = f"/pay/{await shop.open(order)}"
    shown = await client.get(page)
    assert heading(shown) == "How would you like to pay?"
    assert {"sbp", "card"} == set(re.findall(r'name="payment_method" value="(\w+)"', shown.text))

    async with shop.worker(order):
        answer = await client.post(f"{page}/method", data={**CARD, "amount": "1 234,5"})
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert (await shop.world.order(order)).amount_fiat == Decimal("1234.50")

    shown = await client.get(page)
    assert heading(shown) == "Transfer the money in your bank app"
    copies = re.findall(r'data-copy="([^"]+)"', shown.text)
    assert copies[0] == "1234.50"
    assert copies[2] == "Сбербанк"
    code = await client.get(f"{page}/qr.svg")
    assert read_qr(code.text) == copies[1]

    assert (await client.post(f"{page}/confirm", files=PNG)).status_code == 303
    shown = await client.get(page)
    assert heading(shown) == "Checking your payment"
    assert "You reported the payment, receipt attached" in shown.text

    await shop.world.confirm_by_trader(order)
    shown = await client.get(page)
    assert heading(shown) == "Payment received"
    assert f"•• {copies[1][-4:]}" in shown.text
    assert copies[1] not in shown.text


async def test_two_forms_make_one_order(shop: Shop, client: httpx2.AsyncClient) -> None:
    order = await shop.world.accept(method=None)
    page = f"/pay/{await shop.open(order)}"
    async with shop.worker(order):
        for _ in range(2):
            assert (await client.post(f"{page}/method", data=CARD)).status_code == 303
    assert await shop.world.scalar("select count(*) from orders") == 1


async def test_nobody_can_take_it(shop: Shop, client: httpx2.AsyncClient) -> None:
    """Nothing is lost: the page says so and offers the choice again."""
    order = await shop.world.accept(Decimal("4750.00"), method=None)
    page = f"/pay/{await shop.open(order)}"
    async with shop.worker(order):
        assert (await client.post(f"{page}/method", data={**CARD, "payment_method": "sbp"})).status_code == 303
    shown = await client.get(page)
    assert shown.status_code == 200
    assert "No payment details are free right now" in shown.text
    async with shop.worker(order):
        await client.post(f"{page}/method", data=CARD)
    assert heading(await client.get(page)) == "Transfer the money in your bank app"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1,234", "Write the amount like this: 1234.50"),
        ("1.005", "There are too many digits after the decimal point."),
        ("1000000.01", "The amount is more than the store accepts."),
        ("0", "The amount must be greater than zero."),
        ("", "Enter the amount."),
    ],
)
async def test_amounts_that_are_refused(shop: Shop, client: httpx2.AsyncClient, amount: str, text: str) -> None:
    order = await shop.world.accept(None, method=None)
    page = f"/pay/{await shop.open(order)}"
    answer = await client.post(f"{page}/method", data={**CARD, "amount": amount})
    assert answer.status_code == 422
    assert re.findall(r'id="amount-error">.*?<span>(.*?)</span>', answer.text) == [text]
    assert await shop.world.scalar("select amount_fiat from incoming_orders") is None


@pytest.mark.parametrize(
    ("name", "content", "status", "text"),
    [
        ("receipt.png", b"", 422, "This file is empty. Choose another one."),
        ("receipt.jpg", b"MZ" + bytes(5000), 422, "Attach a PNG, JPEG or WebP picture or a PDF."),
        (
            "receipt.png",
            b"\x89PNG\r\n\x1a\n" + bytes(11 * 1024**2),
            413,
            "The file is larger than 10 MB. Attach a smaller one or a screenshot.",
        ),
    ],
    ids=["empty", "program", "large"],
)
async def test_receipts_that_are_refused(
    shop: Shop, client: httpx2.AsyncClient, name: str, content: bytes, status: int, text: str
) -> None:
    order = await shop.world.assign()
    page = f"/pay/{await shop.open(order)}"
    answer = await client.post(f"{page}/confirm", files={"receipt": (name, content, "image/png")})
    assert answer.status_code == status
    assert re.findall(r'id="receipt-error">.*?<span>(.*?)</span>', answer.text) == [text]
    assert (await shop.world.statuses(order))[1] == "pending"
    assert (await client.post(f"{page}/confirm", files=PNG)).status_code == 303
    assert (await shop.world.statuses(order))[1] == "pending_trader_confirmation"


async def test_time_runs_out_and_a_receipt_comes_late(shop: Shop, client: httpx2.AsyncClient) -> None:
    order = await shop.world.assign()
    page = f"/pay/{await shop.open(order)}"
    await shop.world.advance(901)
    await shop.world.expire_due()
    shown = await client.get(page)
    assert heading(shown) == "Time is up"
    assert "Already transferred the money?" in shown.text
    without = await client.post(f"{page}/confirm")
    assert without.status_code == 422
    assert "Attach the receipt." in without.text
    assert (await client.post(f"{page}/confirm", files=PNG, data={"amount": "4 700,50"})).status_code == 303
    assert heading(await client.get(page)) == "Checking your payment"
    deal = await shop.world.deal(order)
    assert deal.order is not None
    assert deal.order.amount_by_payer == Decimal("4700.50")


async def test_after_the_late_window_a_person_looks_and_in_the_end_the_page_is_closed(
    shop: Shop, client: httpx2.AsyncClient
) -> None:
    order = await shop.world.assign()
    page = f"/pay/{await shop.open(order)}"
    await shop.world.advance(901)
    await shop.world.expire_due()
    await shop.world.advance(86_400 + 60)
    assert (await client.post(f"{page}/confirm", files=PNG)).status_code == 410
    shown = await client.get(page)
    assert f'action="{page}/dispute"' in shown.text
    assert (await client.post(f"{page}/dispute", files=PNG)).status_code == 303
    assert heading(await client.get(page)) == "We are looking into your payment"
    await shop.world.advance(259_200)
    dispute = await shop.world.scalar("select public_id from disputes")
    await disputes.resolve(shop.world, UUID(str(dispute)), "cancelled")
    for answer in (await client.get(page), await client.post(f"{page}/confirm", files=PNG)):
        assert answer.status_code == 410
        assert heading(answer) == "This payment link is closed"


async def test_giving_up(shop: Shop, client: httpx2.AsyncClient) -> None:
    order = await shop.world.assign()
    page = f"/pay/{await shop.open(order)}"
    assert (await client.post(f"{page}/cancel")).status_code == 303
    assert heading(await client.get(page)) == "Payment cancelled"
    assert (await shop.world.statuses(order))[:2] == ("cancelled", "cancelled")
    assert (await client.post(f"{page}/cancel")).status_code == 303


async def test_confirming_twice_shows_the_same(shop: Shop, client: httpx2.AsyncClient) -> None:
    order = await shop.world.assign()
    page = f"/pay/{await shop.open(order)}"
    for _ in range(2):
        answer = await client.post(f"{page}/confirm")
        assert (answer.status_code, answer.headers["location"]) == (303, page)
    steps = "select count(*) from status_history where to_status = 'pending_trader_confirmation'"
    assert await shop.world.scalar(steps) == 1


async def test_a_store_that_wants_receipts(shop: Shop, client: httpx2.AsyncClient) -> None:
    strict = await shop.world.add_store(receipt_required=True)
    order = await shop.world.assign(store=strict)
    page = f"/pay/{await shop.open(order)}"
    answer = await client.post(f"{page}/confirm")
    assert answer.status_code == 422
    assert re.findall(r'id="receipt-error">.*?<span>(.*?)</span>', answer.text) == ["Attach the receipt."]


async def test_an_unknown_token(client: httpx2.AsyncClient) -> None:
    for answer in (
        await client.get("/pay/0123456789abcdef0123456789abcdef"),
        await client.post("/pay/0123456789abcdef0123456789abcdef/method", data=CARD),
        await client.post("/pay/0123456789abcdef0123456789abcdef/confirm"),
        await client.post("/pay/0123456789abcdef0123456789abcdef/cancel"),
    ):
        assert answer.status_code == 404
        assert heading(answer) == "There is no such payment page"


async def test_too_many_looks(shop: Shop, client: httpx2.AsyncClient) -> None:
    await shop.world.change_settings(RATE_LIMIT_PAGE="3/minute")
    order = await shop.world.accept(method=None)
    page = f"/pay/{await shop.open(order)}"
    answers = [(await client.get(page)).status_code for _ in range(5)]
    assert answers == [200, 200, 200, 429, 429]


async def test_the_token_is_in_no_log(
    shop: Shop, client: httpx2.AsyncClient, capfd: pytest.CaptureFixture[str]
) -> None:
    order = await shop.world.assign()
    token = await shop.open(order)
    await client.get(f"/pay/{token}")
    await client.post(f"/pay/{token}/confirm", files=PNG)
    await client.get(f"/pay/{token}/nowhere")
    assert token not in "".join(capfd.readouterr())
