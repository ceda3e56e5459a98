"""Who may call the gateway: every route asks for a key, and for the right one."""

import orjson
import pytest
from sqlalchemy import text

from api.gateway.shop import NOBODY, Shop, open_shop
from factories.office import code_of

PAYIN = ["/payin/init", "/payin/initiate_session", f"/payin/confirm/{NOBODY}", f"/payin/cancel/{NOBODY}"]
READ = [f"/payin/status/{NOBODY}", "/balance"]
ROUTES = [("POST", path) for path in PAYIN] + [("GET", path) for path in READ]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_no_key_and_wrong_keys(shop: Shop, method: str, path: str) -> None:
    bare = await shop.client.request(method, f"/gateway{path}")
    assert code_of(bare) == (401, "auth.required")
    for wrong in ("x", shop.key.text[:-1] + "!", f"{shop.key.text}x", shop.key.text.replace("live", "test")):
        answer = await shop.call(method, path, headers={"X-API-Key": wrong})
        assert code_of(answer) == (401, "api_key.invalid")
        assert shop.key.text not in answer.text


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_scope(shop: Shop, method: str, path: str) -> None:
    needed = "payin" if path in PAYIN else "read"
    other = "read" if needed == "payin" else "payin"
    narrow = shop.with_key(await shop.another_key(scopes=(other, "payout")))
    options = {"json": shop.body()} if path in PAYIN[:2] else {}
    assert code_of(await narrow.call(method, path, **options)) == (403, "permission.denied")
    wide = shop.with_key(await shop.another_key(scopes=(needed,)))
    assert (await wide.call(method, path, **options)).status_code in {200, 201, 404}


async def test_revoked_key(shop: Shop) -> None:
    till = shop.with_key(await shop.another_key())
    assert (await till.get("/balance")).status_code == 200
    async with shop.world.database.write() as session:
        await session.execute(
            text("update store_api_keys set revoked_at = app_now() where id = :id"), {"id": till.key.row_id}
        )
    for method, path in ROUTES:
        assert code_of(await till.call(method, path)) == (401, "api_key.invalid")


async def test_address_outside_the_list(shop: Shop) -> None:
    far = shop.with_key(await shop.another_key(networks=("203.0.113.0/24",)))
    assert code_of(await far.get("/balance")) == (403, "permission.denied")
    spoofed = {"X-Forwarded-For": "203.0.113.7", "X-Real-IP": "203.0.113.7"}
    assert code_of(await far.get("/balance", headers=spoofed)) == (403, "permission.denied")


async def test_signed_init(shop: Shop) -> None:
    signing = await open_shop(shop.world, shop.client, require_signed_requests=True)
    body = orjson.dumps(signing.body())
    plain = {"Content-Type": "application/json"}
    now = int(shop.world.clock.now().timestamp())

    async def send(content: bytes, headers: dict[str, str]) -> tuple[int, str]:
        answer = await signing.post("/payin/init", content=content, headers=plain | headers)
        return (answer.status_code, "") if answer.status_code < 300 else code_of(answer)

    assert await send(body, {}) == (401, "signature.invalid")
    assert await send(body + b" ", signing.sign(body)) == (401, "signature.invalid")
    assert await send(body, signing.sign(body, secret=shop.key.signing_secret)) == (401, "signature.invalid")
    assert await send(body, signing.sign(body, at=now - 305)) == (401, "signature.expired")
    assert await send(body, signing.sign(body, at=now + 305)) == (401, "signature.expired")
    assert (
        await shop.world.scalar("select count(*) from incoming_orders where store_id = :id", id=signing.store.id) == 0
    )
    assert await send(body, signing.sign(body)) == (201, "")
    assert await send(body, signing.sign(body)) == (200, "")


async def test_too_often(shop: Shop) -> None:
    busy, calm = shop.with_key(await shop.another_key()), shop.with_key(await shop.another_key())
    await shop.world.change_settings(RATE_LIMIT_GATEWAY="3/minute")
    try:
        answers = [await busy.get("/balance") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert code_of(answers[-1]) == (429, "rate_limited")
        assert 0 < int(answers[-1].headers["retry-after"]) <= 60
        assert (await calm.get("/balance")).status_code == 200
    finally:
        await shop.world.change_settings(RATE_LIMIT_GATEWAY="90000/minute")
