"""Walks through the printed tables: each a short story by the moves of the world, together every transition.

They share one platform, so each asks for an amount of its own (`World.numbers`) and undoes what it switched.
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from factories.world import SYSTEM, World
from jivapay.database.locks import lock_deal_for_update
from jivapay.domain.actors import Actor
from jivapay.domain.outcomes import Assigned, Denied, NeedsReview, NoRequisite
from jivapay.schemas_enums.enums import OrderStatus
from jivapay.services import order_processor, order_status_manager
from jivapay.services.fraud_detector import customer_entry

Walk = Callable[[World], Awaitable[None]]
WALKS: list[Walk] = []

NOWHERE = {"bank": "alfa"}
"""No requisite of this platform is at this bank."""
A_WHILE = 60
"""Longer than the pause before any of the first attempts."""
REVIEWED = Decimal(600_000)


def walk(story: Walk) -> Walk:
    WALKS.append(story)
    return story


def amount(world: World) -> Decimal:
    return Decimal(1000 + next(world.numbers))


async def assigned(world: World, **fields: Any) -> int:  # noqa: ANN401 - as accepted
    return await world.assign(amount(world), **fields)


async def block(world: World, customer: str) -> None:
    async with world.database.write() as session:
        await session.execute(
            text(
                "insert into fraud_list_entries (kind, list_type, value, reason) values ('customer', 'block', :v, 'x')"
            ),
            {"v": customer_entry(world.store.id, customer)},
        )


async def decide(world: World, incoming: int, outcome: OrderStatus) -> None:
    """A person's decision about an order that waits for one."""
    async with world.database.write() as session:
        deal = await lock_deal_for_update(session, incoming)
        await order_status_manager.decide(session, world.staff, deal, outcome, "looked", world.rules)


async def fall_silent(world: World, incoming: int) -> None:
    """The trader has been told, and does not answer."""
    await world.advance(world.rules.trader_confirm_seconds + 1)
    await world.expire_due()
    assert (await world.statuses(incoming))[1] == "requires_attention"


async def lapse(world: World, incoming: int) -> None:
    await world.advance(world.rules.client_pay_seconds + 1)
    await world.expire_due()
    assert (await world.statuses(incoming))[1] == "expired"


@walk
async def a_pay_in_as_it_should_be(world: World) -> None:
    await world.complete(amount(world))


@walk
async def nobody_can_take_it(world: World) -> None:
    before = world.rules.max_order_retries
    await world.change_settings(MAX_ORDER_RETRIES=3)
    incoming = await world.accept(amount(world), **NOWHERE)
    for _ in range(3):
        assert isinstance(await world.process(incoming), NoRequisite)
        await world.advance(A_WHILE)
    await world.change_settings(MAX_ORDER_RETRIES=before)
    assert (await world.statuses(incoming))[0] == "failed"


@walk
async def somebody_can_after_a_while(world: World) -> None:
    incoming = await world.accept(amount(world), **NOWHERE)
    assert isinstance(await world.process(incoming), NoRequisite)
    await world.add_requisite(world.trader, bank="alfa")
    await world.advance(A_WHILE)
    assert isinstance(await world.process(incoming), Assigned)
    async with world.database.write() as session:
        await session.execute(text("update requisites set status = 'blocked' where bank = 'alfa'"))


@walk
async def a_blocked_customer_is_denied(world: World) -> None:
    incoming = await world.accept(amount(world), customer_id="blocked")
    await block(world, "blocked")
    assert isinstance(await world.process(incoming), Denied)


@walk
async def a_large_one_goes_to_a_person(world: World) -> None:
    for approve in (True, False):
        incoming = await world.accept(REVIEWED)
        assert isinstance(await world.process(incoming), NeedsReview)
        await world.decide_review(incoming, approve=approve)
    for ending in ("cancelled", "expired"):
        incoming = await world.accept(REVIEWED)
        await world.process(incoming)
        if ending == "cancelled":
            await world.cancel(incoming)
        else:
            await world.advance(world.rules.session_ttl_seconds + 1)
            await world.expire_due()


@walk
async def a_person_is_asked_while_it_waits(world: World) -> None:
    """The thresholds are lowered after its first attempt."""
    incoming = await world.accept(amount(world), **NOWHERE)
    await world.process(incoming)
    before = world.rules.fraud_manual_review_threshold
    await world.change_settings(FRAUD_MANUAL_REVIEW_THRESHOLD={"RUB": Decimal(1)})
    await world.advance(A_WHILE)
    assert isinstance(await world.process(incoming), NeedsReview)
    await world.change_settings(FRAUD_MANUAL_REVIEW_THRESHOLD=before)
    await world.cancel(incoming)


@walk
async def it_ends_before_anybody_was_found(world: World) -> None:
    for was_tried in (False, True):
        for ending in ("cancelled", "expired"):
            incoming = await world.accept(amount(world), **NOWHERE)
            if was_tried:
                await world.process(incoming)
            if ending == "cancelled":
                await world.cancel(incoming)
            else:
                await world.advance(world.rules.session_ttl_seconds + 1)
                await world.expire_due()
            assert (await world.statuses(incoming))[0] == ending


@walk
async def an_attempt_is_lost(world: World) -> None:
    incoming = await world.accept(amount(world))
    error = ConnectionError("lost")
    await order_processor.record_failure(world.database, incoming, error, world.rules, SYSTEM)
    await world.cancel(incoming)


@walk
async def the_trader_is_first(world: World) -> None:
    await world.confirm_by_trader(await assigned(world))


@walk
async def the_receipt_cannot_be_stored(world: World) -> None:
    stored, settled, cancelled, failed = [await assigned(world) for _ in range(4)]
    for incoming in (stored, settled, cancelled, failed):
        await world.confirm_by_customer(incoming, receipt_lost=True)
    async with world.database.write() as session:
        deal = await lock_deal_for_update(session, stored)
        await order_status_manager.attach_receipt(session, Actor.customer(), deal)
    await world.confirm_by_trader(settled)
    await fall_silent(world, cancelled)
    await decide(world, cancelled, OrderStatus.CANCELLED)
    await decide(world, failed, OrderStatus.FAILED)
    await world.confirm_by_trader(stored)


@walk
async def the_trader_is_silent_and_a_person_decides(world: World) -> None:
    for outcome in (OrderStatus.COMPLETED, OrderStatus.CANCELLED, OrderStatus.FAILED):
        incoming = await assigned(world)
        await world.confirm_by_customer(incoming)
        await fall_silent(world, incoming)
        await decide(world, incoming, outcome)


@walk
async def staff_cancels_before_the_trader_answers(world: World) -> None:
    incoming = await assigned(world)
    await world.confirm_by_customer(incoming)
    await decide(world, incoming, OrderStatus.CANCELLED)
    assert await world.statuses(incoming) == ("cancelled", "cancelled", "cancelled")


@walk
async def the_second_check_asks_for_a_person(world: World) -> None:
    incoming = await assigned(world, customer_id="watched")
    await block(world, "watched")
    await world.advance(world.rules.session_ttl_seconds + 1)
    await world.confirm_by_customer(incoming)
    assert (await world.statuses(incoming))[1] == "requires_attention"
    await decide(world, incoming, OrderStatus.CANCELLED)


@walk
async def it_lapses_or_is_cancelled_and_the_money_comes_after_all(world: World) -> None:
    for left_by in ("expired", "cancelled"):
        for then in ("receipt", "trader", "receipt of somebody blocked"):
            customer = f"{left_by}-{then}"
            incoming = await assigned(world, customer_id=customer)
            if left_by == "expired":
                await lapse(world, incoming)
            else:
                await world.cancel(incoming)
            if then == "trader":
                await world.confirm_by_trader(incoming)
                continue
            if then != "receipt":
                await block(world, customer)
                await world.advance(world.rules.session_ttl_seconds)
            await world.confirm_by_customer(incoming, receipt=True)
            if then == "receipt":
                await world.confirm_by_trader(incoming)
            else:
                assert (await world.statuses(incoming))[1] == "requires_attention"
                await decide(world, incoming, OrderStatus.FAILED)
