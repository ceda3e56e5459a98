"""The walks of disputes: whose turn it is, and what becomes of the order beside them."""

from decimal import Decimal
from itertools import product
from uuid import UUID

from factories import disputes
from factories.world import World
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.enums import DisputeSide
from model.walks import Stage, Story, assigned, changed, expect, fall_silent, leave, walk

OUTCOMES = ("completed", "adjusted", "cancelled")
OPEN_OUTCOMES = (*OUTCOMES, "failed")
OPENERS = ("merchant", "trader", "staff")
TURNS = {"trader": "waiting_merchant", "merchant": "waiting_trader", "staff": "under_review"}


async def resolve(stage: Stage, dispute: UUID, outcome: str) -> str:
    """One person's decision, and a second one's where it takes two; the dispute's status afterwards."""
    amount = "900" if outcome == "adjusted" else None
    decided = await disputes.resolve(stage.world, dispute, outcome, amount=amount)
    return await disputes.approve(stage.world, dispute, stage.second) if decided == "approval" else decided


async def opener_of(world: World, incoming: int, opener: str) -> Actor:
    if opener == "staff":
        return world.staff
    return await (disputes.merchant_of(world) if opener == "merchant" else disputes.trader_of(world, incoming))


async def opened(world: World, incoming: int, opener: str) -> UUID:
    return await disputes.open_dispute(world, incoming, await opener_of(world, incoming, opener))


@walk(*product(OPEN_OUTCOMES, OPENERS))
async def an_open_order_is_disputed(stage: Stage, outcome: str, opener: str) -> Story:
    """By either side, before and after the payer has confirmed; each outcome while each side is being heard."""
    world = stage.world
    incoming = await assigned(world)
    if opener != "merchant":
        await world.confirm_by_customer(incoming)
    yield
    dispute = await opened(world, incoming, opener)
    yield
    await resolve(stage, dispute, outcome)


@walk()
async def the_sides_answer_each_other(stage: Stage) -> Story:
    world = stage.world
    incoming = await assigned(world)
    merchant, trader = await disputes.merchant_of(world), await disputes.trader_of(world, incoming)
    dispute = await disputes.open_dispute(world, incoming, merchant)
    yield
    expect(told=await disputes.say(world, dispute, trader) == "waiting_merchant")
    yield
    expect(told=await disputes.say(world, dispute, merchant) == "waiting_trader")
    yield
    expect(told=await disputes.say(world, dispute, trader, escalate=True) == "under_review")
    asked = await disputes.say(world, dispute, world.staff, to_side=DisputeSide.MERCHANT)
    expect(told=asked == "waiting_merchant")
    yield
    expect(told=await disputes.say(world, dispute, merchant, escalate=True) == "under_review")
    asked = await disputes.say(world, dispute, world.staff, to_side=DisputeSide.TRADER)
    expect(told=asked == "waiting_trader")
    yield
    await resolve(stage, dispute, "completed")


@walk("merchant", "trader")
async def nobody_answers(stage: Stage, opener: str) -> Story:
    world = stage.world
    incoming = await assigned(world)
    dispute = await opened(world, incoming, opener)
    yield
    await world.advance(world.rules.dispute_answer_seconds + 1)
    await disputes.expire_turns(world)
    expect(told=(await disputes.get(world, dispute)).status == "under_review")
    yield
    await resolve(stage, dispute, "cancelled")


@walk()
async def a_case_becomes_a_dispute(stage: Stage) -> Story:
    world = stage.world
    incoming = await assigned(world)
    await world.confirm_by_customer(incoming)
    await fall_silent(world, incoming)
    yield
    dispute = await disputes.open_dispute(world, incoming)
    yield
    await resolve(stage, dispute, "completed")


@walk(*product(("expired", "cancelled"), ("completed", "adjusted")))
async def a_lapsed_one_is_disputed(stage: Stage, left_by: str, outcome: str) -> Story:
    world = stage.world
    incoming = await assigned(world)
    await leave(world, incoming, left_by)
    yield
    dispute = await disputes.open_dispute(world, incoming)
    yield
    await resolve(stage, dispute, outcome)


async def completed(world: World, asked: Decimal | None = None) -> int:
    incoming = await assigned(world, asked)
    await world.confirm_by_trader(incoming)
    return incoming


@walk(*OUTCOMES)
async def a_completed_one_is_adjusted_or_reversed(stage: Stage, outcome: str) -> Story:
    world = stage.world
    incoming = await completed(world)
    yield
    dispute = await opened(world, incoming, "merchant")
    yield
    await resolve(stage, dispute, outcome)


@walk(*product(OPENERS, ("cancelled", "adjusted")))
async def the_money_to_return_is_not_there(stage: Stage, opener: str, outcome: str) -> Story:
    """From whoever's turn it is to waiting for the store's money, and on when it comes."""
    world = stage.world
    incoming = await completed(world)
    left = (await world.store_balance()).available
    tied = await disputes.tie_up(world, str(left))
    yield
    dispute = await opened(world, incoming, opener)
    expect(told=(await disputes.get(world, dispute)).status == TURNS[opener])
    yield
    expect(told=await resolve(stage, dispute, outcome) == "waiting_funds")
    yield
    await disputes.release(world, tied)
    await disputes.top_up(world)
    expect(told=(await disputes.get(world, dispute)).status.startswith("resolved"))


@walk()
async def a_decision_is_overtaken_by_what_is_said(stage: Stage) -> Story:
    """The first decision can be approved no more, and does not stand in the way of the next one."""
    world = stage.world
    async with changed(world, FOUR_EYES_AMOUNT=Decimal(1)):
        dispute = await disputes.open_dispute(world, await assigned(world))
        yield
        expect(told=await disputes.resolve(world, dispute, "completed") == "approval")
        yield
        asked = await disputes.say(world, dispute, world.staff, to_side=DisputeSide.MERCHANT)
        expect(told=asked == "waiting_merchant")
        yield
        expect(told=await disputes.resolve(world, dispute, "cancelled") == "approval")
        yield
        expect(told=await disputes.approve(world, dispute, stage.second) == "resolved_cancelled")
