"""What a merchant's stores were told: listed, filtered, and sent again."""

from factories.office import code_of, open_office
from factories.world import World


async def test_listed_and_sent_again(world: World) -> None:
    store = await world.add_store(callback_url="https://shop.example/hook")
    world.store = store
    first, second = [await world.complete() for _ in range(2)]
    await world.relay()
    await world.deliver_callbacks(500, 200)
    async with open_office(world.resources) as office:
        merchant = await office.shopkeeper(store.merchant_id)
        stranger = await office.merchant()
        page = (await merchant.get("/callbacks", params={"page_size": 2})).json()
        assert page["total"] == len(page["items"]) + 4
        rest = (await merchant.get("/callbacks", params={"page_size": 50, "cursor": page["next_cursor"]})).json()
        everything = [*page["items"], *rest["items"]]
        assert rest["next_cursor"] is None
        assert [item["store_seq"] for item in everything] == [6, 5, 4, 3, 2, 1]
        assert {item["state"] for item in everything} == {"delivered", "retrying", "skipped"}
        order_id = str((await world.deal(first)).incoming.public_id)
        of_order = (await merchant.get("/callbacks", params={"order_id": order_id})).json()
        assert {item["order_id"] for item in of_order["items"]} == {order_id}
        assert of_order["items"][0]["type"] == "order.completed"
        assert of_order["items"][0]["payload"]["balance_change"] == "49.810810"
        failed = (await merchant.get("/callbacks", params={"state": "retrying"})).json()["items"]
        assert [item["last_attempt"]["response_status"] for item in failed] == [500]
        delivered = (await merchant.get("/callbacks", params={"state": "delivered"})).json()["items"][0]
        again = await merchant.post(f"/callbacks/{delivered['id']}/resend")
        assert (again.status_code, again.json()["state"]) == (200, "pending")
        assert code_of(await merchant.post(f"/callbacks/{delivered['id']}/resend")) == (409, "order.state_conflict")
        await world.deliver_callbacks()
        assert [sent.headers["webhook-id"] for sent in world.transport.sent].count(delivered["id"]) == 2
        assert (await stranger.get("/callbacks")).json()["total"] == 0
        assert code_of(await stranger.post(f"/callbacks/{delivered['id']}/resend")) == (404, "not_found")
        assert code_of(await merchant.post("/callbacks/evt_0/resend")) == (404, "not_found")
        foreign = {"store_id": "0199aaaa-0000-7000-8000-000000000000"}
        assert (await merchant.get("/callbacks", params=foreign)).json()["total"] == 0
        assert (await merchant.get("/callbacks", params={"state": "lost"})).status_code == 422
    assert second
