"""Pricing and selection use the percentage in force at that moment, by method, and keep it on the order."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from factories.world import World
from jivapay.database.models.people import MerchantStore, Trader
from jivapay.domain.outcomes import Assigned, NoRequisite
from jivapay.schemas_enums.enums import Direction, OwnerType
from jivapay.services import commission_service
from jivapay.services.commission_service import Commission, When

STORE, TRADER = OwnerType.STORE, OwnerType.TRADER
pytestmark = pytest.mark.usefixtures("own_invariants_hold")


async def agree(
    world: World, owner: OwnerType, percent: str, *, hours: int | None = None, method: str | None = None
) -> None:
    """Both directions of the world's store or trader, at once or in some hours, for all methods or one."""
    commission = Commission(Decimal(percent), Decimal(percent))
    async with world.database.write() as session:
        now = await session.scalar(select(func.app_now()))
        when = When(None if hours is None else now + timedelta(hours=hours), method, "agreed")
        if owner is OwnerType.STORE:
            store = await session.get_one(MerchantStore, world.store.id)
            await commission_service.set_store_commission(session, world.staff, store, commission, when)
        else:
            trader = await session.get_one(Trader, world.trader.id)
            await commission_service.set_trader_commission(session, world.staff, trader, commission, when)


async def frozen(world: World) -> tuple[Decimal, Decimal]:
    order = await world.order(await world.complete())
    return order.store_percent, order.trader_percent


async def test_a_planned_change_prices_from_its_moment_on(world: World) -> None:
    await agree(world, STORE, "4", hours=1)
    await agree(world, TRADER, "3.5", hours=2)
    before = await world.order(await world.complete())
    assert (before.store_percent, before.trader_percent) == (Decimal(3), Decimal(1))
    await world.advance(3600)
    assert await frozen(world) == (Decimal(4), Decimal(1))
    await world.advance(3600)
    assert await frozen(world) == (Decimal(4), Decimal("3.5"))
    again = await world.order(before.incoming_order_id)
    assert (again.store_percent, again.store_commission) == (before.store_percent, before.store_commission)


async def test_a_method_has_its_own(world: World) -> None:
    await world.add_requisite(world.trader, method="sbp")
    await agree(world, STORE, "5", method="card")
    await agree(world, TRADER, "2", method="card")
    assert await frozen(world) == (Decimal(5), Decimal(2))
    phone = await world.order(await world.complete(method="sbp"))
    assert (phone.store_percent, phone.trader_percent) == (Decimal(3), Decimal(1))
    async with world.database.read() as session:
        of_store = [
            await commission_service.find_percent(session, OwnerType.STORE, world.store.id, Direction.PAY_IN, method)
            for method in ("card", "sbp", None)
        ]
    assert of_store == [Decimal(5), Decimal(3), Decimal(3)]


async def test_a_trader_above_the_store_is_skipped_until_it_pays_as_much(world: World) -> None:
    """The rule is kept when commissions are saved; the selector holds it once more, for what slipped past."""
    await agree(world, TRADER, "3")
    cheap = await world.add_store(percent=Decimal("2.9"))
    waiting = await world.accept(store=cheap)
    outcome = await world.process(waiting)
    assert isinstance(outcome, NoRequisite)
    assert outcome.reasons == {"commission_above_store": 1}
    assert isinstance(await world.process(await world.accept()), Assigned)
