"""Statements read while money moves and the roll-up runs: each shows one state of the ledger, and adds up."""

from datetime import timedelta
from decimal import Decimal

from factories.people import CRYPTO
from factories.world import World
from jivapay.services import balance_manager
from jivapay.services.balance_manager import AccountKey, Period
from support.racing import WON, race

ORDERS, READERS = 8, 6


async def test_every_reading_beside_completions_adds_up(world: World) -> None:
    incoming = [await world.assign(Decimal(1000 + number)) for number in range(ORDERS)]
    now = world.clock.now()
    period = Period(now - timedelta(days=1), now + timedelta(days=1))
    keys = [
        AccountKey.platform(CRYPTO, test=False),
        AccountKey.store_crypto(world.store.id, CRYPTO, test=False),
        AccountKey.trader_crypto(world.trader.id, CRYPTO, test=False),
    ]

    async def read(key: AccountKey) -> None:
        async with world.database.read() as session:
            page = await balance_manager.get_statement_page(session, key, period, limit=200)
        running = page.totals.opening
        for entry in page.entries:
            running += entry.amount
            assert entry.balance_after == running
        assert (running, len(page.entries)) == (page.totals.closing, page.totals.count)

    moves = [lambda one=one: world.confirm_by_trader(one) for one in incoming]
    moves += [lambda key=key: read(key) for key in keys for _ in range(READERS)]
    moves += [world.roll_up] * 3
    assert await race(moves) == [WON] * len(moves)
    for key in keys:
        await read(key)
    async with world.database.read() as session:
        whole = await balance_manager.get_statement_page(session, keys[0], period, limit=200)
    profit = await world.scalar("select sum(platform_profit) from orders where status = 'completed'")
    assert (whole.totals.closing, whole.totals.count) == (profit, ORDERS)
