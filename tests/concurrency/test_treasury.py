"""Money on its way out, pulled at by many: held once, decided once, sent once, in every pair."""

import itertools
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest

from factories.people import CRYPTO
from factories.treasury import FEE, Till, make_till
from factories.world import World
from jivapay.schemas_enums.enums import DepositNetwork, OwnerType
from jivapay.services import deposit_service
from jivapay.services.deposit_service import NewDeposit
from support.racing import WON, race, rounds

ROUNDS = rounds(5)
ENDS = {"approved", "rejected", "cancelled", "sending"}
LOST = {"withdrawal.state_conflict", "approval.stale"}


@pytest.fixture
async def till(world: World) -> Till:
    return await make_till(world)


async def test_a_hundred_withdrawals_of_more_than_half(till: Till) -> None:
    """Each of 60 % of the balance: one is held, whatever they meet. As many at once as there are connections for."""
    outcomes = [one for _ in range(5) for one in await race([lambda: till.request(Decimal(6000))] * 20)]
    assert sorted(outcomes) == ["balance.insufficient"] * 99 + [WON]
    balance = await till.world.trader_balance()
    assert (balance.held, balance.total) == (6000 + FEE, 10_000)


async def test_withdrawals_against_the_holds_of_pay_ins(till: Till) -> None:
    """What one has set aside the other cannot have."""
    world = till.world
    for _ in range(ROUNDS):
        for _ in range(3):
            await world.add_requisite(world.trader)
        waiting = [await world.accept(Decimal(370_000) + next(world.numbers)) for _ in range(3)]
        moves: list[Callable[[], Awaitable[object]]] = [lambda one=one: world.process(one) for one in waiting]
        moves += [lambda: till.request(Decimal(4000))] * 3
        await race(moves)
        balance = await world.trader_balance()
        assert balance.held <= 10_000
        for one in waiting:
            await world.cancel(one)
        # What was just cancelled may still be paid: it stays covered, though nothing is held for it.
        await world.advance(world.rules.late_payment_window_seconds + 1)
        for withdrawal in await open_withdrawals(world):
            await till.reject(withdrawal)
        assert (await world.trader_balance()).held == 0


async def open_withdrawals(world: World) -> list[UUID]:
    found = await world.scalar("select array_agg(public_id) from withdrawals where status = 'requested'")
    return found or []


def moves_of(till: Till, one: UUID) -> dict[str, Callable[[], Awaitable[object]]]:
    return {
        "approve": lambda: till.approve(one),
        "reject": lambda: till.reject(one),
        "cancel": lambda: till.cancel(one),
        "claim": lambda: till.claim(one),
        "claim by another": lambda: till.claim(one, till.first),
    }


@pytest.mark.parametrize(
    "pair",
    [*itertools.combinations(["approve", "reject", "cancel"], 2), ("approve", "approve")],
    ids="-".join,
)
async def test_a_requested_one_is_decided_once(till: Till, pair: tuple[str, str]) -> None:
    for _ in range(ROUNDS):
        one = await till.request(Decimal(10))
        moves = moves_of(till, one)
        outcomes = await race([moves[name] for name in pair])
        status = await till.status(one)
        held = (await till.world.trader_balance()).held
        if set(pair) == {"approve", "reject"}:
            # What is approved may still be rejected: both may win, one after the other.
            assert outcomes[pair.index("reject")] == WON
            assert status == "rejected"
        else:
            assert sorted(outcomes) == ["withdrawal.state_conflict", WON]
            assert status in ENDS
        assert held == (10 + FEE if status == "approved" else 0)
        if status == "approved":
            await till.reject(one)


@pytest.mark.parametrize("other", ["reject", "claim by another", "cancel"])
async def test_an_approved_one_goes_one_way(till: Till, other: str) -> None:
    for _ in range(ROUNDS):
        one = await till.request(Decimal(10))
        await till.approve(one)
        moves = moves_of(till, one)
        outcomes = await race([moves["claim"], moves[other]])
        assert sorted(outcomes, key=len) == [WON, "withdrawal.state_conflict"]
        claimed = outcomes[0] == WON or other == "claim by another"
        assert await till.status(one) == ("sending" if claimed else "rejected")
        if claimed:
            await till.give_back(one, till.sender if outcomes[0] == WON else till.first)
            await till.agree(one)
            await till.reject(one)
        assert (await till.world.trader_balance()).held == 0


async def test_one_that_waits_for_a_second_person_in_every_pair(till: Till) -> None:
    """The second person agrees while the owner cancels or another one rejects."""
    world = till.world
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(1))
    for _ in range(ROUNDS):
        for other in ("cancel", "reject"):
            one = await till.request(Decimal(10))
            assert await till.approve(one) == "approval requested"
            outcomes = await race([lambda one=one: till.agree(one), moves_of(till, one)[other]])
            status = await till.status(one)
            if other == "cancel":
                assert outcomes.count(WON) == 1
                assert status == ("approved" if outcomes[0] == WON else "cancelled")
            else:
                assert outcomes[1] == WON
                assert status == "rejected"
            assert set(outcomes) <= {WON, *LOST}
            if status == "approved":
                await till.reject(one)
            assert (await world.trader_balance()).held == 0


async def test_sent_once_though_pressed_often(till: Till) -> None:
    one = await till.request(Decimal(10))
    await till.approve(one)
    await till.claim(one)
    outcomes = await race([lambda number=number: till.send(one, f"{number:064x}") for number in range(10)])
    assert sorted(outcomes, key=len) == [WON, *["withdrawal.state_conflict"] * 9]
    assert (await till.world.trader_balance()).total == 10_000 - 10 - FEE


async def test_one_transaction_pays_one_withdrawal(till: Till) -> None:
    made = [await till.request(Decimal(10)) for _ in range(6)]
    for one in made:
        await till.approve(one)
        await till.claim(one)
    outcomes = await race([lambda one=one: till.send(one, "ab" * 32) for one in made])
    assert sorted(outcomes, key=len) == [WON, *["withdrawal.duplicate"] * 5]
    assert (await till.world.trader_balance()).total == 10_000 - 10 - FEE
    assert (await till.world.trader_balance()).held == 5 * (10 + FEE)


async def test_the_sums_of_a_day_see_each_other(till: Till) -> None:
    """Ten approvals at once, of which two fit under the amount that needs nobody else."""
    world = till.world
    await world.advance(25 * 3600)
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(220))
    made = [await till.request(Decimal(100)) for _ in range(10)]
    assert await race([lambda one=one: till.approve(one) for one in made]) == [WON] * 10
    statuses = sorted([await till.status(one) for one in made])
    assert statuses == ["approved"] * 2 + ["requested"] * 8


async def record_deposit(world: World, tx_hash: str, tx_output: str) -> None:
    trader = (OwnerType.TRADER, world.trader.user_public_id)
    new = NewDeposit(*trader, Decimal(1), CRYPTO, DepositNetwork.TRON, tx_hash, tx_output, "seen on chain")
    async with world.database.write() as session:
        await deposit_service.request_deposit(session, world.staff, new, world.rules)


async def test_one_transaction_recorded_with_and_without_its_output(till: Till) -> None:
    """Whoever names no output stands for the whole transaction: either he is credited, or the outputs are."""
    world = till.world
    for _ in range(ROUNDS):
        before = (await world.trader_balance()).total
        spelled = f"{next(world.numbers):062x}Ab"
        outcomes = await race(
            partial(record_deposit, world, tx_hash, output)
            for tx_hash, output in ((spelled, ""), (spelled.upper(), "0"), (f"0x{spelled}", "1"))
        )
        lost = "deposit.duplicate"
        assert outcomes in ([WON, lost, lost], [lost, WON, WON])
        assert (await world.trader_balance()).total == before + outcomes.count(WON)
