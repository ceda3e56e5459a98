"""Rates: set by a person, a jump only when he says that he means it."""

from typing import Any

import pytest

from factories.office import Person, code_of, open_office
from factories.world import World


async def put(person: Person, rate: Any, **more: Any) -> Any:  # noqa: ANN401 - whatever a request may carry
    return await person.call("PUT", "/rates", json={"fiat": "RUB", "crypto": "USDT", "rate": rate, **more})


async def test_a_rate_is_set_and_a_jump_is_confirmed(world: World) -> None:
    async with open_office(world.resources) as office:
        admin = await office.admin("rates:edit:any")
        answer = await put(admin, "97.12500000")
        assert answer.status_code == 200, answer.text
        made = answer.json()
        assert (made["buy_rate"], made["sell_rate"], made["source"], made["is_fresh"]) == (
            "97.125",
            "97.125",
            "manual",
            True,
        )
        assert (await admin.get("/rates")).json() == {"items": [made]}
        for jump in ("101.981251", "92.268749", "9.7125", "971.25"):
            refused = await put(admin, jump)
            assert code_of(refused) == (409, "rate.jump")
            assert "more than 5 %" in refused.json()["detail"]
            assert refused.json()["about"] == {"current": "97.125"}
        assert (await put(admin, "101.98125")).status_code == 200
        assert (await put(admin, "50", confirm_jump=True)).json()["sell_rate"] == "50.00"
    assert await world.scalar("select count(*) from exchange_rates") == 4
    assert await world.scalar("select count(*) from audit_log where action = 'rate.set' and actor_id is not null") == 4


async def test_a_stale_rate_is_shown_as_one_and_still_asks_about_a_jump(world: World) -> None:
    await world.advance(world.rules.rate_max_age_seconds + 1, fresh_rate=False)
    async with open_office(world.resources) as office:
        admin = await office.admin()
        assert [item["is_fresh"] for item in (await admin.get("/rates")).json()["items"]] == [False]
        assert code_of(await put(admin, "925.0")) == (409, "rate.jump")
        assert (await put(admin, "92.50")).json()["is_fresh"] is True


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"rate": "0"}, "money.not_positive", id="zero"),
        pytest.param({"rate": "92.123456789"}, "money.too_many_decimals", id="decimals"),
        pytest.param({"rate": 92.5}, "money.must_be_string", id="number"),
        pytest.param({"fiat": "USDT"}, "currency.unknown", id="not a fiat currency"),
        pytest.param({"crypto": "BTC"}, "currency.unknown", id="no such currency"),
    ],
)
async def test_what_is_no_rate_is_refused(world: World, changes: dict[str, Any], code: str) -> None:
    async with open_office(world.resources) as office:
        answer = await put(await office.admin(), **{"rate": "92.50", **changes})
    assert answer.status_code == 422
    assert code in {answer.json()["code"], *(error["code"] for error in answer.json()["errors"])}


async def test_needs_its_permission(world: World) -> None:
    async with open_office(world.resources) as office:
        other = await office.admin("settings:edit:any")
        assert code_of(await put(other, "92.50")) == (403, "permission.denied")
        assert code_of(await other.get("/rates")) == (403, "permission.denied")
