"""Steps of a reserved pay-in: what each one does to order, page, hold, slot, counters and the store's callback."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from factories.world import AMOUNT, World
from jivapay.exceptions import InsufficientBalance, OrderStateConflict, ValidationFailed

pytestmark = pytest.mark.usefixtures("own_invariants_hold")

COST = Decimal("50.837837")


async def told(world: World) -> list[str]:
    async with world.database.read() as session:
        return list(await session.scalars(text("select event_type from callback_deliveries order by id")))


async def history(world: World, entity: str) -> list[tuple[str | None, str, str, str]]:
    async with world.database.read() as session:
        rows = await session.execute(
            text(
                "select from_status, to_status, actor_kind, reason from status_history"
                " where entity = :entity order by id"
            ),
            {"entity": entity},
        )
        return [(row.from_status, row.to_status, row.actor_kind, row.reason) for row in rows]


async def test_the_whole_walk_is_told_and_written_down(world: World) -> None:
    incoming = await world.complete()
    assert await told(world) == ["order.assigned", "order.pending_trader_confirmation", "order.completed"]
    assert await history(world, "order") == [
        (None, "pending", "system", "requisite reserved"),
        ("pending", "pending_trader_confirmation", "customer", "payer confirmed"),
        ("pending_trader_confirmation", "completed", "user", "trader confirmed"),
    ]
    assert [step[1] for step in await history(world, "incoming_order")] == [
        "new",
        "assigned",
        "client_payment_confirmed",
        "processed",
    ]
    order = await world.order(incoming)
    assert (order.amount_slot, order.expires_at, order.confirmation_source) == (None, None, "customer")
    balance = await world.trader_balance()
    assert (balance.total, balance.held) == (Decimal("9949.162163"), Decimal(0))
    assert (await world.store_balance()).available == Decimal("49.810810")


async def test_the_last_callback_s_body_is_frozen_with_the_step(world: World) -> None:
    await world.complete(metadata={"cart": "9"})
    body = await world.scalar("select payload from callback_deliveries order by id desc limit 1")
    assert (body["type"], body["paid"], body["balance_change"]) == ("order.completed", True, "49.810810")
    assert (body["metadata"], body["amount_exceptions"], body["status_version"]) == ({"cart": "9"}, [], 7)


async def test_a_cancelled_order_gives_everything_back_but_its_amount(world: World) -> None:
    incoming = await world.assign()
    await world.cancel(incoming, world.trader.actor)
    order = await world.order(incoming)
    assert (order.status, order.cancellation_reason, order.counted_day) == ("cancelled", "changed his mind", None)
    assert order.amount_slot == AMOUNT
    assert order.slot_free_at is not None
    assert order.left_unpaid_at is not None
    cooldown = (order.slot_free_at - order.left_unpaid_at).total_seconds()
    assert cooldown == world.rules.amount_cooldown_seconds
    assert (await world.trader_balance()).held == Decimal(0)
    used = await world.requisite(order.requisite_id)
    assert (used.open_count, used.day_used, used.total_used) == (0, Decimal(0), Decimal(0))
    assert await told(world) == ["order.assigned", "order.cancelled"]


async def test_a_silent_trader_keeps_his_hold_until_a_person_decides(world: World) -> None:
    incoming = await world.assign()
    await world.confirm_by_customer(incoming)
    await world.advance(world.rules.trader_confirm_seconds + 1)
    assert await world.expire_due() == 1
    order = await world.order(incoming)
    assert (order.status, order.expires_at) == ("requires_attention", None)
    assert (await world.trader_balance()).held == COST
    assert (await told(world))[-1] == "order.requires_attention"
    await world.confirm_by_trader(incoming)
    assert await world.statuses(incoming) == ("processed", "completed", "completed")


@pytest.mark.parametrize("receipt_comes", [True, False])
async def test_a_lost_receipt_may_follow(world: World, *, receipt_comes: bool) -> None:
    incoming = await world.assign()
    await world.confirm_by_customer(incoming, receipt_lost=True)
    assert await world.statuses(incoming) == ("failed_processing_receipt", "pending_trader_confirmation", "confirmed")
    assert (await world.deal(incoming)).incoming.failure_code == "receipt.not_stored"
    if receipt_comes:
        await world.confirm_by_customer(incoming, receipt=True)
        assert (await world.statuses(incoming))[0] == "client_payment_confirmed"
        assert (await world.deal(incoming)).incoming.failure_code is None
        assert await world.scalar("select count(*) from uploaded_documents") == 1
        with pytest.raises(OrderStateConflict):
            await world.confirm_by_customer(incoming, receipt=True)
    await world.confirm_by_trader(incoming)
    page = "completed" if receipt_comes else "completed_with_issues"
    assert await world.statuses(incoming) == ("processed", "completed", page)


async def test_a_late_claim_needs_a_receipt_and_revives_once(world: World) -> None:
    incoming = await world.assign()
    await world.cancel(incoming)
    with pytest.raises(ValidationFailed):
        await world.confirm_by_customer(incoming)
    await world.confirm_by_customer(incoming, receipt=True)
    order = await world.order(incoming)
    assert (order.status, order.amount_exceptions, order.amount_slot) == (
        "pending_trader_confirmation",
        ["late"],
        AMOUNT,
    )
    assert order.slot_free_at is None
    assert (await world.trader_balance()).held == COST
    with pytest.raises(OrderStateConflict):
        await world.confirm_by_customer(incoming, receipt=True)
    assert await world.statuses(incoming) == ("client_payment_confirmed", "pending_trader_confirmation", "confirmed")


async def test_a_late_claim_inside_the_cooldown_finds_its_own_amount(world: World) -> None:
    incoming = await world.assign()
    await world.advance(world.rules.client_pay_seconds + 1)
    await world.expire_due()
    await world.advance(world.rules.amount_cooldown_seconds - 10)
    await world.confirm_by_customer(incoming, receipt=True)
    assert (await world.statuses(incoming))[1] == "pending_trader_confirmation"


async def drain(world: World) -> int:
    """Another order takes what is left of the deposit."""
    left = (await world.trader_balance()).available
    amount = (left / Decimal("0.99") * Decimal("92.50")).quantize(Decimal("0.01")) - Decimal(1)
    await world.change_settings(FRAUD_MANUAL_REVIEW_THRESHOLD={"RUB": Decimal(10_000_000)})
    return await world.assign(amount)


async def test_a_late_claim_whose_deposit_is_gone_waits_for_a_person(world: World) -> None:
    incoming = await world.assign()
    await world.cancel(incoming)
    other = await drain(world)
    await world.confirm_by_customer(incoming, receipt=True)
    assert await world.statuses(incoming) == ("client_payment_confirmed", "requires_attention", "confirmed")
    with pytest.raises(InsufficientBalance):
        await world.confirm_by_trader(incoming)
    assert (await world.statuses(incoming))[1] == "requires_attention"
    await world.cancel(other)
    await world.confirm_by_trader(incoming)
    assert await world.statuses(incoming) == ("processed", "completed", "completed")


async def test_a_late_payment_the_trader_sees_needs_his_deposit_too(world: World) -> None:
    incoming = await world.assign()
    await world.cancel(incoming)
    await drain(world)
    with pytest.raises(InsufficientBalance):
        await world.confirm_by_trader(incoming)
    order = await world.order(incoming)
    assert (order.status, order.revived_at, order.amount_exceptions) == ("cancelled", None, [])


async def test_the_first_word_is_the_source(world: World) -> None:
    incoming = await world.assign()
    await world.confirm_by_trader(incoming)
    assert (await world.order(incoming)).confirmation_source == "trader"
