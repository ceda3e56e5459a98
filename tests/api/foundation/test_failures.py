"""What raised, and what the caller sees of it; what is logged, once."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest

from jivapay.config.settings import Environment, Settings
from jivapay.middleware.request_log import route_template
from jivapay.servers.app_factory import create_app

Problem = Callable[[httpx2.Response], dict[str, Any]]


@pytest.mark.parametrize(
    ("what", "status", "code", "retry_after"),
    [
        pytest.param("conflict", 409, "order.state_conflict", None, id="conflict"),
        pytest.param("limit", 429, "rate_limited", "7", id="limit"),
        pytest.param("busy", 503, "resource.busy", "5", id="busy"),
        pytest.param("connection", 503, "dependency.database", "5", id="connection refused"),
        pytest.param("timeout", 503, "dependency.database", "5", id="time-out"),
        pytest.param("55P03", 503, "resource.busy", "1", id="lock time-out"),
        pytest.param("40P01", 503, "resource.busy", "1", id="deadlock"),
        pytest.param("40001", 503, "resource.busy", "1", id="serialization"),
        pytest.param("57014", 503, "dependency.database", "5", id="statement time-out"),
        pytest.param("57P01", 503, "dependency.database", "5", id="shut down"),
        pytest.param("53300", 503, "dependency.database", "5", id="too many connections"),
        pytest.param("08006", 503, "dependency.database", "5", id="connection failure"),
        pytest.param("22003", 422, "validation.range", None, id="a value no column holds"),
        pytest.param("23505", 500, "internal", None, id="a constraint nobody expected"),
        pytest.param("bug", 500, "internal", None, id="a defect"),
    ],
)
async def test_a_failure_has_its_status_code_and_patience(
    client: httpx2.AsyncClient, problem: Problem, what: str, status: int, code: str, retry_after: str | None
) -> None:
    response = await client.get(f"/probe/raise/{what}")
    assert (response.status_code, problem(response)["code"]) == (status, code)
    assert response.headers.get("retry-after") == retry_after
    for canary in ("canary", "4111", "10.0.0.1", "select", "Traceback"):
        assert canary not in response.text


async def test_a_conflict_says_what_it_is_about(client: httpx2.AsyncClient, problem: Problem) -> None:
    document = problem(await client.get("/probe/raise/conflict"))
    assert document["detail"] == "The order is completed."
    assert document["about"] == {"current": "completed"}
    assert document["errors"] == []


async def test_a_defect_is_recorded_once_and_a_request_has_one_entry(
    client: httpx2.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    response = await client.get("/probe/raise/bug?token=canary", headers={"x-forwarded-for": "203.0.113.9"})
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    critical, request = (line for line in lines if line["logger"] != "httpx2")
    assert critical["event"] == "critical_error"
    assert "RuntimeError: canary ****1111" in critical["exception"]
    assert {key: request[key] for key in ("event", "logger", "method", "route", "status", "client")} == {
        "event": "request",
        "logger": "request_logger",
        "method": "GET",
        "route": "/probe/raise/{what}",
        "status": 500,
        "client": "203.0.113.9",
    }
    assert critical["request_id"] == request["request_id"] == response.headers["x-request-id"]
    assert request["ms"] >= 0


async def test_logs_know_no_path_query_header_or_body(
    client: httpx2.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    canary = "s3kr1t-canary"
    await client.get(f"/pay/{canary}?x={canary}")
    await client.post(f"/probe/orders?x={canary}", json={"amount": canary}, headers={"x-api-key": canary})
    await client.get(f"/{canary}", headers={"authorization": f"Bearer {canary}", "x-request-id": f"{canary}\n{{}}"})
    written = capsys.readouterr().err
    assert written.count('"request"') == 3
    assert canary not in written


async def test_a_route_is_logged_with_the_prefixes_of_its_routers(
    client: httpx2.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    await client.get("/probe/inner/things/canary")
    written = capsys.readouterr().err
    assert '"route":"/probe/inner/things/{thing}"' in written
    assert "canary" not in written


def test_a_route_is_logged_without_what_its_parameters_must_look_like() -> None:
    assert route_template({"route": SimpleNamespace(path="/rows/{row:digits}/{part}")}) == "/rows/{row}/{part}"


async def test_health_is_bare(client: httpx2.AsyncClient) -> None:
    for path in ("/healthz/", "/livez"):
        response = await client.get(path)
        assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_production_serves_no_console_and_asks_for_https() -> None:
    settings = Settings(env=Environment.PRODUCTION, public_base_url="https://pay.example")
    transport = httpx2.ASGITransport(create_app("probe", [], settings=settings))
    async with httpx2.AsyncClient(transport=transport, base_url="https://evil.example") as client:
        for path in ("/docs", "/openapi.json", "/docs/start.js"):
            assert (await client.get(path)).status_code == 404
        assert (await client.get("/livez")).headers["strict-transport-security"] == "max-age=63072000"


async def test_the_console_can_be_asked_for_in_production() -> None:
    settings = Settings(env=Environment.PRODUCTION, api_docs=True)
    transport = httpx2.ASGITransport(create_app("probe", [], settings=settings))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/docs")).status_code == 200


async def test_the_schema_speaks_of_problems_and_names_operations(client: httpx2.AsyncClient) -> None:
    schema = (await client.get("/openapi.json")).json()
    operation = schema["paths"]["/probe/orders"]["post"]
    assert operation["operationId"] == "probe_create_order"
    assert set(operation["responses"]) == {"201", "4XX", "5XX"}
    assert "application/problem+json" in operation["responses"]["4XX"]["content"]
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    assert schema["components"]["schemas"]["Problem"]["required"][0] == "type"
