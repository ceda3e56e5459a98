"""Whatever comes, the answer is a refusal or a result, never a failure of ours; and the reader loses nothing."""

import json
from contextlib import suppress
from decimal import Decimal

import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jivapay.exceptions import MalformedRequest, ValidationFailed
from jivapay.schemas_enums.text_rules import has_forbidden_character
from jivapay.utils.json_reader import DEPTH_MAX, read_json

clean_text = st.text().filter(lambda text: not has_forbidden_character(text))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**40), 10**40) | clean_text | st.decimals(-1000, 1000, places=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(clean_text, inner, max_size=4),
    max_leaves=12,
)


def _written(value: object) -> str:
    """JSON with decimals as they are."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, list):
        return f"[{','.join(_written(inner) for inner in value)}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_written(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value)


@given(values)
def test_what_is_written_is_read(value: object) -> None:
    assert read_json(_written(value).encode()) == value


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"-" * 10)
@example(b"1e")
@example(b"\\ud800")
def test_the_reader_reads_or_refuses(body: bytes) -> None:
    with suppress(MalformedRequest, ValidationFailed):
        read_json(body)


@pytest.mark.parametrize(("depth", "readable"), [(DEPTH_MAX, True), (DEPTH_MAX + 1, False)])
def test_the_depth_is_exact(depth: int, readable: bool) -> None:
    body = b"[" * depth + b"]" * depth
    if readable:
        assert read_json(body)
    else:
        with pytest.raises(MalformedRequest, match="nested"):
            read_json(body)


FIELDS = ("amount", "external_order_id", "direction", "name", "wait_seconds", "metadata", "other")
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(FIELDS), anything, max_size=5))
async def test_no_body_breaks_a_route(client: httpx2.AsyncClient, body: dict[str, object]) -> None:
    response = await client.post(
        "/probe/orders", content=json.dumps(body).encode(), headers={"content-type": "application/json"}
    )
    assert response.status_code in {201, 400, 422}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
async def test_no_path_or_query_breaks_a_route(client: httpx2.AsyncClient, name: str, value: str) -> None:
    assert (await client.get("/probe/orders", params={name: value})).status_code in {200, 400, 422}
    assert (
        await client.get(httpx2.URL("http://test/probe/orders/").join(f"x{httpx2.QueryParams({'a': value})}"))
    ).status_code == 404
