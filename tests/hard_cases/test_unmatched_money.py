"""Hard case 10: the payer closed the page, or paid what nobody asked for; the trader's money finds its order."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import text

from factories.world import AMOUNT, World
from jivapay.exceptions import (
    Conflict,
    InsufficientBalance,
    NotFound,
    OrderStateConflict,
    RateStale,
    SessionExpired,
    ValidationFailed,
)
from jivapay.schemas_enums.enums import OrderStatus, UnmatchedStatus
from jivapay.services import unmatched_service

COST = Decimal("50.837837")
WORTH = Decimal("51.351351")


async def lapse(world: World, incoming: int) -> None:
    await world.advance(world.rules.client_pay_seconds + 1)
    assert await world.expire_due() == 1


async def credited(world: World) -> Decimal:
    return Decimal(
        await world.scalar(
            "select coalesce(sum(balance), 0) from accounts where owner_type = 'trader' and kind = 'fiat'"
        )
    )


async def payment_status(world: World, payment: UUID) -> str:
    return str(await world.scalar("select status from unmatched_payments where public_id = :id", id=payment))


async def candidates(world: World, payment: UUID) -> list[tuple[Decimal, int]]:
    async with world.database.read() as session:
        found = await unmatched_service.list_candidates(session, payment, world.rules)
    return [(one.order.amount_agreed, one.score) for one in found]


async def test_case_10_declared_money_is_held_and_attached_to_the_lapsed_order(world: World) -> None:
    incoming = await world.assign()
    await lapse(world, incoming)
    payment = await world.declare(AMOUNT)
    balance = await world.trader_balance()
    assert (balance.total, balance.held, await credited(world)) == (Decimal(10_000), WORTH, AMOUNT)
    await world.attach(payment, incoming)
    assert await world.statuses(incoming) == ("processed", "completed", "completed")
    order = await world.order(incoming)
    assert (order.amount_fiat, order.amount_exceptions) == (AMOUNT, ["late"])
    balance = await world.trader_balance()
    assert (balance.total, balance.held, await credited(world)) == (Decimal(10_000) - COST, Decimal(0), AMOUNT)
    assert await payment_status(world, payment) == UnmatchedStatus.ATTACHED


async def test_case_10_returned_money_leaves_everything_as_it_was(world: World) -> None:
    payment = await world.declare(AMOUNT)
    await world.return_unmatched(payment)
    balance = await world.trader_balance()
    assert (balance.total, balance.held, await credited(world)) == (Decimal(10_000), Decimal(0), Decimal(0))
    for again in (world.return_unmatched(payment), world.attach(payment, await world.assign())):
        with pytest.raises(Conflict) as refusal:
            await again
        assert refusal.value.code == "unmatched.state_conflict"


@pytest.mark.parametrize(
    ("paid", "settled", "rest", "exceptions"),
    [
        pytest.param("4517.00", "4517.00", None, ["late", "under"], id="less"),
        pytest.param("5000.00", "4750.00", "250.00", ["late", "over"], id="more"),
    ],
)
async def test_case_10_another_amount_is_settled_at_what_came_and_the_rest_stays(
    world: World, paid: str, settled: str, rest: str | None, exceptions: list[str]
) -> None:
    incoming = await world.assign()
    await lapse(world, incoming)
    payment = await world.declare(Decimal(paid))
    await world.attach(payment, incoming)
    order = await world.order(incoming)
    assert (order.amount_fiat, order.amount_exceptions) == (Decimal(settled), exceptions)
    left = await world.scalar("select sum(amount_fiat) from unmatched_payments where status = 'open'")
    assert left == (None if rest is None else Decimal(rest))
    assert await credited(world) == Decimal(paid)


async def test_case_12_the_rate_of_the_moment_the_money_was_declared(world: World) -> None:
    incoming = await world.assign()
    await lapse(world, incoming)
    await world.advance(world.rules.late_rate_seconds)
    await world.set_rate(Decimal("120.00"))
    payment = await world.declare(AMOUNT)
    await world.set_rate(Decimal("200.00"))
    await world.attach(payment, incoming)
    assert (await world.order(incoming)).base_rate == Decimal(120)


async def test_candidates_are_ranked_and_only_what_may_still_be_settled(world: World) -> None:
    exact = await world.assign()
    close = await world.assign(Decimal("4800.00"))
    far = await world.assign(Decimal("9000.00"))
    await world.complete(Decimal("4751.00"))
    await world.confirm_by_customer(exact, name="4321", bank="Tinkoff")
    payment = await world.declare(AMOUNT, payer_name="4321")
    found = await candidates(world, payment)
    assert [amount for amount, _ in found] == [AMOUNT, Decimal(4800), Decimal(9000)]
    assert found[0][1] > found[1][1] > found[2][1]
    for one in (close, far):
        await world.cancel(one)
    await world.advance(world.rules.late_payment_window_seconds + 1)
    assert [amount for amount, _ in await candidates(world, payment)] == [AMOUNT]


async def test_what_cannot_be_attached(world: World) -> None:
    payment = await world.declare(AMOUNT)
    other = await world.add_trader()
    async with world.database.write() as session:
        await session.execute(text("update traders set in_work = false where id = :id"), {"id": world.trader.id})
    foreign = await world.assign()
    assert (await world.order(foreign)).trader_id == other.id
    with pytest.raises(Conflict) as refusal:
        await world.attach(payment, foreign)
    assert refusal.value.code == "unmatched.other_trader"
    async with world.database.write() as session:
        await session.execute(text("update traders set in_work = (id = :id)"), {"id": world.trader.id})
    done = await world.complete()
    with pytest.raises(OrderStateConflict):
        await world.attach(payment, done)
    decided = await world.assign(Decimal(100))
    await world.confirm_by_trader(decided, third_party=True)
    await world.decide(decided, OrderStatus.CANCELLED)
    with pytest.raises(OrderStateConflict):
        await world.attach(payment, decided)
    late = await world.assign(Decimal(200))
    await world.cancel(late)
    await world.advance(world.rules.late_payment_window_seconds + 1)
    with pytest.raises(SessionExpired):
        await world.attach(payment, late)
    with pytest.raises(NotFound):
        async with world.database.write() as session:
            await unmatched_service.attach(session, world.staff, payment, payment, "no such order", world.rules)
    assert await payment_status(world, payment) == UnmatchedStatus.OPEN
    assert (await world.trader_balance()).held == WORTH


async def test_what_cannot_be_declared(world: World) -> None:
    with pytest.raises(InsufficientBalance):
        await world.declare(Decimal(2_000_000))
    with pytest.raises(ValidationFailed):
        await world.declare(Decimal("1.001"))
    with pytest.raises(ValidationFailed):
        await world.declare(AMOUNT, received_at=world.clock.now() + timedelta(hours=1))
    await world.advance(world.rules.rate_max_age_seconds + 1, fresh_rate=False)
    with pytest.raises(RateStale):
        await world.declare(AMOUNT)
    assert await world.scalar("select count(*) from unmatched_payments") == 0
    assert (await world.trader_balance()).held == Decimal(0)
