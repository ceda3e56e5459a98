"""A payer whose receipt the page revives no more: a person looks at it, once, and nothing is held meanwhile."""

from decimal import Decimal
from uuid import UUID

import httpx2
import pytest

from api.gateway.shop import open_client
from factories import disputes
from factories.office import code_of
from factories.world import World
from jivapay.services.order_processor import payment_token_context
from support.invariants import own_invariants_hold
from support.receipt_files import picture

__all__ = ["own_invariants_hold"]
pytestmark = pytest.mark.usefixtures("own_invariants_hold")


async def page_of(world: World, incoming_id: int) -> str:
    page = (await world.deal(incoming_id)).page
    assert page is not None
    token = world.resources.cipher.decrypt(page.token, payment_token_context(page.public_id))
    return f"/gateway/payment_session/{token}"


async def lapse(world: World) -> int:
    incoming = await world.assign()
    await world.advance(world.rules.client_pay_seconds + 1)
    await world.expire_due()
    return incoming


async def dispute(client: httpx2.AsyncClient, page: str, content: bytes | None = None) -> httpx2.Response:
    files = {"receipt": ("r.png", picture("PNG") if content is None else content, "image/png")}
    return await client.post(f"{page}/dispute", files=files)


async def test_after_the_late_window_a_person_looks_once(world: World) -> None:
    incoming = await lapse(world)
    page = await page_of(world, incoming)
    async with open_client(world) as client:
        shown = (await client.get(page)).json()
        assert (shown["state"], shown["may_claim_late"], shown["may_dispute"]) == ("expired", True, False)
        assert code_of(await dispute(client, page)) == (409, "dispute.too_early")
        await world.advance(world.rules.late_payment_window_seconds)
        shown = (await client.get(page)).json()
        assert (shown["state"], shown["may_claim_late"], shown["may_dispute"]) == ("expired", False, True)
        assert code_of(await client.post(f"{page}/dispute")) == (422, "receipt.required")
        assert code_of(await dispute(client, page, b"<html>")) == (422, "file.type_not_allowed")
        done = await dispute(client, page)
        assert (done.status_code, done.json()["state"], done.json()["may_dispute"]) == (200, "dispute", False)
        assert code_of(await dispute(client, page)) == (409, "dispute.exists")
        assert (await world.order(incoming)).status == "expired"
        assert (await world.trader_balance()).held == Decimal(0)
        case = await only_dispute(world)
        assert await disputes.resolve(world, case, "cancelled") == "resolved_cancelled"
        shown = (await client.get(page)).json()
        assert (shown["state"], shown["may_dispute"]) == ("expired", False)
        assert code_of(await dispute(client, page)) == (409, "dispute.decided")


async def test_a_proved_payment_is_settled(world: World) -> None:
    incoming = await lapse(world)
    await world.advance(world.rules.late_payment_window_seconds)
    page = await page_of(world, incoming)
    async with open_client(world) as client:
        await dispute(client, page)
        await disputes.resolve(world, await only_dispute(world), "completed")
        assert (await client.get(page)).json()["state"] == "paid"
        again = await disputes.open_dispute(world, incoming)
        await disputes.resolve(world, again, "cancelled")
        assert (await client.get(page)).json()["state"] == "reversed"


async def test_the_page_closes_in_the_end(world: World) -> None:
    incoming = await lapse(world)
    page = await page_of(world, incoming)
    rules = world.rules
    await world.advance(rules.late_payment_window_seconds + rules.dispute_window_seconds)
    async with open_client(world) as client:
        assert code_of(await client.get(page)) == (410, "session.expired")
        assert code_of(await client.post("/gateway/payment_session/" + "x" * 43 + "/dispute")) == (404, "not_found")


async def only_dispute(world: World) -> UUID:
    return UUID(str(await world.scalar("select public_id from disputes where status not like 'resolved%'")))
