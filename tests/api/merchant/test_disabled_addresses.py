"""A merchant sees which of his addresses answered 410, and has them used again."""

from sqlalchemy import insert, text

from factories.office import Office, code_of
from jivapay.database.models.callbacks import DisabledCallbackAddress

URL = "https://shop.example/hook"


async def test_seen_and_enabled(office: Office) -> None:
    owner, stranger = await office.merchant(), await office.merchant()
    store = (await owner.post("/stores", json={"name": "S", "lower_limit": "1", "upper_limit": "9"})).json()
    path = f"/stores/{store['id']}/disabled-callback-addresses"
    assert (await owner.get(path)).json() == {"items": []}
    async with office.resources.database.write() as session:
        store_id = await session.scalar(
            text("select id from merchant_stores where public_id = cast(:id as uuid)"), {"id": store["id"]}
        )
        await session.execute(insert(DisabledCallbackAddress).values(store_id=store_id, url=URL))
    assert [item["url"] for item in (await owner.get(path)).json()["items"]] == [URL]
    assert code_of(await stranger.get(path)) == (404, "not_found")
    assert code_of(await stranger.call("DELETE", path)) == (404, "not_found")
    assert len((await owner.get(path)).json()["items"]) == 1
    for _ in range(2):
        assert (await owner.call("DELETE", path)).status_code == 204
    assert (await owner.get(path)).json() == {"items": []}
