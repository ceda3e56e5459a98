"""A merchant's orders: all of his stores', with those that have no requisite yet, and nobody else's."""

from decimal import Decimal

from sqlalchemy import select

from factories.office import open_office
from factories.world import World
from jivapay.database.models.people import Merchant, User
from jivapay.schemas_enums.enums import Role


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
