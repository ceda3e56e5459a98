"""The walks of pay-outs: from trader to trader, and what becomes of one that was accepted."""

from factories import disputes
from factories.world import World
from jivapay.domain.outcomes import Assigned
from jivapay.schemas_enums.enums import OrderStatus
from model.walks import A_WHILE, Stage, Story, amount, changed, decide, expect, has_status, walk
from model.walks_disputes import resolve


async def offered(world: World) -> int:
    incoming = await world.accept_payout(amount(world))
    expect(told=isinstance(await world.process(incoming), Assigned))
    return incoming


async def taken(world: World) -> int:
    incoming = await offered(world)
    await world.take_payout(incoming)
    return incoming


@walk()
async def a_pay_out_as_it_should_be(stage: Stage) -> Story:
    world = stage.world
    incoming = await offered(world)
    yield
    await world.take_payout(incoming)
    yield
    await world.pay_payout(incoming)
    yield
    await world.confirm_payout(incoming)


@walk()
async def one_declines_and_the_next_one_pays(stage: Stage) -> Story:
    world = stage.world
    incoming = await offered(world)
    yield
    await world.decline_payout(incoming)
    yield
    await world.advance(A_WHILE)
    await world.process(incoming)
    yield
    await world.take_payout(incoming)
    yield
    await world.pay_payout(incoming)


@walk()
async def nobody_accepts_in_time(stage: Stage) -> Story:
    world = stage.world
    incoming = await offered(world)
    yield
    await world.advance(world.rules.payout_accept_seconds + 1)
    await world.expire_due()
    expect(told=(await world.statuses(incoming))[0] == "retrying")
    yield
    await world.cancel(incoming)


@walk()
async def its_last_attempt_is_declined(stage: Stage) -> Story:
    world = stage.world
    async with changed(world, MAX_ORDER_RETRIES=2):
        incoming = await offered(world)
        yield
        await world.decline_payout(incoming)
        await world.process(incoming)
        yield
        await world.decline_payout(incoming)
    expect(told=(await world.statuses(incoming))[0] == "failed")


@walk()
async def its_store_cancels_what_nobody_has_accepted(stage: Stage) -> Story:
    incoming = await offered(stage.world)
    yield
    await stage.world.cancel(incoming)


@walk(OrderStatus.COMPLETED, OrderStatus.FAILED)
async def accepted_and_silent(stage: Stage, outcome: OrderStatus) -> Story:
    world = stage.world
    incoming = await taken(world)
    yield
    await world.advance(world.rules.payout_pay_seconds + 1)
    await world.expire_due()
    await has_status(world, incoming, "requires_attention")
    yield
    await decide(stage, incoming, outcome)


@walk("completed", "failed")
async def an_accepted_one_is_disputed(stage: Stage, outcome: str) -> Story:
    world = stage.world
    incoming = await taken(world)
    yield
    dispute = await disputes.open_dispute(world, incoming)
    yield
    await resolve(stage, dispute, outcome)


@walk()
async def a_paid_one_is_disputed(stage: Stage) -> Story:
    world = stage.world
    incoming = await taken(world)
    await world.pay_payout(incoming)
    yield
    dispute = await disputes.open_dispute(world, incoming)
    yield
    await resolve(stage, dispute, "cancelled")
