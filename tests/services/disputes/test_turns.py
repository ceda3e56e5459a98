"""Whose turn it is and how long: a clock for each side, which stands during the other's turn and moves no money."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from factories import disputes
from factories.world import SYSTEM, World
from jivapay.schemas_enums.enums import DisputeSide
from jivapay.services import freeze_service, order_processor, order_status_manager

pytestmark = pytest.mark.usefixtures("own_invariants_hold")
HOUR = 3600


async def left(world: World, case: UUID) -> tuple[str, int, int]:
    row = await disputes.get(world, case)
    return row.status, row.trader_seconds_left, row.merchant_seconds_left


async def test_a_clock_stands_during_the_other_side_s_turn(world: World) -> None:
    incoming = await world.complete()
    trader, merchant = await disputes.trader_of(world, incoming), await disputes.merchant_of(world)
    case = await disputes.open_dispute(world, incoming, trader)
    await world.advance(1000)
    assert await disputes.say(world, case, merchant) == "waiting_trader"
    status, _, merchants = await left(world, case)
    assert 2500 < merchants <= 2600
    await world.advance(600)
    assert await disputes.say(world, case, trader) == "waiting_merchant"
    _, traders, merchants = await left(world, case)
    assert (status, 2900 < traders <= 3000, 2500 < merchants <= 2600) == ("waiting_trader", True, True)
    due = (await disputes.get(world, case)).due_at
    assert due is not None
    assert 2500 < (due - world.clock.now()).total_seconds() <= 2600


async def test_the_end_of_a_turn_hands_it_to_staff_and_moves_nothing(world: World) -> None:
    incoming = await world.complete()
    case = await disputes.open_dispute(world, incoming, await disputes.trader_of(world, incoming))
    before = await world.scalar("select count(*) from transfers")
    assert await disputes.expire_turns(world) == 0
    await world.advance(HOUR + 1)
    assert await disputes.expire_turns(world) == 1
    assert await disputes.expire_turns(world) == 0
    assert await left(world, case) == ("under_review", HOUR, 0)
    assert await world.scalar("select count(*) from transfers") == before
    assert (await world.order(incoming)).status == "completed"


async def test_whose_time_is_used_up_answers_only_when_staff_ask(world: World) -> None:
    incoming = await world.complete()
    trader, merchant = await disputes.trader_of(world, incoming), await disputes.merchant_of(world)
    case = await disputes.open_dispute(world, incoming, trader)
    await world.advance(HOUR + 1)
    await disputes.expire_turns(world)
    assert await disputes.say(world, case, merchant) == "under_review"
    assert await disputes.say(world, case, world.staff, to_side=DisputeSide.TRADER) == "waiting_trader"
    assert await disputes.say(world, case, trader) == "under_review"
    assert await disputes.say(world, case, world.staff, to_side=DisputeSide.MERCHANT) == "waiting_merchant"
    assert await disputes.say(world, case, merchant) == "waiting_trader"


async def test_a_freeze_and_an_outage_end_nobody_s_turn(world: World) -> None:
    incoming = await world.complete()
    case = await disputes.open_dispute(world, incoming, await disputes.trader_of(world, incoming))
    async with world.database.write() as session:
        await freeze_service.freeze(session, SYSTEM, reason="looked odd")
    since = datetime.now(UTC) - timedelta(minutes=1)
    await world.advance(HOUR + 1)
    assert await disputes.expire_turns(world) == 0
    async with world.database.write() as session:
        await freeze_service.unfreeze(session, world.staff, reason="it was nothing")
        assert await order_processor.give_grace(session, since) >= 1
    assert await disputes.expire_turns(world) == 0
    await world.advance(301)
    assert await disputes.expire_turns(world) == 1
    assert (await disputes.get(world, case)).status == "under_review"


async def test_a_dispute_keeps_an_order_from_being_final(world: World) -> None:
    """The window is over, the case is not; the event that ends it says that nothing is open any more."""
    incoming = await world.complete()
    case = await disputes.open_dispute(world, incoming)
    await world.advance(world.rules.dispute_window_seconds + 1)
    deal = await world.deal(incoming)
    async with world.database.read() as session:
        now = await order_status_manager.database_now(session)
        assert (await order_status_manager.order_facts(session, deal, world.rules, now)).is_final is False
    await disputes.resolve(world, case, "adjusted", amount="4000.00")
    told = "select (payload ->> 'final')::bool from callback_deliveries where event_type = :name"
    assert await world.scalar(told, name="order.completed") is False
    assert await world.scalar(told, name="order.adjusted") is True
