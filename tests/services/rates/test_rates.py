"""The rate in force: the newest word, how long it holds, and who keeps a manual one alive (domain.md, "The rate")."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from factories.people import CRYPTO, FIAT
from factories.world import World
from jivapay.exceptions import RateStale, ValidationFailed
from jivapay.schemas_enums.enums import Direction
from jivapay.services import rate_service
from jivapay.services.rate_service import Rate


async def rate(world: World, direction: Direction = Direction.PAY_IN, fiat: str = FIAT) -> Rate:
    async with world.database.read() as session:
        return await rate_service.get_rate(session, fiat=fiat, crypto=CRYPTO, direction=direction, rules=world.rules)


async def beat(world: World) -> None:
    async with world.database.write() as session:
        await rate_service.stamp_manual_rates(session, world.rules)


async def test_the_newest_word_counts_in_both_directions(world: World) -> None:
    await world.set_rate(Decimal("91.12345678"))
    for direction in Direction:
        found = await rate(world, direction)
        assert (found.value, found.source) == (Decimal("91.12345678"), "manual")


async def test_a_pay_in_sells_and_a_pay_out_buys(world: World) -> None:
    async with world.database.write() as session:
        await session.execute(
            text("insert into exchange_rates (fiat, crypto, buy_rate, sell_rate, source) values (:f, :c, 90, 95, 'x')"),
            {"f": FIAT, "c": CRYPTO},
        )
    assert (await rate(world)).value == Decimal(95)
    assert (await rate(world, Direction.PAY_OUT)).value == Decimal(90)


async def test_a_rate_holds_for_its_time_and_not_longer(world: World) -> None:
    await world.advance(world.rules.rate_max_age_seconds - 5, fresh_rate=False)
    assert (await rate(world)).value == Decimal("92.50")
    await world.advance(6, fresh_rate=False)
    with pytest.raises(RateStale):
        await rate(world)


async def test_no_rate_is_stale_too(world: World) -> None:
    with pytest.raises(RateStale):
        await rate(world, fiat="EUR")


async def test_the_heartbeat_keeps_a_manual_rate_until_its_time_to_live_is_over(world: World) -> None:
    await world.advance(3600, fresh_rate=False)
    await beat(world)
    assert (await rate(world)).at == await world.scalar("select max(stamped_at) from exchange_rates")
    await world.advance(world.rules.rate_manual_ttl_seconds - 3600 + 1, fresh_rate=False)
    await beat(world)
    with pytest.raises(RateStale):
        await rate(world)


async def test_the_heartbeat_touches_only_the_newest_manual_rate(world: World) -> None:
    await world.set_rate(Decimal(93))
    async with world.database.write() as session:
        await session.execute(
            text(
                "insert into exchange_rates (fiat, crypto, buy_rate, sell_rate, source) values (:c, :f, 1, 1, 'feed')"
            ),
            {"f": FIAT, "c": CRYPTO},
        )
    await world.advance(100, fresh_rate=False)
    await beat(world)
    stamped = "select array_agg(sell_rate order by id) from exchange_rates where stamped_at > set_at"
    assert await world.scalar(stamped) == [Decimal(93)]


@pytest.mark.parametrize("value", ["0", "-1", "NaN", "Infinity", "92.123456789"])
async def test_what_is_no_rate_is_refused(world: World, value: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await world.set_rate(Decimal(value))
    assert refused.value.code == "money.format"


async def test_a_new_rate_moves_no_order_that_has_one(world: World) -> None:
    incoming = await world.assign()
    await world.set_rate(Decimal(200))
    await world.confirm_by_trader(incoming)
    assert (await world.order(incoming)).rate == Decimal("92.50")
    assert (await world.store_balance()).available == Decimal("49.810810")
