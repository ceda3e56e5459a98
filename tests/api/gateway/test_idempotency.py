"""`Idempotency-Key` at the gateway: once made, shown as it is now, and every store's own."""

import asyncio

import httpx2
import pytest

from api.gateway.shop import Shop
from factories.office import code_of

INIT = "/payin/init"
TRIES = 10


def key(name: str) -> dict[str, str]:
    return {"Idempotency-Key": name}


async def test_replay_shows_the_order_as_it_is_now(shop: Shop) -> None:
    body = shop.body(amount="4200.00")
    first = await shop.post(INIT, json=body, headers=key("k-1"))
    assert (first.status_code, "idempotent-replayed" in first.headers) == (201, False)
    await shop.world.process(await shop.id_of(first.json()))
    again = await shop.post(INIT, json=body, headers=key("k-1"))
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert again.json() == await shop.status(first.json())
    assert (first.json()["status"], again.json()["status"]) == ("new", "assigned")


@pytest.mark.parametrize("change", [{"amount": "4751.00"}, {"external_order_id": "another"}], ids=["amount", "id"])
async def test_key_used_for_something_else(shop: Shop, change: dict[str, str]) -> None:
    body, name = shop.body(), f"mismatch-{'-'.join(change)}"
    await shop.post(INIT, json=body, headers=key(name))
    answer = await shop.post(INIT, json=body | change, headers=key(name))
    assert code_of(answer) == (422, "idempotency.mismatch")


async def test_key_used_at_another_door(shop: Shop) -> None:
    body = shop.body()
    await shop.post(INIT, json=body, headers=key("doors"))
    answer = await shop.post("/payin/initiate_session", json=body, headers=key("doors"))
    assert code_of(answer) == (422, "idempotency.mismatch")


async def test_key_of_another_store(shop: Shop, other_shop: Shop) -> None:
    body = shop.body()
    mine = await shop.post(INIT, json=body, headers=key("shared"))
    theirs = await other_shop.post(INIT, json=body, headers=key("shared"))
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert "idempotent-replayed" not in theirs.headers
    assert mine.json()["order_id"] != theirs.json()["order_id"]


async def test_new_key_for_a_known_order(shop: Shop) -> None:
    body = shop.body()
    first = await shop.post(INIT, json=body)
    again = await shop.post(INIT, json=body, headers=key("late"))
    assert (again.status_code, again.json()) == (200, first.json())
    replayed = await shop.post(INIT, json=body, headers=key("late"))
    assert (replayed.status_code, replayed.headers["idempotent-replayed"]) == (200, "true")


@pytest.mark.parametrize("name", ["", "x" * 256, "tab\there"], ids=["empty", "long", "control"])
async def test_what_is_no_key(shop: Shop, name: str) -> None:
    answer = await shop.post(INIT, json=shop.body(), headers=key(name))
    assert code_of(answer) == (422, "idempotency.key_format")


async def test_refusal_is_not_kept(shop: Shop) -> None:
    """A key binds to what was made; a request that failed may be corrected under the same key."""
    wrong = await shop.post(INIT, json=shop.body(payment_method="cash"), headers=key("corrected"))
    assert code_of(wrong) == (422, "payment_method.unavailable")
    assert (await shop.post(INIT, json=shop.body(), headers=key("corrected"))).status_code == 201


async def test_twenty_at_once(shop: Shop) -> None:
    """More than there are connections: whoever is told to try again does so, as the guide says, with the same key."""
    body = shop.body()

    async def ask() -> httpx2.Response:
        for _ in range(TRIES):
            answer = await shop.post(INIT, json=body, headers=key("crowd"))
            if "retry-after" not in answer.headers:
                break
            await asyncio.sleep(int(answer.headers["retry-after"]))
        return answer

    answers = await asyncio.gather(*(ask() for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["order_id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) <= 1
    assert (
        await shop.world.scalar(
            "select count(*) from incoming_orders where external_id = :id", id=body["external_order_id"]
        )
        == 1
    )


async def test_page_replay_gives_the_same_token(shop: Shop) -> None:
    body = shop.body()
    first = await shop.post("/payin/initiate_session", json=body, headers=key("page"))
    again = await shop.post("/payin/initiate_session", json=body, headers=key("page"))
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()
