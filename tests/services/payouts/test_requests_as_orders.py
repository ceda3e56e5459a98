"""The executor `jivapay`: a payout request becomes a pay-out order of its store and follows it to its end (PAY-48)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from itertools import product

import pytest
from sqlalchemy import text

from factories.payout_requests import (
    SPOILT,
    delete,
    execute,
    execute_told,
    order_of,
    ordered_payout,
    reports_of_unreadable,
    request_payout,
    seal_again,
    set_status,
    spoil,
    status_of,
)
from factories.payouts import FUNDS
from factories.world import World
from jivapay.domain.actors import Actor
from jivapay.exceptions import Conflict, NotFound
from jivapay.schemas_enums.enums import PayoutStatus
from jivapay.services import freeze_service, payout_service
from jivapay.services.payout_service import own_orders
from jivapay.services.payout_service.own_orders import NOT_NOW_SECONDS

WITH_BUFFER = Decimal("53.420811")
COST = Decimal("52.891892")


async def attempts(world: World, payout_id: int) -> list[tuple[int, str | None]]:
    async with world.database.read() as session:
        rows = await session.execute(
            text("select number, outcome from payout_attempts where payout_id = :id order by number"), {"id": payout_id}
        )
        return [(number, outcome) for number, outcome in rows]


async def due(world: World) -> list[int]:
    async with world.database.read() as session:
        return [payout_id for payout_id, _ in await payout_service.list_due_payouts(session, limit=10)]


async def test_an_order_with_its_cost_set_aside(world: World) -> None:
    payout_id = await request_payout(world)
    assert await execute_told(world) == ["pending"]
    incoming = (await world.deal(await order_of(world, payout_id))).incoming
    assert (incoming.direction, incoming.status, incoming.amount_fiat) == ("pay_out", "new", Decimal("4750.00"))
    assert (incoming.payment_method, incoming.recipient_last_four) == ("card", "5679")
    assert incoming.order_metadata == {"payout_id": payout_id, "user_id": 123}
    assert (await world.store_balance()).held == WITH_BUFFER
    assert await execute(world, payout_id) == "pending", "again it is the same order"
    assert await world.scalar("select count(*) from incoming_orders") == 1
    assert await attempts(world, payout_id) == [(1, None)]


async def test_followed_to_its_end_by_the_orders_own_steps(world: World) -> None:
    payout_id, incoming = await ordered_payout(world)
    await world.process(incoming)
    assert await status_of(world, payout_id) == ("pending", None)
    await execute_told(world)
    await world.take_payout(incoming)
    assert await execute_told(world) == ["processing"]
    await world.pay_payout(incoming)
    assert await execute_told(world) == ["processed"]
    assert await execute_told(world) == []
    assert await attempts(world, payout_id) == [(1, "processed")]
    assert (await world.store_balance()).total == FUNDS - COST
    assert await execute(world, payout_id) is None
    steps = "select string_agg(to_status, ' ' order by version) from status_history where entity = 'payout'"
    assert await world.scalar(steps) == "pending processing processed"


async def test_the_requests_trace_id_goes_with_its_order(world: World) -> None:
    """`X-Request-ID`: into the order's tasks and back into the request's, whoever moved the order on."""
    store = replace(world.store, actor=Actor.store(world.store.id, request_id="trace-12345"))
    _, incoming = await ordered_payout(world, store=store)
    await world.process(incoming)
    await world.take_payout(incoming)
    await world.pay_payout(incoming)
    traces = "select array_agg(distinct coalesce(request_id, '')) from outbox where topic in ('payout.process', :topic)"
    assert await world.scalar(traces, topic="order.process") == ["trace-12345"]


async def test_paid_before_anybody_looked(world: World) -> None:
    payout_id, incoming = await ordered_payout(world)
    await world.process(incoming)
    await world.take_payout(incoming)
    await world.pay_payout(incoming)
    assert await execute_told(world) == ["processed"]
    assert await status_of(world, payout_id) == ("processed", None)


async def test_lost_words_cost_seconds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom none has reached is found: accepted, paid, and dead; and nobody who is as far as his order."""
    patience = timedelta(minutes=2)  # more than a slow machine needs for a line of this test
    monkeypatch.setattr(own_orders, "PATIENCE", patience)
    paid, order = await ordered_payout(world)
    dead, cancelled = await ordered_payout(world, Decimal(1000))
    await ordered_payout(world, Decimal(1001))
    await world.process(order)
    for lose, behind, status in (
        (partial(world.take_payout, order), paid, "processing"),
        (partial(world.pay_payout, order), paid, "processed"),
        (partial(world.cancel, cancelled), dead, "failed"),
    ):
        await lose()
        await world.execute("delete from outbox")
        assert await due(world) == [], "its word may still come"
        await world.advance(patience.total_seconds())
        assert await due(world) == [behind]
        assert await execute(world, behind) == status
        assert await due(world) == []
    await set_status(world, dead, PayoutStatus.PENDING)
    assert await execute(world, dead) == "pending"
    await world.advance(patience.total_seconds())
    assert await due(world) == [], "the order of an earlier attempt is over"


async def test_nobody_takes_it_and_it_is_asked_for_again(world: World) -> None:
    await world.change_settings(MAX_ORDER_RETRIES=1)
    payout_id, first = await ordered_payout(world)
    await world.process(first)
    await world.decline_payout(first)
    assert await execute_told(world) == ["failed"]
    assert await status_of(world, payout_id) == ("failed", "requisite.none_available")
    assert (await world.store_balance()).held == 0
    await set_status(world, payout_id, PayoutStatus.PENDING)
    assert await execute_told(world) == ["pending"]
    assert await status_of(world, payout_id) == ("pending", None)
    second = await order_of(world, payout_id)
    assert second != first
    assert await attempts(world, payout_id) == [(1, "failed"), (2, None)]


async def test_accepted_and_silent_waits_for_a_person(world: World) -> None:
    payout_id, incoming = await ordered_payout(world)
    await world.process(incoming)
    await world.take_payout(incoming)
    await world.advance(world.rules.payout_pay_seconds + 1)
    await world.expire_due()
    assert (await world.statuses(incoming))[1] == "requires_attention"
    assert set(await execute_told(world)) == {"processing"}
    assert await status_of(world, payout_id) == ("processing", None)


async def test_a_recipient_nobody_can_pay(world: World) -> None:
    refused: list[tuple[dict[str, object], str]] = [
        ({"card": "0000 1111 2222 3333"}, "requisite.format"),
        ({"wallet": "x"}, "recipient.not_understood"),
        ({"card": "4276380012345679", "phone": "+79001234567"}, "recipient.not_understood"),
        ({"card": 4276380012345679}, "recipient.not_understood"),
        ({"card": "4276380012345679", "payment_method": "pigeon"}, "payment_method.unavailable"),
        ({"card": "4276380012345679", "bank": "none"}, "bank.unavailable"),
    ]
    for details, reason in refused:
        payout_id = await request_payout(world, **details)
        assert await execute(world, payout_id) == "failed"
        assert await status_of(world, payout_id) == ("failed", reason)
        assert await attempts(world, payout_id) == [(1, "failed")]
    assert await world.scalar("select count(*) from incoming_orders") == 0
    assert (await world.store_balance()).held == 0


@pytest.mark.parametrize(("how", "code"), SPOILT)
async def test_a_recipient_nobody_can_read(world: World, how: str, code: str) -> None:
    """Its key will not come back by waiting: at once, and the next one that is asked for pays when it has."""
    payout_id = await request_payout(world)
    kept = await spoil(world, payout_id, how)
    assert await execute(world, payout_id) == "failed"
    assert await status_of(world, payout_id) == ("failed", code)
    assert await attempts(world, payout_id) == [(1, "failed")]
    assert (await due(world), await execute(world, payout_id)) == ([], None)
    assert await reports_of_unreadable(world) == 1
    assert await world.scalar("select count(*) from incoming_orders") == 0
    assert (await world.store_balance()).held == 0
    await seal_again(world, payout_id, kept)
    await set_status(world, payout_id, PayoutStatus.PENDING)
    assert await execute(world, payout_id) == "pending"
    assert await attempts(world, payout_id) == [(1, "failed"), (2, None)]


async def test_the_method_follows_from_the_number(world: World) -> None:
    told: list[tuple[dict[str, object], str]] = [
        ({"phone": "8 900 123-45-67"}, "sbp"),
        ({"card": "4276380012345679", "payment_method": "card", "note": {"free": "form"}}, "card"),
    ]
    for details, method in told:
        payout_id = await request_payout(world, **details)
        await execute(world, payout_id)
        assert (await world.deal(await order_of(world, payout_id))).incoming.payment_method == method


async def test_more_than_the_balance(world: World) -> None:
    payout_id = await request_payout(world, Decimal(400_000))
    assert await execute(world, payout_id) == "failed"
    assert await status_of(world, payout_id) == ("failed", "balance.insufficient")
    assert (await world.store_balance()).held == 0
    await world.fund(Decimal(5000))
    await set_status(world, payout_id, PayoutStatus.PENDING)
    assert await execute(world, payout_id) == "pending"
    assert await attempts(world, payout_id) == [(1, "failed"), (2, None)]


async def test_a_store_that_may_not(world: World) -> None:
    for change, reason in (
        ("upper_limit = 100, lower_limit = 1", "order.amount_above_limit"),
        ("pay_out_enabled = false", "permission.denied"),
        ("access = false", "store.access_denied"),
        ("access = true, archived_at = app_now()", "store.access_denied"),
    ):
        payout_id = await request_payout(world)
        await world.execute(f"update merchant_stores set {change} where id = {world.store.id}")
        assert await execute(world, payout_id) == "failed"
        assert await status_of(world, payout_id) == ("failed", reason)


async def test_while_money_is_frozen_it_waits(world: World) -> None:
    payout_id = await request_payout(world)
    async with world.database.write() as session:
        await freeze_service.freeze(session, world.staff, reason="a test")
    assert await execute(world, payout_id) == "pending"
    assert await attempts(world, payout_id) == []
    async with world.database.write() as session:
        await freeze_service.unfreeze(session, world.staff, reason="over")
    assert await execute(world, payout_id) is None, "not at once"
    await world.advance(NOT_NOW_SECONDS)
    assert await execute(world, payout_id) == "pending"
    assert await attempts(world, payout_id) == [(1, None)]


async def test_without_a_rate_it_waits(world: World) -> None:
    payout_id = await request_payout(world)
    await world.advance(world.rules.rate_max_age_seconds + 1, fresh_rate=False)
    assert await execute(world, payout_id) == "pending"
    assert await attempts(world, payout_id) == []


async def test_taken_back_with_its_order(world: World) -> None:
    for deletes, is_offered in product((False, True), repeat=2):
        payout_id, incoming = await ordered_payout(world)
        if is_offered:
            await world.process(incoming)
        if deletes:
            await delete(world, payout_id)
            with pytest.raises(NotFound):
                await status_of(world, payout_id)
        else:
            await set_status(world, payout_id, PayoutStatus.CANCELLED)
            assert await status_of(world, payout_id) == ("cancelled", None)
        assert (await world.statuses(incoming))[0] == "cancelled"
        assert (await world.store_balance()).held == 0
        assert await attempts(world, payout_id) == [(1, "deleted" if deletes else "cancelled")]
        assert await execute_told(world) == []


async def test_not_taken_back_once_a_trader_has_accepted(world: World) -> None:
    """Hard case 18, also while the request has not heard of it yet."""
    payout_id, incoming = await ordered_payout(world)
    await world.process(incoming)
    await world.take_payout(incoming)
    for told in (False, True):
        if told:
            await execute_told(world)
        with pytest.raises(Conflict) as cancelled:
            await set_status(world, payout_id, PayoutStatus.CANCELLED)
        assert (cancelled.value.code, cancelled.value.about) == ("payout.state_conflict", {"current": "processing"})
        with pytest.raises(Conflict) as deleted:
            await delete(world, payout_id)
        assert (deleted.value.code, deleted.value.about) == ("payout.not_deletable", {"current": "processing"})
    assert (await world.statuses(incoming))[:2] == ("assigned", "in_progress")


async def test_what_only_the_order_says(world: World) -> None:
    payout_id, _ = await ordered_payout(world)
    for status in (PayoutStatus.PROCESSED, PayoutStatus.PROCESSING, PayoutStatus.FAILED):
        with pytest.raises(Conflict) as refused:
            await set_status(world, payout_id, status)
        assert refused.value.code == "payout.state_conflict"
    assert await status_of(world, payout_id) == ("pending", None)


async def test_the_store_gives_the_order_up_itself(world: World) -> None:
    """At the gateway, where it is an order like any other."""
    payout_id, incoming = await ordered_payout(world)
    await world.cancel(incoming)
    assert await execute_told(world) == ["failed"]
    assert await status_of(world, payout_id) == ("failed", "order.cancelled")


async def test_taken_back_after_its_order_had_ended(world: World) -> None:
    payout_id, incoming = await ordered_payout(world)
    await world.cancel(incoming)
    await set_status(world, payout_id, PayoutStatus.CANCELLED)
    assert await execute_told(world) == []
    assert await attempts(world, payout_id) == [(1, "cancelled")]
