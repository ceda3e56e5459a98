"""What a dispute about a pay-out moves: once, from whom it was credited to, as far as it is there."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from factories import disputes
from factories.fixtures import Recipe
from factories.payouts import payout_world
from factories.world import World
from jivapay.exceptions import InsufficientBalance, JivaPayException
from jivapay.schemas_enums.enums import OwnerType

pytestmark = pytest.mark.usefixtures("own_invariants_hold")

FUNDS, DEPOSIT = Decimal(1000), Decimal(10_000)
CREDIT, LESS_CREDIT = Decimal("51.864865"), Decimal("43.675675")
COST, LESS_COST = Decimal("52.891892"), Decimal("44.540540")
"""At 3 %, the percentage of this world's store."""
TAKEN = CREDIT - LESS_CREDIT


@pytest.fixture
def own_recipe() -> Recipe:
    return Recipe(payout_world, {"traders": 1})


async def money(world: World) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """The store's total and held, the trader's total and held."""
    store, trader = await world.store_balance(), await world.trader_balance()
    return store.total, store.held, trader.total, trader.held


async def told(world: World) -> list[tuple[str, str, bool]]:
    statement = (
        "select event_type, payload->>'balance_change', (payload->>'paid')::boolean from callback_deliveries"
        " where event_type in ('order.completed', 'order.adjusted', 'order.reversed') order by id"
    )
    async with world.database.read() as session:
        return [tuple(row) for row in await session.execute(text(statement))]


async def refused(world: World, incoming: int, outcome: str, amount: str | None = None) -> str:
    """Its code. Nothing is changed."""
    case = await disputes.open_dispute(world, incoming)
    before = await money(world)
    with pytest.raises(JivaPayException) as raised:
        await disputes.resolve(world, case, outcome, amount=amount)
    assert await money(world) == before
    assert (await disputes.get(world, case)).decision is None
    return raised.value.code


async def test_less_was_sent_and_found_before_it_was_completed(world: World) -> None:
    incoming = await world.offer_payout()
    await world.take_payout(incoming)
    case = await disputes.open_dispute(world, incoming)
    assert (await world.store_balance()).held == COST
    assert await disputes.resolve(world, case, "adjusted", amount="4000.00") == "resolved_adjusted"
    assert await money(world) == (FUNDS - LESS_COST, 0, DEPOSIT + LESS_CREDIT, LESS_CREDIT)
    order = await world.order(incoming)
    assert (order.status, order.amount_fiat, order.amount_agreed) == ("completed", Decimal(4000), Decimal(4750))
    assert order.amount_exceptions == ["under"]
    assert await told(world) == [("order.completed", f"{-LESS_COST:f}", True)]


async def test_less_was_sent_and_found_while_it_clears(world: World) -> None:
    """What is left goes on clearing, and is free when its time is over."""
    incoming = await world.complete_payout()
    case = await disputes.open_dispute(world, incoming)
    assert await disputes.resolve(world, case, "adjusted", amount="4000.00") == "resolved_adjusted"
    assert await money(world) == (FUNDS - LESS_COST, 0, DEPOSIT + LESS_CREDIT, LESS_CREDIT)
    assert await told(world) == [
        ("order.completed", f"{-COST:f}", True),
        ("order.adjusted", f"{COST - LESS_COST:f}", True),
    ]
    await world.advance(world.rules.payout_clearing_seconds + 1)
    assert await world.clear_due() == 1
    assert (await world.trader_balance()).available == DEPOSIT + LESS_CREDIT


async def test_less_was_sent_and_found_after_it_had_cleared(world: World) -> None:
    """The whole credit is held for the case; the decision takes its part and frees the rest."""
    incoming = await world.complete_payout()
    await world.confirm_payout(incoming)
    case = await disputes.open_dispute(world, incoming)
    assert (await world.trader_balance()).held == CREDIT
    assert await disputes.resolve(world, case, "adjusted", amount="4000.00") == "resolved_adjusted"
    assert await money(world) == (FUNDS - LESS_COST, 0, DEPOSIT + LESS_CREDIT, 0)


@pytest.mark.parametrize("is_lent", [False, True], ids=["waited for", "lent"])
async def test_what_the_trader_no_longer_has(world: World, is_lent: bool) -> None:
    """His pay-ins hold everything but two: the case waits, or the platform lends what is lacking."""
    incoming = await world.complete_payout()
    await world.confirm_payout(incoming)
    tied = [await world.assign(Decimal(450_000))]
    left = (await world.trader_balance()).available - 2
    tied.append(await world.assign((left * Decimal("92.50") / Decimal("0.99")).quantize(Decimal("0.01"))))
    case = await disputes.open_dispute(world, incoming)
    assert await disputes.resolve(world, case, "adjusted", amount="4000.00") == "waiting_funds"
    assert await disputes.is_blocked(world, OwnerType.TRADER, world.trader.id)
    assert (await world.order(incoming)).amount_fiat == Decimal(4750)
    if is_lent:
        assert await disputes.lend(world, case) == "resolved_adjusted"
        lent = await world.scalar("select amount from covers")
        assert TAKEN - Decimal("2.01") < lent < TAKEN - Decimal("1.99")
    else:
        for one in tied:
            await world.cancel(one)
        assert await disputes.top_up(world) == 1
        assert (await disputes.get(world, case)).status == "resolved_adjusted"
        assert (await world.trader_balance()).total == DEPOSIT + LESS_CREDIT
    assert (await world.store_balance()).total == FUNDS - LESS_COST


async def test_taken_up_again(world: World) -> None:
    """Down, up to what was asked for, and away: each time the difference, the last time what is in force."""
    incoming = await world.complete_payout()
    for amount, credit, cost in (("4000.00", LESS_CREDIT, LESS_COST), ("4750.00", CREDIT, COST)):
        case = await disputes.open_dispute(world, incoming)
        assert await disputes.resolve(world, case, "adjusted", amount=amount) == "resolved_adjusted"
        assert await money(world) == (FUNDS - cost, 0, DEPOSIT + credit, credit)
    case = await disputes.open_dispute(world, incoming)
    assert await disputes.resolve(world, case, "adjusted", amount="4000.00") == "resolved_adjusted"
    case = await disputes.open_dispute(world, incoming)
    assert await disputes.resolve(world, case, "cancelled") == "resolved_cancelled"
    assert await money(world) == (FUNDS, 0, DEPOSIT, 0)
    assert (await told(world))[-1] == ("order.reversed", f"{LESS_COST:f}", False)


@pytest.mark.parametrize("is_completed", [False, True], ids=["accepted", "completed"])
async def test_more_than_was_asked_for_is_not_settled(world: World, is_completed: bool) -> None:
    incoming = await world.offer_payout()
    await world.take_payout(incoming)
    if is_completed:
        await world.pay_payout(incoming)
    assert await refused(world, incoming, "adjusted", "4750.01") == "dispute.amount_above_agreed"


async def test_up_again_takes_what_the_store_has(world: World) -> None:
    incoming = await world.complete_payout()
    case = await disputes.open_dispute(world, incoming)
    await disputes.resolve(world, case, "adjusted", amount="4000.00")
    left = (await world.store_balance()).available
    await disputes.tie_up(world, str(left))
    before = await money(world)
    case = await disputes.open_dispute(world, incoming)
    with pytest.raises(InsufficientBalance):
        await disputes.resolve(world, case, "adjusted", amount="4750.00")
    assert await money(world) == before


async def test_a_decision_is_carried_out_once(world: World) -> None:
    incoming = await world.complete_payout()
    case = await disputes.open_dispute(world, incoming)
    await disputes.resolve(world, case, "adjusted", amount="4000.00")
    before = await money(world)
    for outcome, amount in (("adjusted", "3000.00"), ("cancelled", None), ("completed", None)):
        with pytest.raises(JivaPayException) as raised:
            await disputes.resolve(world, case, outcome, amount=amount)
        assert raised.value.code == "dispute.state_conflict"
    assert await money(world) == before
