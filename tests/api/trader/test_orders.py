"""A trader's own orders over HTTP: seen, confirmed, given up; money moves with the status or not at all."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import select

from factories.office import Office, Person, code_of, open_office
from factories.world import SYSTEM, World
from jivapay.database.models.documents import UploadedDocument
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.enums import Role
from jivapay.services import freeze_service
from jivapay.services.gateway_service.confirming import Brought, confirm_deal
from support.receipt_files import picture

NOBODY = "0199aaaa-0000-7000-8000-000000000000"


@dataclass
class Desk:
    """A trader of the world, signed in, and a stranger who is one too."""

    world: World
    office: Office
    trader: Person
    stranger: Person

    async def assigned(self, amount: str = "4750.00") -> tuple[int, UUID]:
        incoming_id = await self.world.assign(Decimal(amount))
        return incoming_id, (await self.world.deal(incoming_id)).incoming.public_id


@pytest.fixture
async def desk(world: World) -> AsyncIterator[Desk]:
    here = world.trader
    async with open_office(world.resources) as office:
        trader = await office.enter(here.user_id, here.user_public_id, Role.TRADER)
        yield Desk(world, office, trader, await office.trader())


async def test_list_and_get(desk: Desk) -> None:
    _, first = await desk.assigned()
    _, second = await desk.assigned("100.00")
    page = (await desk.trader.get("/orders")).json()
    assert [item["order_id"] for item in page["items"]] == [str(second), str(first)]
    shown = page["items"][1]
    assert shown["status"] == "pending"
    assert (shown["amount"], shown["currency"]) == ("4750.00", "RUB")
    assert (shown["amount_crypto"], shown["rate"]) == ("50.837837", "92.50")
    assert (await desk.trader.get(f"/orders/{first}")).json() == shown
    filtered = (await desk.trader.get("/orders", params={"status": "completed"})).json()
    assert filtered["total"] == 0
    assert (await desk.trader.get("/orders", params={"status": "lost"})).status_code == 422


async def test_confirm_completes_and_pays(desk: Desk) -> None:
    incoming_id, order_id = await desk.assigned()
    await desk.world.confirm_by_customer(incoming_id)
    answer = await desk.trader.post(f"/orders/{order_id}/confirm")
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    balance = await desk.world.store_balance()
    assert balance.available == Decimal("49.810810")
    assert code_of(await desk.trader.post(f"/orders/{order_id}/confirm")) == (409, "order.already_completed")
    assert await desk.world.store_balance() == balance


async def test_confirm_with_a_key_is_replayed(desk: Desk) -> None:
    _, order_id = await desk.assigned()
    headers = {"Idempotency-Key": "k-1"}
    for replayed in (None, "true"):
        receipt = {"receipt": ("r.png", picture("PNG"), "image/png")}
        answer = await desk.trader.post(f"/orders/{order_id}/confirm", files=receipt, headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (200, "completed")
        assert answer.headers.get("Idempotent-Replayed") == replayed
    other = await desk.trader.post(f"/orders/{order_id}/confirm", data={"amount": "1.00"}, headers=headers)
    assert code_of(other) == (422, "idempotency.mismatch")
    assert await desk.world.scalar("select count(*) from uploaded_documents") == 1


async def test_another_amount_and_a_third_party(desk: Desk) -> None:
    _, order_id = await desk.assigned()
    path = f"/orders/{order_id}"
    assert code_of(await desk.trader.post(f"{path}/confirm", data={"amount": "0"})) == (422, "money.not_positive")
    answer = await desk.trader.post(f"{path}/confirm", data={"amount": "4517.00"})
    assert (answer.json()["status"], answer.json()["amount_agreed"]) == ("requires_attention", "4750.00")
    _, other = await desk.assigned("900.00")
    answer = await desk.trader.post(f"/orders/{other}/confirm", data={"from_third_party": "true"})
    assert answer.json()["status"] == "requires_attention"
    over = await desk.trader.post(f"{path}/confirm", data={"amount": "5000.00"})
    assert (over.json()["status"], over.json()["amount_exceptions"]) == ("completed", ["over"])
    inbox = (await desk.trader.get("/unmatched-payments")).json()["items"]
    assert [(one["amount"], one["source"], one["from_order_id"]) for one in inbox] == [
        ("250.00", "overpayment", str(order_id))
    ]


async def test_confirm_many_times_at_once(desk: Desk) -> None:
    incoming_id, order_id = await desk.assigned()
    await desk.world.confirm_by_customer(incoming_id)
    answers = await asyncio.gather(*(desk.trader.post(f"/orders/{order_id}/confirm") for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert (await desk.world.store_balance()).available == Decimal("49.810810")


async def test_confirm_with_receipt(desk: Desk) -> None:
    incoming_id, order_id = await desk.assigned()
    await desk.world.confirm_by_customer(incoming_id)
    path = f"/orders/{order_id}"
    bad = {"receipt": ("r.png", b"<html>", "image/png")}
    assert code_of(await desk.trader.post(f"{path}/confirm", files=bad)) == (422, "file.type_not_allowed")
    assert (await desk.trader.get(path)).json()["status"] == "pending_trader_confirmation"
    good = {"receipt": ("r.png", picture("PNG"), "image/png")}
    assert (await desk.trader.post(f"{path}/confirm", files=good)).json()["status"] == "completed"
    async with desk.world.database.read() as session:
        kinds = await session.scalars(select(UploadedDocument.kind))
        assert list(kinds) == ["trader_receipt"]


async def test_the_payers_receipt_is_shown_and_not_the_traders_own(desk: Desk) -> None:
    incoming_id, order_id = await desk.assigned()
    path = f"/orders/{order_id}"
    brought = Brought(picture("JPEG"))
    await confirm_deal(desk.world.resources, Actor.customer(), incoming_id, brought, receipt_required=True)
    assert (await desk.trader.get(path)).json()["receipt"] is True
    payers = await desk.trader.get(f"{path}/receipt")
    assert payers.status_code == 200
    assert payers.headers["content-disposition"].startswith("attachment; filename=")
    own = {"receipt": ("r.png", picture("PNG"), "image/png")}
    assert (await desk.trader.post(f"{path}/confirm", files=own)).json()["status"] == "completed"
    still = await desk.trader.get(f"{path}/receipt")
    assert (still.status_code, still.content) == (200, payers.content)


async def test_the_traders_own_receipt_is_not_the_payers(desk: Desk) -> None:
    incoming_id, order_id = await desk.assigned()
    path = f"/orders/{order_id}"
    await desk.world.confirm_by_customer(incoming_id)
    own = {"receipt": ("r.png", picture("PNG"), "image/png")}
    completed = await desk.trader.post(f"{path}/confirm", files=own)
    assert (completed.json()["status"], completed.json()["receipt"]) == ("completed", False)
    assert code_of(await desk.trader.get(f"{path}/receipt")) == (404, "not_found")


async def test_no_receipt(desk: Desk) -> None:
    _, order_id = await desk.assigned()
    assert code_of(await desk.trader.get(f"/orders/{order_id}/receipt")) == (404, "not_found")


@pytest.mark.parametrize("change", ["holder", "number", "bank", "payment_method"])
async def test_the_details_a_payer_was_shown_stay(desk: Desk, change: str) -> None:
    incoming_id, order_id = await desk.assigned()
    requisite_id = (await desk.trader.get(f"/orders/{order_id}")).json()["requisite_id"]
    path = f"/requisites/{requisite_id}"
    await desk.world.cancel(incoming_id)
    before = (await desk.trader.get(path)).json()
    new = {"holder": "X", "number": "4276 3800 1234 5679", "bank": "alfa", "payment_method": "sbp"}
    refused = await desk.trader.call("PATCH", path, json={change: new[change]})
    assert code_of(refused) == (409, "requisite.in_use")
    assert "Archive it and add a new one" in refused.json()["detail"]
    assert (await desk.trader.get(path)).json() == before
    assert (await desk.trader.call("PATCH", path, json={"settings": {"upper_limit": "7000"}})).status_code == 200
    assert (await desk.trader.call("DELETE", path)).status_code == 204


async def test_cancel_only_before_the_payer_confirmed(desk: Desk) -> None:
    _, order_id = await desk.assigned()
    path, body = f"/orders/{order_id}/cancel", {"reason": "card blocked"}
    assert (await desk.trader.post(path, json={})).status_code == 422
    assert (await desk.trader.post(path, json=body)).json()["status"] == "cancelled"
    assert (await desk.world.trader_balance()).held == Decimal(0)
    assert code_of(await desk.trader.post(path, json=body)) == (409, "order.state_conflict")
    incoming_id, order_id = await desk.assigned("777.00")
    await desk.world.confirm_by_customer(incoming_id)
    refused = await desk.trader.post(f"/orders/{order_id}/cancel", json=body)
    assert code_of(refused) == (409, "order.state_conflict")
    assert refused.json()["about"] == {"current": "pending_trader_confirmation"}


async def test_a_freeze_refuses_completion(desk: Desk) -> None:
    incoming_id, order_id = await desk.assigned()
    await desk.world.confirm_by_customer(incoming_id)
    async with desk.world.database.write() as session:
        await freeze_service.freeze(session, SYSTEM, reason="planted")
    answer = await desk.trader.post(f"/orders/{order_id}/confirm")
    assert code_of(answer) == (503, "platform.frozen")
    assert (await desk.trader.get("/orders")).status_code == 200


async def test_somebody_elses(desk: Desk) -> None:
    incoming_id, order_id = await desk.assigned()
    await desk.world.confirm_by_customer(incoming_id)
    assert (await desk.stranger.get("/orders")).json()["total"] == 0
    for each in (str(order_id), NOBODY):
        calls = [("GET", "", None), ("GET", "/receipt", None), ("POST", "/confirm", None)]
        for method, suffix, body in [*calls, ("POST", "/cancel", {"reason": "r"})]:
            answer = await desk.stranger.call(method, f"/orders/{each}{suffix}", json=body)
            assert code_of(answer) == (404, "not_found"), (method, suffix)
    assert (await desk.trader.get(f"/orders/{order_id}")).json()["status"] == "pending_trader_confirmation"
