"""A trader who owes the platform a cover gets no new order (hard case 1)."""

from decimal import Decimal

from factories.people import CRYPTO
from factories.world import World
from jivapay.domain.outcomes import Assigned, NoRequisite
from jivapay.services import balance_manager
from jivapay.services.balance_manager import AccountKey
from jivapay.services.balance_manager.covers import cover


async def test_an_open_cover_keeps_new_orders_away_until_it_is_repaid(world: World) -> None:
    key = AccountKey.trader_crypto(world.trader.id, CRYPTO, test=False)
    async with world.database.write() as session:
        await cover(session, key, Decimal(5), ref_type="order", ref_id=1)
    waiting = await world.accept()
    assert await world.process(waiting) == NoRequisite({"open_cover": 1})
    async with world.database.write() as session:
        (cover_id,) = await balance_manager.list_repayable_covers(session)
        assert await balance_manager.cover_repayment(session, cover_id) == Decimal(5)
        assert await balance_manager.cover_repayment(session, cover_id) == Decimal(0)
    assert isinstance(await world.process(await world.accept()), Assigned)
