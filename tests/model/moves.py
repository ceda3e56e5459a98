"""What anybody may do to whatever there is, at any moment: the moves that the model picks from, by their names.

Each is a thin choice of an object for a move of the factories (`World`, disputes, the till), which the walks make,
too. A refusal (`JivaPayException`) is an answer; `Otherwise` means that there is nothing to do it to.
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text

from factories import payout_requests
from factories.world import SYSTEM
from jivapay.database.locks import lock_deal_for_update
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.enums import OrderStatus, PayoutStatus
from jivapay.services import gateway_service, order_processor, order_service, order_status_manager
from jivapay.services.order_service import Decision
from model.walks import Stage, bring_receipt, expect

Move = Callable[[Stage, int], Awaitable[object]]
MOVES: dict[str, Move] = {}
LATELY = 12
"""Among how many of the newest things one is picked."""

PAY_INS = "select id from incoming_orders where direction = 'pay_in'"
PAY_OUTS = "select id from incoming_orders where direction = 'pay_out'"
CASES = (
    "select id from incoming_orders where assigned_order_id in"
    " (select id from orders where status in ('requires_attention', 'pending_trader_confirmation'))"
)
PAYOUTS = "select id from payouts"
DISPUTES = "select public_id from disputes where status not like 'resolved%'"
WITHDRAWALS = "select public_id from withdrawals where status in ('requested', 'approved', 'sending')"
APPROVALS = "select public_id from approvals where status = 'requested'"
INBOX = "select public_id from unmatched_payments where status = 'open'"


def move(function: Move) -> Move:
    MOVES[function.__name__] = function
    return function


async def one_of(stage: Stage, those: str, which: int) -> int:
    return int(await _pick(stage, those, which))


async def known(stage: Stage, those: str, which: int) -> UUID:
    found = await _pick(stage, those, which)
    assert isinstance(found, UUID)
    return found


async def _pick(stage: Stage, those: str, which: int) -> int | UUID:
    async with stage.world.database.read() as session:
        found = (await session.scalars(text(f"{those} order by id desc limit {LATELY}"))).all()
    expect(told=bool(found))
    picked: int | UUID = found[which % len(found)]
    return picked


# Pay-ins


@move
async def a_worker_looks_for_a_requisite(stage: Stage, which: int) -> None:
    await stage.world.process(await one_of(stage, PAY_INS, which))


@move
async def a_worker_s_attempt_is_lost(stage: Stage, which: int) -> None:
    world, incoming = stage.world, await one_of(stage, PAY_INS, which)
    await order_processor.record_failure(world.database, incoming, ConnectionError("lost"), world.rules, SYSTEM)


@move
async def a_payer_confirms(stage: Stage, which: int) -> None:
    await stage.world.confirm_by_customer(await one_of(stage, PAY_INS, which))


@move
async def a_payer_shows_a_receipt(stage: Stage, which: int) -> None:
    await stage.world.confirm_by_customer(await one_of(stage, PAY_INS, which), receipt=True)


@move
async def a_payer_s_receipt_is_lost(stage: Stage, which: int) -> None:
    await stage.world.confirm_by_customer(await one_of(stage, PAY_INS, which), receipt_lost=True)


@move
async def a_lost_receipt_comes(stage: Stage, which: int) -> None:
    lost = f"{PAY_INS} and status = 'failed_processing_receipt'"
    await bring_receipt(stage.world, await one_of(stage, lost, which))


@move
async def a_payer_says_how_much(stage: Stage, which: int) -> None:
    await _state(stage, which, Actor.customer())


@move
async def a_shop_says_how_much(stage: Stage, which: int) -> None:
    await _state(stage, which, stage.world.store.actor)


async def _state(stage: Stage, which: int, actor: Actor) -> None:
    incoming = await one_of(stage, PAY_INS, which)
    async with stage.world.database.write() as session:
        deal = await lock_deal_for_update(session, incoming)
        order = order_status_manager.require_order(deal)
        await order_status_manager.state_amount(session, actor, deal, order.amount_agreed - 1, stage.world.rules)


@move
async def a_shop_cancels(stage: Stage, which: int) -> None:
    world = stage.world
    deal = await world.deal(await one_of(stage, PAY_INS, which))
    store = next(one for one in stage.stores if one.id == deal.incoming.store_id)
    await gateway_service.cancel_payin(world.resources, store, str(deal.incoming.public_id), "no")


@move
async def a_trader_cancels(stage: Stage, which: int) -> None:
    world = stage.world
    trader, order_id = await world.trader_of(await one_of(stage, PAY_INS, which))
    async with world.database.write() as session:
        await order_service.cancel_order_for_trader(session, trader.actor, order_id, "no", world.rules)


@move
async def a_trader_confirms(stage: Stage, which: int) -> None:
    await _confirm(stage, which, Decimal(0))


@move
async def a_trader_has_less(stage: Stage, which: int) -> None:
    await _confirm(stage, which, Decimal(-1))


@move
async def a_trader_has_more(stage: Stage, which: int) -> None:
    await _confirm(stage, which, Decimal(250))


@move
async def a_trader_has_it_from_somebody_else(stage: Stage, which: int) -> None:
    await _confirm(stage, which, Decimal(0), third_party=True)


async def _confirm(stage: Stage, which: int, more: Decimal, *, third_party: bool = False) -> None:
    incoming = await one_of(stage, PAY_INS, which)
    await stage.world.trader_of(incoming)
    amount = (await stage.world.order(incoming)).amount_agreed + more
    await stage.world.confirm_by_trader(incoming, amount=amount if more else None, third_party=third_party)


@move
async def staff_lets_an_order_pass(stage: Stage, which: int) -> None:
    await stage.world.decide_review(await one_of(stage, PAY_INS, which), approve=True)


@move
async def staff_stops_an_order(stage: Stage, which: int) -> None:
    await stage.world.decide_review(await one_of(stage, PAY_INS, which), approve=False)


@move
async def staff_says_paid(stage: Stage, which: int) -> None:
    await _decide(stage, which, OrderStatus.COMPLETED)


@move
async def staff_says_cancelled(stage: Stage, which: int) -> None:
    await _decide(stage, which, OrderStatus.CANCELLED)


@move
async def staff_says_failed(stage: Stage, which: int) -> None:
    await _decide(stage, which, OrderStatus.FAILED)


async def _decide(stage: Stage, which: int, outcome: OrderStatus) -> None:
    """A second person is asked where it takes two (`a_second_person_agrees`)."""
    world = stage.world
    deal = await world.deal(await one_of(stage, CASES, which))
    decision = Decision(outcome, "looked")
    async with world.database.write() as session:
        await order_service.decide_case(session, world.staff, deal.incoming.public_id, decision, world.rules)


# Pay-outs


@move
async def a_shop_pays_out(stage: Stage, which: int) -> None:
    world = stage.world
    await world.process(await world.accept_payout(Decimal(1000 + 500 * (which % 4))))


@move
async def a_worker_looks_for_a_payer(stage: Stage, which: int) -> None:
    await stage.world.process(await one_of(stage, PAY_OUTS, which))


@move
async def a_trader_accepts(stage: Stage, which: int) -> None:
    await stage.world.take_payout(await one_of(stage, PAY_OUTS, which))


@move
async def a_trader_declines(stage: Stage, which: int) -> None:
    await stage.world.decline_payout(await one_of(stage, PAY_OUTS, which))


@move
async def a_trader_pays(stage: Stage, which: int) -> None:
    await stage.world.pay_payout(await one_of(stage, PAY_OUTS, which))


@move
async def a_shop_takes_a_pay_out_back(stage: Stage, which: int) -> None:
    await stage.world.cancel(await one_of(stage, PAY_OUTS, which))


@move
async def a_shop_says_that_it_has_come(stage: Stage, which: int) -> None:
    await stage.world.confirm_payout(await one_of(stage, PAY_OUTS, which))


@move
async def a_shop_asks_for_a_payout(stage: Stage, which: int) -> None:
    """At the payouts service, which makes a pay-out order of it."""
    payout_id = await payout_requests.request_payout(stage.world, Decimal(1000 + 500 * (which % 4)))
    await payout_requests.execute(stage.world, payout_id)


@move
async def a_shop_gives_a_payout_up(stage: Stage, which: int) -> None:
    await payout_requests.set_status(stage.world, await one_of(stage, PAYOUTS, which), PayoutStatus.CANCELLED)


@move
async def a_shop_asks_for_a_payout_again(stage: Stage, which: int) -> None:
    await payout_requests.set_status(stage.world, await one_of(stage, PAYOUTS, which), PayoutStatus.PENDING)
