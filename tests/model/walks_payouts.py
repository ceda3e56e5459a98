"""The walks of pay-outs: from trader to trader, and what becomes of one that was accepted."""

from factories import disputes
from factories.world import World
from jivapay.schemas_enums.enums import OrderStatus
from model.walks import A_WHILE, amount, decide, walk


async def offered(world: World) -> int:
    return await world.offer_payout(amount(world))


async def taken(world: World) -> int:
    incoming = await offered(world)
    await world.take_payout(incoming)
    return incoming


@walk
async def a_pay_out_as_it_should_be(world: World) -> None:
    incoming = await world.complete_payout(amount(world))
    await world.confirm_payout(incoming)


@walk
async def one_declines_and_the_next_one_pays(world: World) -> None:
    incoming = await offered(world)
    await world.decline_payout(incoming)
    await world.advance(A_WHILE)
    await world.process(incoming)
    await world.take_payout(incoming)
    await world.pay_payout(incoming)


@walk
async def nobody_accepts_in_time(world: World) -> None:
    incoming = await offered(world)
    await world.advance(world.rules.payout_accept_seconds + 1)
    await world.expire_due()
    assert (await world.statuses(incoming))[0] == "retrying"
    await world.cancel(incoming)


@walk
async def its_store_cancels_what_nobody_has_accepted(world: World) -> None:
    await world.cancel(await offered(world))


@walk
async def accepted_and_silent(world: World) -> None:
    for outcome in (OrderStatus.COMPLETED, OrderStatus.FAILED):
        incoming = await taken(world)
        await world.advance(world.rules.payout_pay_seconds + 1)
        await world.expire_due()
        assert (await world.statuses(incoming))[1] == "requires_attention"
        await decide(world, incoming, outcome)


@walk
async def an_accepted_one_is_disputed(world: World) -> None:
    for outcome in ("completed", "failed"):
        incoming = await taken(world)
        dispute = await disputes.open_dispute(world, incoming)
        assert await disputes.resolve(world, dispute, outcome) != "approval"


@walk
async def a_paid_one_is_disputed(world: World) -> None:
    incoming = await world.complete_payout(amount(world))
    dispute = await disputes.open_dispute(world, incoming)
    await disputes.resolve(world, dispute, "cancelled")
