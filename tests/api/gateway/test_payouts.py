"""Pay-outs as a store asks for them over HTTP; bad input, no money and other stores' orders change nothing."""

import asyncio
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from api.gateway.shop import NOBODY, NUMBERS, Shop, open_shop, working
from factories.office import code_of
from factories.world import World

NUMBER = "4276380012345679"


def body(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a request may carry
    asked = {
        "external_order_id": f"P-{next(NUMBERS)}",
        "amount": "4750.00",
        "currency": "RUB",
        "payment_method": "card",
        "recipient": {"number": NUMBER, "holder": "Петрова Анна Ивановна"},
        **changes,
    }
    return {name: value for name, value in asked.items() if value is not None}


@pytest.fixture(scope="module")
async def payer(world: World, client: httpx2.AsyncClient) -> Shop:
    """A store that pays out, with money."""
    async with world.database.write() as session:
        await session.execute(text("update requisite_settings set pay_out = true"))
    shop = await open_shop(world, client, name="Payer", pay_out_enabled=True)
    await world.fund(Decimal(100_000), shop.store)
    return shop


async def init(shop: Shop, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = await shop.post("/payout/init", json=body(**changes))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_init_and_status(payer: Shop) -> None:
    asked = body(metadata={"batch": "7"})
    answer = await payer.post("/payout/init", json=asked)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["direction"], made["status"], made["order_history_status"]) == ("pay_out", "new", None)
    assert (made["amount"], made["amount_crypto"], made["commission"]) == ("4750.00", "51.351351", "1.540541")
    assert made["recipient"] == {"method": "card", "bank": None, "number": "•••• 5679", "holder": "Анна П."}
    assert made["metadata"] == {"batch": "7"}
    assert NUMBER not in answer.text
    assert (await payer.get(f"/payout/status/{made['order_id']}")).json() == made
    by = {"by": "external_order_id"}
    assert (await payer.get(f"/payout/status/{asked['external_order_id']}", params=by)).json() == made
    balance = (await payer.get("/balance")).json()
    assert Decimal(balance["held"]) >= Decimal("53.420811")


async def test_wait_seconds_waits_for_a_trader(payer: Shop, world: World) -> None:
    async with working(world):
        made = await init(payer, wait_seconds=10)
    assert (made["status"], made["order_history_status"]) == ("assigned", "pending")


async def test_the_same_request_again(payer: Shop) -> None:
    asked = body()
    first = await payer.post("/payout/init", json=asked)
    again = await payer.post("/payout/init", json={**asked, "wait_seconds": 1})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["order_id"] == first.json()["order_id"]
    other = await payer.post("/payout/init", json={**asked, "recipient": {"number": "4276380012345687"}})
    assert code_of(other) == (409, "order.external_id_exists")


async def test_an_idempotency_key(payer: Shop) -> None:
    asked, key = body(), {"Idempotency-Key": f"key-{next(NUMBERS)}"}
    answers = await asyncio.gather(*(payer.post("/payout/init", json=asked, headers=key) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.json()["order_id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 2
    other = await payer.post("/payout/init", json=body(), headers=key)
    assert code_of(other) == (422, "idempotency.mismatch")


async def test_no_money_creates_nothing(world: World, client: httpx2.AsyncClient) -> None:
    poor = await open_shop(world, client, name="Poor", pay_out_enabled=True)
    asked = body()
    assert code_of(await poor.post("/payout/init", json=asked)) == (422, "balance.insufficient")
    by = {"by": "external_order_id"}
    answer = await poor.get(f"/payout/status/{asked['external_order_id']}", params=by)
    assert code_of(answer) == (404, "not_found")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"recipient": None}, "validation.required"),
        ({"recipient": {"holder": "X"}}, "validation.required"),
        ({"recipient": {"number": "1", "holder": "X"}}, "requisite.format"),
        ({"recipient": {"number": NUMBER, "cvv": "1"}}, "validation.unknown_field"),
        ({"recipient": NUMBER}, "validation.type"),
        ({"amount": "-1"}, "money.not_positive"),
        ({"amount": None}, "validation.required"),
        ({"payment_method": None}, "validation.required"),
        ({"return_url": "https://shop.example"}, "validation.unknown_field"),
        ({"wait_seconds": 21}, "validation.range"),
        ({"callback_url": "ftp://shop.example"}, "callback.url_invalid"),
    ],
    ids=str,
)
async def test_bad_input(payer: Shop, changes: dict[str, Any], code: str) -> None:
    before = (await payer.get("/balance")).json()
    answer = await payer.post("/payout/init", json=body(**changes))
    assert answer.status_code == 422, answer.text
    assert code in {answer.json()["code"], *(error["code"] for error in answer.json().get("errors", []))}
    assert (await payer.get("/balance")).json() == before


async def test_a_store_that_may_not(shop: Shop) -> None:
    assert code_of(await shop.post("/payout/init", json=body())) == (403, "permission.denied")


async def test_a_key_that_may_not(payer: Shop) -> None:
    weak = payer.with_key(await payer.another_key(scopes=("payin", "read")))
    made = await init(payer)
    assert code_of(await weak.post("/payout/init", json=body())) == (403, "permission.denied")
    assert code_of(await weak.post(f"/payout/cancel/{made['order_id']}")) == (403, "permission.denied")
    assert code_of(await weak.post(f"/payout/confirm/{made['order_id']}")) == (403, "permission.denied")
    assert (await weak.get(f"/payout/status/{made['order_id']}")).status_code == 200


async def test_cancel_until_a_trader_accepts(payer: Shop, world: World) -> None:
    for accepted in (False, True):
        made = await init(payer)
        incoming = await payer.id_of(made)
        await world.process(incoming)
        if accepted:
            await world.take_payout(incoming)
        answer = await payer.post(f"/payout/cancel/{made['order_id']}", json={"reason": "paid elsewhere"})
        if accepted:
            assert code_of(answer) == (409, "order.state_conflict")
            assert answer.json()["about"] == {"current": "in_progress"}
        else:
            assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
            again = await payer.post(f"/payout/cancel/{made['order_id']}")
            assert code_of(again) == (409, "order.state_conflict")


async def test_confirm_when_the_recipient_has_it(payer: Shop, world: World) -> None:
    made = await init(payer)
    path = f"/payout/confirm/{made['order_id']}"
    assert code_of(await payer.post(path)) == (409, "order.state_conflict")
    incoming = await payer.id_of(made)
    await world.process(incoming)
    await world.take_payout(incoming)
    assert code_of(await payer.post(path)) == (409, "order.state_conflict")
    await world.pay_payout(incoming)
    trader, _ = await world.trader_of(incoming)
    assert (await world.trader_balance(trader)).held >= Decimal("51.864865")
    shown = (await payer.get(f"/payout/status/{made['order_id']}")).json()
    assert (shown["status"], shown["paid"], shown["receipt_confirmed_at"]) == ("processed", True, None)
    first, again = await payer.post(path), await payer.post(path)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert first.json()["receipt_confirmed_at"] is not None
    assert (await world.order(incoming)).cleared_at is not None


async def test_somebody_elses_and_the_other_direction(payer: Shop, other_shop: Shop) -> None:
    made = await init(payer)
    payin = await payer.init()
    for shop, each in ((other_shop, made["order_id"]), (payer, NOBODY), (payer, payin["order_id"]), (payer, "x")):
        assert code_of(await shop.get(f"/payout/status/{each}")) == (404, "not_found")
        assert code_of(await shop.post(f"/payout/cancel/{each}")) == (404, "not_found")
        assert code_of(await shop.post(f"/payout/confirm/{each}")) == (404, "not_found")
    assert code_of(await payer.get(f"/payin/status/{made['order_id']}")) == (404, "not_found")
    assert code_of(await payer.post(f"/payin/confirm/{made['order_id']}")) == (404, "not_found")


async def test_cancelled_once_however_often_it_is_asked(payer: Shop) -> None:
    made, key = await init(payer), {"Idempotency-Key": f"key-{next(NUMBERS)}"}
    path = f"/payout/cancel/{made['order_id']}"
    first, again = [await payer.post(path, headers=key) for _ in range(2)]
    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (200, first.json(), "true")
    assert code_of(await payer.post(path)) == (409, "order.state_conflict")
    other = await payer.post(path, json={"reason": "another"}, headers=key)
    assert code_of(other) == (422, "idempotency.mismatch")


async def test_receipt_confirmed_once_however_often_it_is_asked(payer: Shop, world: World) -> None:
    incoming = await world.complete_payout(Decimal("333.00"), store=payer.store, external_order_id=f"E-{next(NUMBERS)}")
    order_id = (await world.deal(incoming)).incoming.public_id
    path, key = f"/payout/confirm/{order_id}", {"Idempotency-Key": f"key-{next(NUMBERS)}"}
    first, again = [await payer.post(path, headers=key) for _ in range(2)]
    assert (first.status_code, again.json(), again.headers["idempotent-replayed"]) == (200, first.json(), "true")
    assert first.json()["receipt_confirmed_at"] is not None
    waiting = await init(payer)
    early = await payer.post(f"/payout/confirm/{waiting['order_id']}", headers={"Idempotency-Key": "early"})
    assert code_of(early) == (409, "order.state_conflict")
    elsewhere = await payer.post(f"/payout/confirm/{NOBODY}", headers=key)
    assert code_of(elsewhere) == (404, "not_found")
