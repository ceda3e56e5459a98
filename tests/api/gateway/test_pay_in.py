"""Status, confirm, cancel and balance of a store's pay-ins."""

import asyncio
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from api.gateway.shop import NOBODY, Shop, open_shop
from factories.office import code_of
from jivapay.schemas_enums.enums import DocumentState
from jivapay.utils.s3_client import MemoryStorage
from support.receipt_files import picture


def receipt(content: bytes, name: str = "r.png", kind: str = "image/png") -> dict[str, Any]:
    return {"receipt": (name, content, kind)}


async def test_status_by_every_identifier(shop: Shop) -> None:
    made = await shop.open_page()
    token = made.pop("token")
    for identifier, by in (
        (made["order_id"], "order_id"),
        (made["external_order_id"], "external_order_id"),
        (token, "payment_token"),
    ):
        answer = await shop.get(f"/payin/status/{identifier}", params={"by": by})
        assert (answer.status_code, answer.json()) == (200, made)
    assert (await shop.get(f"/payin/status/{made['order_id']}")).json() == made


async def test_unknown_way_of_asking(shop: Shop) -> None:
    answer = await shop.get(f"/payin/status/{NOBODY}", params={"by": "amount"})
    assert code_of(answer) == (422, "validation.enum")


async def test_somebody_elses_is_not_there(shop: Shop, other_shop: Shop) -> None:
    """Word for word what is said of an order that nobody has."""
    made = await shop.open_page()
    token, nobody = made["token"], "x" * 43
    pairs = [
        ("GET", f"/payin/status/{made['order_id']}", f"/payin/status/{NOBODY}"),
        (
            "GET",
            f"/payin/status/{made['external_order_id']}?by=external_order_id",
            "/payin/status/E-0?by=external_order_id",
        ),
        ("GET", f"/payin/status/{token}?by=payment_token", f"/payin/status/{nobody}?by=payment_token"),
        ("POST", f"/payin/confirm/{made['order_id']}", f"/payin/confirm/{NOBODY}"),
        ("POST", f"/payin/cancel/{made['order_id']}", f"/payin/cancel/{NOBODY}"),
    ]
    for method, theirs, nowhere in pairs:
        foreign, missing = await other_shop.call(method, theirs), await other_shop.call(method, nowhere)
        assert code_of(foreign) == code_of(missing) == (404, "not_found")
        same = [
            {name: value for name, value in one.json().items() if name != "request_id"} for one in (foreign, missing)
        ]
        assert same[0] == same[1]
    assert (await shop.status(made))["status"] == "new"


@pytest.mark.parametrize("identifier", ["1", "x", "%00", "9223372036854775808", "a" * 300])
async def test_what_is_no_identifier(shop: Shop, identifier: str) -> None:
    for method, door in (("GET", "status"), ("POST", "confirm"), ("POST", "cancel")):
        assert code_of(await shop.call(method, f"/payin/{door}/{identifier}")) == (404, "not_found")


async def test_confirm_without_a_receipt(shop: Shop) -> None:
    made = await shop.assigned(amount="2001.00")
    answer = await shop.post(f"/payin/confirm/{made['order_id']}")
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["status"], shown["order_history_status"]) == (
        "client_payment_confirmed",
        "pending_trader_confirmation",
    )
    assert (shown["paid"], shown["final"]) == (False, False)
    assert shown["version"] > made["version"]
    assert shown["requisite"]["number"] == "4276380012345675"
    assert shown == await shop.status(made)
    again = await shop.post(f"/payin/confirm/{made['order_id']}")
    assert code_of(again) == (409, "order.state_conflict")
    assert again.json()["about"] == {"current": "pending_trader_confirmation"}


async def test_confirm_with_a_receipt(shop: Shop) -> None:
    made = await shop.assigned(amount="2002.00")
    answer = await shop.post(f"/payin/confirm/{made['order_id']}", files=receipt(picture("PNG")))
    assert answer.status_code == 200
    storage = shop.world.resources.storage
    assert isinstance(storage, MemoryStorage)
    async with shop.world.database.read() as session:
        row = (
            await session.execute(
                text("select object_key, content_type, state from uploaded_documents where incoming_order_id = :id"),
                {"id": await shop.id_of(made)},
            )
        ).one()
    assert (row.content_type, row.state) == ("image/png", DocumentState.STORED)
    assert (await storage.get(row.object_key)).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"MZ\x90\x00" + b"\0" * 200, (422, "file.type_not_allowed")),
        (b"<html><script>1</script></html>", (422, "file.type_not_allowed")),
        (b"", (422, "file.empty")),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * (11 * 1024 * 1024), (413, "request.too_large")),
    ],
    ids=["program", "page", "empty", "11 MB"],
)
async def test_what_is_no_receipt(shop: Shop, content: bytes, expected: tuple[int, str]) -> None:
    made = await shop.assigned(amount="2003.00")
    try:
        assert code_of(await shop.post(f"/payin/confirm/{made['order_id']}", files=receipt(content))) == expected
        assert await shop.status(made) == made
    finally:
        await shop.post(f"/payin/cancel/{made['order_id']}")


async def test_receipt_in_a_wrong_wrapping(shop: Shop) -> None:
    made = await shop.assigned(amount="2004.00")
    path = f"/payin/confirm/{made['order_id']}"
    assert code_of(await shop.post(path, json={"receipt": "x"}))[0] in {400, 415, 422}
    several = [("receipt", ("a.png", picture("PNG"), "image/png")), ("receipt", ("b.png", picture("PNG"), "image/png"))]
    assert (await shop.post(path, files=several)).status_code in {200, 400, 422}


async def test_receipt_that_the_store_insists_on(shop: Shop) -> None:
    strict = await open_shop(shop.world, shop.client, receipt_required=True)
    made = await strict.assigned(amount="2005.00")
    answer = await strict.post(f"/payin/confirm/{made['order_id']}")
    assert code_of(answer) == (422, "receipt.required")
    assert answer.json()["errors"] == [{"loc": ["body", "receipt"], "code": "receipt.required"}]
    kept = await strict.post(f"/payin/confirm/{made['order_id']}", files=receipt(picture("PNG")))
    assert kept.status_code == 200


async def test_confirm_before_there_is_a_requisite(shop: Shop) -> None:
    made = await shop.init()
    assert code_of(await shop.post(f"/payin/confirm/{made['order_id']}")) == (409, "order.state_conflict")
    assert await shop.status(made) == made


async def test_cancel_before_and_after_assignment(shop: Shop) -> None:
    waiting, reserved = await shop.init(), await shop.assigned(amount="2006.00")
    held = (await shop.world.trader_balance()).held
    for made, expected in ((waiting, ("cancelled", None)), (reserved, ("cancelled", "cancelled"))):
        answer = await shop.post(f"/payin/cancel/{made['order_id']}", json={"reason": "changed his mind"})
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        assert (shown["order_history_status"]) == expected[1]
        assert shown["version"] > made["version"]
        assert code_of(await shop.post(f"/payin/cancel/{made['order_id']}")) == (409, "order.state_conflict")
    assert (await shop.world.trader_balance()).held <= held


async def test_cancel_after_the_payer_confirmed(shop: Shop) -> None:
    made = await shop.assigned(amount="2007.00")
    await shop.post(f"/payin/confirm/{made['order_id']}")
    assert code_of(await shop.post(f"/payin/cancel/{made['order_id']}")) == (409, "order.state_conflict")


async def test_unreadable_reason(shop: Shop) -> None:
    made = await shop.init()
    for body, expected in (
        ({"reason": 5}, (422, "validation.type")),
        ({"reason": "x" * 501}, (422, "text.too_long")),
        ({"why": "x"}, (422, "validation.unknown_field")),
    ):
        assert code_of(await shop.post(f"/payin/cancel/{made['order_id']}", json=body)) == expected
    assert await shop.status(made) == made


async def test_confirm_and_cancel_at_once(shop: Shop) -> None:
    """One wins. Whoever confirms what is already cancelled claims a late payment, and that takes a receipt."""
    made = await shop.assigned(amount="2008.00")
    answers = await asyncio.gather(
        *(shop.post(f"/payin/{door}/{made['order_id']}") for door in ("confirm", "cancel") * 5)
    )
    refusals = [code_of(answer) for answer in answers if answer.status_code != 200]
    assert len(refusals) == 9
    assert set(refusals) <= {(409, "order.state_conflict"), (422, "receipt.required")}


async def test_from_request_to_balance(shop: Shop) -> None:
    """The worked numbers: 4750.00 at 92.50, 3 % of the store."""
    seller = await open_shop(shop.world, shop.client, name="Seller")
    assert (await seller.get("/balance")).json() == {
        "currency": "USDT",
        "total": "0.000000",
        "held": "0.000000",
        "available": "0.000000",
    }
    versions = []
    made = await seller.init()
    versions.append(made["version"])
    incoming_id = await seller.id_of(made)
    await seller.world.process(incoming_id)
    versions.append((await seller.status(made))["version"])
    versions.append((await seller.post(f"/payin/confirm/{made['order_id']}")).json()["version"])
    await seller.world.confirm_by_trader(incoming_id)
    done = await seller.status(made)
    versions.append(done["version"])
    assert versions == sorted(set(versions))
    assert (done["status"], done["order_history_status"]) == ("processed", "completed")
    assert (done["paid"], done["amount_agreed"], done["amount_exceptions"]) == (True, "4750.00", [])
    assert done["requisite"]["number"] == "•• 5675"
    assert (await seller.get("/balance")).json() == {
        "currency": "USDT",
        "total": "49.810810",
        "held": "0.000000",
        "available": "49.810810",
    }
    assert code_of(await seller.post(f"/payin/confirm/{made['order_id']}")) == (409, "order.state_conflict")
    assert code_of(await seller.post(f"/payin/cancel/{made['order_id']}")) == (409, "order.state_conflict")


async def test_no_secret_and_no_full_number_afterwards(shop: Shop) -> None:
    made = await shop.open_page(amount="2009.00", payment_method="card")
    incoming_id = await shop.id_of(made)
    await shop.world.process(incoming_id)
    await shop.world.confirm_by_customer(incoming_id)
    await shop.world.confirm_by_trader(incoming_id)
    for answer in (
        await shop.get(f"/payin/status/{made['order_id']}"),
        await shop.client.get(f"/gateway/payment_session/{made['token']}"),
    ):
        assert answer.status_code == 200
        for secret in ("4276380012345675", "Иванов", "whsec_", shop.key.text, shop.key.signing_secret, "trader"):
            assert secret not in answer.text


async def test_reverted_commit_is_not_a_success(shop: Shop) -> None:
    """The commit fails after every statement has passed; the store is told so, and nothing is there."""
    made, body = await shop.assigned(amount="2010.00"), shop.body()
    async with shop.world.database.read() as session:
        known = await session.scalar(text("select count(*) from incoming_orders"))
    owner = shop.world.resources.settings.database_owner_url
    assert owner is not None
    await _execute(owner.get_secret_value(), REFUSE_COMMITS)
    try:
        refused = await shop.post("/payin/init", json=body)
        assert (refused.status_code >= 500, refused.headers["content-type"]) == (True, "application/problem+json")
        refused = await shop.post(f"/payin/confirm/{made['order_id']}")
        assert refused.status_code >= 500
        assert "refused by the test" not in refused.text
    finally:
        await _execute(owner.get_secret_value(), ALLOW_COMMITS)
    assert await shop.world.scalar("select count(*) from incoming_orders") == known
    assert await shop.status(made) == made
    assert (await shop.post("/payin/init", json=body)).status_code == 201


REFUSE_COMMITS = """
create function refuse_commit() returns trigger language plpgsql as $$
begin raise exception 'refused by the test'; end $$;
create constraint trigger refuse_commit after insert or update on incoming_orders
  deferrable initially deferred for each row execute function refuse_commit();
"""
ALLOW_COMMITS = "drop trigger refuse_commit on incoming_orders; drop function refuse_commit();"


async def _execute(url: str, script: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


async def test_confirm_and_cancel_with_a_key_are_replayed(shop: Shop) -> None:
    made = await shop.assigned()
    path, headers = f"/payin/confirm/{made['order_id']}", {"Idempotency-Key": "k-1"}
    first = await shop.post(path, files=receipt(picture("PNG")), headers=headers)
    second = await shop.post(path, files=receipt(picture("PNG")), headers=headers)
    assert (first.status_code, second.status_code, second.headers["Idempotent-Replayed"]) == (200, 200, "true")
    assert first.json() == second.json()
    assert code_of(await shop.post(path)) == (409, "order.state_conflict")
    other = await shop.post(path, files=receipt(picture("JPEG")), headers=headers)
    assert code_of(other) == (422, "idempotency.mismatch")
    made = await shop.assigned(amount="900.00")
    answers = [await shop.post(f"/payin/cancel/{made['order_id']}", headers={"Idempotency-Key": "k-2"}) for _ in "ab"]
    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(200, "cancelled")] * 2


async def test_a_confirmation_that_is_refused_stores_no_receipt(shop: Shop) -> None:
    made = await shop.assigned()
    path = f"/payin/confirm/{made['order_id']}"
    assert (await shop.post(path)).status_code == 200
    storage = shop.world.resources.storage
    assert isinstance(storage, MemoryStorage)
    before = dict(storage.objects)
    assert code_of(await shop.post(path, files=receipt(picture("PNG")))) == (409, "order.state_conflict")
    assert dict(storage.objects) == before


async def test_the_shop_states_what_the_trader_has_seen(shop: Shop) -> None:
    made = await shop.assigned()
    incoming = await shop.id_of(made)
    await shop.world.confirm_by_trader(incoming, amount=Decimal("4517.00"))
    seen = await shop.status(made)
    assert (seen["order_history_status"], seen["amount_seen"], seen["paid"]) == ("requires_attention", "4517.00", False)
    path = f"/payin/confirm/{made['order_id']}"
    assert code_of(await shop.post(path, data={"amount": "4517.001"})) == (422, "money.too_many_decimals")
    assert (await shop.post(path, data={"amount": "4600.00"})).json()["paid"] is False
    paid = (await shop.post(path, data={"amount": "4517.00"})).json()
    assert [paid[name] for name in ("status", "amount", "amount_agreed", "amount_exceptions", "paid", "final")] == [
        "processed",
        "4517.00",
        "4750.00",
        ["under"],
        True,
        False,
    ]
