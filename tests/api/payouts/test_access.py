"""Who may call the payouts service: a key of its scope; inside, where that is on, the direct peer (hard case 18)."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import httpx2
import pytest

from api.gateway.shop import issue_key
from api.payouts.caller import Caller, open_client
from factories.world import World
from jivapay.config.settings import PayoutsAccess, Settings
from jivapay.config.start_checks import refusals
from jivapay.utils.resources import Resources


def internal(world: World, networks: str = "127.0.0.0/8,::1/128") -> Resources:
    settings = world.resources.settings.model_copy(
        update={
            "payouts_access": PayoutsAccess.INTERNAL,
            "payouts_internal_networks": networks,
            "payouts_internal_store": world.store.public_id,
        }
    )
    return replace(world.resources, settings=settings)


async def test_no_key(caller: Caller) -> None:
    for method, path in (("GET", ""), ("POST", ""), ("GET", "1/"), ("PATCH", "1/"), ("DELETE", "1/")):
        answer = await caller.client.request(method, f"/api/payouts/{path}")
        assert (answer.status_code, answer.json()["code"]) == (401, "auth.required")


async def test_wrong_keys(caller: Caller, world: World) -> None:
    wrong = await caller.call("GET", headers={"X-API-Key": "jp_live_nothing"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "api_key.invalid")
    without = await issue_key(world.resources, world.store, scopes=("payin", "payout", "read"))
    answer = await caller.call("GET", headers={"X-API-Key": without.text})
    assert (answer.status_code, answer.json()["code"]) == (403, "permission.denied")


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
async def test_internal_peers_need_no_key(world: World, caller: Caller, peer: str) -> None:
    async with open_client(internal(world), world, peer=peer) as client:
        made = await client.post("/api/payouts/", json=caller.body())
        assert made.status_code == 201, made.text
        assert (await caller.call("GET", f"{made.json()['id']}/")).status_code == 200
        wrong = await client.get("/api/payouts/", headers={"X-API-Key": "jp_live_nothing"})
        assert wrong.status_code == 401, "a key that is shown must be right"


@pytest.mark.parametrize("peer", ["203.0.113.7", "10.0.0.1", "::2", "unix"])
async def test_strangers_need_one(world: World, peer: str) -> None:
    async with open_client(internal(world), world, peer=peer) as client:
        assert (await client.get("/api/payouts/")).status_code == 401


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "X-Forwarded-Proto", "X-Forwarded-Host", "CF-Connecting-IP"],
)
async def test_nobody_behind_a_proxy(world: World, caller: Caller, header: str) -> None:
    async with open_client(internal(world), world) as client:
        answer = await client.post("/api/payouts/", json=caller.body(), headers={header: "127.0.0.1"})
        assert (answer.status_code, answer.json()["code"]) == (401, "auth.required")


async def test_a_trusted_proxy_changes_nothing(world: World) -> None:
    given = internal(world)
    trusting = replace(given, settings=given.settings.model_copy(update={"trusted_proxies": "203.0.113.0/24"}))
    async with open_client(trusting, world, peer="203.0.113.7") as client:
        answer = await client.get("/api/payouts/", headers={"X-Forwarded-For": "127.0.0.1"})
        assert answer.status_code == 401


async def test_a_store_that_is_switched_off(world: World, client: httpx2.AsyncClient) -> None:
    off = await world.add_store(access=False)
    given = internal(world)
    settings = given.settings.model_copy(update={"payouts_internal_store": off.public_id})
    async with open_client(replace(given, settings=settings), world) as inside:
        answer = await inside.get("/api/payouts/")
        assert (answer.status_code, answer.json()["code"]) == (403, "store.access_denied")


@pytest.mark.parametrize(
    "given",
    [
        {"payouts_access": "internal"},
        {"payouts_access": "internal", "payouts_internal_networks": "127.0.0.0/8"},
        {"payouts_internal_networks": "nonsense"},
        {"payouts_executor": "bank"},
    ],
)
def test_half_a_setting_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"payouts|PAYOUTS|network"):
        Settings.model_validate(given)


def test_production_refuses_both() -> None:
    settings = Settings.model_validate(
        {
            "env": "production",
            "payouts_access": "internal",
            "payouts_internal_networks": str(ip_network("10.0.0.0/8")),
            "payouts_internal_store": "0199aaaa-0000-7000-8000-000000000000",
            "payouts_executor": "sandbox",
        }
    )
    said = [line for line in refusals(settings, {}) if line.startswith("PAYOUTS_")]
    assert [line.split()[0] for line in said] == ["PAYOUTS_ACCESS", "PAYOUTS_EXECUTOR"]
