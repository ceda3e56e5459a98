"""What a trader may take out while a late payment can still be proved (hard case 1)."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from factories.people import CRYPTO, FIAT
from factories.world import World
from jivapay.schemas_enums.enums import AccountKind
from jivapay.services import balance_manager
from jivapay.services.balance_manager import AccountKey

pytestmark = pytest.mark.usefixtures("own_invariants_hold")

DEPOSIT = Decimal(10_000)
COST = Decimal("50.837837")


async def withdrawable(world: World, key: AccountKey | None = None) -> Decimal:
    key = key or AccountKey.trader_crypto(world.trader.id, CRYPTO, test=False)
    async with world.database.read() as session:
        return await balance_manager.withdrawable(session, key, world.rules)


async def lapse(world: World, incoming: int) -> None:
    await world.advance(world.rules.client_pay_seconds + 1)
    assert await world.expire_due() == 1
    assert (await world.statuses(incoming))[1] == "expired"


@pytest.mark.parametrize("left_by", ["expired", "cancelled"])
async def test_what_left_pending_unpaid_stays_covered_inside_the_window(world: World, left_by: str) -> None:
    incoming = await world.assign()
    assert await withdrawable(world) == DEPOSIT - COST
    if left_by == "expired":
        await lapse(world, incoming)
    else:
        await world.cancel(incoming, world.trader.actor)
    assert (await world.trader_balance()).available == DEPOSIT
    assert await withdrawable(world) == DEPOSIT - COST
    await world.advance(world.rules.late_payment_window_seconds - 1)
    assert await withdrawable(world) == DEPOSIT - COST
    await world.advance(2)
    assert await withdrawable(world) == DEPOSIT


async def test_new_orders_may_use_what_is_covered_and_nothing_is_below_zero(world: World) -> None:
    await lapse(world, await world.assign())
    await world.assign(Decimal(496_000))
    assert await withdrawable(world) == DEPOSIT - COST - Decimal("5308.540540")
    await world.assign(Decimal(436_000))
    assert Decimal(0) < (await world.trader_balance()).available < COST
    assert await withdrawable(world) == Decimal(0)


async def test_a_revived_order_is_held_and_not_counted_twice(world: World) -> None:
    incoming = await world.assign()
    await lapse(world, incoming)
    await world.confirm_by_customer(incoming, receipt=True)
    assert await withdrawable(world) == DEPOSIT - COST
    await world.confirm_by_trader(incoming)
    assert await withdrawable(world) == DEPOSIT - COST
    assert (await world.trader_balance()).total == DEPOSIT - COST


async def test_a_claim_without_a_hold_is_covered_until_a_person_has_decided(world: World) -> None:
    incoming = await world.assign(customer_ip="203.0.113.9")
    await lapse(world, incoming)
    async with world.database.write() as session:
        await session.execute(
            text(
                "insert into fraud_list_entries (list_type, kind, value, reason)"
                " values ('block', 'ip', '203.0.113.9', 'seen')"
            )
        )
    await world.advance(world.rules.session_ttl_seconds)
    await world.confirm_by_customer(incoming, receipt=True)
    assert (await world.statuses(incoming))[1] == "requires_attention"
    await world.advance(world.rules.late_payment_window_seconds)
    assert (await world.trader_balance()).held == Decimal(0)
    assert await withdrawable(world) == DEPOSIT - COST


async def test_other_accounts_have_no_late_cover(world: World) -> None:
    await world.complete()
    await lapse(world, await world.assign())
    store = AccountKey.store_crypto(world.store.id, CRYPTO, test=False)
    assert await withdrawable(world, store) == Decimal("49.810810")
    fiat = AccountKey(store.owner_type, store.owner_id, AccountKind.FIAT, FIAT, test=False)
    assert await withdrawable(world, fiat) == Decimal(0)
    other = await world.add_trader()
    assert await withdrawable(world, AccountKey.trader_crypto(other.id, CRYPTO, test=False)) == DEPOSIT
