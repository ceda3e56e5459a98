"""Late and other amounts by many hands at once: one of them settles the order, and money moves once."""

from decimal import Decimal

import pytest

from factories.world import AMOUNT, World
from jivapay.schemas_enums.enums import OrderStatus
from support.racing import WON, race, rounds

ROUNDS = rounds(6)
SMALLER = Decimal("4517.00")


async def settlements(world: World) -> int:
    return int(await world.scalar("select count(*) from transfers where kind = 'settlement'"))


async def test_a_smaller_amount_stated_by_both_at_once_settles_once(world: World) -> None:
    """Whoever is second finds what the first has said: the order never waits for a person with both agreed."""
    for number in range(ROUNDS):
        agreed = Decimal(1000 + number)
        incoming = await world.assign(agreed)
        said = agreed - 1
        outcomes = await race(
            [
                lambda one=incoming, said=said: world.confirm_by_trader(one, amount=said),
                lambda one=incoming, said=said: world.confirm_by_customer(one, actor=world.store.actor, amount=said),
            ]
        )
        assert outcomes == [WON, WON]
        order = await world.order(incoming)
        assert (order.status, order.amount_fiat) == ("completed", said)
    assert await settlements(world) == ROUNDS


@pytest.mark.parametrize("rival", ["trader", "person", "payer"])
async def test_an_unmatched_payment_is_attached_or_its_order_settled_otherwise(world: World, rival: str) -> None:
    """The same money, declared and confirmed: the order is settled once, and what is left is in the inbox."""
    for number in range(ROUNDS):
        amount = Decimal(1000 + number)
        incoming = await world.assign(amount)
        await world.cancel(incoming)
        payment = await world.declare(amount)
        rivals = {
            "trader": lambda one=incoming: world.confirm_by_trader(one),
            "person": lambda one=payment: world.return_unmatched(one),
            "payer": lambda one=incoming: world.confirm_by_customer(one, receipt=True),
        }
        attached, other = await race(
            [lambda one=payment, to=incoming: world.attach(one, to), rivals[rival]],
        )
        status = (await world.statuses(incoming))[1]
        assert WON in {attached, other}
        if rival == "person":
            assert (attached == WON) != (other == WON)
            assert status == ("completed" if attached == WON else "cancelled")
        elif rival == "trader":
            assert status == "completed"
            assert (attached == WON) != (other == WON)
        else:
            assert (status == "completed") == (attached == WON)


async def test_twenty_declarations_never_hold_more_than_there_is(world: World) -> None:
    outcomes = await race([lambda: world.declare(Decimal(100_000))] * 20)
    balance = await world.trader_balance()
    assert outcomes.count(WON) == 9
    assert set(outcomes) == {WON, "balance.insufficient"}
    assert balance.available >= 0
    assert await world.scalar("select count(*) from unmatched_payments") == 9


async def test_trader_s_word_against_time_out_against_a_decision(world: World) -> None:
    await world.change_settings(CLIENT_PAY_SECONDS=5)
    for number in range(ROUNDS):
        agreed = AMOUNT + number
        incoming = await world.assign(agreed)
        await world.advance(5.1)
        await race(
            [
                lambda one=incoming: world.confirm_by_trader(one, amount=SMALLER),
                world.expire_due,
                lambda one=incoming: world.decide(one, OrderStatus.CANCELLED),
            ]
        )
        assert (await world.statuses(incoming))[1] in {"requires_attention", "cancelled", "expired"}
    assert await settlements(world) == 0
