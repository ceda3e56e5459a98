"""A platform on which everything legal has happened once: what plants are put into, and what must fire nothing."""

from decimal import Decimal

from factories import disputes, payout_requests, people
from factories.people import CRYPTO
from factories.treasury import make_till
from factories.world import World
from jivapay.config.crypto import HeadSigner
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.enums import OrderStatus, OwnerType, PayoutStatus
from jivapay.services import (
    adjustment_service,
    approval_service,
    audit_chain,
    chain_heads,
    deposit_service,
    idempotency,
    posting_chain,
)
from jivapay.services.adjustment_service import AdjustmentView, NewAdjustment, NewCorrection
from jivapay.services.api_key_service import StoreContext
from jivapay.services.deposit_service import NewDeposit
from jivapay.services.idempotency import IdempotencyClaim

CALLBACKS = "https://shop.example/hook"


async def live_through(world: World) -> None:
    """Orders in every state a deal can be in, in both worlds, with callbacks, deposits, reviews and time."""
    await _seal_a_day(world)
    payer = await _pay_out(world)
    await _lapse_and_revive(world)
    await _meet_rules(world)
    await _trade_in_other_ways(world)
    await _dispute(world)
    await _meet_other_amounts(world)
    await world.assign(Decimal(101))
    waiting = await world.assign(Decimal(102))
    await world.confirm_by_customer(waiting, receipt=True)
    cancelled = await world.assign(Decimal(103))
    await world.cancel(cancelled)
    await world.cancel(await world.accept(Decimal(104)))
    await world.accept(None, method=None)
    await _leave_payouts_open(world, payer)
    await _request_payouts(world, payer)
    await _take_out(world)
    await _set_right(world)
    await come_to_rest(world)


async def come_to_rest(world: World) -> None:
    """What the background does within seconds: outbox, callbacks, deadlines, balances, audit chain."""
    await world.expire_due()
    await world.roll_up()
    await world.relay()
    await world.deliver_callbacks()
    await chain(world)
    await seal(world)


async def _seal_a_day(world: World) -> None:
    await world.complete()
    await world.advance(86_400 + 16 * 60)
    await chain(world)
    assert await seal(world)


async def seal(world: World) -> int:
    """Days that have ended are sealed and exported; how many."""
    sealed = await chain_heads.seal_due(world.database, HeadSigner.from_settings(world.resources.settings))
    await chain_heads.export_due(world.database, world.resources.storage)
    return len(sealed)


async def chain(world: World) -> None:
    """Audit rows and postings get their links."""
    await audit_chain.append(world.database)
    await posting_chain.append(world.database)


async def _lapse_and_revive(world: World) -> None:
    revived, silent, claimed, seen, lapsed = [await world.assign(Decimal(200 + number)) for number in range(5)]
    await world.advance(901)
    assert await world.expire_due() == 5
    await world.confirm_by_customer(revived, receipt=True)
    await world.confirm_by_trader(revived)
    await world.confirm_by_customer(claimed, receipt=True)
    await world.confirm_by_trader(seen)
    await world.confirm_by_customer(silent, receipt=True)
    await world.advance(1801)
    assert await world.expire_due() == 2
    assert (await world.statuses(lapsed))[1] == "expired"


async def _meet_other_amounts(world: World) -> None:
    """Less than agreed, more than agreed, and money without an order: attached, returned, waiting."""
    smaller, larger, attached = [await world.assign(Decimal(300 + number)) for number in range(3)]
    await world.confirm_by_trader(smaller, amount=Decimal(299))
    await world.confirm_by_customer(smaller, actor=world.store.actor, amount=Decimal(299))
    await world.confirm_by_trader(larger, amount=Decimal(400))
    payments = [await world.declare(Decimal(amount)) for amount in (310, 320, 330)]
    await world.attach(payments[0], attached)
    await world.return_unmatched(payments[1])


async def _meet_rules(world: World) -> None:
    approved, rejected = [await world.accept(Decimal(amount)) for amount in (600_000, 700_000)]
    for incoming in (approved, rejected, await world.accept(Decimal(3_000_000), store=await _big_store(world))):
        await world.process(incoming)
    await world.decide_review(approved, approve=True)
    await world.process(approved)
    await world.decide_review(rejected, approve=False)
    hopeless = await world.accept(Decimal(105), bank="alfa")
    for _ in range(world.rules.max_order_retries):
        await world.process(hopeless)
        await world.advance(200)
    await world.process(await world.accept(Decimal(106), bank="alfa"))


async def _big_store(world: World) -> StoreContext:
    return await world.add_store(upper_limit=Decimal(10_000_000), callback_url=CALLBACKS)


async def _trade_in_other_ways(world: World) -> None:
    dear = await world.add_store(rate_margin_percent=Decimal("2.5"), callback_url=CALLBACKS)
    await world.complete(Decimal("333.33"), store=dear)
    test_store = await world.add_store(test=True, callback_url=CALLBACKS)
    await world.add_trader(test=True)
    await world.complete(Decimal(500), store=test_store)
    await world.assign(Decimal(501), store=test_store)
    lost = await world.assign(Decimal(502))
    await world.confirm_by_customer(lost, receipt_lost=True)
    await world.confirm_by_customer(lost, receipt=True)
    await world.confirm_by_trader(lost)
    await world.confirm_by_trader(await world.assign(Decimal(503), hosted=False))
    await _deposit_by_two(world, approve=True)
    await _deposit_by_two(world, approve=False)
    kept = await world.accept(Decimal(107), bank="tbank")
    async with world.database.write() as session:
        claim = IdempotencyClaim(f"store:{world.store.id}", "key", b"hash")
        await idempotency.find_replay(session, claim)
        await idempotency.remember(session, claim, status=201, resource_type="incoming_order", resource_id=kept)


async def _dispute(world: World) -> None:
    """Every turn and every outcome of a dispute; one return waits for its money, another was lent in part."""
    asked, answered, looked_at, refused = [await world.assign(Decimal(700 + number)) for number in range(4)]
    for one in (asked, answered, refused):
        await world.confirm_by_customer(one)
    trader, merchant = await disputes.trader_of(world, asked), await disputes.merchant_of(world)
    await disputes.open_dispute(world, asked, trader)
    await disputes.open_dispute(world, answered, merchant, amount="650")
    await disputes.open_dispute(world, looked_at)
    await disputes.resolve(world, await disputes.open_dispute(world, refused), "cancelled")
    await disputes.claim_by_customer(world, refused)
    adjusted, reversed_, stands = [await world.complete(Decimal(800 + number)) for number in range(3)]
    for one in (adjusted, reversed_):
        await disputes.resolve(world, await disputes.open_dispute(world, one), "adjusted", amount="810.50")
    await disputes.resolve(world, await disputes.open_dispute(world, reversed_), "cancelled")
    await disputes.open_dispute(world, stands, trader)
    for is_lent in (False, True):
        poor = await world.add_store(callback_url=CALLBACKS)
        returned = await world.complete(Decimal(4750), store=poor)
        await disputes.tie_up(world, "30", poor)
        dispute = await disputes.open_dispute(world, returned)
        await disputes.resolve(world, dispute, "cancelled")
        if is_lent:
            await disputes.lend(world, dispute)
            await disputes.deposit_to_store(world, "1.5", poor)
            await disputes.repay_covers(world)


async def _pay_out(world: World) -> StoreContext:
    """Pay-outs to every end, and one before a person, by traders who do nothing else. Gives the store that pays."""
    payer = await world.add_store(pay_out_enabled=True, callback_url=CALLBACKS)
    await world.fund(Decimal(10_000), payer)
    for _ in range(2):
        await world.add_trader(limits={"pay_in": False, "pay_out": True})
    cleared, confirmed, silent, given_up, failed = [
        await world.offer_payout(Decimal(1000 + number), store=payer) for number in range(5)
    ]
    for taken in (cleared, confirmed, silent, given_up):
        await world.take_payout(taken)
    await world.pay_payout(cleared)
    await world.pay_payout(confirmed)
    await world.confirm_payout(confirmed)
    for _ in range(2):
        await world.decline_payout(failed)
        await world.process(failed)
    await world.advance(world.rules.payout_pay_seconds + 1)
    await world.expire_due()
    await world.decide(given_up, OrderStatus.FAILED)
    await world.advance(world.rules.payout_clearing_seconds)
    await world.expire_due()
    assert await world.clear_due() == 1
    assert (await world.statuses(silent))[1] == "requires_attention"
    await world.cancel(await world.offer_payout(Decimal(1103), store=payer))
    await world.cancel(await world.accept_payout(Decimal(1104), store=payer))
    return payer


async def _request_payouts(world: World, payer: StoreContext) -> None:
    """Requests that pay-out orders carry out: paid, refused, taken back, and one that waits for a trader."""
    paid, order = await payout_requests.ordered_payout(world, Decimal(1201), store=payer)
    await world.process(order)
    await world.take_payout(order)
    await world.pay_payout(order)
    await payout_requests.request_payout(world, Decimal(1202), store=payer, wallet="none")
    taken_back, _ = await payout_requests.ordered_payout(world, Decimal(1203), store=payer)
    await payout_requests.set_status(world, taken_back, PayoutStatus.CANCELLED, store=payer)
    await payout_requests.execute_told(world)
    assert await payout_requests.status_of(world, paid, store=payer) == ("processed", None)
    await payout_requests.ordered_payout(world, Decimal(1204), store=payer)


async def _leave_payouts_open(world: World, payer: StoreContext) -> None:
    await world.complete_payout(Decimal(1100), store=payer)
    await world.take_payout(await world.offer_payout(Decimal(1101), store=payer))
    await world.offer_payout(Decimal(1102), store=payer)
    await world.decline_payout(await world.offer_payout(Decimal(1105), store=payer))
    await world.process(await world.accept_payout(Decimal(600_000), store=payer))
    await world.accept_payout(Decimal(1106), store=payer)


async def _deposit_by_two(world: World, *, approve: bool) -> None:
    new = NewDeposit(
        OwnerType.STORE, world.store.public_id, Decimal(5), CRYPTO, "tron", f"{approve:064x}", "0", "by hand"
    )
    second = await second_person(world)
    strict = world.rules.model_copy(update={"four_eyes_amount": Decimal(1)})
    async with world.database.write() as session:
        made = await deposit_service.request_deposit(session, world.staff, new, strict)
    async with world.database.write() as session:
        await deposit_service.decide_deposit(
            session, second, made.thing.deposit.public_id, approve=approve, reason="looked"
        )


async def _take_out(world: World) -> None:
    """A withdrawal in each status, one that came back into hand, and the platform's own."""
    till = await make_till(world)
    sent, sending, returned, approved, rejected, cancelled, _ = [await till.request(Decimal(10)) for _ in range(7)]
    await till.cancel(cancelled)
    await till.reject(rejected)
    for one in (sent, sending, returned, approved):
        await till.approve(one)
    for one in (sent, sending, returned):
        await till.claim(one)
    await till.send(sent)
    await till.give_back(returned)
    await till.agree(returned)
    before = world.rules.four_eyes_amount
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(1))
    by_two = await till.request(Decimal(10))
    assert await till.approve(by_two) == "approval requested"
    await till.agree(by_two)
    await till.approve(await till.request(Decimal(10)))
    await world.change_settings(FOUR_EYES_AMOUNT=before)


async def _set_right(world: World) -> None:
    """Adjustments posted, rejected and waiting, and one undone."""
    first, second, third = [await second_person(world) for _ in range(3)]
    shown = [await _adjust(world, first, Decimal(amount)) for amount in (7, -3, 2, 1)]
    for view in shown[:2]:
        await _agree(world, second, view)
    async with world.database.write() as session:
        no = await approval_service.reject(session, second, shown[2].approval_id, "no")
        await adjustment_service.reject_adjustment(session, second, no, world.rules)
    async with world.database.write() as session:
        wrong = NewCorrection("balance_adjustment", shown[0].adjustment.public_id, "was wrong")
        made = await adjustment_service.request_correction(session, first, wrong, world.rules)
    await _agree(world, third, made.thing)


async def _adjust(world: World, by: Actor, amount: Decimal) -> AdjustmentView:
    new = NewAdjustment(OwnerType.TRADER, world.trader.user_public_id, amount, CRYPTO, "by hand")
    async with world.database.write() as session:
        return (await adjustment_service.request_adjustment(session, by, new, world.rules)).thing


async def _agree(world: World, by: Actor, view: AdjustmentView) -> None:
    assert view.approval_id is not None
    async with world.database.write() as session:
        approval = await approval_service.take(session, by, view.approval_id)
        await adjustment_service.execute_adjustment(session, by, approval, world.rules)


async def second_person(world: World) -> Actor:
    async with world.database.write() as session:
        return await people.add_admin(session)
