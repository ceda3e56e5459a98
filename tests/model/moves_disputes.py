"""What each side and staff may do to a dispute at any moment."""

from factories import disputes
from jivapay.schemas_enums.enums import DisputeSide
from model.moves import DISPUTES, PAY_INS, known, move, one_of
from model.walks import Stage
from model.walks_disputes import opened


async def _disputable(stage: Stage, which: int) -> int:
    return await one_of(stage, "select incoming_order_id from orders where not test", which)


@move
async def a_merchant_disputes(stage: Stage, which: int) -> None:
    await opened(stage.world, await _disputable(stage, which), "merchant")


@move
async def a_trader_disputes(stage: Stage, which: int) -> None:
    await opened(stage.world, await _disputable(stage, which), "trader")


@move
async def staff_disputes(stage: Stage, which: int) -> None:
    await opened(stage.world, await _disputable(stage, which), "staff")


@move
async def a_payer_claims(stage: Stage, which: int) -> None:
    await disputes.claim_by_customer(stage.world, await one_of(stage, PAY_INS, which))


async def _say(stage: Stage, which: int, side: DisputeSide | None, *, escalate: bool = False) -> None:
    world, dispute = stage.world, await known(stage, DISPUTES, which)
    row = await disputes.get(world, dispute)
    actor = await (
        disputes.trader_of(world, row.incoming_order_id) if side is DisputeSide.TRADER else disputes.merchant_of(world)
    )
    await disputes.say(world, dispute, actor, escalate=escalate)


@move
async def a_trader_answers(stage: Stage, which: int) -> None:
    await _say(stage, which, DisputeSide.TRADER)


@move
async def a_merchant_answers(stage: Stage, which: int) -> None:
    await _say(stage, which, DisputeSide.MERCHANT)


@move
async def a_trader_calls_staff(stage: Stage, which: int) -> None:
    await _say(stage, which, DisputeSide.TRADER, escalate=True)


@move
async def staff_asks_the_merchant(stage: Stage, which: int) -> None:
    world = stage.world
    await disputes.say(world, await known(stage, DISPUTES, which), world.staff, to_side=DisputeSide.MERCHANT)


@move
async def staff_asks_the_trader(stage: Stage, which: int) -> None:
    world = stage.world
    await disputes.say(world, await known(stage, DISPUTES, which), world.staff, to_side=DisputeSide.TRADER)


@move
async def a_dispute_ends_paid(stage: Stage, which: int) -> None:
    await disputes.resolve(stage.world, await known(stage, DISPUTES, which), "completed")


@move
async def a_dispute_ends_with_less(stage: Stage, which: int) -> None:
    await disputes.resolve(stage.world, await known(stage, DISPUTES, which), "adjusted", amount="900")


@move
async def a_dispute_ends_with_more(stage: Stage, which: int) -> None:
    await disputes.resolve(stage.world, await known(stage, DISPUTES, which), "adjusted", amount="5100")


@move
async def a_dispute_ends_unpaid(stage: Stage, which: int) -> None:
    await disputes.resolve(stage.world, await known(stage, DISPUTES, which), "cancelled")


@move
async def a_dispute_ends_failed(stage: Stage, which: int) -> None:
    await disputes.resolve(stage.world, await known(stage, DISPUTES, which), "failed")


@move
async def the_platform_lends(stage: Stage, which: int) -> None:
    outcome = ("completed", "cancelled")[which % 2]
    await disputes.resolve(stage.world, await known(stage, DISPUTES, which), outcome, lends=True)
