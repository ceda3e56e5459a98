"""Taking an order: every rule of the store, the natural key, and that a refusal leaves nothing behind."""
# ruff: noqa: ANN401 - fields of a request are of any type here

from decimal import Decimal
from typing import Any

import pytest

from factories.world import AMOUNT, World
from jivapay.exceptions import (
    ConfigurationError,
    ExternalIdExists,
    JivaPayException,
    OpenOrdersLimitExceeded,
    PermissionDenied,
    PlatformFrozen,
    RateStale,
    ValidationFailed,
)
from jivapay.services import freeze_service
from support.dumps import dump
from support.owner import as_owner

pytestmark = pytest.mark.usefixtures("own_invariants_hold")


async def refusal(world: World, amount: Decimal | None = AMOUNT, **fields: Any) -> JivaPayException:
    """Refused, and every row of the database as it was."""
    before = await dump(world.database)
    with pytest.raises(JivaPayException) as refused:
        await world.accept(amount, **fields)
    assert await dump(world.database) == before
    return refused.value


async def test_an_order_is_kept_with_its_page_its_quote_and_one_hint(world: World) -> None:
    incoming = await world.accept(customer_id="u-1", metadata={"cart": "9"})
    deal = await world.deal(incoming)
    assert deal.page is not None
    assert await world.statuses(incoming) == ("new", None, "active")
    kept = deal.incoming
    assert (kept.amount_fiat, kept.amount_crypto, kept.quoted_rate) == (AMOUNT, Decimal("51.351351"), Decimal("92.50"))
    assert (kept.customer_id, kept.order_metadata, kept.retry_count) == ("u-1", {"cart": "9"}, 0)
    assert (kept.expires_at - kept.created_at).total_seconds() == world.rules.session_ttl_seconds
    assert kept.next_attempt_at == kept.created_at
    assert await world.scalar("select array_agg(topic || ':' || ref_id) from outbox") == [f"order.process:{incoming}"]


async def test_host_to_host_has_no_page(world: World) -> None:
    assert (await world.deal(await world.accept(hosted=False))).page is None


@pytest.mark.parametrize(("amount", "method"), [(None, None), (None, "card"), (AMOUNT, None)])
async def test_what_the_customer_still_has_to_choose_is_not_due(
    world: World, amount: Decimal | None, method: str | None
) -> None:
    incoming = await world.accept(amount, method=method)
    assert (await world.deal(incoming)).incoming.next_attempt_at is None
    assert await world.scalar("select count(*) from outbox") == 0


@pytest.mark.parametrize(
    ("columns", "error"), [({"pay_in_enabled": False}, PermissionDenied), ({"traffic_access": False}, PermissionDenied)]
)
async def test_a_store_that_is_switched_off(
    world: World, columns: dict[str, bool], error: type[JivaPayException]
) -> None:
    store = await world.add_store(**columns)
    assert isinstance(await refusal(world, store=store), error)


FIELDS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "another currency": ({}, {"currency": "EUR"}, "currency.unknown"),
    "no customer": ({"gateway_require_customer_id_param": True}, {}, "validation.required"),
    "no amount": ({"gateway_require_amount_param": True}, {"amount": None}, "validation.required"),
    "too little": ({"lower_limit": Decimal(5000)}, {}, "order.amount_below_limit"),
    "too much": ({"upper_limit": Decimal("4749.99")}, {}, "order.amount_above_limit"),
    "too exact": ({}, {"amount": Decimal("4750.001")}, "money.too_many_decimals"),
    "zeroes count": ({}, {"amount": Decimal("4750.000")}, "money.too_many_decimals"),
    "unknown method": ({}, {"method": "cash"}, "payment_method.unavailable"),
    "unknown bank": ({}, {"bank": "nobank"}, "bank.unavailable"),
    "return elsewhere": ({"return_hosts": ["a.example"]}, {"return_url": "https://b.example/"}, "return_url.invalid"),
    "return by script": ({"return_hosts": ["a.example"]}, {"return_url": "javascript:alert(1)"}, "return_url.invalid"),
}


@pytest.mark.parametrize("case", FIELDS)
async def test_what_a_store_s_rules_refuse(world: World, case: str) -> None:
    columns, fields, code = FIELDS[case]
    store = await world.add_store(**columns)
    refused = await refusal(world, **{"store": store, **fields})
    assert isinstance(refused, ValidationFailed)
    assert refused.code == code


async def test_a_callback_into_our_own_network_is_refused(world: World) -> None:
    refused = await refusal(world, callback_url="http://169.254.169.254/latest")
    assert isinstance(refused, ValidationFailed)


async def test_limits_include_their_ends(world: World) -> None:
    store = await world.add_store(lower_limit=AMOUNT, upper_limit=AMOUNT)
    await world.accept(store=store)


async def test_the_same_request_again_is_the_same_order(world: World) -> None:
    first = await world.accept(external_order_id="A-1", request_hash=b"body")
    before = await dump(world.database)
    assert await world.accept(external_order_id="A-1", request_hash=b"body") == first
    assert await dump(world.database) == before


async def test_another_body_under_the_same_id_is_refused(world: World) -> None:
    await world.accept(external_order_id="A-1", request_hash=b"body")
    refused = await refusal(world, external_order_id="A-1", request_hash=b"other")
    assert isinstance(refused, ExternalIdExists)
    assert refused.code == "order.external_id_exists"


async def test_each_store_has_its_own_ids(world: World) -> None:
    other = await world.add_store()
    first = await world.accept(external_order_id="A-1", request_hash=b"body")
    assert await world.accept(external_order_id="A-1", request_hash=b"other", store=other) != first


async def test_an_accepted_order_is_given_again_even_when_new_ones_are_not_taken(world: World) -> None:
    first = await world.accept(external_order_id="A-1", request_hash=b"body")
    async with world.database.write() as session:
        await freeze_service.freeze(session, world.staff, reason="looked wrong")
    assert await world.accept(external_order_id="A-1", request_hash=b"body") == first
    assert isinstance(await refusal(world), PlatformFrozen)


@pytest.mark.parametrize(
    ("setting", "who"),
    [
        ("OPEN_UNPAID_MAX_PER_CUSTOMER", {"customer_id": "u-1"}),
        ("OPEN_UNPAID_MAX_PER_ADDRESS", {"customer_ip": "203.0.113.7"}),
    ],
)
async def test_open_unpaid_orders_are_bounded(world: World, setting: str, who: dict[str, str]) -> None:
    await world.change_settings(**{setting: 2})
    await world.accept(Decimal(1000), **who)
    second = await world.assign(Decimal(1001), **who)
    refused = await refusal(world, **who)
    assert isinstance(refused, OpenOrdersLimitExceeded)
    assert (refused.status, refused.code, refused.retry_after_seconds) == (429, "order.limit_open", 60)
    await world.accept(**{name: f"{value}9" for name, value in who.items()})
    await world.cancel(second)
    await world.accept(Decimal(1002), **who)


async def test_a_customer_of_another_store_is_somebody_else_an_address_is_not(world: World) -> None:
    await world.change_settings(OPEN_UNPAID_MAX_PER_CUSTOMER=1, OPEN_UNPAID_MAX_PER_ADDRESS=1)
    other = await world.add_store()
    await world.accept(customer_id="u-1", customer_ip="203.0.113.7")
    await world.accept(customer_id="u-1", store=other)
    assert isinstance(await refusal(world, store=other, customer_ip="203.0.113.7"), OpenOrdersLimitExceeded)


async def test_a_stale_rate_takes_no_order(world: World) -> None:
    await world.advance(world.rules.rate_max_age_seconds + 1, fresh_rate=False)
    refused = await refusal(world)
    assert isinstance(refused, RateStale)
    assert (refused.status, refused.code) == (503, "rate.stale")
    await world.accept(None, method=None)


async def test_a_store_without_commission_is_not_free_of_charge(world: World, own_owner_url: str) -> None:
    await as_owner(own_owner_url, "delete from store_commissions")
    refused = await refusal(world)
    assert isinstance(refused, ConfigurationError)
    assert refused.code == "configuration.commission_missing"
