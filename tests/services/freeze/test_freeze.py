"""The money freeze: what it refuses, what it never refuses, and that lifting it is somebody's word (decision 21)."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from factories.world import AMOUNT, World
from jivapay.domain.outcomes import Frozen
from jivapay.exceptions import Conflict, PlatformFrozen
from jivapay.services import freeze_service, gateway_service, order_service, platform_service
from support.dumps import dump

pytestmark = pytest.mark.usefixtures("own_invariants_hold")


async def freeze(world: World) -> bool:
    async with world.database.write() as session:
        return await freeze_service.freeze(session, world.staff, reason="looked wrong", invariant="I01")


async def unfreeze(world: World) -> int:
    async with world.database.write() as session:
        return await platform_service.unfreeze(session, world.staff, reason="looked")


async def test_orders_assignments_completions_and_deposits_are_refused(world: World) -> None:
    waiting, open_one = await world.accept(Decimal(1000)), await world.assign()
    public_id = (await world.deal(open_one)).incoming.public_id
    await freeze(world)
    before = await dump(world.database)
    assert await world.process(waiting) == Frozen()
    with pytest.raises(PlatformFrozen) as refused:
        await world.accept()
    assert (refused.value.status, refused.value.code, refused.value.retry_after_seconds) == (503, "platform.frozen", 60)
    with pytest.raises(PlatformFrozen):
        await world.deposit(world.trader, Decimal(10))
    with pytest.raises(PlatformFrozen):
        async with world.database.write() as session:
            await order_service.confirm_order_for_trader(session, world.trader.actor, public_id, world.rules)
    assert await dump(world.database) == before


async def test_a_payer_is_heard_and_a_shop_may_look(world: World) -> None:
    paid, late = await world.assign(), await world.assign(AMOUNT + 1)
    await world.cancel(late)
    await freeze(world)
    await world.confirm_by_customer(paid, receipt=True)
    await world.confirm_by_customer(late, receipt=True)
    assert (await world.statuses(paid))[1] == (await world.statuses(late))[1] == "pending_trader_confirmation"
    public_id = str((await world.deal(paid)).incoming.public_id)
    shown = await gateway_service.get_incoming_order_status(world.resources, world.store, public_id, by="order_id")
    assert shown.status == "client_payment_confirmed"


async def test_no_deadline_passes_and_those_that_did_get_five_minutes(world: World) -> None:
    unpaid, silent = await world.assign(), await world.assign(AMOUNT + 1)
    waiting = await world.accept(bank="alfa")
    await world.confirm_by_customer(silent)
    await freeze(world)
    await world.advance(7200)
    assert await world.expire_due() == 0
    assert await unfreeze(world) == 3
    assert await world.expire_due() == 0
    await world.advance(301)
    assert await world.expire_due() == 3
    assert [(await world.statuses(one))[1] for one in (unpaid, silent)] == ["expired", "requires_attention"]
    assert (await world.statuses(waiting))[0] == "expired"


async def test_one_freeze_at_a_time_each_lifted_once(world: World) -> None:
    assert await freeze(world) is True
    assert await freeze(world) is False
    await unfreeze(world)
    with pytest.raises(Conflict) as refused:
        await unfreeze(world)
    assert refused.value.code == "platform.not_frozen"
    assert await freeze(world) is True


async def test_who_and_why_is_written_down(world: World) -> None:
    await freeze(world)
    await unfreeze(world)
    async with world.database.read() as session:
        rows = await session.execute(
            text("select action, level, actor_id, details from audit_log where entity = 'money_freeze' order by id")
        )
        assert [tuple(row) for row in rows] == [
            ("platform.frozen", "CRITICAL", world.staff.id, {"invariant": "I01", "reason": "looked wrong"}),
            ("platform.unfrozen", "WARNING", world.staff.id, {"reason": "looked"}),
        ]
