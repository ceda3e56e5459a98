"""Many hands on pay-outs: the balance is spent once, and of two who race one decides."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from itertools import combinations

import pytest

from factories.payouts import payout_world
from factories.world import World
from jivapay.utils.resources import Resources
from support.racing import WON, race

ROUNDS = 200 if os.environ.get("JIVAPAY_RACES") == "long" else 3
"""`JIVAPAY_RACES=long` plays each pair two hundred times."""
Move = Callable[[World, int], Awaitable[object]]


@pytest.fixture
async def world(own_resources: Resources) -> World:
    return await payout_world(own_resources, traders=3, funds=Decimal(100_000))


async def test_a_hundred_payouts_of_sixty_per_cent_of_the_balance(world: World) -> None:
    store = await world.add_store(pay_out_enabled=True)
    await world.fund(Decimal(100), store)
    connections = asyncio.Semaphore(20)

    async def ask() -> None:
        async with connections:
            await world.accept_payout(Decimal("5334.00"), store=store)

    outcomes = await race([ask] * 100)
    assert sorted(outcomes) == ["balance.insufficient"] * 99 + [WON]
    assert await world.scalar("select count(*) from incoming_orders where store_id = :id", id=store.id) == 1
    balance = await world.store_balance(store)
    assert Decimal(59) < balance.held < Decimal(61)


async def test_the_same_payout_fifty_times_at_once(world: World) -> None:
    found: list[int] = []

    async def ask() -> None:
        found.append(await world.accept_payout(external_order_id="P-1", request_hash=b"same"))

    assert await race([ask] * 50) == [WON] * 50
    assert len(set(found)) == 1
    assert await world.scalar("select count(*) from holds where status = 'active'") == 1


async def accept(world: World, incoming: int) -> object:
    return await world.take_payout(incoming)


async def decline(world: World, incoming: int) -> object:
    return await world.decline_payout(incoming)


async def cancel(world: World, incoming: int) -> object:
    return await world.cancel(incoming)


async def time_out(world: World, _incoming: int) -> object:
    return await world.expire_due()


async def pay(world: World, incoming: int) -> object:
    return await world.pay_payout(incoming)


async def check(world: World, incoming: int) -> None:
    """Whatever came of it: at most one trader has it, and money has moved once or not at all."""
    incoming_status, status, _ = await world.statuses(incoming)
    settled = await world.scalar(
        "select count(*) from transfers t join orders o on t.ref_type = 'order' and t.ref_id = o.id"
        " where o.incoming_order_id = :id",
        id=incoming,
    )
    assert settled == (1 if status == "completed" else 0)
    held = await world.scalar(
        "select count(*) from holds where ref_type = 'incoming_order' and ref_id = :id and status = 'active'",
        id=incoming,
    )
    assert held == (0 if incoming_status in {"processed", "cancelled", "failed", "expired"} else 1)


ANSWERS = tuple(combinations((accept, decline, cancel, time_out), 2))
ENDS = {("assigned", "in_progress"), ("retrying", None), ("cancelled", "cancelled"), ("cancelled", None)}


def pair_name(pair: tuple[Move, Move]) -> str:
    return " against ".join(move.__name__ for move in pair)


@pytest.mark.parametrize("pair", ANSWERS, ids=pair_name)
async def test_an_offer_has_one_answer(world: World, pair: tuple[Move, Move]) -> None:
    """A clock that was too late, and a store that cancels what was declined, are no refusals: two may win then."""
    await world.change_settings(PAYOUT_ACCEPT_SECONDS=5, MAX_ORDER_RETRIES=100)
    for number in range(ROUNDS):
        incoming = await world.offer_payout(Decimal(1000 + number))
        await world.advance(5.1)
        outcomes = await race([partial(move, world, incoming) for move in pair])
        assert outcomes.count(WON) >= 1
        statuses = await world.statuses(incoming)
        assert statuses[:2] in ENDS
        if pair == (accept, decline):
            assert outcomes.count(WON) == 1
            assert (outcomes[0] == WON) == (statuses[1] == "in_progress")
        await check(world, incoming)


@pytest.mark.parametrize("pair", [(pay, time_out), (pay, cancel), (pay, pay), (pay, decline)], ids=pair_name)
async def test_an_accepted_payout_is_paid_once(world: World, pair: tuple[Move, Move]) -> None:
    await world.change_settings(PAYOUT_PAY_SECONDS=5)
    for number in range(ROUNDS):
        incoming = await world.offer_payout(Decimal(1000 + number))
        await world.take_payout(incoming)
        await world.advance(5.1)
        outcomes = await race([partial(move, world, incoming) for move in pair])
        assert outcomes.count("order.already_completed") == (1 if pair == (pay, pay) else 0)
        assert await world.statuses(incoming) == ("processed", "completed", None)
        await check(world, incoming)


async def test_the_stores_word_against_the_clearing_clock(world: World) -> None:
    for number in range(ROUNDS):
        incoming = await world.complete_payout(Decimal(1000 + number))
        await world.advance(world.rules.payout_clearing_seconds + 1)
        assert await race([partial(world.confirm_payout, incoming), world.clear_due]) == [WON, WON]
        assert await world.scalar("select count(*) from holds where ref_type = 'clearing' and status = 'active'") == 0


async def test_many_payouts_find_traders_and_complete_at_once(world: World) -> None:
    incoming = [await world.accept_payout(Decimal(1000 + number)) for number in range(20)]
    await race([lambda one=one: world.process(one) for one in incoming])
    for one in incoming:
        if (await world.statuses(one))[1] is None:
            await world.advance(2)
            await world.process(one)
    assert await race([lambda one=one: world.take_payout(one) for one in incoming]) == [WON] * 20
    assert await race([lambda one=one: world.pay_payout(one) for one in incoming]) == [WON] * 20
    assert (await world.store_balance()).held == Decimal(0)
