"""A pay-out is accepted with its whole cost set aside, or not at all."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from factories.payouts import FUNDS
from factories.world import SYSTEM, World
from jivapay.exceptions import (
    ExternalIdExists,
    InsufficientBalance,
    JivaPayException,
    PermissionDenied,
    PlatformFrozen,
    RateStale,
    ValidationFailed,
)
from jivapay.services import freeze_service
from jivapay.services.gateway_service.deals import get_deal, show_payout
from jivapay.services.gateway_service.payin import open_viewer
from support.dumps import changed_tables, dump

COST = Decimal("52.891892")
"""4 750 RUB at 92.50, and 3 %."""
WITH_BUFFER = Decimal("53.420811")


async def refused(world: World, error: type[JivaPayException], **asked: Any) -> JivaPayException:  # noqa: ANN401 - fields of a request
    """The refusal, which changes nothing."""
    before = await dump(world.database)
    with pytest.raises(error) as raised:
        await world.accept_payout(**asked)
    assert changed_tables(before, await dump(world.database)) == []
    return raised.value


async def test_the_cost_and_the_buffer_are_set_aside(world: World) -> None:
    incoming = await world.accept_payout()
    balance = await world.store_balance()
    assert (balance.total, balance.held) == (FUNDS, WITH_BUFFER)
    row = (await world.deal(incoming)).incoming
    assert (row.direction, row.status, row.store_percent) == ("pay_out", "new", Decimal(3))
    assert (row.amount_crypto, row.quoted_rate) == (Decimal("51.351351"), Decimal("92.50"))
    assert (await world.deal(incoming)).page is None


async def test_the_recipient_is_encrypted_and_shown_masked(world: World) -> None:
    incoming = await world.accept_payout(number="4276 3800 1234 5679")
    row = (await world.deal(incoming)).incoming
    assert row.recipient is not None
    assert b"4276380012345679" not in row.recipient
    async with world.database.read() as session:
        shown = await show_payout(session, await get_deal(session, incoming), await open_viewer(world.resources))
    assert (shown.recipient.number, shown.recipient.holder) == ("•••• 5679", "Анна П.")
    assert "4276380012345679" not in shown.model_dump_json()
    assert shown.commission == "1.540541"


async def test_a_balance_that_covers_the_cost_but_not_the_buffer_is_not_enough(world: World) -> None:
    store = await world.add_store(pay_out_enabled=True)
    await world.fund(COST, store)
    error = await refused(world, InsufficientBalance, store=store)
    assert (error.status, error.code) == (422, "balance.insufficient")
    await world.fund(WITH_BUFFER - COST, store)
    await world.accept_payout(store=store)
    assert (await world.store_balance(store)).available == Decimal(0)


async def test_a_buffer_of_zero_sets_aside_the_cost_alone(world: World) -> None:
    await world.change_settings(PAYOUT_RATE_BUFFER_PERCENT=Decimal(0))
    await world.accept_payout()
    assert (await world.store_balance()).held == COST


async def test_the_same_request_is_one_payout_and_another_is_refused(world: World) -> None:
    first = await world.accept_payout(external_order_id="P-1", request_hash=b"same")
    assert await world.accept_payout(external_order_id="P-1", request_hash=b"same") == first
    assert (await world.store_balance()).held == WITH_BUFFER
    await refused(world, ExternalIdExists, external_order_id="P-1", request_hash=b"other")
    await world.accept(external_order_id="P-1", request_hash=b"other")


@pytest.mark.parametrize("number", ["4276380012345674", "", "abc", "+79001234567", "1" * 30])
async def test_a_number_that_is_none(world: World, number: str) -> None:
    error = await refused(world, ValidationFailed, number=number)
    assert error.code == "requisite.format"


@pytest.mark.parametrize("column", ["pay_out_enabled", "traffic_access"])
async def test_a_store_that_is_switched_off(world: World, column: str) -> None:
    store = await world.add_store(**{"pay_out_enabled": True, column: False})
    await refused(world, PermissionDenied, store=store)


async def test_limits_method_bank_and_currency(world: World) -> None:
    store = await world.add_store(pay_out_enabled=True, lower_limit=Decimal(100), upper_limit=Decimal(5000))
    for asked, code in (
        ({"amount": Decimal("99.99")}, "order.amount_below_limit"),
        ({"amount": Decimal("5000.01")}, "order.amount_above_limit"),
        ({"amount": Decimal("100.001")}, "money.too_many_decimals"),
        ({"method": "pigeon"}, "payment_method.unavailable"),
        ({"bank": "nowhere"}, "bank.unavailable"),
        ({"currency": "EUR"}, "currency.unknown"),
        ({"callback_url": "ftp://x"}, "callback.url_invalid"),
    ):
        error = await refused(world, ValidationFailed, store=store, **asked)
        assert error.code == code


async def test_what_would_be_nothing(world: World) -> None:
    await world.set_rate(Decimal(1_000_000))
    error = await refused(world, ValidationFailed, amount=Decimal("0.01"))
    assert error.code == "amount.too_small"


async def test_a_stale_rate_and_a_freeze(world: World) -> None:
    await world.advance(world.rules.rate_max_age_seconds + 1, fresh_rate=False)
    await refused(world, RateStale)
    await world.set_rate()
    async with world.database.write() as session:
        await freeze_service.freeze(session, SYSTEM, reason="planted")
    await refused(world, PlatformFrozen)


async def test_a_margin_is_frozen_with_the_hold(world: World) -> None:
    """The store's terms may change before a trader is found; what was set aside stays what it costs."""
    store = await world.add_store(pay_out_enabled=True, rate_margin_percent=Decimal(2))
    await world.fund(Decimal(100), store)
    incoming = await world.accept_payout(store=store)
    async with world.database.write() as session:
        await session.execute(text("update merchant_stores set rate_margin_percent = 9"))
        await session.execute(text("update store_commissions set commission_payout = 50"))
    await world.process(incoming)
    order = await world.order(incoming)
    assert (order.rate, order.store_percent) == (Decimal("90.65"), Decimal(3))
    assert (await world.store_balance(store)).held == order.amount_crypto + order.store_commission
