"""Many hands on one deal: one decides, the others are told so, and money moves once."""

import asyncio
from decimal import Decimal

from sqlalchemy import text

from factories.world import World
from jivapay.domain.outcomes import Assigned, NotDue
from support.racing import WON, patiently, race, rounds

SETTLED = Decimal("49.810810")
ROUNDS = rounds(6)


async def settlements(world: World) -> int:
    return int(await world.scalar("select count(*) from transfers where kind = 'settlement'"))


async def test_twenty_confirmations_of_one_order_complete_it_once(world: World) -> None:
    incoming = await world.assign()
    await world.confirm_by_customer(incoming)
    outcomes = await race([lambda: world.confirm_by_trader(incoming)] * 20)
    assert sorted(outcomes) == ["order.already_completed"] * 19 + [WON]
    assert await world.statuses(incoming) == ("processed", "completed", "completed")
    assert await settlements(world) == 1
    assert (await world.store_balance()).available == SETTLED


async def test_twenty_payers_press_the_button_at_once(world: World) -> None:
    incoming = await world.assign()
    outcomes = await race([lambda: world.confirm_by_customer(incoming)] * 20)
    assert sorted(outcomes) == ["order.state_conflict"] * 19 + [WON]
    assert await world.statuses(incoming) == ("client_payment_confirmed", "pending_trader_confirmation", "confirmed")


async def test_confirm_against_cancel_against_time_out(world: World) -> None:
    """One of the three decides, and money moves only when it is the trader (test_pairs.py has every two of them)."""
    await world.change_settings(CLIENT_PAY_SECONDS=5)
    completed = 0
    before = await world.trader_balance()
    spent = Decimal(0)
    for number in range(ROUNDS):
        one = await world.assign(Decimal(1000 + number))
        await world.advance(5.1)
        confirmed, _, _ = await race(
            [lambda one=one: world.confirm_by_trader(one), lambda one=one: world.cancel(one), world.expire_due]
        )
        status = (await world.statuses(one))[1]
        # A trader may be the second one too: the money is here, and a lapsed order revives once.
        assert status in {"completed", "cancelled", "expired"}
        assert (confirmed == WON) == (status == "completed")
        if status == "completed":
            completed += 1
            order_row = await world.order(one)
            spent += order_row.trader_amount_crypto - order_row.trader_commission
    assert await settlements(world) == completed
    after = await world.trader_balance()
    assert (before.total - after.total, after.held) == (spent, Decimal(0))


async def test_two_workers_on_one_order_reserve_once(world: World) -> None:
    await world.add_requisite(world.trader)
    incoming = await world.accept()
    outcomes = await asyncio.gather(*(patiently(lambda: world.process(incoming)) for _ in range(8)))
    assert sum(isinstance(outcome, Assigned) for outcome in outcomes) == 1
    assert sum(outcome == NotDue() for outcome in outcomes) == 7
    assert await world.scalar("select count(*) from orders") == 1
    assert await world.scalar("select count(*) from holds where status = 'active'") == 1


async def test_the_same_external_id_fifty_times_at_once_is_one_order(world: World) -> None:
    found: list[int] = []

    async def ask() -> None:
        found.append(await world.accept(external_order_id="A-1001", request_hash=b"same"))

    assert await race([ask] * 50) == [WON] * 50
    assert len(set(found)) == 1
    assert await world.scalar("select count(*) from incoming_orders") == 1
    assert await world.scalar("select count(*) from payment_sessions") == 1
    assert await world.scalar("select count(*) from outbox where topic = 'order.process'") == 1


async def test_the_same_external_id_with_different_bodies_has_one_winner(world: World) -> None:
    async def ask(body: bytes) -> None:
        await world.accept(external_order_id="A-1001", request_hash=body)

    outcomes = await race([lambda body=bytes([number]): ask(body) for number in range(20)])
    assert sorted(outcomes) == ["order.external_id_exists"] * 19 + [WON]


async def test_the_late_claims_of_one_order_revive_it_once(world: World) -> None:
    incoming = await world.assign()
    await world.cancel(incoming)
    claim = lambda: world.confirm_by_customer(incoming, receipt=True)  # noqa: E731 - said twice below
    outcomes = await race([claim, lambda: world.confirm_by_trader(incoming)] * 5)
    status = (await world.statuses(incoming))[1]
    assert status in {"completed", "pending_trader_confirmation"}
    assert outcomes.count(WON) <= 2
    assert await settlements(world) == (1 if status == "completed" else 0)
    async with world.database.read() as session:
        holds = (await session.scalars(text("select status from holds order by id"))).all()
    assert holds[0] == "voided"
    assert len(holds) == 2
