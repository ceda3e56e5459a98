"""A merchant's orders: all of his stores', with those that have no requisite yet, and nobody else's."""

from decimal import Decimal

from sqlalchemy import select

from factories.office import open_office
from factories.world import World
from jivapay.database.models.people import Merchant, User
from jivapay.schemas_enums.enums import Role
from support.invariants import find_violations


async def test_list(world: World) -> None:
    waiting = await world.accept(Decimal("200.00"))
    done = await world.complete()
    async with world.database.read() as session:
        user = await session.scalar(
            select(User).join(Merchant, Merchant.user_id == User.id).where(Merchant.id == world.store.merchant_id)
        )
    assert user is not None
    async with open_office(world.resources) as office:
        merchant = await office.enter(user.id, user.public_id, Role.MERCHANT)
        stranger = await office.merchant()
        page = (await merchant.get("/orders")).json()
        assert page["total"] == 2
        deals = [await world.deal(each) for each in (done, waiting)]
        assert [item["order_id"] for item in page["items"]] == [str(deal.incoming.public_id) for deal in deals]
        settled = page["items"][0]
        assert (settled["status"], settled["order_history_status"]) == ("processed", "completed")
        assert (settled["amount"], settled["amount_crypto"]) == ("4750.00", "51.351351")
        assert settled["commission"] == "1.540541"
        assert page["items"][1]["order_history_status"] is None
        filtered = (await merchant.get("/orders", params={"status": "completed", "page_size": 1})).json()
        assert (filtered["total"], len(filtered["items"])) == (1, 1)
        assert (await stranger.get("/orders")).json()["items"] == []
        balance = (await merchant.get(f"/stores/{world.store.public_id}/balance")).json()
        assert balance["available"] == "49.810810"


async def test_made_by_hand(world: World) -> None:
    """A merchant makes an order for his customer, confirms it for him, and cannot touch another's."""
    async with world.database.read() as session:
        user = await session.scalar(
            select(User).join(Merchant, Merchant.user_id == User.id).where(Merchant.id == world.store.merchant_id)
        )
    assert user is not None
    async with open_office(world.resources) as office:
        merchant = await office.enter(user.id, user.public_id, Role.MERCHANT)
        stranger = await office.merchant()
        asked = {
            "store_id": str(world.store.public_id),
            "external_order_id": "by-hand",
            "currency": "RUB",
            "amount": "321.00",
            "payment_method": "card",
        }
        refused = await stranger.post("/orders", json=asked)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
        made = await merchant.post("/orders", json=asked)
        assert made.status_code == 201, made.text
        assert made.json()["payment_url"].endswith(made.json()["token"])
        again = await merchant.post("/orders", json=asked)
        assert (again.status_code, again.json()["order_id"]) == (200, made.json()["order_id"])
        keyed = [await merchant.post("/orders", json=asked, headers={"Idempotency-Key": "by-hand-1"}) for _ in "12"]
        assert [answer.headers.get("Idempotent-Replayed") for answer in keyed] == [None, "true"]
        assert await find_violations(world.database) == {}
        order_id = made.json()["order_id"]
        early = await merchant.post(f"/orders/{order_id}/confirm_payment")
        assert (early.status_code, early.json()["code"]) == (409, "order.state_conflict")
        incoming_id = await world.scalar("select id from incoming_orders where public_id = :id", id=order_id)
        await world.process(incoming_id)
        assert (await stranger.post(f"/orders/{order_id}/confirm_payment")).status_code == 404
        confirmed = await merchant.post(f"/orders/{order_id}/confirm_payment")
        assert confirmed.json()["order_history_status"] == "pending_trader_confirmation"
