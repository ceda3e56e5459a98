"""Two stores at the payouts service, each with a key of its scope; the sandbox carries out."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from api.gateway.shop import Key, issue_key
from api.payouts.caller import Caller, open_client
from factories.world import World, make_world
from jivapay.schemas_enums.enums import PayoutExecutor
from jivapay.utils.resources import Resources
from support.invariants import invariants_hold

__all__ = ["invariants_hold"]


@pytest.fixture(autouse=True)
async def _invariants(invariants_hold: None) -> None:
    """After each test."""


@pytest.fixture(scope="module")
async def world(resources: Resources) -> World:
    sandboxed = resources.settings.model_copy(update={"payouts_executor": PayoutExecutor.SANDBOX})
    return await make_world(replace(resources, settings=sandboxed), traders=0)


@pytest.fixture(scope="module")
async def client(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    async with open_client(world.resources, world) as opened:
        yield opened


@pytest.fixture(scope="module")
async def key(world: World) -> Key:
    return await issue_key(world.resources, world.store, scopes=("payouts",))


@pytest.fixture(scope="module")
async def caller(world: World, client: httpx2.AsyncClient, key: Key) -> Caller:
    return Caller(world, client, {"X-API-Key": key.text})


@pytest.fixture(scope="module")
async def other(world: World, client: httpx2.AsyncClient) -> Caller:
    store = await world.add_store(name="Other")
    issued = await issue_key(world.resources, store, scopes=("payouts",))
    return Caller(world, client, {"X-API-Key": issued.text})
