"""The walks of money beside the orders: decisions of two persons, money that nobody asked for, payout requests."""

from decimal import Decimal
from uuid import UUID

from factories import approvals, payout_requests
from factories.people import CRYPTO
from factories.world import SYSTEM, World
from jivapay.domain.identifiers import new_id
from jivapay.schemas_enums.enums import DepositNetwork, OrderStatus, OwnerType, PayoutExecutor, PayoutStatus
from jivapay.services import adjustment_service, approval_service, deposit_service, order_service
from jivapay.services.adjustment_service import NewAdjustment
from jivapay.services.deposit_service import NewDeposit
from jivapay.services.order_service import Decision
from model.walks import Stage, Story, amount, assigned, changed, expect, fall_silent, lapse, walk

SMALL = Decimal(10)


@walk(True, False)
async def a_second_person_approves_or_rejects(stage: Stage, approves: bool) -> Story:
    world = stage.world
    async with changed(world, FOUR_EYES_AMOUNT=Decimal(1)):
        waiting = await request_deposit(world, Decimal(5))
        yield
        await (approvals.approve if approves else approvals.reject)(world, stage.second, waiting)


@walk()
async def what_waited_is_overtaken(stage: Stage) -> Story:
    """The trader answers while a second person is being asked."""
    world = stage.world
    async with changed(world, FOUR_EYES_AMOUNT=Decimal(1)):
        incoming = await assigned(world)
        await world.confirm_by_customer(incoming)
        await fall_silent(world, incoming)
        order_id = (await world.deal(incoming)).incoming.public_id
        yield
        async with world.database.write() as session:
            decision = Decision(OrderStatus.CANCELLED, "looked")
            await order_service.decide_case(session, world.staff, order_id, decision, world.rules)
        yield
        await world.confirm_by_trader(incoming)
        expect(told=await approval_service.lapse_overtaken(world.database, SYSTEM) == 1)


async def request_deposit(world: World, brought: Decimal) -> UUID:
    """The approval that waits for it. Otherwise, when one person was enough."""
    new = NewDeposit(
        OwnerType.TRADER, world.trader.user_public_id, brought, CRYPTO, DepositNetwork.TRON, new_id().hex, "", "sent"
    )
    async with world.database.write() as session:
        made = await deposit_service.request_deposit(session, world.staff, new, world.rules)
        waiting = await approval_service.find_open(session, "deposit.post", "deposit", made.thing.deposit.id)
    expect(told=waiting is not None)
    assert waiting is not None
    return waiting.public_id


async def approve_withdrawal(stage: Stage, withdrawal: UUID) -> None:
    """By one person, or by two."""
    if (await stage.till.approve(withdrawal)).startswith("approval"):
        await stage.till.agree(withdrawal)


@walk("rejected", "cancelled", "refused", "sent")
async def a_withdrawal(stage: Stage, ending: str) -> Story:
    till = stage.till
    one = await till.request(SMALL)
    yield
    if ending == "rejected":
        await till.reject(one)
    elif ending == "cancelled":
        await till.cancel(one)
    else:
        await approve_withdrawal(stage, one)
        yield
        if ending == "refused":
            await till.reject(one)
            return
        await till.claim(one)
        yield
        await till.give_back(one)
        yield
        await till.agree(one)
        await till.claim(one)
        yield
        await till.send(one)
        expect(told=await till.status(one) == "sent")


async def request_adjustment(world: World, by: Decimal) -> UUID:
    """The approval that waits for it: always by two persons."""
    new = NewAdjustment(OwnerType.TRADER, world.trader.user_public_id, by, CRYPTO, "found a kopeck")
    async with world.database.write() as session:
        made = await adjustment_service.request_adjustment(session, world.staff, new, world.rules)
        row = made.thing.adjustment
        waiting = await approval_service.find_open(session, adjustment_service.POST, "balance_adjustment", row.id)
    assert waiting is not None
    return waiting.public_id


@walk(True, False)
async def an_adjustment(stage: Stage, approves: bool) -> Story:
    waiting = await request_adjustment(stage.world, Decimal(1))
    yield
    await (approvals.approve if approves else approvals.reject)(stage.world, stage.second, waiting)


@walk()
async def money_that_nobody_asked_for_is_attached(stage: Stage) -> Story:
    world = stage.world
    late = await assigned(world)
    paid = (await world.order(late)).amount_agreed
    await lapse(world, late)
    yield
    trader, _ = await world.trader_of(late)
    payment = await world.declare(paid, trader=trader)
    yield
    await world.attach(payment, late)


@walk()
async def money_that_nobody_asked_for_is_returned(stage: Stage) -> Story:
    payment = await stage.world.declare(amount(stage.world))
    yield
    await stage.world.return_unmatched(payment)


@walk(PayoutStatus.PROCESSED, PayoutStatus.CANCELLED)
async def a_payout_request_by_hand(stage: Stage, status: PayoutStatus) -> Story:
    payout_id = await payout_requests.request_payout(stage.world, executor=PayoutExecutor.MANUAL)
    yield
    await payout_requests.set_status(stage.world, payout_id, status)


@walk(PayoutStatus.PROCESSED, PayoutStatus.FAILED)
async def a_payout_request_is_executed(stage: Stage, comes_to: PayoutStatus) -> Story:
    world = stage.world
    script = {"card": "1", "sandbox": "fail"} if comes_to is PayoutStatus.FAILED else {}
    payout_id = await payout_requests.request_payout(world, executor=PayoutExecutor.SANDBOX, **script)
    yield
    await world.advance(60)
    expect(told=await payout_requests.execute(world, payout_id) is comes_to)
    if comes_to is PayoutStatus.FAILED:
        yield
        await payout_requests.set_status(world, payout_id, PayoutStatus.PENDING)
