"""Many pay-outs and many hands on them: the balance is spent once, and each is paid once."""

from decimal import Decimal
from functools import partial

import pytest

from factories.fixtures import Recipe
from factories.payouts import payout_world
from factories.world import World
from support.racing import WON, race, rounds

ROUNDS = rounds(3)


@pytest.fixture
def own_recipe() -> Recipe:
    return Recipe(payout_world, {"traders": 3, "funds": Decimal(100_000)})


async def test_a_hundred_payouts_of_sixty_per_cent_of_the_balance(world: World) -> None:
    store = await world.add_store(pay_out_enabled=True)
    await world.fund(Decimal(100), store)
    outcomes = await race([lambda: world.accept_payout(Decimal("5334.00"), store=store)] * 100)
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
