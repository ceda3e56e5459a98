"""From booking to the shop's 2xx: what is sent, what is recorded, when it is tried again (F29 to F34)."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError
from standardwebhooks import Webhook

from jivapay.database.models.callbacks import CallbackDelivery
from jivapay.database.models.people import MerchantStore
from jivapay.domain import signatures
from jivapay.domain.actors import Actor
from jivapay.services import callback_service
from jivapay.utils.http_client import Answer, Failure
from services.callback.world import World

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def test_a_delivery_is_signed_three_ways_and_verifies(world: World) -> None:
    shop = await world.add_shop()
    delivery = await world.book(shop, payload={"metadata": {"имя": "Ёж 🙂"}, "rate": None, "paid": False})
    counts = await world.deliver()
    assert (counts.sent, counts.delivered, counts.failed) == (1, 1, 0)
    [sent] = world.transport.sent
    row = await world.row(delivery)
    assert sent.url == "https://shop.example/hook"
    body = Webhook(shop.secret).verify(sent.body, dict(sent.headers))
    assert body["event_id"] == row.event_id == sent.headers["webhook-id"]
    assert body["store_seq"] == 1
    assert body["metadata"] == {"имя": "Ёж 🙂"}
    assert body["amount_fiat"] == "4750.00"
    assert signatures.verify_fields(shop.secret, body)
    check = signatures.verify_body(
        shop.secret,
        sent.headers["X-Timestamp"],
        sent.headers["X-Signature"],
        sent.body,
        now=int(datetime.now(UTC).timestamp()),
    )
    assert check is signatures.SignatureCheck.VALID
    assert (row.state, row.attempts, row.next_attempt_at, row.leased_until) == ("delivered", 1, None, None)
    assert row.delivered_at is not None


async def test_while_rotating_both_secrets_verify(world: World) -> None:
    shop = await world.add_shop(rotating=True)
    await world.book(shop)
    await world.deliver()
    [sent] = world.transport.sent
    assert shop.previous_secret is not None
    for secret in (shop.secret, shop.previous_secret):
        Webhook(secret).verify(sent.body, dict(sent.headers))


async def test_nothing_is_sent_before_it_has_its_number(world: World) -> None:
    await world.book(await world.add_shop(), numbered=False)
    assert (await world.deliver()).sent == 0
    await world.number()
    assert (await world.deliver()).sent == 1


async def test_without_an_address_an_event_is_only_in_the_stream(world: World) -> None:
    delivery = await world.book(await world.add_shop(url=None))
    assert (await world.deliver()).sent == 0
    row = await world.row(delivery)
    assert (row.state, row.store_seq, row.next_attempt_at) == ("skipped", 1, None)


async def test_a_delivered_event_is_not_sent_again(world: World) -> None:
    await world.book(await world.add_shop())
    await world.deliver()
    world.clock.advance(100 * HOUR)
    assert (await world.deliver()).sent == 0


async def test_a_retry_has_the_same_id_and_a_fresh_timestamp(world: World) -> None:
    shop = await world.add_shop()
    world.answer(Answer(status=500))
    await world.book(shop)
    await world.deliver()
    world.clock.advance(timedelta(seconds=6))
    await world.deliver()
    first, second = world.transport.sent
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 6
    one, two = json.loads(first.body), json.loads(second.body)
    assert one["event_id"] == two["event_id"]
    assert one["store_seq"] == two["store_seq"]
    assert one["timestamp"] < two["timestamp"]
    Webhook(shop.secret).verify(second.body, dict(second.headers))


async def test_ten_attempts_then_exhausted_with_an_audit_row(world: World) -> None:
    """L9: a shop that never answers well is given up on at the tenth attempt, and somebody learns of it."""
    delivery = await world.book(await world.add_shop())
    world.answer(Answer(status=500))
    waits = []
    for _ in range(9):
        await world.deliver()
        assert (await world.row(delivery)).state == "retrying"
        waits.append((await world.due_in(delivery)).total_seconds())
        world.clock.advance(timedelta(seconds=waits[-1] - 2))
        assert (await world.deliver()).sent == 0
        world.clock.advance(timedelta(seconds=2.1))
    await world.deliver()
    for wait, planned in zip(waits, [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400], strict=True):
        assert planned * 0.9 - 1 < wait <= planned * 1.1
    row = await world.row(delivery)
    assert (row.state, row.attempts, row.next_attempt_at) == ("exhausted", 10, None)
    assert [attempt.attempt for attempt in await world.attempts(delivery)] == list(range(1, 11))
    [entry] = await world.audit("callback.exhausted")
    assert (entry.level, entry.entity_id, entry.details["host"]) == ("WARNING", delivery, "shop.example")
    world.clock.advance(100 * HOUR)
    assert (await world.deliver()).sent == 0
    assert len(world.transport.sent) == 10


@pytest.mark.parametrize(
    ("answer", "state", "failure"),
    [
        pytest.param(Answer(204), "delivered", None, id="F30 204"),
        pytest.param(Answer(302), "retrying", "redirect", id="F30 302"),
        pytest.param(Answer(101), "retrying", "status", id="F30 101"),
        pytest.param(Answer(404), "retrying", "status", id="404"),
        pytest.param(Answer(500), "retrying", "status", id="F30 500"),
        pytest.param(Answer(410), "disabled", "gone", id="F30 410"),
        pytest.param(Answer(failure=Failure.TIMEOUT), "retrying", "timeout", id="F29 hangs"),
        pytest.param(Answer(200, Failure.TIMEOUT), "retrying", "timeout", id="F33 drips"),
        pytest.param(Answer(failure=Failure.TLS), "retrying", "tls", id="F32 tls"),
        pytest.param(Answer(failure=Failure.DNS), "retrying", "dns", id="F32 no such name"),
        pytest.param(Answer(200, Failure.RESET), "retrying", "reset", id="F32 reset"),
        pytest.param(Answer(failure=Failure.BLOCKED_ADDRESS), "retrying", "blocked_address", id="G06"),
    ],
)
async def test_what_an_answer_leads_to(world: World, answer: Answer, state: str, failure: str | None) -> None:
    delivery = await world.book(await world.add_shop())
    world.answer(answer)
    await world.deliver()
    row = await world.row(delivery)
    assert (row.state, row.attempts) == (state, 1)
    [attempt] = await world.attempts(delivery)
    assert (attempt.response_status, attempt.failure, attempt.attempt) == (answer.status, failure, 1)


@pytest.mark.parametrize(("wish", "low", "high"), [("120", 119, 120), ("86400", 3599, 3600), ("1", 4, 5.5)])
async def test_f30_retry_after_is_honoured_up_to_an_hour(world: World, wish: str, low: float, high: float) -> None:
    delivery = await world.book(await world.add_shop())
    world.answer(Answer(429, retry_after=wish))
    await world.deliver()
    assert low <= (await world.due_in(delivery)).total_seconds() <= high


async def test_410_ends_what_waits_for_the_same_address_and_nothing_else(world: World) -> None:
    shop, other = await world.add_shop(), await world.add_shop()
    world.answer(Answer(500))
    waiting = await world.book(shop)
    elsewhere = await world.book(shop, url="https://other.example/hook")
    others = await world.book(other)
    await world.deliver()
    world.answer(Answer(410))
    gone = await world.book(shop)
    await world.deliver()
    assert await world.states(gone, waiting, elsewhere, others) == ["disabled", "disabled", "retrying", "retrying"]
    [entry] = await world.audit("callback.disabled")
    assert (entry.entity_id, entry.details["others"], entry.details["store_id"]) == (gone, 1, shop.id)


async def test_410_holds_for_what_is_booked_later_until_the_address_is_enabled(world: World) -> None:
    shop, other = await world.add_shop(), await world.add_shop()
    world.answer(Answer(410))
    gone = await world.book(shop)
    await world.deliver()
    world.transport.answer = None
    later, elsewhere = await world.book(shop), await world.book(shop, url="https://x.example/")
    others = await world.book(other)
    assert await world.states(gone, later, elsewhere, others) == ["disabled", "disabled", "pending", "pending"]
    assert (await world.deliver()).sent == 2
    assert (await world.row(later)).store_seq == 2, "in the stream every event keeps its place"
    async with world.database.write() as session:
        (disabled,) = await callback_service.list_disabled(session, shop.id)
        assert disabled.url == "https://shop.example/hook"
        assert await callback_service.list_disabled(session, other.id) == []
        assert await callback_service.enable_addresses(session, Actor.system("tests"), shop.id) == 1
        assert await callback_service.enable_addresses(session, Actor.system("tests"), shop.id) == 0
    assert len(await world.audit("callback.addresses_enabled")) == 1
    again = await world.book(shop)
    await world.deliver()
    assert await world.states(later, again) == ["disabled", "delivered"]


async def test_g12_secrets_are_not_stored(world: World) -> None:
    shop = await world.add_shop()
    delivery = await world.book(shop)
    leak = f"card 4111 1111 1111 1111 {shop.secret} jp_live_abc_def\x00\ud800".encode("utf-8", "surrogatepass")
    world.answer(Answer(500, excerpt=leak + b"x" * 1024))
    await world.deliver()
    [attempt] = await world.attempts(delivery)
    assert attempt.response_excerpt is not None
    assert len(attempt.response_excerpt) <= 1024
    for secret in (shop.secret, "4111 1111 1111 1111", "jp_live_abc"):
        assert secret not in attempt.response_excerpt
    [sent] = world.transport.sent
    stored = attempt.request_headers
    assert stored["webhook-id"] == sent.headers["webhook-id"]
    assert sent.headers["X-Signature"] not in json.dumps(stored)
    assert sent.headers["webhook-signature"] not in json.dumps(stored)
    assert stored["X-Signature"] == sent.headers["X-Signature"][:10] + "…"


async def test_the_trigger_lets_no_delivery_skip_a_step(world: World) -> None:
    delivery = await world.book(await world.add_shop())
    await world.deliver()
    with pytest.raises(DBAPIError, match="cannot become retrying"):
        async with world.database.write() as session:
            await session.execute(
                text("update callback_deliveries set state = 'retrying' where id = :id"), {"id": delivery}
            )


async def test_one_spoiled_row_spoils_one_delivery(world: World) -> None:
    """A number too long to read, and a secret no key opens: they fail, and everybody else is served."""
    huge = await world.book(await world.add_shop())
    locked_out = await world.add_shop()
    secretless = await world.book(locked_out)
    async with world.database.write() as session:
        await session.execute(
            text('update callback_deliveries set payload = \'{"metadata": {"n": 1e5000}}\' where id = :id'),
            {"id": huge},
        )
        await session.execute(
            update(MerchantStore).where(MerchantStore.id == locked_out.id).values(callback_secret=b"spoiled")
        )
    healthy = await world.book(await world.add_shop())
    counts = await world.deliver()
    assert (counts.delivered, counts.failed) == (1, 2)
    assert await world.states(huge, secretless, healthy) == ["retrying", "retrying", "delivered"]
    assert [a.failure for a in await world.attempts(huge)] == ["payload"]
    assert [a.failure for a in await world.attempts(secretless)] == ["secret"]


async def test_nothing_is_leased_twice_while_it_is_on_its_way(world: World) -> None:
    delivery = await world.book(await world.add_shop())
    async with world.database.write() as session:
        await session.execute(
            update(CallbackDelivery)
            .where(CallbackDelivery.id == delivery)
            .values(leased_until=text("app_now() + interval '30 seconds'"))
        )
    assert (await world.deliver()).sent == 0
    world.clock.advance(timedelta(seconds=31))
    assert (await world.deliver()).delivered == 1
