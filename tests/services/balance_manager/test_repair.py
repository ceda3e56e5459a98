"""The repair of a completed order that lost its settlement: planted, since nothing of ours can bring it about."""

from decimal import Decimal

from factories.world import World
from jivapay.services import balance_manager
from support.owner import forge


async def test_what_lost_its_settlement_is_settled_once(world: World, own_owner_url: str) -> None:
    incoming = await world.assign()
    await world.confirm_by_customer(incoming)
    order = await world.order(incoming)
    await forge(own_owner_url, f"update orders set status = 'completed' where id = {order.id}")
    for repaired in (True, False):
        async with world.database.write() as session:
            assert await balance_manager.repair_completed_order(session, order.id) is repaired
    assert (await world.store_balance()).available == Decimal("49.810810")
    balance = await world.trader_balance()
    assert (balance.total, balance.held) == (Decimal("9949.162163"), Decimal(0))
