"""Many hands on a payout request that a pay-out order carries out: one order pays, and taken back is taken back."""

import contextlib
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial

import pytest

from factories.fixtures import Recipe
from factories.payout_requests import (
    delete,
    execute,
    execute_told,
    order_of,
    ordered_payout,
    request_payout,
    set_status,
)
from factories.payouts import payout_world
from factories.world import World
from jivapay.exceptions import Conflict
from jivapay.schemas_enums.enums import PayoutExecutor, PayoutStatus
from jivapay.services.payout_service.dispatch import SANDBOX_REST_SECONDS
from jivapay.services.payout_service.execution import LEASE_SECONDS
from support.racing import WON, race, rounds

ROUNDS = rounds(3)
Move = Callable[[World, int], Awaitable[object]]
LIVING = (
    "select count(*) from incoming_orders where payout_id = :id and status not in ('failed', 'cancelled', 'expired')"
)


@pytest.fixture
def own_recipe() -> Recipe:
    return Recipe(payout_world, {"traders": 3, "funds": Decimal(100_000)})


async def cancel(world: World, payout_id: int) -> object:
    return await set_status(world, payout_id, PayoutStatus.CANCELLED)


async def ask_again(world: World, payout_id: int) -> object:
    return await set_status(world, payout_id, PayoutStatus.PENDING)


async def insist_on_another_attempt(world: World, payout_id: int) -> None:
    """A store that says again and again that it has failed and is asked for again."""
    for _ in range(6):
        for status in (PayoutStatus.FAILED, PayoutStatus.PENDING):
            with contextlib.suppress(Conflict):
                await set_status(world, payout_id, status)


async def accept(world: World, payout_id: int) -> object:
    return await world.take_payout(await order_of(world, payout_id))


async def pay(world: World, payout_id: int) -> object:
    return await world.pay_payout(await order_of(world, payout_id))


async def status_of(world: World, payout_id: int) -> str:
    """Deleted ones too."""
    shown = "select case when deleted_at is null then status else 'deleted' end from payouts where id = :id"
    return str(await world.scalar(shown, id=payout_id))


async def come_to_rest(world: World, payout_id: int) -> tuple[str, int]:
    """Its status once everything is told, and how many of its orders may still pay or have."""
    await execute_told(world)
    await execute(world, payout_id)
    return await status_of(world, payout_id), int(await world.scalar(LIVING, id=payout_id))


async def test_many_workers_make_one_order(world: World) -> None:
    payout_id = await request_payout(world)
    assert await race([partial(execute, world, payout_id)] * 12) == [WON] * 12
    assert await world.scalar("select count(*) from incoming_orders") == 1
    assert await world.scalar("select count(*) from holds where status = 'active'") == 1
    assert await world.scalar("select count(*) from payout_attempts") == 1


async def test_eight_requests_on_a_balance_for_six(world: World) -> None:
    store = await world.add_store(pay_out_enabled=True)
    await world.fund(Decimal(33_000), store)
    made = [await request_payout(world, Decimal(480_000), store=store) for _ in range(8)]
    assert await race([partial(execute, world, payout_id) for payout_id in made]) == [WON] * 8
    counted = "select count(*) from payouts where status = :status"
    assert await world.scalar(counted, status="pending") == 6
    assert await world.scalar(counted, status="failed") == 2


@pytest.mark.parametrize("take_back", [cancel, delete], ids=["cancelled", "deleted"])
async def test_taken_back_while_a_trader_accepts(world: World, take_back: Move) -> None:
    for number in range(ROUNDS):
        payout_id, incoming = await ordered_payout(world, Decimal(1000 + number))
        await world.process(incoming)
        outcomes = await race([partial(take_back, world, payout_id), partial(accept, world, payout_id)])
        assert outcomes.count(WON) == 1
        ended = "cancelled" if take_back is cancel else "deleted"
        assert await come_to_rest(world, payout_id) == ((ended, 0) if outcomes[0] == WON else ("processing", 1))


async def test_taken_back_while_its_order_is_made(world: World) -> None:
    for number in range(ROUNDS):
        payout_id = await request_payout(world, Decimal(1000 + number))
        assert await race([partial(cancel, world, payout_id), partial(execute, world, payout_id)]) == [WON, WON]
        assert await come_to_rest(world, payout_id) == ("cancelled", 0)
    assert (await world.store_balance()).held == 0


async def test_looked_after_while_the_trader_pays(world: World) -> None:
    for number in range(ROUNDS):
        payout_id, incoming = await ordered_payout(world, Decimal(1000 + number))
        await world.process(incoming)
        await world.take_payout(incoming)
        moves: list[Move] = [pay, execute, execute, cancel]
        outcomes = await race([partial(move, world, payout_id) for move in moves])
        assert outcomes == [WON, WON, WON, "payout.state_conflict"]
        assert await come_to_rest(world, payout_id) == ("processed", 1)


async def test_asked_for_again_by_many(world: World) -> None:
    """A new order only when the old one is dead, and one of it."""
    for number in range(ROUNDS):
        payout_id, incoming = await ordered_payout(world, Decimal(1000 + number))
        await race([partial(world.cancel, incoming), partial(execute, world, payout_id)])
        await execute_told(world)
        assert await status_of(world, payout_id) == "failed"
        moves: list[Move] = [ask_again, execute, ask_again, execute]
        assert await race([partial(move, world, payout_id) for move in moves]) == [WON] * 4
        assert await come_to_rest(world, payout_id) == ("pending", 1)
        assert await world.scalar("select count(*) from incoming_orders where payout_id = :id", id=payout_id) == 2


async def test_called_failed_and_asked_for_again_while_its_executor_pays(world: World) -> None:
    """The store's words come between claim, payment and result: what an executor has in hand is paid once."""
    for _ in range(ROUNDS):
        payout_id = await request_payout(world, executor=PayoutExecutor.SANDBOX)
        await world.advance(SANDBOX_REST_SECONDS)
        moves: list[Move] = [execute, *[insist_on_another_attempt] * 4]
        await race([partial(move, world, payout_id) for move in moves])
        await world.advance(SANDBOX_REST_SECONDS + LEASE_SECONDS)
        await execute(world, payout_id)
        assert await status_of(world, payout_id) == "processed"
        paid = "select count(*) from sandbox_payments join payout_attempts using (reference) where payout_id = :id"
        assert await world.scalar(paid, id=payout_id) == 1
