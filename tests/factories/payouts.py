"""A platform that pays out: a store with a balance of its own, traders whose requisites pay."""

from decimal import Decimal
from typing import Any

from factories.world import World, make_world
from jivapay.utils.resources import Resources

FUNDS = Decimal(1000)
PAYS = {"pay_out": True}


async def payout_world(resources: Resources, *, traders: int = 2, funds: Decimal = FUNDS, **store: Any) -> World:  # noqa: ANN401 - columns of the store
    """A store at 3 % with `funds`, and `traders` at 1 %, each with one card that pays out."""
    world = await make_world(resources, traders=traders, limits=PAYS, pay_out_enabled=True, **store)
    if funds:
        await world.fund(funds)
    return world
