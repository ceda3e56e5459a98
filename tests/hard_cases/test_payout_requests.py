"""Hard case 18: a payout request deleted while somebody pays it, and "internal" behind a proxy."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from api.gateway.shop import issue_key
from api.payouts.caller import Caller, open_client
from factories import payout_requests
from factories.payouts import payout_world
from factories.world import World
from jivapay.config.settings import PayoutsAccess
from jivapay.schemas_enums.enums import PayoutExecutor
from jivapay.services.payout_service.dispatch import SANDBOX_REST_SECONDS
from jivapay.services.payout_service.execution import LEASE_SECONDS
from jivapay.utils.resources import Resources
from support.invariants import find_violations


@pytest.fixture
async def inside(world: World) -> AsyncIterator[Caller]:
    """A peer on this machine, without a key."""
    settings = world.resources.settings.model_copy(
        update={
            "payouts_access": PayoutsAccess.INTERNAL,
            "payouts_internal_networks": "127.0.0.0/8",
            "payouts_internal_store": world.store.public_id,
            "payouts_executor": PayoutExecutor.SANDBOX,
        }
    )
    async with open_client(replace(world.resources, settings=settings), world) as client:
        yield Caller(world, client)


async def test_deleted_while_it_is_paid(inside: Caller, world: World) -> None:
    """DELETE once said 204 as long as no money had moved, yet: the payer paid, and so did somebody else."""
    made = await inside.create(recipient_details={"sandbox": "wait"})
    await world.advance(SANDBOX_REST_SECONDS)
    assert await inside.execute(made["id"]) == "processing"
    refused = await inside.call("DELETE", f"{made['id']}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "payout.not_deletable")
    for ended in ("cancelled", "failed", "processed"):
        refused = await inside.patch(made["id"], ended)
        assert (refused.status_code, refused.json()["code"]) == (409, "payout.state_conflict")
    assert (await inside.patch(made["id"], "processing")).status_code == 200
    await world.advance(LEASE_SECONDS)
    assert await inside.execute(made["id"]) == "processed"
    assert (await inside.call("DELETE", f"{made['id']}/")).status_code == 409
    assert await world.scalar("select count(*) from sandbox_payments") == 1


async def test_deleted_while_a_trader_pays_its_order(own_resources: Resources) -> None:
    """The same with the platform as its executor: also before the request has heard that a trader has accepted."""
    world = await payout_world(own_resources)
    settings = own_resources.settings.model_copy(update={"payouts_executor": PayoutExecutor.JIVAPAY})
    key = await issue_key(own_resources, world.store, scopes=("payouts",))
    async with open_client(replace(own_resources, settings=settings), world) as client:
        caller = Caller(world, client, {"X-API-Key": key.text})
        made = await caller.create(recipient_details=payout_requests.CARD)
        assert await caller.execute(made["id"]) == "pending"
        order = await payout_requests.order_of(world, made["id"])
        await world.process(order)
        await world.take_payout(order)
        for _ in range(2):
            refused = await caller.call("DELETE", f"{made['id']}/")
            assert (refused.status_code, refused.json()["code"]) == (409, "payout.not_deletable")
            assert (await caller.patch(made["id"], "cancelled")).status_code == 409
            assert await caller.execute(made["id"]) == "processing"
        await world.pay_payout(order)
        assert await caller.execute(made["id"]) == "processed"
        assert (await caller.patch(made["id"], "processed")).status_code == 200
        assert (await caller.call("DELETE", f"{made['id']}/")).status_code == 409
        again = await caller.create(recipient_details=payout_requests.CARD)
        assert await caller.execute(again["id"]) == "pending"
        assert (await caller.call("DELETE", f"{again['id']}/")).status_code == 204
        assert (await world.statuses(await payout_requests.order_of(world, again["id"])))[0] == "cancelled"
    assert await find_violations(world.database) == {}


async def test_one_living_attempt(inside: Caller, world: World) -> None:
    """Failed and asked for again it is another attempt, with another reference, after the first has ended."""
    made = await inside.create(recipient_details={"sandbox": "fail"})
    for number in (1, 2):
        await world.advance(SANDBOX_REST_SECONDS)
        assert await inside.execute(made["id"]) == "failed"
        alive = "select count(*) from payout_attempts where ended_at is null"
        assert await world.scalar(alive) == 0
        assert await world.scalar("select count(distinct reference) from payout_attempts") == number
        assert (await inside.patch(made["id"], "pending")).status_code == 200
    assert (await inside.call("DELETE", f"{made['id']}/")).status_code == 204


async def test_internal_behind_a_proxy(inside: Caller, world: World) -> None:
    """Every stranger had the proxy's address, 127.0.0.1, and spent the store's money."""
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        stranger = await inside.call("POST", json=inside.body(), headers={header: "203.0.113.7"})
        assert stranger.status_code == 401
    assert await world.scalar("select count(*) from payouts") == 0
    assert (await inside.call("POST", json=inside.body())).status_code == 201
