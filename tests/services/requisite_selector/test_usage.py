from decimal import Decimal

import pytest

from factories.world import World


async def counters(world: World) -> tuple[Decimal, Decimal, int]:
    found = await world.scalar("select array[day_used, total_used, open_count] from requisites")
    return found[0], found[1], int(found[2])


@pytest.mark.parametrize("amount", [Decimal("4750.91"), Decimal("100.00"), Decimal("99999.99")])
async def test_what_was_counted_is_uncounted_to_the_kopeck(world: World, amount: Decimal) -> None:
    order = await world.assign(amount)
    assert await counters(world) == (amount, amount, 1)
    await world.cancel(order)
    assert await counters(world) == (0, 0, 0)


async def test_a_revived_order_counts_once(world: World) -> None:
    order = await world.assign(Decimal("1471.91"))
    await world.cancel(order)
    await world.confirm_by_customer(order, receipt=True)
    assert await counters(world) == (Decimal("1471.91"), Decimal("1471.91"), 1)
    await world.confirm_by_trader(order)
    assert await counters(world) == (Decimal("1471.91"), Decimal("1471.91"), 0)
