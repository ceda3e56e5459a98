"""Hard cases 5, 16, 20 and 26: roll-up by horizon, the test world's own accounts, the margin, small amounts."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from factories.people import CRYPTO, FIAT
from factories.world import World
from jivapay.database.locks import lock_deal_for_update
from jivapay.exceptions import Conflict, ValidationFailed
from jivapay.schemas_enums.enums import AccountKind
from jivapay.services import order_status_manager
from jivapay.services.balance_manager import AccountKey
from support.invariants import assert_invariants

LIVE, TEST = [AccountKey.platform(CRYPTO, test=test) for test in (False, True)]
PROFIT = Decimal("1.027027")


async def test_case_5_the_postings_of_a_slower_transaction_are_not_lost(world: World) -> None:
    """B takes its transaction id first, A posts and stays open, B posts with a higher posting id and commits."""
    await world.add_trader()
    a, b = await world.assign(), await world.assign()
    traders = {(await world.order(one)).trader_id: one for one in (a, b)}
    first, second = world.traders
    async with world.database.write() as of_b:
        await of_b.execute(text("select pg_current_xact_id()"))
        async with world.database.write() as of_a:
            deal = await lock_deal_for_update(of_a, traders[first.id])
            await order_status_manager.confirm_order_by_trader(of_a, first.actor, deal, world.rules)
            # The store's account is now A's until it commits: B only reads, which does not make it younger.
            await of_a.flush()
            await world.roll_up()
            assert (await world.balance(LIVE)).total == Decimal(0)
            await assert_invariants(world.database)
        await world.roll_up()
        # B is open and older: what A committed is past the horizon still.
        assert (await world.balance(LIVE)).total == Decimal(0)
        deal = await lock_deal_for_update(of_b, traders[second.id])
        await order_status_manager.confirm_order_by_trader(of_b, second.actor, deal, world.rules)
    await world.roll_up()
    assert (await world.balance(LIVE)).total == 2 * PROFIT


async def test_case_16_the_test_world_has_accounts_of_its_own(world: World) -> None:
    store = await world.add_store(test=True)
    await world.add_trader(test=True)
    await world.complete()
    await world.complete(store=store)
    await world.roll_up()
    assert (await world.balance(LIVE)).total == (await world.balance(TEST)).total == PROFIT
    assert (await world.store_balance(store)).available == Decimal("49.810810")
    assert (await world.trader_balance(world.traders[1])).total == Decimal("-50.837837")
    worlds = [
        (await world.balance(AccountKey.world(AccountKind.FIAT, FIAT, test=test))).total for test in (False, True)
    ]
    assert worlds == [Decimal(-4750), Decimal(-4750)]


async def test_case_16_a_link_across_is_refused_by_the_database(world: World, own_owner_url: str) -> None:
    store = await world.add_store(test=True)
    await world.add_trader(test=True)
    incoming = await world.assign(store=store)
    live = await world.assign()
    for table, key in (("orders", (await world.order(incoming)).id), ("incoming_orders", live)):
        with pytest.raises(Exception, match="violates foreign key"):
            async with world.database.write() as session:
                await session.execute(text(f"update {table} set test = not test where id = :key"), {"key": key})


async def test_case_16_test_accounts_take_no_deposit(world: World) -> None:
    tester = await world.add_trader(test=True)
    with pytest.raises(Conflict) as refused:
        await world.deposit(tester, Decimal(100))
    assert refused.value.code == "deposit.test_world"


async def test_case_20_the_margin_is_the_platform_s(world: World) -> None:
    dear = await world.add_store(rate_margin_percent=Decimal(2))
    incoming = await world.complete(store=dear)
    order = await world.order(incoming)
    assert (order.base_rate, order.rate) == (Decimal("92.50"), Decimal("94.35"))
    assert (order.trader_amount_crypto, order.amount_crypto) == (Decimal("51.351351"), Decimal("50.344462"))
    await world.roll_up()
    assert (await world.trader_balance()).total == Decimal(10_000) - Decimal("50.837837")
    assert (await world.store_balance(dear)).available == Decimal("48.834128")
    assert (await world.balance(LIVE)).total == Decimal("2.003709")


@pytest.mark.parametrize(("rate", "amount"), [("1100000", "0.01"), ("20000", "0.01"), ("99999999", "49.99")])
async def test_case_26_an_amount_of_which_nothing_is_left_is_too_small(world: World, rate: str, amount: str) -> None:
    await world.set_rate(Decimal(rate))
    with pytest.raises(ValidationFailed) as refused:
        await world.accept(Decimal(amount))
    assert refused.value.code == "amount.too_small"


async def test_case_26_the_smallest_amount_that_leaves_something_is_settled(world: World) -> None:
    await world.set_rate(Decimal(10_000))
    await world.complete(Decimal("0.01"))
    assert (await world.store_balance()).available == Decimal("0.000001")
    assert (await world.trader_balance()).total == Decimal("9999.999999")


async def test_case_26_ties_are_settled_half_even(world: World) -> None:
    """1.00 at 64 is 0.015625; 2.5 % of it ends in a tie that PostgreSQL's own round() would take up."""
    await world.set_rate(Decimal(64))
    store = await world.add_store(percent=Decimal("2.4"))
    order = await world.order(await world.complete(Decimal("1.00"), store=store))
    assert (order.amount_crypto, order.store_commission) == (Decimal("0.015625"), Decimal("0.000375"))
    order = await world.order(await world.complete(Decimal("0.80"), store=store))
    assert (order.amount_crypto, order.store_commission) == (Decimal("0.0125"), Decimal("0.000300"))
    assert order.trader_commission == Decimal("0.000125")


async def test_case_26_a_rate_that_moved_meanwhile_leaves_no_order_without_legs(world: World) -> None:
    """Quoted when something was left; by the time a requisite is found nothing is."""
    incoming = await world.accept(Decimal("0.01"))
    await world.advance(world.rules.rate_max_age_seconds + 1, fresh_rate=False)
    await world.set_rate(Decimal(1_100_000))
    await world.process(incoming)
    deal = await world.deal(incoming)
    assert deal.order is None
    assert deal.incoming.failure_code == "amount.too_small"
