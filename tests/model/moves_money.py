"""Money that comes and goes beside the orders, at any moment: in and out, set right, and what nobody asked for."""

from decimal import Decimal

from factories import approvals
from model.moves import APPROVALS, INBOX, PAY_INS, WITHDRAWALS, known, move, one_of
from model.walks import Stage, expect
from model.walks_money import request_adjustment


@move
async def a_trader_brings_money(stage: Stage, which: int) -> None:
    world = stage.world
    await world.deposit(world.traders[which % len(world.traders)], (Decimal(50), Decimal("0.000001"))[which % 2])


@move
async def a_merchant_brings_money(stage: Stage, which: int) -> None:
    await stage.world.fund(Decimal(20 + which))


@move
async def a_trader_asks_for_money(stage: Stage, which: int) -> None:
    """Everything but a little, or a part of it."""
    left = (await stage.world.trader_balance()).available - 3
    expect(told=left > 0)
    await stage.till.request(left if which % 2 else Decimal(20))


@move
async def staff_approves_a_withdrawal(stage: Stage, which: int) -> None:
    await stage.till.approve(await known(stage, WITHDRAWALS, which))


@move
async def staff_rejects_a_withdrawal(stage: Stage, which: int) -> None:
    await stage.till.reject(await known(stage, WITHDRAWALS, which))


@move
async def its_owner_cancels_a_withdrawal(stage: Stage, which: int) -> None:
    await stage.till.cancel(await known(stage, WITHDRAWALS, which))


@move
async def somebody_takes_a_withdrawal_in_hand(stage: Stage, which: int) -> None:
    await stage.till.claim(await known(stage, WITHDRAWALS, which))


@move
async def a_withdrawal_is_sent(stage: Stage, which: int) -> None:
    await stage.till.send(await known(stage, WITHDRAWALS, which))


@move
async def a_withdrawal_could_not_be_sent(stage: Stage, which: int) -> None:
    await stage.till.give_back(await known(stage, WITHDRAWALS, which))


@move
async def staff_sets_a_balance_right(stage: Stage, which: int) -> None:
    await request_adjustment(stage.world, (Decimal(7), Decimal("-5.5"))[which % 2])


@move
async def a_second_person_agrees(stage: Stage, which: int) -> None:
    await approvals.approve(stage.world, stage.second, await known(stage, APPROVALS, which))


@move
async def a_second_person_refuses(stage: Stage, which: int) -> None:
    await approvals.reject(stage.world, stage.second, await known(stage, APPROVALS, which))


# Money that nobody asked for


@move
async def a_trader_has_money_without_an_order(stage: Stage, which: int) -> None:
    await stage.world.declare((Decimal(1500), Decimal("2500.00"))[which % 2])


@move
async def a_trader_has_what_a_lapsed_order_asked_for(stage: Stage, which: int) -> None:
    incoming = await one_of(stage, f"{PAY_INS} and status in ('expired', 'cancelled')", which)
    trader, _ = await stage.world.trader_of(incoming)
    await stage.world.declare((await stage.world.order(incoming)).amount_agreed, trader=trader)


@move
async def staff_finds_the_order(stage: Stage, which: int) -> None:
    """One of its trader's for the same amount, if there is any; else any."""
    world, payment = stage.world, await known(stage, INBOX, which)
    same = await world.scalar(
        "select o.incoming_order_id from orders o join unmatched_payments u on u.trader_id = o.trader_id"
        " where u.public_id = :payment and o.direction = 'pay_in'"
        " order by o.amount_agreed = u.amount_fiat desc, o.id desc limit 1",
        payment=payment,
    )
    expect(told=same is not None)
    await world.attach(payment, same)


@move
async def money_is_sent_back(stage: Stage, which: int) -> None:
    await stage.world.return_unmatched(await known(stage, INBOX, which))
