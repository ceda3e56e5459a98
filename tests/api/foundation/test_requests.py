"""Queries, paths, methods, headers, addresses: the rest of 4.B and 4.C, and J03, J05, J11."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest

from jivapay.middleware.client_address import parse_networks, resolve_address
from jivapay.utils import routing

Problem = Callable[[httpx2.Response], dict[str, Any]]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        pytest.param("status=a&status=b", 422, "validation.duplicate_param", id="B17"),
        pytest.param("status=a&%73tatus=b", 422, "validation.duplicate_param", id="B17 encoded"),
        pytest.param("status=a%00b", 422, "text.forbidden_character", id="NUL"),
        pytest.param("status=a%E2%80%AEb", 422, "text.forbidden_character", id="direction"),
        pytest.param("status=%FF", 400, "request.malformed", id="not UTF-8"),
        pytest.param("unknown=1", 422, "validation.unknown_field", id="unknown parameter"),
        pytest.param("&".join(f"p{i}=1" for i in range(60)), 400, "request.malformed", id="too many"),
        *(
            pytest.param(f"page={page}", 422, "validation.range", id=f"A25 {page}")
            for page in ("-1", "0", "1000000000", "1.5", "1_000", "9" * 30, "x")
        ),
    ],
)
async def test_a_bad_query_is_refused(
    client: httpx2.AsyncClient, problem: Problem, query: str, status: int, code: str
) -> None:
    response = await client.get(f"/probe/orders?{query}")
    assert (response.status_code, problem(response)["code"]) == (status, code)


@pytest.mark.parametrize("status", ["' OR 1=1--", "%' --", "\\", "pg_sleep(5)", "%25" * 20])
async def test_a_strange_filter_is_only_a_value(client: httpx2.AsyncClient, status: str) -> None:
    response = await client.get("/probe/orders", params={"status": status, "page": "2"})
    assert (response.status_code, response.json()) == (200, {"page": 2})


@pytest.mark.parametrize(
    "path",
    ["/probe/orders/1", "/probe/orders/9223372036854775808", f"/probe/numbers/{'9' * 5000}", "/probe/orders/%00"],
)
async def test_what_cannot_be_an_id_is_not_found(client: httpx2.AsyncClient, problem: Problem, path: str) -> None:
    response = await client.get(path)
    assert (response.status_code, problem(response)["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "path", ["/nothing", "/.git", "/.env", "/debug", "/metrics", "/probe/orders/", "//probe/orders"]
)
async def test_an_unknown_path_is_not_found_and_never_redirected(
    client: httpx2.AsyncClient, problem: Problem, path: str
) -> None:
    response = await client.get(f"http://test{path}")
    assert problem(response)["code"] == "not_found"


@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "OPTIONS"])
async def test_another_method_is_not_allowed(client: httpx2.AsyncClient, problem: Problem, method: str) -> None:
    response = await client.request(method, "/probe/orders", headers={"x-http-method-override": "GET"})
    assert (response.status_code, problem(response)["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"]


@pytest.mark.parametrize("given", ["client-given.id_1", "a" * 64, "12345678"])
async def test_a_proper_request_id_is_kept(client: httpx2.AsyncClient, given: str) -> None:
    response = await client.get("/probe/orders/0199a1b2-1111-7111-8111-411111111111", headers={"x-request-id": given})
    assert response.headers.get_list("x-request-id") == [given]
    assert response.json()["request_id"] == given


@pytest.mark.parametrize("given", ["short", "a" * 65, "x" * 10_000, "<script>alert(1)</script>", "", "идентификатор"])
async def test_another_request_id_is_replaced(client: httpx2.AsyncClient, given: str) -> None:
    response = await client.get("/livez", headers={"x-request-id": given.encode()})
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", response.headers["x-request-id"])


@pytest.mark.parametrize("path", ["/livez", "/nothing", "/probe/raise/bug", "/probe/raise/conflict"])
async def test_every_answer_carries_the_headers(client: httpx2.AsyncClient, path: str) -> None:
    headers = (await client.get(path, headers={"origin": "https://evil.example"})).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-request-id"]
    assert not [name for name in headers if name.startswith("access-control-")]
    assert "server" not in headers


async def test_the_console_has_its_own_policy(client: httpx2.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.status_code == 200
    assert "style-src 'self' 'unsafe-inline'" in page.headers["content-security-policy"]
    assert "script-src 'self';" in page.headers["content-security-policy"]
    for path in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert (await client.get(path)).status_code == 200
    assert (await client.get("/docs/assets/unknown.js")).status_code == 404
    assert "/probe/orders" in (await client.get("/openapi.json")).json()["paths"]


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        pytest.param([], "10.0.0.1", id="nothing forwarded"),
        pytest.param(["203.0.113.9"], "203.0.113.9", id="one hop"),
        pytest.param(["1.2.3.4, 203.0.113.9"], "203.0.113.9", id="the left one is made up"),
        pytest.param(["203.0.113.9, 192.0.2.7"], "203.0.113.9", id="two proxies"),
        pytest.param(["1.2.3.4", "203.0.113.9, 192.0.2.7"], "203.0.113.9", id="two headers"),
        pytest.param(["203.0.113.9, garbage"], "10.0.0.1", id="garbage ends the walk"),
        pytest.param([", ".join(["10.0.0.2"] * 100)], "10.0.0.2", id="100 hops"),
        pytest.param(["::ffff:203.0.113.9"], "203.0.113.9", id="mapped"),
        pytest.param(["2001:db8::1"], "2001:db8::1", id="IPv6"),
    ],
)
async def test_the_clients_address_is_read_from_the_right(
    client: httpx2.AsyncClient, forwarded: list[str], address: str
) -> None:
    headers = [("x-forwarded-for", value) for value in forwarded]
    headers += [("x-real-ip", "6.6.6.6"), ("forwarded", "for=6.6.6.6")]
    assert (await client.get("/probe/client", headers=headers)).json() == {"address": address}


def test_an_untrusted_peer_is_itself() -> None:
    networks = parse_networks("10.0.0.0/8")
    assert resolve_address("203.0.113.1", b"1.2.3.4, 127.0.0.1", networks) == "203.0.113.1"
    assert resolve_address("10.1.1.1", b"", networks) == "10.1.1.1"
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/40"):
        parse_networks("10.0.0.0/40")


@pytest.mark.parametrize(
    ("query", "headers", "status", "code"),
    [
        pytest.param("a" * 8200, [], 414, "request.uri_too_long", id="B11 address"),
        pytest.param("", [("x-a", "a" * 17_000)], 431, "request.headers_too_large", id="B11 one header"),
        pytest.param("", [(f"x-{i}", "a") for i in range(120)], 431, "request.headers_too_large", id="B11 headers"),
        pytest.param("", [("host", "test"), ("host", "evil")], 400, "request.malformed", id="B15"),
    ],
)
async def test_a_request_is_refused_by_its_shape(
    client: httpx2.AsyncClient, problem: Problem, query: str, headers: list[tuple[str, str]], status: int, code: str
) -> None:
    response = await client.get(f"/livez?{query}", headers=headers)
    assert (response.status_code, problem(response)["code"]) == (status, code)


async def test_a_slow_body_is_not_waited_for(
    client: httpx2.AsyncClient, problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def drip() -> AsyncIterator[bytes]:
        yield b'{"amount":'
        await asyncio.sleep(5)
        yield b'"5"}'

    monkeypatch.setattr(routing, "BODY_SECONDS", 0.05)
    response = await client.post("/probe/orders", content=drip(), headers={"content-type": "application/json"})
    assert (response.status_code, problem(response)["code"]) == (408, "request.timeout")
    assert response.headers["connection"] == "close"
