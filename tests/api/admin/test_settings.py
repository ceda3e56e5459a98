"""Settings: listed with their defaults, changed within their bounds, in force at once where they were changed."""

import pytest

from factories.office import code_of, open_office
from factories.world import World
from jivapay.config.business_settings import setting_fields


async def test_listed_and_changed(world: World) -> None:
    async with open_office(world.resources) as office:
        admin = await office.admin("settings:*:any")
        items = {item["key"]: item for item in (await admin.get("/settings")).json()["items"]}
        assert set(items) == set(setting_fields())
        assert items["MAX_ORDER_RETRIES"] == {
            "key": "MAX_ORDER_RETRIES",
            "value": "5",
            "default": "5",
            "description": "Attempts to find a requisite",
            "updated_at": None,
        }
        answer = await admin.call("PUT", "/settings/MAX_ORDER_RETRIES", json={"value": "7"})
        assert answer.status_code == 200, answer.text
        made = answer.json()
        assert (made["value"], made["default"]) == ("7", "5")
        assert made["updated_at"] is not None
        assert (await world.resources.config.current()).max_order_retries == 7
        assert made in (await admin.get("/settings")).json()["items"]
        same = await admin.call("PUT", "/settings/MAX_ORDER_RETRIES", json={"value": "7"})
        assert same.json() == made
    assert await world.scalar("select count(*) from audit_log where action = 'setting.changed'") == 1
    history = "select string_agg(concat_ws('>', old_value, new_value), ',') from configuration_setting_history"
    assert await world.scalar(history) == "7"


@pytest.mark.parametrize("value", ["101", "-1", "five", "", "5.5", "１"])
async def test_a_bad_value_changes_nothing(world: World, value: str) -> None:
    async with open_office(world.resources) as office:
        admin = await office.admin()
        answer = await admin.call("PUT", "/settings/MAX_ORDER_RETRIES", json={"value": value})
        assert code_of(answer) == (422, "config.out_of_range")
    assert await world.scalar("select count(*) from configuration_settings where key = 'MAX_ORDER_RETRIES'") == 0


async def test_refusals(world: World) -> None:
    async with open_office(world.resources) as office:
        admin = await office.admin("settings:read:any")
        path, body = "/settings/MAX_ORDER_RETRIES", {"value": "7"}
        assert code_of(await admin.call("PUT", path, json=body)) == (403, "permission.denied")
        editor = await office.admin("settings:edit:any")
        assert code_of(await editor.get("/settings")) == (403, "permission.denied")
        assert code_of(await editor.call("PUT", "/settings/NO_SUCH", json=body)) == (404, "not_found")
        assert (await editor.call("PUT", path, json={"value": 7})).status_code == 422
