"""`/api/schema/` and `/healthz/`: the service described by itself, and alive, without a key."""

import httpx2
import pytest
import yaml


async def test_health(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/healthz/")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_json(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/api/schema/")
    assert answer.headers["content-type"] == "application/json"
    paths = answer.json()["paths"]
    assert {"/api/payouts/", "/api/payouts/{payout_id}/", "/healthz/"} <= set(paths)
    assert all(path.startswith(("/api/payouts/", "/healthz/")) for path in paths)
    assert set(paths["/api/payouts/{payout_id}/"]) == {"get", "patch", "delete"}
    asked = answer.json()["components"]["schemas"]["PayoutCreate"]["properties"]
    assert (asked["currency"]["enum"], asked["recipient_details"]["minProperties"]) == (["RUB"], 1)


@pytest.mark.parametrize(
    "given",
    [
        {"params": {"format": "yaml"}},
        {"headers": {"Accept": "application/yaml"}},
        {"headers": {"Accept": "application/vnd.oai.openapi"}},
    ],
)
async def test_yaml(client: httpx2.AsyncClient, given: dict[str, dict[str, str]]) -> None:
    answer = await client.get("/api/schema/", **given)
    assert answer.headers["content-type"].startswith("application/yaml")
    assert yaml.safe_load(answer.text) == (await client.get("/api/schema/", params={"format": "json"})).json()


async def test_page(client: httpx2.AsyncClient) -> None:
    shown = await client.get("/api/schema/swagger-ui/")
    browser = await client.get("/api/schema/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert shown.text == browser.text
    assert "/api/schema/assets/swagger-ui-bundle.js" in shown.text
    assert "script-src 'self'" in shown.headers["content-security-policy"]
    assert "/api/schema/?format=json" in (await client.get("/api/schema/start.js")).text
    assert (await client.get("/api/schema/assets/swagger-ui.css")).status_code == 200
    assert (await client.get("/api/schema/assets/nothing.css")).status_code == 404
    assert (await client.get("/api/schema/", params={"format": "xml"})).status_code == 404
