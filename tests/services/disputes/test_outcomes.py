"""Wherever an order has gone beside its dispute, staff can end the dispute: which outcomes there are, from where."""

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from uuid import UUID

import pytest

from factories import disputes
from factories.world import World
from jivapay.exceptions import Conflict
from jivapay.schemas_enums.enums import DisputeOutcome, OrderStatus

pytestmark = pytest.mark.usefixtures("own_invariants_hold")

Cases = dict[int, UUID]
"""Disputes by their incoming orders."""


async def _opened(world: World, incoming: Sequence[int]) -> Cases:
    merchant = await disputes.merchant_of(world)
    return {one: await disputes.open_dispute(world, one, merchant) for one in incoming}


async def _assigned(world: World) -> list[int]:
    return [await world.assign(Decimal(4750 + number)) for number in range(len(DisputeOutcome))]


async def disputed(world: World) -> Cases:
    return await _opened(world, await _assigned(world))


async def completed(world: World) -> Cases:
    return await _opened(world, [await world.complete(Decimal(4750 + number)) for number in range(len(DisputeOutcome))])


async def cancelled(world: World) -> Cases:
    incoming = await _assigned(world)
    for one in incoming:
        await world.cancel(one, await disputes.trader_of(world, one))
    return await _opened(world, incoming)


async def expired(world: World) -> Cases:
    incoming = await _assigned(world)
    await world.advance(world.rules.client_pay_seconds + 1)
    assert await world.expire_due() == len(incoming)
    return await _opened(world, incoming)


async def revived(world: World) -> Cases:
    cases = await expired(world)
    for one in cases:
        await world.confirm_by_customer(one, receipt=True)
    return cases


async def silent(world: World) -> Cases:
    cases = await revived(world)
    await world.advance(world.rules.trader_confirm_seconds + 1)
    assert await world.expire_due() == len(cases)
    return cases


def decided(outcome: OrderStatus) -> Callable[[World], Awaitable[Cases]]:
    async def decide(world: World) -> Cases:
        cases = await silent(world)
        for one in cases:
            await world.decide(one, outcome)
        return cases

    return decide


PAID_OR_NOT = {"completed": "completed", "adjusted": "completed", "cancelled": "cancelled"}
STANDS_OR_NOT = PAID_OR_NOT | {"cancelled": "reversed"}
"""What becomes of the order, by outcome; any other outcome is refused."""


@pytest.mark.parametrize(
    ("prepare", "status", "ends"),
    [
        pytest.param(disputed, "dispute", PAID_OR_NOT | {"failed": "failed"}, id="disputed"),
        pytest.param(completed, "completed", STANDS_OR_NOT, id="completed"),
        pytest.param(cancelled, "cancelled", PAID_OR_NOT, id="cancelled"),
        pytest.param(expired, "expired", PAID_OR_NOT | {"cancelled": "expired"}, id="expired"),
        pytest.param(revived, "pending_trader_confirmation", PAID_OR_NOT, id="revived"),
        pytest.param(silent, "requires_attention", PAID_OR_NOT | {"failed": "failed"}, id="revived, trader silent"),
        pytest.param(decided(OrderStatus.COMPLETED), "completed", STANDS_OR_NOT, id="revived, decided completed"),
        pytest.param(decided(OrderStatus.CANCELLED), "cancelled", PAID_OR_NOT, id="revived, decided cancelled"),
        pytest.param(decided(OrderStatus.FAILED), "failed", {"cancelled": "failed"}, id="revived, decided failed"),
    ],
)
async def test_there_is_an_end(
    world: World, prepare: Callable[[World], Awaitable[Cases]], status: str, ends: dict[str, str]
) -> None:
    cases = await prepare(world)
    for (incoming, case), outcome in zip(cases.items(), DisputeOutcome, strict=True):
        assert (await world.order(incoming)).status == status
        amount = "4000.00" if outcome is DisputeOutcome.ADJUSTED else None
        if outcome not in ends:
            with pytest.raises(Conflict) as raised:
                await disputes.resolve(world, case, outcome, amount=amount)
            assert raised.value.code == "dispute.outcome_unavailable"
            assert (await world.order(incoming)).status == status
            assert (await disputes.get(world, case)).decision is None
            continue
        word = "cancelled" if outcome is DisputeOutcome.FAILED else outcome.value
        assert await disputes.resolve(world, case, outcome, amount=amount) == f"resolved_{word}"
        assert (await world.order(incoming)).status == ends[outcome]
