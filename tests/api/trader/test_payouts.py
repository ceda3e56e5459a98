"""Pay-outs as a trader meets them over HTTP: offered masked, accepted, declined, paid with a receipt."""

from collections.abc import AsyncIterator
from decimal import Decimal
from uuid import UUID

import pytest

from api.trader.test_orders import NOBODY, Desk
from factories.fixtures import Recipe
from factories.office import code_of, open_office
from factories.payouts import payout_world
from factories.world import World
from jivapay.schemas_enums.enums import Role
from support.receipt_files import picture

NUMBER = "4276380012345679"
MASKED = {"method": "card", "bank": None, "number": "•••• 5679", "holder": None}
WHOLE = {"method": "card", "bank": None, "number": NUMBER, "holder": "Петрова Анна Ивановна"}
RECEIPT = {"receipt": ("r.png", picture("PNG"), "image/png")}


@pytest.fixture
def own_recipe() -> Recipe:
    return Recipe(payout_world, {"traders": 1})


@pytest.fixture
async def desk(world: World) -> AsyncIterator[Desk]:
    here = world.trader
    async with open_office(world.resources) as office:
        trader = await office.enter(here.user_id, here.user_public_id, Role.TRADER)
        yield Desk(world, office, trader, await office.trader())


async def offered(desk: Desk, amount: Decimal = Decimal(4750)) -> tuple[int, UUID]:
    incoming = await desk.world.offer_payout(amount)
    return incoming, (await desk.world.deal(incoming)).incoming.public_id


async def test_the_recipient_is_whole_only_while_he_is_to_pay(desk: Desk) -> None:
    _, order_id = await offered(desk)
    path = f"/orders/{order_id}"
    shown = (await desk.trader.get(path)).json()
    assert (shown["direction"], shown["status"], shown["recipient"]) == ("pay_out", "pending", MASKED)
    assert (shown["amount"], shown["amount_crypto"]) == ("4750.00", "51.864865")
    accepted = await desk.trader.post(f"{path}/accept")
    assert (accepted.status_code, accepted.json()["status"]) == (200, "in_progress")
    assert accepted.json()["recipient"] == WHOLE
    assert (await desk.trader.get(path)).json()["recipient"] == WHOLE
    listed = await desk.trader.get("/orders", params={"direction": "pay_out"})
    assert NUMBER not in listed.text
    assert [item["recipient"] for item in listed.json()["items"]] == [MASKED]
    assert (await desk.trader.get("/orders", params={"direction": "pay_in"})).json()["total"] == 0
    shown_to = "select count(*) from audit_log where action = 'order.recipient_shown'"
    assert await desk.world.scalar(shown_to) == 1
    paid = await desk.trader.post(f"{path}/confirm", files=RECEIPT)
    assert (paid.status_code, paid.json()["status"], paid.json()["recipient"]) == (200, "completed", MASKED)
    assert (await desk.trader.get(path)).json()["recipient"] == MASKED


async def test_paying_takes_a_receipt(desk: Desk) -> None:
    _, order_id = await offered(desk)
    path = f"/orders/{order_id}"
    assert code_of(await desk.trader.post(f"{path}/confirm", files=RECEIPT)) == (409, "order.state_conflict")
    await desk.trader.post(f"{path}/accept")
    assert code_of(await desk.trader.post(f"{path}/confirm")) == (422, "receipt.required")
    bad = {"receipt": ("r.png", b"<html>", "image/png")}
    assert code_of(await desk.trader.post(f"{path}/confirm", files=bad)) == (422, "file.type_not_allowed")
    less = await desk.trader.post(f"{path}/confirm", files=RECEIPT, data={"amount": "4000.00"})
    assert code_of(less) == (422, "validation.inconsistent")
    assert (await desk.trader.get(path)).json()["status"] == "in_progress"
    assert (await desk.trader.post(f"{path}/confirm", files=RECEIPT)).json()["status"] == "completed"
    assert code_of(await desk.trader.post(f"{path}/confirm", files=RECEIPT)) == (409, "order.already_completed")
    balance = (await desk.trader.get("/balances")).json()["items"][0]
    assert (balance["total"], balance["held"], balance["available"]) == ("10051.864865", "51.864865", "10000.000000")


async def test_declining_needs_no_reason_and_is_final(desk: Desk) -> None:
    for body in (None, {"reason": "bank is down"}):
        _, order_id = await offered(desk)
        path = f"/orders/{order_id}"
        declined = await desk.trader.post(f"{path}/decline", json=body)
        assert (declined.status_code, declined.json()["status"]) == (200, "declined")
        assert (await desk.trader.get(path)).json()["status"] == "declined"
        for again in ("accept", "decline", "cancel"):
            answer = await desk.trader.post(f"{path}/{again}", json={"reason": "r"} if again != "accept" else None)
            assert code_of(answer) == (409, "order.state_conflict"), again


async def test_a_pay_in_is_neither_accepted_nor_declined_and_a_pay_out_not_cancelled(desk: Desk) -> None:
    _, payin = await desk.assigned()
    for deed in ("accept", "decline"):
        assert code_of(await desk.trader.post(f"/orders/{payin}/{deed}")) == (409, "order.state_conflict")
    _, payout = await offered(desk)
    refused = await desk.trader.post(f"/orders/{payout}/cancel", json={"reason": "r"})
    assert code_of(refused) == (409, "order.state_conflict")


async def test_somebody_elses(desk: Desk) -> None:
    _, order_id = await offered(desk)
    for each in (str(order_id), NOBODY):
        for deed in ("accept", "decline"):
            assert code_of(await desk.stranger.post(f"/orders/{each}/{deed}")) == (404, "not_found")
        assert code_of(await desk.stranger.post(f"/orders/{each}/confirm", files=RECEIPT)) == (404, "not_found")
        assert code_of(await desk.stranger.get(f"/orders/{each}")) == (404, "not_found")
    assert (await desk.trader.get(f"/orders/{order_id}")).json()["status"] == "pending"


async def test_accepted_once_however_often_it_is_asked(desk: Desk) -> None:
    """The answer that was lost is given again, with the recipient while he is to pay; that is noted, too."""
    _, order_id = await offered(desk)
    path, key = f"/orders/{order_id}", {"Idempotency-Key": "accept-1"}
    first, again = [await desk.trader.post(f"{path}/accept", headers=key) for _ in range(2)]
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["recipient"] == WHOLE
    shown = "select count(*) from audit_log where action = 'order.recipient_shown'"
    assert await desk.world.scalar(shown) == 1
    accepted = "select count(*) from audit_log where action = 'order.accepted' and entity = 'order'"
    assert await desk.world.scalar(accepted) == 1
    assert code_of(await desk.trader.post(f"{path}/accept")) == (409, "order.state_conflict")
    mismatch = await desk.trader.post(f"{path}/decline", headers=key)
    assert code_of(mismatch) == (422, "idempotency.mismatch")
    await desk.trader.post(f"{path}/confirm", files=RECEIPT)
    later = await desk.trader.post(f"{path}/accept", headers=key)
    assert (later.json()["status"], later.json()["recipient"]) == ("completed", MASKED)
    assert await desk.world.scalar(shown) == 1


async def test_declined_once_however_often_it_is_asked(desk: Desk) -> None:
    incoming, order_id = await offered(desk)
    path, key = f"/orders/{order_id}/decline", {"Idempotency-Key": "decline-1"}
    first, again = [await desk.trader.post(path, json={"reason": "no"}, headers=key) for _ in range(2)]
    assert (first.json()["status"], again.json(), again.headers["idempotent-replayed"]) == (
        "declined",
        first.json(),
        "true",
    )
    assert (await desk.world.deal(incoming)).incoming.retry_count == 1
    other = await desk.trader.post(path, json={"reason": "another"}, headers=key)
    assert code_of(other) == (422, "idempotency.mismatch")


async def test_a_pay_in_is_cancelled_once_however_often_it_is_asked(desk: Desk) -> None:
    _, order_id = await desk.assigned()
    path, key = f"/orders/{order_id}/cancel", {"Idempotency-Key": "cancel-1"}
    first, again = [await desk.trader.post(path, json={"reason": "no"}, headers=key) for _ in range(2)]
    assert (first.status_code, first.json()["status"], again.json()) == (200, "cancelled", first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert code_of(await desk.trader.post(path, json={"reason": "no"})) == (409, "order.state_conflict")


async def test_a_refused_answer_leaves_its_key_free(desk: Desk) -> None:
    _, order_id = await offered(desk)
    key = {"Idempotency-Key": "free-1"}
    assert code_of(await desk.trader.post(f"/orders/{NOBODY}/accept", headers=key)) == (404, "not_found")
    assert (await desk.trader.post(f"/orders/{order_id}/accept", headers=key)).status_code == 200
