"""A pay-out from trader to trader: offered, accepted, declined, left, paid, decided; money moves once."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from factories.world import World, stored_receipt
from jivapay.domain.outcomes import Assigned, NeedsReview, NoRequisite
from jivapay.exceptions import InsufficientBalance, NotFound, OrderStateConflict, PlatformFrozen, ValidationFailed
from jivapay.schemas_enums.enums import OrderStatus
from jivapay.services import freeze_service, order_service
from services.payouts.test_acceptance import COST, WITH_BUFFER

CREDIT = Decimal("51.864865")


async def events(world: World, incoming: int) -> list[str]:
    async with world.database.read() as session:
        found = await session.scalars(
            text(
                "select event_type from callback_deliveries c join incoming_orders i on i.public_id = c.public_order_id"
                " where i.id = :id order by c.status_version"
            ),
            {"id": incoming},
        )
        return list(found)


async def version(world: World, incoming: int) -> int:
    return (await world.deal(incoming)).version


async def test_offered_accepted_paid(world: World) -> None:
    incoming = await world.offer_payout()
    assert await world.statuses(incoming) == ("assigned", "pending", None)
    assert (await world.store_balance()).held == COST
    assert (await world.trader_balance()).held == Decimal(0)
    order = await world.order(incoming)
    assert order.amount_slot is None
    assert (order.expires_at - order.created_at).total_seconds() == world.rules.payout_accept_seconds  # type: ignore[operator]
    await world.take_payout(incoming)
    assert await world.statuses(incoming) == ("assigned", "in_progress", None)
    await world.pay_payout(incoming)
    assert await world.statuses(incoming) == ("processed", "completed", None)
    assert (await world.store_balance()).total == Decimal(1000) - COST
    assert (await world.store_balance()).held == Decimal(0)
    assert await events(world, incoming) == ["order.assigned", "order.in_progress", "order.completed"]
    payload = "select payload->>'balance_change' from callback_deliveries where event_type = 'order.completed'"
    assert await world.scalar(payload) == f"-{COST}"
    assert await world.scalar("select payload->>'direction' from callback_deliveries limit 1") == "pay_out"


async def test_the_worked_numbers(world: World) -> None:
    """domain.md: the same amount, store 2 %, trader 1 %."""
    store = await world.add_store(percent=Decimal(2), pay_out_enabled=True)
    await world.fund(Decimal(100), store)
    incoming = await world.offer_payout(store=store)
    assert (await world.store_balance(store)).held == Decimal("52.378378")
    trader, _ = await world.trader_of(incoming)
    before = (await world.trader_balance(trader)).total
    await world.take_payout(incoming)
    await world.pay_payout(incoming)
    assert (await world.store_balance(store)).total == Decimal(100) - Decimal("52.378378")
    assert (await world.trader_balance(trader)).total - before == CREDIT
    await world.roll_up()
    assert await world.scalar("select balance from accounts where owner_type = 'platform'") == Decimal("0.513513")
    assert await world.scalar("select balance from accounts where owner_type = 'trader' and kind = 'fiat'") == -4750


async def test_declined_goes_to_the_next_trader_and_never_back(world: World) -> None:
    incoming = await world.offer_payout()
    first = (await world.order(incoming)).trader_id
    before = await version(world, incoming)
    await world.decline_payout(incoming)
    assert await world.statuses(incoming) == ("retrying", None, None)
    assert await version(world, incoming) > before
    assert (await world.store_balance()).held == WITH_BUFFER
    assert isinstance(await world.process(incoming), Assigned)
    assert (await world.order(incoming)).trader_id != first
    assert (await world.store_balance()).held == COST
    await world.decline_payout(incoming)
    outcome = await world.process(incoming)
    assert isinstance(outcome, NoRequisite)
    assert outcome.reasons == {"declined_before": 2}
    assert await events(world, incoming) == ["order.assigned", "order.assigned"]


async def test_not_accepted_in_time_goes_to_the_next_trader(world: World) -> None:
    incoming = await world.offer_payout()
    first = await world.order(incoming)
    await world.advance(world.rules.payout_accept_seconds + 1)
    assert await world.expire_due() == 1
    assert await world.statuses(incoming) == ("retrying", None, None)
    assert await world.scalar("select status from orders where id = :id", id=first.id) == "declined"
    assert await world.scalar("select sum(open_count) from requisites") == 0
    assert await world.scalar("select count(*) from outbox where topic = 'order.process'") == 2
    await world.process(incoming)
    assert (await world.order(incoming)).trader_id != first.trader_id


async def test_after_the_last_attempt_it_fails_and_the_store_has_its_money(world: World) -> None:
    await world.change_settings(MAX_ORDER_RETRIES=2)
    incoming = await world.offer_payout()
    await world.decline_payout(incoming)
    await world.process(incoming)
    await world.decline_payout(incoming)
    assert await world.statuses(incoming) == ("failed", None, None)
    balance = await world.store_balance()
    assert (balance.available, balance.held) == (Decimal(1000), Decimal(0))
    assert await events(world, incoming) == ["order.assigned", "order.assigned", "order.failed"]


async def test_nobody_at_all_fails_after_the_attempts(world: World) -> None:
    incoming = await world.accept_payout(bank="alfa")
    for _ in range(world.rules.max_order_retries):
        assert isinstance(await world.process(incoming), NoRequisite)
        await world.advance(200)
    assert await world.statuses(incoming) == ("failed", None, None)
    assert (await world.store_balance()).held == Decimal(0)
    assert await events(world, incoming) == ["order.failed"]


async def test_accepted_and_silent_waits_for_a_person_and_is_offered_to_nobody(world: World) -> None:
    incoming = await world.offer_payout()
    await world.take_payout(incoming)
    await world.advance(world.rules.payout_pay_seconds + 1)
    assert await world.expire_due() == 1
    assert await world.statuses(incoming) == ("assigned", "requires_attention", None)
    await world.advance(100_000)
    assert await world.expire_due() == 0
    await world.process(incoming)
    assert await world.scalar("select count(*) from orders") == 1
    assert (await world.store_balance()).held == COST


@pytest.mark.parametrize("by", ["trader", "staff"])
async def test_a_silent_one_is_completed_after_all(world: World, by: str) -> None:
    incoming = await world.offer_payout()
    await world.take_payout(incoming)
    await world.advance(world.rules.payout_pay_seconds + 1)
    await world.expire_due()
    if by == "trader":
        await world.pay_payout(incoming)
    else:
        await world.decide(incoming, OrderStatus.COMPLETED)
    assert await world.statuses(incoming) == ("processed", "completed", None)
    assert (await world.store_balance()).total == Decimal(1000) - COST


async def test_a_silent_one_fails_by_a_persons_word(world: World) -> None:
    incoming = await world.offer_payout()
    await world.take_payout(incoming)
    await world.advance(world.rules.payout_pay_seconds + 1)
    await world.expire_due()
    with pytest.raises(OrderStateConflict):
        await world.decide(incoming, OrderStatus.CANCELLED)
    await world.decide(incoming, OrderStatus.FAILED)
    assert await world.statuses(incoming) == ("failed", "failed", None)
    assert (await world.store_balance()).available == Decimal(1000)
    assert await events(world, incoming) == [
        "order.assigned",
        "order.in_progress",
        "order.requires_attention",
        "order.failed",
    ]
    with pytest.raises(OrderStateConflict):
        await world.pay_payout(incoming)


@pytest.mark.parametrize("state", ["new", "retrying", "pending", "manual_review"])
async def test_the_store_cancels_before_a_trader_has_accepted(world: World, state: str) -> None:
    incoming = await _reviewed(world) if state == "manual_review" else await world.accept_payout()
    if state in {"retrying", "pending"}:
        await world.process(incoming)
    if state == "retrying":
        await world.decline_payout(incoming)
    assert state in await world.statuses(incoming)
    await world.cancel(incoming)
    assert (await world.statuses(incoming))[0] == "cancelled"
    assert (await world.store_balance()).held == Decimal(0)
    assert (await events(world, incoming))[-1] == "order.cancelled"
    assert await world.scalar("select sum(open_count) from requisites") == 0


async def _reviewed(world: World) -> int:
    await world.fund(Decimal(10_000))
    incoming = await world.accept_payout(Decimal(600_000))
    assert isinstance(await world.process(incoming), NeedsReview)
    return incoming


async def test_a_reviewed_one_is_matched_or_gives_its_money_back(world: World) -> None:
    approved = await _reviewed(world)
    await world.decide_review(approved, approve=True)
    assert isinstance(await world.process(approved), Assigned)
    rejected = await _reviewed(world)
    await world.decide_review(rejected, approve=False)
    assert (await world.statuses(rejected))[0] == "failed"
    order = await world.order(approved)
    assert (await world.store_balance()).held == order.amount_crypto + order.store_commission


async def test_one_that_waits_too_long_lapses(world: World) -> None:
    incoming = await world.accept_payout()
    await world.advance(world.rules.session_ttl_seconds + 1)
    assert await world.expire_due() == 1
    assert await world.statuses(incoming) == ("expired", None, None)
    assert (await world.store_balance()).held == Decimal(0)


async def test_accepted_is_not_cancelled_and_not_declined(world: World) -> None:
    incoming = await world.offer_payout()
    await world.take_payout(incoming)
    for late in (world.cancel(incoming), world.decline_payout(incoming), world.take_payout(incoming)):
        with pytest.raises(OrderStateConflict):
            await late
    assert await world.statuses(incoming) == ("assigned", "in_progress", None)


async def test_what_a_trader_may_not(world: World) -> None:
    incoming = await world.offer_payout()
    mine, public_id = await world.trader_of(incoming)
    other = next(one for one in world.traders if one.id != mine.id)
    rules, cipher = world.rules, world.resources.cipher
    async with world.database.write() as session:
        with pytest.raises(NotFound):
            await order_service.accept_order_for_trader(session, other.actor, public_id, rules, cipher)
        with pytest.raises(NotFound):
            await order_service.decline_order_for_trader(session, other.actor, public_id, "no", rules)
        with pytest.raises(OrderStateConflict):
            await order_service.confirm_order_for_trader(
                session, mine.actor, public_id, rules, receipt=stored_receipt()
            )
        with pytest.raises(OrderStateConflict):
            await order_service.cancel_order_for_trader(session, mine.actor, public_id, "no", rules)
    await world.decline_payout(incoming)
    async with world.database.write() as session:
        with pytest.raises(OrderStateConflict):
            await order_service.accept_order_for_trader(session, mine.actor, public_id, rules, cipher)


async def test_paid_without_a_receipt_or_with_another_ones(world: World) -> None:
    receipt = stored_receipt()
    first = await world.offer_payout()
    await world.take_payout(first)
    await world.pay_payout(first, receipt)
    incoming = await world.offer_payout(Decimal(100))
    await world.take_payout(incoming)
    trader, public_id = await world.trader_of(incoming)
    with pytest.raises(ValidationFailed) as raised:
        async with world.database.write() as session:
            await order_service.confirm_order_for_trader(session, trader.actor, public_id, world.rules)
    assert raised.value.code == "receipt.required"
    again = stored_receipt()
    object.__setattr__(again, "sha256", receipt.sha256)
    with pytest.raises(ValidationFailed) as raised:
        await world.pay_payout(incoming, again)
    assert raised.value.code == "receipt.duplicate"
    assert await world.statuses(incoming) == ("assigned", "in_progress", None)


async def test_a_freeze_stops_acceptance_and_payment_and_no_clock_runs(world: World) -> None:
    offered, taken = await world.offer_payout(), await world.offer_payout(Decimal(100))
    await world.take_payout(taken)
    async with world.database.write() as session:
        await freeze_service.freeze(session, world.staff, reason="planted")
    for refused in (world.take_payout(offered), world.pay_payout(taken)):
        with pytest.raises(PlatformFrozen):
            await refused
    await world.advance(100_000)
    assert await world.expire_due() == 0


async def test_a_payout_is_no_burden_for_a_trader_without_a_deposit(world: World) -> None:
    async with world.database.write() as session:
        await session.execute(text("update traders set in_work = false"))
    await world.add_trader(deposit=None, limits={"pay_out": True})
    await world.complete_payout()


async def test_requisites_that_only_take_money_pay_nobody(world: World) -> None:
    async with world.database.write() as session:
        await session.execute(text("update requisite_settings set pay_out = false"))
    assert await world.process(await world.accept_payout()) == NoRequisite({"direction_disabled": 2})


async def test_the_whole_balance_twice(world: World) -> None:
    await world.accept_payout(Decimal(80_000))
    with pytest.raises(InsufficientBalance):
        await world.accept_payout(Decimal(80_000))
