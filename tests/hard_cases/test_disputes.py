"""Hard cases 1 (cover), 7, 8, 9, 11 and 14 (decisions): disputes, corrections, and money that is not there any more."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from factories import disputes
from factories.people import CRYPTO
from factories.world import World
from jivapay.exceptions import Conflict, InsufficientBalance, OrderStateConflict, PermissionDenied
from jivapay.schemas_enums.enums import OwnerType
from jivapay.services.balance_manager import AccountKey

DEPOSIT = Decimal(10_000)
COST, NET, PROFIT = Decimal("50.837837"), Decimal("49.810810"), Decimal("1.027027")
COST_4000, NET_4000 = Decimal("42.810811"), Decimal("41.945946")
PLATFORM = AccountKey.platform(CRYPTO, test=False)


async def balances(world: World) -> tuple[Decimal, Decimal, Decimal]:
    """Totals of trader, store and platform."""
    await world.roll_up()
    platform = (await world.balance(PLATFORM)).total
    return (await world.trader_balance()).total, (await world.store_balance()).total, platform


async def told(world: World, incoming_id: int) -> list[tuple[str, str, bool]]:
    """Type, balance change and `paid` of every event after the assignment."""
    order_id = (await world.order(incoming_id)).id
    async with world.database.read() as session:
        rows = await session.execute(
            text(
                "select payload ->> 'type', payload ->> 'balance_change', (payload ->> 'paid')::bool"
                " from callback_deliveries where order_type = 'order' and order_id = :id order by id"
            ),
            {"id": order_id},
        )
        return [tuple(row) for row in rows][1:]


async def test_case_1_a_proved_late_payment_is_covered_by_the_platform(world: World) -> None:
    """The deposit is gone when the payment is proved: lent by two persons, and repaid by what comes next."""
    late = await world.assign()
    await world.advance(world.rules.client_pay_seconds + 1)
    await world.expire_due()
    emptied = [await world.assign(Decimal(465_000 + number)) for number in range(2)]
    await world.confirm_by_customer(late, receipt=True)
    assert (await world.statuses(late))[1] == "requires_attention"
    left = (await world.trader_balance()).available
    dispute = await disputes.open_dispute(world, late)
    assert (await world.statuses(late))[1] == "dispute"
    with pytest.raises(InsufficientBalance):
        await disputes.resolve(world, dispute, "completed")
    assert await disputes.resolve(world, dispute, "completed", lends=True) == "approval"
    with pytest.raises(PermissionDenied):
        await disputes.approve(world, dispute, world.staff)
    assert await disputes.approve(world, dispute) == "resolved_completed"
    assert await world.statuses(late) == ("processed", "completed", "completed")
    lent = COST - left
    assert await world.scalar("select outstanding from covers") == lent
    assert (await world.trader_balance()).available == Decimal(0)
    assert await disputes.is_blocked(world, OwnerType.TRADER, world.trader.id)
    await world.deposit(world.trader, Decimal(3))
    assert await disputes.repay_covers(world) == Decimal(3)
    await world.cancel(emptied[0])
    assert await disputes.repay_covers(world) == lent - 3
    assert not await disputes.is_blocked(world, OwnerType.TRADER, world.trader.id)
    assert await balances(world) == (DEPOSIT + 3 - COST, NET, PROFIT)


@pytest.mark.parametrize("outcome", ["completed", "adjusted"])
async def test_case_1_what_is_lent_for_a_late_payment_is_its_cost_at_the_rate_it_takes(
    world: World, outcome: str
) -> None:
    """There was no fresh rate when the receipt came; by the decision the rouble has risen, and it costs more."""
    late = await world.assign()
    await world.advance(world.rules.client_pay_seconds + 1)
    await world.expire_due()
    [await world.assign(Decimal(465_000 + number)) for number in range(2)]
    await world.advance(world.rules.late_rate_seconds + world.rules.rate_max_age_seconds + 1, fresh_rate=False)
    await world.confirm_by_customer(late, receipt=True)
    dispute = await disputes.open_dispute(world, late)
    assert (await world.statuses(late))[1] == "dispute"
    await world.set_rate(Decimal("90.00"))
    amount = "4600" if outcome == "adjusted" else None
    assert await disputes.resolve(world, dispute, outcome, amount=amount, lends=True) == "approval"
    left = (await world.trader_balance()).available
    assert await disputes.approve(world, dispute) == f"resolved_{outcome}"
    cost = {"completed": Decimal("52.250000"), "adjusted": Decimal("50.600000")}[outcome]
    assert (await world.order(late)).rate == Decimal(90)
    assert await world.scalar("select outstanding from covers") == cost - left


async def test_case_8_an_adjustment_is_a_step_with_its_event_and_a_reversal_takes_what_is_in_force(
    world: World,
) -> None:
    incoming = await world.complete()
    first = await disputes.open_dispute(world, incoming)
    assert await disputes.resolve(world, first, "adjusted", amount="4000.00") == "resolved_adjusted"
    assert await world.statuses(incoming) == ("processed", "completed", "completed")
    order = await world.order(incoming)
    assert (order.amount_agreed, order.amount_fiat, order.amount_exceptions) == (
        Decimal(4750),
        Decimal(4000),
        ["under"],
    )
    assert await balances(world) == (DEPOSIT - COST_4000, NET_4000, COST_4000 - NET_4000)
    second = await disputes.open_dispute(world, incoming)
    assert await disputes.resolve(world, second, "cancelled") == "resolved_cancelled"
    assert (await world.order(incoming)).status == "reversed"
    assert await balances(world) == (DEPOSIT, Decimal(0), Decimal(0))
    assert (await told(world, incoming))[1:] == [
        ("order.completed", "49.810810", True),
        ("order.adjusted", "-7.864864", True),
        ("order.reversed", "-41.945946", False),
    ]
    named = "select count(*) from transfers r join transfers t on t.id = r.reverses_id"
    assert await world.scalar(named) == 2


async def test_case_8_up_and_down_again(world: World) -> None:
    """Adjusted upwards the trader pays more; each dispute is one transfer, and each takes only the difference."""
    incoming = await world.complete()
    for amount in ("5000.00", "4750.00", "4800.50"):
        dispute = await disputes.open_dispute(world, incoming)
        assert await disputes.resolve(world, dispute, "adjusted", amount=amount) == "resolved_adjusted"
    dispute = await disputes.open_dispute(world, incoming)
    await disputes.resolve(world, dispute, "cancelled")
    assert await balances(world) == (DEPOSIT, Decimal(0), Decimal(0))
    assert await world.scalar("select count(*) from transfers where kind = 'adjustment_reversal'") == 3


async def test_case_9_after_a_person_s_no_only_staff_take_an_order_up_again(world: World) -> None:
    incoming = await world.assign()
    await world.confirm_by_customer(incoming)
    dispute = await disputes.open_dispute(world, incoming, await disputes.trader_of(world, incoming))
    await disputes.resolve(world, dispute, "cancelled")
    assert await world.statuses(incoming) == ("cancelled", "cancelled", "cancelled")
    for _ in range(3):
        with pytest.raises(OrderStateConflict):
            await world.confirm_by_customer(incoming, receipt=True)
        with pytest.raises(OrderStateConflict):
            await world.confirm_by_trader(incoming)
    assert (await world.trader_balance()).held == Decimal(0)
    again = await disputes.claim_by_customer(world, incoming)
    assert (await world.order(incoming)).status == "cancelled"
    assert (await world.trader_balance()).held == Decimal(0)
    assert await disputes.resolve(world, again, "completed") == "resolved_completed"
    assert await world.statuses(incoming) == ("processed", "completed", "completed")
    assert await balances(world) == (DEPOSIT - COST, NET, PROFIT)


async def test_case_11_what_a_store_would_return_is_held_and_topped_up(world: World) -> None:
    incoming = await world.complete()
    spent = await disputes.tie_up(world, "30")
    dispute = await disputes.open_dispute(world, incoming, await disputes.trader_of(world, incoming))
    store = await world.store_balance()
    assert (store.held, store.available) == (NET, Decimal(0))
    assert await disputes.is_blocked(world, OwnerType.STORE, world.store.id)
    other = await world.complete(Decimal(1000))
    assert (await world.store_balance()).available > 0
    assert await disputes.top_up(world) == 1
    assert (await world.store_balance()).available == Decimal(0)
    assert await disputes.resolve(world, dispute, "cancelled") == "waiting_funds"
    assert (await world.order(incoming)).status == "completed"
    assert await disputes.is_blocked(world, OwnerType.STORE, world.store.id)
    assert await disputes.top_up(world) == 0
    await disputes.release(world, spent)
    assert await disputes.top_up(world) == 1
    assert (await disputes.get(world, dispute)).status == "resolved_cancelled"
    assert (await world.order(incoming)).status == "reversed"
    assert not await disputes.is_blocked(world, OwnerType.STORE, world.store.id)
    order = await world.order(other)
    assert (await world.store_balance()).available == order.amount_crypto - order.store_commission


async def test_case_11_a_return_that_need_not_wait_is_lent(world: World) -> None:
    incoming = await world.complete()
    await disputes.tie_up(world, "30")
    dispute = await disputes.open_dispute(world, incoming)
    assert await disputes.resolve(world, dispute, "cancelled") == "waiting_funds"
    assert await disputes.lend(world, dispute) == "resolved_cancelled"
    assert (await world.order(incoming)).status == "reversed"
    assert await world.scalar("select outstanding from covers") == Decimal(30)
    assert await disputes.is_blocked(world, OwnerType.STORE, world.store.id)
    await disputes.deposit_to_store(world, "31")
    assert await disputes.repay_covers(world) == Decimal(30)
    assert not await disputes.is_blocked(world, OwnerType.STORE, world.store.id)
    assert (await world.store_balance()).available == Decimal(1)


async def test_case_11_a_dispute_that_comes_to_nothing_gives_the_hold_back(world: World) -> None:
    incoming = await world.complete()
    dispute = await disputes.open_dispute(world, incoming)
    assert (await world.store_balance()).available == Decimal(0)
    assert await disputes.resolve(world, dispute, "completed") == "resolved_completed"
    assert (await world.store_balance()).available == NET
    assert await world.scalar("select count(*) from transfers where kind <> 'deposit'") == 1


async def test_case_14_many_decisions_of_one_person_are_one_large_one(world: World) -> None:
    """Each is below FOUR_EYES_AMOUNT; together they are not. The first deposits were long ago."""
    await world.advance(25 * 3600)
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(120))
    incoming = [await world.complete(Decimal(4750 + number)) for number in range(3)]
    cases = [await disputes.open_dispute(world, one) for one in incoming]
    done = [await disputes.resolve(world, one, "cancelled") for one in cases]
    assert done == ["resolved_cancelled", "resolved_cancelled", "approval"]
    assert (await world.order(incoming[2])).status == "completed"
    assert await disputes.approve(world, cases[2]) == "resolved_cancelled"
    assert (await world.order(incoming[2])).status == "reversed"


async def test_case_14_no_second_person_with_a_part_in_the_case(world: World) -> None:
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(1))
    incoming = await world.complete()
    opener = await disputes.another_admin(world)
    dispute = await disputes.open_dispute(world, incoming, opener)
    assert await disputes.resolve(world, dispute, "cancelled") == "approval"
    for involved in (world.staff, opener):
        with pytest.raises(PermissionDenied):
            await disputes.approve(world, dispute, involved)
    with pytest.raises(Conflict, match="waiting for a second person"):
        await disputes.resolve(world, dispute, "completed")
    assert await disputes.approve(world, dispute) == "resolved_cancelled"
