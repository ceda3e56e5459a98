"""The walks of money beside the orders: decisions of two persons, money that nobody asked for, payout requests."""

from decimal import Decimal
from uuid import UUID

from factories.disputes import another_admin
from factories.people import CRYPTO, FIAT
from factories.treasury import make_till
from factories.world import SYSTEM, World
from jivapay.domain.identifiers import new_id
from jivapay.schemas_enums.enums import DepositNetwork, OrderStatus, OwnerType, PayoutExecutor, PayoutStatus
from jivapay.services import adjustment_service, approval_service, deposit_service, order_service, payout_service
from jivapay.services.adjustment_service import NewAdjustment
from jivapay.services.deposit_service import NewDeposit
from jivapay.services.order_service import Decision
from jivapay.services.payout_service import NewPayout, Terms
from model.walks import amount, assigned, fall_silent, lapse, walk


@walk
async def a_second_person_approves_or_rejects(world: World) -> None:
    before = world.rules.four_eyes_amount
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(1))
    second = await another_admin(world)
    for approves in (True, False):
        waiting = await _request_deposit(world)
        async with world.database.write() as session:
            if approves:
                approval = await approval_service.take(session, second, waiting)
                await deposit_service.execute_deposit(session, second, approval, world.rules)
            else:
                approval = await approval_service.reject(session, second, waiting, "not seen")
                await deposit_service.reject_deposit(session, second, approval, world.rules)
    await world.change_settings(FOUR_EYES_AMOUNT=before)


@walk
async def what_waited_is_overtaken(world: World) -> None:
    """The trader answers while a second person is being asked."""
    before = world.rules.four_eyes_amount
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(1))
    incoming = await assigned(world)
    await world.confirm_by_customer(incoming)
    await fall_silent(world, incoming)
    order_id = (await world.deal(incoming)).incoming.public_id
    async with world.database.write() as session:
        decision = Decision(OrderStatus.CANCELLED, "looked")
        await order_service.decide_case(session, world.staff, order_id, decision, world.rules)
    assert await approval_service.lapse_overtaken(world.database, SYSTEM) == 0
    await world.confirm_by_trader(incoming)
    assert await approval_service.lapse_overtaken(world.database, SYSTEM) == 1
    await world.change_settings(FOUR_EYES_AMOUNT=before)


async def _request_deposit(world: World) -> UUID:
    """The approval that waits for it."""
    new = NewDeposit(
        OwnerType.TRADER, world.trader.user_public_id, Decimal(5), CRYPTO, DepositNetwork.TRON, new_id().hex, "", "sent"
    )
    async with world.database.write() as session:
        made = await deposit_service.request_deposit(session, world.staff, new, world.rules)
        waiting = await approval_service.find_open(session, "deposit.post", "deposit", made.thing.deposit.id)
    assert waiting is not None
    return waiting.public_id


@walk
async def withdrawals(world: World) -> None:
    till = await make_till(world)
    sent, rejected, refused, cancelled = [await till.request(Decimal(10)) for _ in range(4)]
    await till.reject(rejected)
    await till.cancel(cancelled)
    await till.approve(refused)
    await till.reject(refused)
    await till.approve(sent)
    await till.claim(sent)
    await till.give_back(sent)
    await till.agree(sent)
    await till.claim(sent)
    await till.send(sent)
    assert await till.status(sent) == "sent"


@walk
async def adjustments(world: World) -> None:
    """Always by two persons."""
    second = await another_admin(world)
    for approves in (True, False):
        new = NewAdjustment(OwnerType.TRADER, world.trader.user_public_id, Decimal(1), CRYPTO, "found a kopeck")
        async with world.database.write() as session:
            made = await adjustment_service.request_adjustment(session, world.staff, new, world.rules)
            row = made.thing.adjustment
            waiting = await approval_service.find_open(session, "balance_adjustment.post", "balance_adjustment", row.id)
        assert waiting is not None
        async with world.database.write() as session:
            if approves:
                approval = await approval_service.take(session, second, waiting.public_id)
                await adjustment_service.execute_adjustment(session, second, approval, world.rules)
            else:
                approval = await approval_service.reject(session, second, waiting.public_id, "no")
                await adjustment_service.reject_adjustment(session, second, approval, world.rules)


@walk
async def money_that_nobody_asked_for(world: World) -> None:
    late = await assigned(world)
    paid = (await world.order(late)).amount_agreed
    await lapse(world, late)
    trader, _ = await world.trader_of(late)
    await world.attach(await world.declare(paid, trader=trader), late)
    await world.return_unmatched(await world.declare(amount(world)))


@walk
async def payout_requests(world: World) -> None:
    by_hand, cancelled = [await _request_payout(world, PayoutExecutor.MANUAL) for _ in range(2)]
    async with world.database.write() as session:
        await payout_service.set_payout_status(session, world.store, by_hand, PayoutStatus.PROCESSED, world.rules)
        await payout_service.set_payout_status(session, world.store, cancelled, PayoutStatus.CANCELLED, world.rules)
    paid = await _request_payout(world, PayoutExecutor.SANDBOX)
    refused = await _request_payout(world, PayoutExecutor.SANDBOX, sandbox="fail")
    await world.advance(60)
    assert await _execute(world, paid) is PayoutStatus.PROCESSED
    assert await _execute(world, refused) is PayoutStatus.FAILED
    async with world.database.write() as session:
        await payout_service.set_payout_status(session, world.store, refused, PayoutStatus.PENDING, world.rules)


async def _request_payout(world: World, executor: PayoutExecutor, **script: str) -> int:
    new = NewPayout(user_id=123, amount=Decimal("100.50"), currency=FIAT, recipient_details={"card": "1", **script})
    async with world.database.write() as session:
        terms = Terms(executor, world.resources.cipher, world.rules)
        made = await payout_service.create_payout(session, world.store, new, terms)
    return made.thing.id


async def _execute(world: World, payout_id: int) -> PayoutStatus | None:
    return await payout_service.execute_payout(world.database, world.resources.cipher, payout_id, SYSTEM, world.rules)
