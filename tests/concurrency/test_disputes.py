"""Many hands on one dispute: one decides, the order ends once, and money moves once."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest

from factories import disputes
from factories.payouts import payout_world
from factories.world import World
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.enums import OwnerType
from jivapay.services import approval_service, dispute_service
from jivapay.utils.resources import Resources
from support.racing import WON, race, rounds

ROUNDS = rounds(4)
OUTCOMES = ("completed", "cancelled", "adjusted", "failed")
Move = Callable[[], Awaitable[object]]


def deciding(world: World, case: UUID, outcome: str) -> Move:
    amount = "777.00" if outcome == "adjusted" else None
    return lambda: disputes.resolve(world, case, outcome, amount=amount)


async def moved(world: World) -> Decimal:
    """What the trader has paid, and the store been given, must answer each other."""
    await world.roll_up()
    sums = "select sum(balance) from accounts where kind = 'crypto' and not test"
    return Decimal(await world.scalar(sums))


async def test_four_decisions_about_an_open_order_have_one_winner(world: World) -> None:
    for number in range(ROUNDS):
        incoming = await world.assign(Decimal(1000 + number))
        await world.confirm_by_customer(incoming)
        case = await disputes.open_dispute(world, incoming)
        outcomes = await race([deciding(world, case, outcome) for outcome in OUTCOMES])
        assert sorted(outcomes) == ["dispute.state_conflict"] * 3 + [WON]
        winner = OUTCOMES[outcomes.index(WON)]
        ended = {"completed": "completed", "adjusted": "completed", "cancelled": "cancelled", "failed": "failed"}
        assert (await world.statuses(incoming))[1] == ended[winner]
        assert (await world.trader_balance()).held == Decimal(0)
    assert await moved(world) == Decimal(0)


async def test_three_decisions_about_a_completed_order_have_one_winner(world: World) -> None:
    for number in range(ROUNDS):
        incoming = await world.complete(Decimal(1000 + number))
        case = await disputes.open_dispute(world, incoming)
        outcomes = await race([deciding(world, case, outcome) for outcome in OUTCOMES[:3]])
        assert sorted(outcomes) == ["dispute.state_conflict"] * 2 + [WON]
        ended = {"completed": "completed", "adjusted": "completed", "cancelled": "reversed"}
        assert (await world.order(incoming)).status == ended[OUTCOMES[outcomes.index(WON)]]
        assert (await world.store_balance()).held == Decimal(0)
    assert await moved(world) == Decimal(0)


async def test_decisions_about_a_pay_out_beside_the_clearing_of_its_credit(own_resources: Resources) -> None:
    """One decides; the clock and the store's word find the credit as that left it, or leave it to the case."""
    world = await payout_world(own_resources, traders=1, funds=Decimal(10_000))
    for number in range(ROUNDS):
        incoming = await world.complete_payout(Decimal(1000 + number))
        case = await disputes.open_dispute(world, incoming)
        await world.advance(world.rules.payout_clearing_seconds + 1)
        moves = [deciding(world, case, outcome) for outcome in OUTCOMES[:3]]
        outcomes = await race([*moves, world.clear_due, partial(world.confirm_payout, incoming)])
        assert sorted(outcomes[:3]) == ["dispute.state_conflict"] * 2 + [WON]
        ended = {"completed": "completed", "adjusted": "completed", "cancelled": "reversed"}
        assert (await world.order(incoming)).status == ended[OUTCOMES[outcomes.index(WON)]]
        assert outcomes[3] == WON
        assert outcomes[4] in {WON, "order.state_conflict"}
        await world.clear_due()
        assert (await world.trader_balance()).held == Decimal(0)
        assert (await world.store_balance()).held == Decimal(0)
    assert await moved(world) == Decimal(0)


async def test_corrections_beside_completions_on_one_requisite(world: World) -> None:
    """Both lock the requisite, then the store's account."""
    await world.deposit(world.trader, Decimal(250 * ROUNDS))
    for number in range(ROUNDS):
        settled = [await world.complete(Decimal(2000 + 10 * number + which)) for which in range(2)]
        cases = [await disputes.open_dispute(world, one) for one in settled]
        incoming = [await world.assign(Decimal(3000 + 10 * number + which)) for which in range(3)]
        moves = [deciding(world, cases[0], "adjusted"), deciding(world, cases[1], "cancelled")]
        moves += [lambda one=one: world.confirm_by_trader(one) for one in incoming]
        assert set(await race(moves)) == {WON}
    assert await moved(world) == Decimal(0)


async def test_opening_against_confirm_cancel_and_time_out(world: World) -> None:
    """Whoever is first: an open order waits in its dispute, a completed one is disputed as completed."""
    await world.change_settings(CLIENT_PAY_SECONDS=5)
    incoming = [await world.assign(Decimal(1000 + number)) for number in range(ROUNDS)]
    await world.advance(5.1)
    for one in incoming:
        moves: dict[str, Move] = {
            "open": lambda one=one: disputes.open_dispute(world, one),
            "confirm": lambda one=one: world.confirm_by_trader(one),
            "cancel": lambda one=one: world.cancel(one),
            "time": world.expire_due,
        }
        outcomes = dict(zip(moves, await race(list(moves.values())), strict=True))
        status = (await world.statuses(one))[1]
        assert status in {"dispute", "completed", "cancelled", "expired"}
        assert (outcomes["confirm"] == WON) == (status == "completed")
        assert outcomes["open"] == WON


async def test_deciding_against_confirm_cancel_and_time_out(world: World) -> None:
    """An order in a dispute is nobody's but the one's who decides it."""
    for number in range(ROUNDS):
        incoming = await world.assign(Decimal(1000 + number))
        case = await disputes.open_dispute(world, incoming)
        await world.advance(world.rules.client_pay_seconds + 1)
        decided, confirmed, cancelled, _, _ = await race(
            [
                deciding(world, case, "cancelled"),
                lambda one=incoming: world.confirm_by_trader(one),
                lambda one=incoming: world.cancel(one),
                world.expire_due,
                lambda: disputes.expire_turns(world),
            ]
        )
        assert (decided, confirmed, cancelled) == (WON, "order.state_conflict", "order.state_conflict")
        assert (await world.statuses(incoming))[1] == "cancelled"


async def test_two_second_persons_carry_it_out_once(world: World) -> None:
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(1))
    people = [await disputes.another_admin(world) for _ in range(3)]
    for number in range(ROUNDS):
        incoming = await world.complete(Decimal(1000 + number))
        case = await disputes.open_dispute(world, incoming)
        assert await disputes.resolve(world, case, "cancelled") == "approval"
        moves: list[Move] = [lambda who=who, case=case: disputes.approve(world, case, who) for who in people]
        moves.append(lambda case=case: _reject(world, case))
        outcomes = await race(moves)
        assert outcomes.count(WON) == 1
        assert set(outcomes) <= {WON, "approval.state_conflict", "not_found"}
        order = await world.order(incoming)
        assert order.status == ("completed" if outcomes[3] == WON else "reversed")


async def _reject(world: World, case: UUID) -> None:
    row = await disputes.get(world, case)
    someone = await disputes.another_admin(world)
    async with world.database.write() as session:
        waiting = await approval_service.find_open(session, dispute_service.RESOLVE, "dispute", row.id)
        if waiting is None:
            raise NotFound
        await approval_service.reject(session, someone, waiting.public_id, "no")


@pytest.mark.parametrize("jobs", [1, 3])
async def test_credits_come_while_a_return_waits_for_them(world: World, jobs: int) -> None:
    """Completions hold their accounts, the jobs take what they brought afterwards; nobody waits for the other."""
    returned = await world.complete(Decimal(9000))
    await disputes.tie_up(world, "60")
    case = await disputes.open_dispute(world, returned)
    assert await disputes.resolve(world, case, "cancelled") == "waiting_funds"
    incoming = [await world.assign(Decimal(1000 + number)) for number in range(8)]
    moves: list[Move] = [lambda one=one: world.confirm_by_trader(one) for one in incoming]
    moves += [lambda: disputes.top_up(world)] * jobs
    assert set(await race(moves)) == {WON}
    await disputes.top_up(world)
    assert (await world.order(returned)).status == "reversed"
    assert not await disputes.is_blocked(world, OwnerType.STORE, world.store.id)


async def test_a_cover_is_repaid_once_by_whoever_comes_first(world: World) -> None:
    returned = await world.complete()
    tied = await disputes.tie_up(world, "30")
    case = await disputes.open_dispute(world, returned)
    await disputes.resolve(world, case, "cancelled")
    await disputes.lend(world, case)
    incoming = [await world.assign(Decimal(1000 + number)) for number in range(4)]
    moves: list[Move] = [lambda one=one: world.confirm_by_trader(one) for one in incoming]
    moves += [lambda: disputes.repay_covers(world)] * 3 + [lambda: disputes.release(world, tied)]
    assert set(await race(moves)) == {WON}
    await disputes.repay_covers(world)
    assert await world.scalar("select outstanding from covers") == Decimal(0)
    assert await world.scalar("select sum(amount) from cover_repayments") == Decimal(30)
