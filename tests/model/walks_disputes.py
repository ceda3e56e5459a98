"""The walks of disputes: whose turn it is, and what becomes of the order beside them."""

from decimal import Decimal
from uuid import UUID

from factories import disputes
from factories.world import World
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.enums import DisputeSide
from model.walks import amount, assigned, fall_silent, lapse, walk

OUTCOMES = ("completed", "adjusted", "cancelled")
OPEN_OUTCOMES = (*OUTCOMES, "failed")


async def resolve(world: World, dispute: UUID, outcome: str) -> None:
    """Nobody is asked for a second person in this world, unless the platform lends."""
    decided = await disputes.resolve(world, dispute, outcome, amount="900" if outcome == "adjusted" else None)
    assert decided != "approval"


@walk
async def open_orders_are_disputed(world: World) -> None:
    """By either side, before and after the payer has confirmed; each outcome while each side is being heard."""
    merchant = await disputes.merchant_of(world)
    for outcome in OPEN_OUTCOMES:
        for opener in ("merchant", "trader", "staff"):
            incoming = await assigned(world)
            if opener != "merchant":
                await world.confirm_by_customer(incoming)
            by = {"merchant": merchant, "trader": await disputes.trader_of(world, incoming), "staff": world.staff}
            await resolve(world, await disputes.open_dispute(world, incoming, by[opener]), outcome)


@walk
async def the_sides_answer_each_other(world: World) -> None:
    incoming = await assigned(world)
    merchant, trader = await disputes.merchant_of(world), await disputes.trader_of(world, incoming)
    dispute = await disputes.open_dispute(world, incoming, merchant)
    assert await disputes.say(world, dispute, trader) == "waiting_merchant"
    assert await disputes.say(world, dispute, merchant) == "waiting_trader"
    assert await disputes.say(world, dispute, trader, escalate=True) == "under_review"
    assert await disputes.say(world, dispute, world.staff, to_side=DisputeSide.MERCHANT) == "waiting_merchant"
    assert await disputes.say(world, dispute, merchant, escalate=True) == "under_review"
    assert await disputes.say(world, dispute, world.staff, to_side=DisputeSide.TRADER) == "waiting_trader"
    await resolve(world, dispute, "completed")


@walk
async def nobody_answers(world: World) -> None:
    for opener in ("merchant", "trader"):
        incoming = await assigned(world)
        by = {"merchant": await disputes.merchant_of(world), "trader": await disputes.trader_of(world, incoming)}
        dispute = await disputes.open_dispute(world, incoming, by[opener])
        await world.advance(world.rules.dispute_answer_seconds + 1)
        assert await disputes.expire_turns(world) == 1
        await resolve(world, dispute, "cancelled")


@walk
async def a_case_becomes_a_dispute(world: World) -> None:
    incoming = await assigned(world)
    await world.confirm_by_customer(incoming)
    await fall_silent(world, incoming)
    await resolve(world, await disputes.open_dispute(world, incoming), "completed")


@walk
async def a_lapsed_one_is_disputed(world: World) -> None:
    for left_by in ("expired", "cancelled"):
        for outcome in ("completed", "adjusted"):
            incoming = await assigned(world)
            if left_by == "expired":
                await lapse(world, incoming)
            else:
                await world.cancel(incoming)
            await resolve(world, await disputes.open_dispute(world, incoming), outcome)


async def completed_and_disputed(world: World, by: Actor) -> tuple[int, UUID]:
    incoming = await world.complete(amount(world))
    return incoming, await disputes.open_dispute(world, incoming, by)


@walk
async def completed_ones_are_adjusted_and_reversed(world: World) -> None:
    merchant = await disputes.merchant_of(world)
    for outcome in OUTCOMES:
        _, dispute = await completed_and_disputed(world, merchant)
        await resolve(world, dispute, outcome)


@walk
async def the_money_to_return_is_not_there(world: World) -> None:
    """From whoever's turn it is to waiting for the store's money, and on when it comes."""
    merchant = await disputes.merchant_of(world)
    for turn in ("waiting_trader", "waiting_merchant", "under_review"):
        for outcome in ("cancelled", "adjusted"):
            incoming = await world.complete(Decimal(1000 + next(world.numbers)))
            by = {"waiting_trader": merchant, "waiting_merchant": await disputes.trader_of(world, incoming)}
            left = (await world.store_balance()).available
            tied = await disputes.tie_up(world, str(left))
            dispute = await disputes.open_dispute(world, incoming, by.get(turn, world.staff))
            decided = await disputes.resolve(world, dispute, outcome, amount="900" if outcome == "adjusted" else None)
            assert decided == "waiting_funds"
            await disputes.release(world, tied)
            await disputes.top_up(world)
            assert (await disputes.get(world, dispute)).status.startswith("resolved")


@walk
async def a_decision_is_overtaken_by_what_is_said(world: World) -> None:
    """The first decision can be approved no more, and does not stand in the way of the next one."""
    before = world.rules.four_eyes_amount
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(1))
    dispute = await disputes.open_dispute(world, await assigned(world))
    assert await disputes.resolve(world, dispute, "completed") == "approval"
    assert await disputes.say(world, dispute, world.staff, to_side=DisputeSide.MERCHANT) == "waiting_merchant"
    assert await disputes.resolve(world, dispute, "cancelled") == "approval"
    assert await disputes.approve(world, dispute) == "resolved_cancelled"
    await world.change_settings(FOUR_EYES_AMOUNT=before)
