"""Statements and views add up, to the digit, to an independent sum over the raw postings."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from factories import disputes
from factories.people import CRYPTO, FIAT
from factories.world import World
from jivapay.schemas_enums.enums import AccountKind
from jivapay.services import balance_manager
from jivapay.services.balance_manager import AccountKey, Period, ProfitBy

pytestmark = pytest.mark.usefixtures("own_invariants_hold")
LONG_AGO, FAR = timedelta(days=3), timedelta(days=1)


def accounts(world: World) -> list[AccountKey]:
    trader, store = world.trader, world.store
    return [
        AccountKey.store_crypto(store.id, CRYPTO, test=False),
        AccountKey.trader_crypto(trader.id, CRYPTO, test=False),
        AccountKey.trader_fiat(trader.id, FIAT, test=False),
        AccountKey.platform(CRYPTO, test=False),
        AccountKey.world(AccountKind.FIAT, FIAT, test=False),
    ]


async def raw_sum(world: World, key: AccountKey, condition: str = "true", **values: Any) -> Decimal:  # noqa: ANN401 - moments and numbers
    found = await world.scalar(
        "select coalesce(sum(p.amount), 0) from postings p join accounts a on a.id = p.account_id"
        " where a.owner_type = :owner_type and coalesce(a.owner_id, 0) = :owner and a.kind = :kind"
        f" and a.currency = :currency and a.test = :test and {condition}",
        owner_type=key.owner_type.value,
        owner=key.owner_id or 0,
        kind=key.kind.value,
        currency=key.currency,
        test=key.test,
        **values,
    )
    assert isinstance(found, Decimal)
    return found


async def live(world: World) -> list[datetime]:
    """Deposits and settlements over some hours, some rolled up and some not; moments in between."""
    moments = []
    for number, amount in enumerate(("4750.00", "1234.56", "999.99", "31415.92")):
        await world.complete(Decimal(amount))
        if number == 1:
            await world.roll_up()
            await world.deposit(world.trader, Decimal("250.5"))
        await world.advance(1)
        moments.append(world.clock.now())
        await world.advance(3600)
    await world.assign(Decimal("500.00"))
    return moments


async def test_every_account_adds_up(world: World) -> None:
    moments = await live(world)
    periods = [
        Period(moments[0] - LONG_AGO, moments[-1] + FAR),
        Period(moments[0], moments[2]),
        Period(moments[1], moments[-1] + FAR),
        Period(moments[0] - LONG_AGO, moments[0] - LONG_AGO + timedelta(hours=1)),
    ]
    for key in accounts(world):
        for period in periods:
            async with world.database.read() as session:
                page = await balance_manager.get_statement_page(session, key, period, limit=200)
            opening = await raw_sum(world, key, "p.created_at < :start", start=period.start)
            closing = await raw_sum(world, key, "p.created_at < :ends", ends=period.end)
            assert (page.totals.opening, page.totals.closing) == (opening, closing)
            assert page.totals.count == len(page.entries)
            running = opening
            for entry in page.entries:
                running += entry.amount
                assert entry.balance_after == running
            assert running == closing


async def test_page_by_page_in_both_directions(world: World) -> None:
    moments = await live(world)
    key, period = accounts(world)[1], Period(moments[0] - LONG_AGO, moments[-1] + FAR)
    async with world.database.read() as session:
        whole = (await balance_manager.get_statement_page(session, key, period, limit=200)).entries
        assert len(whole) == 6
        for downwards, expected in ((False, list(whole)), (True, list(reversed(whole)))):
            found, after = [], None
            while True:
                page = await balance_manager.get_statement_page(
                    session, key, period, after=after, limit=4, downwards=downwards
                )
                assert page.totals.count == 6
                found += page.entries
                if not page.has_more:
                    break
                after = page.entries[-1].transfer_id
            assert found == expected
        second = await balance_manager.get_statement_page(session, key, period, limit=4, offset=4)
        assert list(second.entries) == list(whole[4:])
        streamed = []
        async with balance_manager.stream_statement(session, key, period, batch=2) as (totals, batches):
            async for batch in batches:
                streamed += batch
        assert (streamed, totals.count) == (list(whole), 6)
        empty = Period(period.start, period.start + timedelta(hours=1))
        async with balance_manager.stream_statement(session, key, empty, batch=2) as (totals, batches):
            assert [entry async for batch in batches for entry in batch] == []
            assert (totals.opening, totals.closing, totals.count) == (0, 0, 0)
        assert await balance_manager.count_entries(session, key, period, up_to=100) == 6
        assert await balance_manager.count_entries(session, key, period, up_to=3) == 3


async def test_balance_at_any_moment(world: World) -> None:
    await world.advance(60)
    before = await world.trader_balance()
    at_first = world.clock.now()
    await world.advance(60)
    incoming_id = await world.assign()
    await world.advance(60)
    at_held, held = world.clock.now(), await world.trader_balance()
    await world.advance(60)
    await world.confirm_by_customer(incoming_id)
    await world.confirm_by_trader(incoming_id)
    await world.advance(60)
    key = accounts(world)[1]
    async with world.database.read() as session:
        assert await balance_manager.get_balance_at(session, key, at_first) == before
        assert await balance_manager.get_balance_at(session, key, at_held) == held
        assert held.held == Decimal("50.837837")
        now = await balance_manager.get_balance_at(session, key, world.clock.now())
        assert now == await balance_manager.get_balance(session, key)
        long_ago = await balance_manager.get_balance_at(session, key, at_first - LONG_AGO)
        assert (long_ago.total, long_ago.held) == (0, 0)


async def test_profit_is_the_same_whichever_way_it_is_told(world: World) -> None:
    moments = await live(world)
    other = await world.add_store(percent=Decimal(5))
    await world.complete(Decimal("777.00"), store=other)
    period = Period(moments[0] - LONG_AGO, moments[-1] + FAR)
    expected = await world.scalar("select sum(platform_profit) from orders where status = 'completed'")
    assert expected > 0
    async with world.database.read() as session:
        counts: dict[ProfitBy, int | None] = {"day": None, "store": 2, "trader": 1}
        for by, count in counts.items():
            rows = await balance_manager.list_profit(session, by, period, test=False)
            assert sum(row.profit for row in rows) == expected
            assert sum(row.orders for row in rows) == 5
            assert count is None or len(rows) == count
        assert await balance_manager.list_profit(session, "day", period, test=True) == []
        earlier = Period(period.start, moments[0] - timedelta(hours=2))
        assert await balance_manager.list_profit(session, "day", earlier, test=False) == []


async def test_the_documents_tables(world: World) -> None:
    """The specification's seven, read as the application's role; before and after a roll-up alike."""
    await live(world)
    store, trader = await world.store_balance(), await world.trader_balance()
    profit = await world.scalar("select sum(platform_profit) from orders where status = 'completed'")
    for _ in range(2):
        async with world.database.read() as session:

            async def one(statement: str) -> Any:  # noqa: ANN401 - any columns
                return (await session.execute(text(statement))).one()

            row = await one("select store_id, crypto_currency, balance, held from balance_stores")
            assert tuple(row) == (world.store.id, CRYPTO, store.total, store.held)
            row = await one("select balance, held, available from balance_traders where kind = 'crypto'")
            assert tuple(row) == (trader.total, trader.held, trader.available)
            row = await one("select balance from balance_platform where not test")
            assert tuple(row) == (profit,)
            row = await one(
                "select sum(platform_profit), sum(balance_change), max(new_balance) from balance_platform_history"
            )
            assert tuple(row) == (profit, profit, profit)
            row = await one("select count(*), sum(balance_change), count(order_id) from balance_store_history")
            assert tuple(row) == (4, store.total, 4)
            row = await one(
                "select sum(balance_change), count(*) filter (where network = 'tron'), count(order_id)"
                " from balance_trader_crypto_history"
            )
            assert tuple(row) == (trader.total, 2, 4)
            row = await one(
                "select sum(balance_change), (select balance from balance_traders where kind = 'fiat')"
                " from balance_trader_fiat_history"
            )
            assert row[0] == row[1] == Decimal("38400.47")
            last = await one("select new_balance, operation_type from balance_store_history order by id desc limit 1")
            assert tuple(last) == (store.total, "settlement")
        await world.roll_up()


async def test_corrections_stand_with_their_order(world: World) -> None:
    """Adjusted, reversed and lent: statements name order and dispute, and profit follows what is still in force."""
    adjusted, reversed_ = await world.complete(), await world.complete(Decimal("1000.00"))
    first = await disputes.open_dispute(world, adjusted)
    assert await disputes.resolve(world, first, "adjusted", amount="4000.00") == "resolved_adjusted"
    second = await disputes.open_dispute(world, reversed_)
    assert await disputes.resolve(world, second, "cancelled") == "resolved_cancelled"
    orders = {(await world.deal(one)).incoming.public_id for one in (adjusted, reversed_)}
    period = Period(world.clock.now() - LONG_AGO, world.clock.now() + FAR)
    async with world.database.read() as session:
        for key in accounts(world):
            entries = (await balance_manager.get_statement_page(session, key, period, limit=50)).entries
            corrections = [entry for entry in entries if entry.kind not in {"settlement", "deposit"}]
            assert {entry.kind for entry in corrections} == {"adjustment", "settlement_reversal"}
            assert {entry.order_id for entry in corrections} == orders
            assert {entry.reference_id for entry in corrections if entry.kind == "adjustment"} == {first}
            settled = {entry.transfer_id for entry in entries if entry.kind == "settlement"}
            assert [entry.reverses in settled for entry in corrections if entry.kind != "adjustment"] == [True]
        expected = await session.scalar(text("select platform_profit from orders where status = 'completed'"))
        by: ProfitBy
        for by in ("day", "store", "trader"):
            rows = await balance_manager.list_profit(session, by, period, test=False)
            assert sum(row.profit for row in rows) == expected
            assert [row.orders for row in rows] == [2]
        told = await session.execute(
            text("select platform_profit, order_id is not null, description from balance_platform_history order by id")
        )
        views = told.all()
    assert sum(row[0] for row in views) == expected
    assert all(row[1] for row in views)
    assert f"dispute {first}" in {row[2] for row in views}
