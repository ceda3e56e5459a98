"""A shop at the gateway in a world of the module's own, every door open in process."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from api.gateway.shop import Shop, open_client, open_shop
from factories.world import World, make_world
from jivapay.utils.resources import Resources
from support.invariants import invariants_hold

__all__ = ["invariants_hold"]

TRADERS = 6
"""Each takes an amount once at a time, and the tests like the same one."""


@pytest.fixture(autouse=True)
async def _invariants(invariants_hold: None) -> None:
    """After each test."""


@pytest.fixture(scope="module")
async def world(resources: Resources) -> World:
    made = await make_world(resources, traders=0)
    for _ in range(TRADERS):
        await made.add_trader()
    return made


@pytest.fixture(scope="module")
async def client(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    async with open_client(world) as opened:
        yield opened


@pytest.fixture(scope="module")
async def shop(world: World, client: httpx2.AsyncClient) -> Shop:
    return await open_shop(world, client)


@pytest.fixture(scope="module")
async def other_shop(world: World, client: httpx2.AsyncClient) -> Shop:
    return await open_shop(world, client, name="Other shop")
