"""Bodies: the rows of 4.B, and that nothing comes back of what was sent."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest

JSON = {"content-type": "application/json"}
Problem = Callable[[httpx2.Response], dict[str, Any]]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(b"", 400, "request.malformed", id="B01 empty"),
        pytest.param(b" ", 400, "request.malformed", id="B01 blank"),
        pytest.param(b"[]", 422, "validation.type", id="B01 list"),
        pytest.param(b'"x"', 422, "validation.type", id="B01 text"),
        pytest.param(b"null", 422, "validation.type", id="B01 null"),
        pytest.param(b'{"amount": "5"', 400, "request.malformed", id="B02 cut off"),
        pytest.param(b'{"amount": "5"} {}', 400, "request.malformed", id="B02 trailing"),
        pytest.param(b'{"amount": "5" /* x */}', 400, "request.malformed", id="B02 comment"),
        pytest.param(b"{'amount': '5'}", 400, "request.malformed", id="B02 quotes"),
        pytest.param(b'{"amount": "5", "amount": "1"}', 400, "request.duplicate_key", id="B03"),
        pytest.param(b'{"amount": "5", "metadata": {"a":1, "\\u0061":2}}', 400, "request.duplicate_key", id="B03 in"),
        pytest.param(b'{"amount": NaN}', 400, "request.malformed", id="A03 NaN"),
        pytest.param(b'{"amount": Infinity}', 400, "request.malformed", id="A03 Infinity"),
        pytest.param(b'{"amount": -Infinity}', 400, "request.malformed", id="A03 -Infinity"),
        pytest.param(b'{"amount": ' + b"9" * 5000 + b"}", 400, "request.malformed", id="A10"),
        pytest.param(b'{"amount": 1e999999999}', 400, "request.malformed", id="a huge exponent"),
        pytest.param(b'{"amount": 1e-999999999}', 400, "request.malformed", id="a tiny exponent"),
        pytest.param(b'{"amount": 0.' + b"1" * 5000 + b"}", 400, "request.malformed", id="many decimals"),
        pytest.param(b"[" * 33 + b"]" * 33, 400, "request.malformed", id="33 deep"),
        pytest.param(b"[" * 32 + b"]" * 32, 422, "validation.type", id="32 deep"),
        pytest.param(b'\xef\xbb\xbf{"amount": "5"}', 400, "request.malformed", id="B12 mark"),
        pytest.param('{"amount": "5"}'.encode("utf-16"), 400, "request.malformed", id="B12 UTF-16"),
        pytest.param('{"amount": "5"}'.encode("utf-16-le"), 400, "request.malformed", id="B12 UTF-16 without mark"),
        pytest.param(b'{"amount": "\xff"}', 400, "request.malformed", id="not UTF-8"),
        pytest.param(b'{"amount": "a\x01b"}', 400, "request.malformed", id="bare control"),
        pytest.param(b'{"amount": "5", "name": "\\ud800"}', 422, "text.forbidden_character", id="C02"),
        pytest.param(b'{"amount": "5", "\\ud800": 1}', 422, "text.forbidden_character", id="C02 key"),
        pytest.param(b'{"amount": "5", "name": "a\\u0000b"}', 422, "text.forbidden_character", id="C04 NUL"),
        pytest.param(b'{"amount": "5", "name": "a\\u202eb"}', 422, "text.forbidden_character", id="C04 direction"),
        pytest.param(b'{"amount": "5", "metadata": ["\\u200b"]}', 422, "text.forbidden_character", id="C04 in"),
        pytest.param(b'{"amount": "5", "external_order_id": "a\\r\\nb"}', 422, "text.forbidden_character", id="C06"),
        pytest.param(b'{"amount": "5", "name": "%s"}' % (b"x" * 60000), 422, "text.too_long", id="C05"),
        pytest.param(b'{"amount": "5", "direction": "PAY_IN"}', 422, "validation.enum", id="C15"),
        pytest.param(b'{"amount": "5", "direction": 1}', 422, "validation.enum", id="C15 number"),
        pytest.param(b'{"amount": "5", "metadata": {"a": "%s"}}' % (b"x" * 5000), 422, "validation.range", id="C20"),
        pytest.param(b'{"amount": "5", "extra": 1}', 422, "validation.unknown_field", id="unknown field"),
        pytest.param(b'{"name": "x"}', 422, "validation.required", id="missing field"),
        pytest.param(b'{"amount": -1}', 422, "money.not_positive", id="A01"),
        pytest.param(b'{"amount": 1e3}', 422, "money.format", id="A06"),
        pytest.param(b'{"amount": 9007199254740993.01}', 422, "money.must_be_string", id="A11"),
        pytest.param(b'{"amount": 0.30000000000000004}', 422, "money.too_many_decimals", id="A13"),
        pytest.param(b'{"amount": "5", "wait_seconds": 21}', 422, "validation.range", id="A25"),
        pytest.param(b'{"amount": "5", "wait_seconds": 1.5}', 422, "validation.range", id="A25 fraction"),
        pytest.param(b'{"amount": "5", "wait_seconds": "1"}', 422, "validation.type", id="A25 text"),
    ],
)
async def test_a_bad_body_is_refused_with_its_code(
    client: httpx2.AsyncClient, problem: Problem, body: bytes, status: int, code: str
) -> None:
    response = await client.post("/probe/orders", content=body, headers=JSON)
    assert (response.status_code, problem(response)["code"]) == (status, code)


@pytest.mark.parametrize("depth", [5_000, 30_000])
async def test_deep_nesting_is_refused_at_once(client: httpx2.AsyncClient, problem: Problem, depth: int) -> None:
    started = time.perf_counter()
    response = await client.post("/probe/orders", content=b'{"a":' * (depth // 5) + b"[" * depth, headers=JSON)
    assert (response.status_code, problem(response)["code"]) == (400, "request.malformed")
    assert time.perf_counter() - started < 0.5  # 50 ms on an idle machine; this one is shared


async def test_a_good_body_is_read_exactly(client: httpx2.AsyncClient) -> None:
    response = await client.post("/probe/orders", json={"amount": "4750.00", "metadata": {"cart": "9"}})
    assert (response.status_code, response.json()) == (201, {"amount": "4750.00"})


async def test_nothing_of_the_input_comes_back(client: httpx2.AsyncClient, problem: Problem) -> None:
    canary = "4111111111111111"
    response = await client.post(
        f"/probe/orders?{canary}={canary}",
        json={"amount": canary * 2, canary: canary, "<script>": 1, "metadata": canary, "direction": canary},
    )
    assert canary not in response.text
    assert "script" not in response.text
    assert problem(response)["code"] == "validation.failed"
    assert sorted((error["loc"], error["code"]) for error in response.json()["errors"]) == [
        (["body", "*"], "validation.unknown_field"),
        (["body", "*"], "validation.unknown_field"),
        (["body", "amount"], "money.too_large"),
        (["body", "direction"], "validation.enum"),
        (["body", "metadata"], "validation.type"),
    ]


async def test_authentication_answers_before_the_body_is_judged(client: httpx2.AsyncClient, problem: Problem) -> None:
    for body in (b"{", b'{"a":1,"a":2}', b"", b'{"amount":"x"}'):
        response = await client.post("/probe/guarded", content=body, headers=JSON)
        assert problem(response)["code"] == "auth.required"
        assert response.headers["www-authenticate"] == "Bearer"
    response = await client.post("/probe/guarded", content=b'{"a":1,"a":2}', headers={**JSON, "x-api-key": "good"})
    assert problem(response)["code"] == "request.duplicate_key"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="missing"),
        pytest.param({"content-type": "text/plain"}, id="text"),
        pytest.param({"content-type": "application/x-www-form-urlencoded"}, id="form"),
        pytest.param({"content-type": "application/json; charset=utf-16"}, id="UTF-16"),
        pytest.param({"content-type": "application/json", "content-encoding": "gzip"}, id="B13"),
        pytest.param({"content-type": "application/problem+json"}, id="another JSON"),
    ],
)
async def test_another_content_type_is_not_accepted(
    client: httpx2.AsyncClient, problem: Problem, headers: dict[str, str]
) -> None:
    response = await client.post("/probe/orders", content=b'{"amount": "5"}', headers=headers)
    assert (response.status_code, problem(response)["code"]) == (415, "request.unsupported_media_type")


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"'])
async def test_utf8_may_be_said(client: httpx2.AsyncClient, charset: str) -> None:
    response = await client.post(
        "/probe/orders",
        content=b'{"amount": "5"}',
        headers={"content-type": f"application/json; charset={charset}"},
    )
    assert response.status_code == 201


async def test_a_large_body_is_refused_before_it_is_read(client: httpx2.AsyncClient, problem: Problem) -> None:
    response = await client.post("/probe/orders", content=b"x" * (64 * 1024 + 1), headers=JSON)
    assert (response.status_code, problem(response)["code"]) == (413, "request.too_large")

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 4096
        raise AssertionError("the whole body was read")

    response = await client.post("/probe/orders", content=endless(), headers=JSON)
    assert (response.status_code, problem(response)["code"]) == (413, "request.too_large")


async def test_forms_are_read_as_strictly(client: httpx2.AsyncClient, problem: Problem) -> None:
    response = await client.post("/probe/upload", files={"receipt": ("r.png", b"x" * 100_000)})
    assert response.json() == {"size": 100_000}
    assert (await client.post("/probe/upload")).json() == {"size": 0}
    response = await client.post("/probe/upload", files=[("receipt", ("a", b"1")), ("receipt", ("b", b"2"))])
    assert problem(response)["code"] == "validation.duplicate_param"
    response = await client.post("/probe/upload", data={"note": "a\x00b"}, files={"receipt": ("a", b"1")})
    assert problem(response)["code"] == "text.forbidden_character"
    response = await client.post("/probe/upload", content=b"x", headers={"content-type": "multipart/form-data"})
    assert problem(response)["code"] == "request.malformed"
    response = await client.post("/probe/upload", content=b"{}", headers=JSON)
    assert problem(response)["code"] == "request.unsupported_media_type"
    response = await client.post("/probe/upload", files={"receipt": ("r.png", b"x" * (10 * 1024 * 1024 + 70_000))})
    assert problem(response)["code"] == "request.too_large"
