"""Each rule of the selector refuses by itself, under its own name, and refuses nothing else."""
# ruff: noqa: ANN401 - columns are of any type here

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from factories.people import CRYPTO
from factories.world import World
from jivapay.schemas_enums.enums import Direction
from jivapay.services.balance_manager import AccountKey
from jivapay.services.balance_manager.covers import cover
from jivapay.services.requisite_selector.rules import rules
from services.requisite_selector.looking import AMOUNT, change, explain, find_id, only_requisite
from support.owner import as_owner

pytestmark = pytest.mark.usefixtures("own_invariants_hold")

Breaking = Callable[[World], Awaitable[dict[str, Any]]]
BREAKS: dict[str, Breaking] = {}
"""Rule → what makes the world's only requisite fail it alone; gives what the order then wants differently."""


def breaks(rule: str) -> Callable[[Breaking], Breaking]:
    def register(breaking: Breaking) -> Breaking:
        BREAKS[rule] = breaking
        return breaking

    return register


def by_column(rule: str, table: str, **columns: Any) -> None:
    async def breaking(world: World) -> dict[str, Any]:
        key = {"users": world.trader.user_id, "traders": world.trader.id, "trader_commissions": world.trader.id}
        await change(world, table, key.get(table, await only_requisite(world)), **columns)
        return {}

    BREAKS[rule] = breaking


by_column("user_inactive", "users", is_active=False)
by_column("trader_not_in_work", "traders", in_work=False)
by_column("traffic_disabled", "traders", is_traffic_enabled_by_teamlead=False)
by_column("requisite_not_approved", "requisites", status="blocked")
by_column("requisite_excluded", "requisites", is_excluded_from_distribution=True)
by_column("direction_disabled", "requisite_settings", pay_in=False)
by_column("commission_above_store", "trader_commissions", commission_payin=Decimal("3.01"))
by_column("order_limit", "requisite_settings", upper_limit=AMOUNT - Decimal("0.01"))


@breaks("other_method")
async def _method(_: World) -> dict[str, Any]:
    return {"payment_method": "sbp"}


@breaks("other_bank")
async def _bank(_: World) -> dict[str, Any]:
    return {"bank": "alfa"}


@breaks("day_limit")
async def _day(world: World) -> dict[str, Any]:
    await world.assign(Decimal("500.01"))
    await change(world, "requisite_settings", await only_requisite(world), turnover_day_max=Decimal(1500))
    return {}


@breaks("total_limit")
async def _total(world: World) -> dict[str, Any]:
    await world.assign(Decimal("500.01"))
    await change(world, "requisite_settings", await only_requisite(world), total_limit=Decimal(1500))
    return {}


@breaks("window_limit")
async def _window(world: World) -> dict[str, Any]:
    await world.assign(Decimal("500.01"))
    window = {"turnover_limit_minutes": 60, "turnover_limit_sum": Decimal(1500)}
    await change(world, "requisite_settings", await only_requisite(world), **window)
    return {}


@breaks("open_orders")
async def _open(world: World) -> dict[str, Any]:
    await world.assign(Decimal(500))
    await change(world, "requisite_settings", await only_requisite(world), max_open_orders=1)
    return {}


@breaks("deposit")
async def _deposit(world: World) -> dict[str, Any]:
    """10 000 on deposit; an order of 935 000 costs 10 007.03."""
    return {"amount": Decimal(935_000)}


@breaks("amount_taken")
async def _amount(world: World) -> dict[str, Any]:
    await world.assign(AMOUNT)
    return {}


@breaks("open_cover")
async def _cover(world: World) -> dict[str, Any]:
    """Lent by a decision, and not repaid yet."""
    key = AccountKey.trader_crypto(world.trader.id, CRYPTO, test=False)
    async with world.database.write() as session:
        await cover(session, key, Decimal(5), ref_type="order", ref_id=1)
    return {}


def test_no_rule_is_left_out() -> None:
    assert BREAKS.keys() == rules(Direction.PAY_IN).keys()


async def test_nothing_speaks_against_the_usual(world: World) -> None:
    assert await explain(world) == {"suitable": 1}
    assert await find_id(world) == await only_requisite(world)


@pytest.mark.parametrize("rule", rules(Direction.PAY_IN))
async def test_each_rule_alone_refuses_and_says_so(world: World, rule: str) -> None:
    wanted = await BREAKS[rule](world)
    assert await explain(world, **wanted) == {rule: 1}
    assert await find_id(world, **wanted) is None


@pytest.mark.parametrize("rule", ["other_method", "day_limit", "open_orders", "amount_taken"])
async def test_the_order_keeps_the_explanation(world: World, rule: str) -> None:
    wanted = await BREAKS[rule](world)
    incoming = await world.accept(AMOUNT, method=wanted.get("payment_method", "card"))
    await world.process(incoming)
    deal = await world.deal(incoming)
    assert (deal.incoming.failure_code, deal.incoming.failure_details) == ("requisite.none_available", {rule: 1})


async def test_a_trader_without_deposit_or_commission_gets_nothing(world: World, own_owner_url: str) -> None:
    """What is missing counts as refused, never as zero."""
    await change(world, "traders", world.trader.id, in_work=False)
    poor = await world.add_trader(deposit=None)
    assert await explain(world) == {"trader_not_in_work": 1, "deposit": 1}
    await world.deposit(poor, Decimal(1000))
    assert await explain(world) == {"trader_not_in_work": 1, "suitable": 1}
    await as_owner(own_owner_url, "delete from trader_commissions where trader_id = $1", poor.id)
    assert await explain(world) == {"trader_not_in_work": 1, "commission_above_store": 1}
    assert await find_id(world) is None


@pytest.mark.parametrize(
    ("amount", "suits"), [("999.99", False), ("1000.00", True), ("2000.00", True), ("2000.01", False)]
)
async def test_limits_of_an_order_include_their_ends(world: World, amount: str, suits: bool) -> None:
    limits = {"lower_limit": Decimal(1000), "upper_limit": Decimal(2000)}
    await change(world, "requisite_settings", await only_requisite(world), **limits)
    assert (await find_id(world, amount=Decimal(amount)) is not None) is suits


@pytest.mark.parametrize(("amount", "suits"), [("1000.00", True), ("1000.01", False)])
@pytest.mark.parametrize(
    "limit",
    [
        {"turnover_day_max": Decimal(1500)},
        {"total_limit": Decimal(1500)},
        {"turnover_limit_minutes": 60, "turnover_limit_sum": Decimal(1500)},
    ],
    ids=["day", "total", "window"],
)
async def test_a_turnover_limit_can_be_used_up_to_the_last_kopeck(
    world: World, limit: dict[str, Any], amount: str, suits: bool
) -> None:
    await world.assign(Decimal(500))
    await change(world, "requisite_settings", await only_requisite(world), **limit)
    assert (await find_id(world, amount=Decimal(amount)) is not None) is suits


async def test_open_and_completed_orders_count_lapsed_ones_do_not(world: World) -> None:
    await change(world, "requisite_settings", await only_requisite(world), turnover_day_max=Decimal(1500))
    await world.cancel(await world.assign(Decimal(600)))
    assert await explain(world) == {"suitable": 1}
    await world.complete(Decimal(501))
    assert await explain(world) == {"day_limit": 1}


async def test_a_deposit_that_just_covers_the_cost_suits(world: World) -> None:
    """1 000 at 92.50 is 10.810811, less 1 % of it."""
    exact = await world.add_trader(deposit=Decimal("10.702703"), requisites=0)
    short = await world.add_trader(deposit=Decimal("10.702702"), requisites=1)
    await change(world, "traders", world.trader.id, in_work=False)
    assert await explain(world) == {"trader_not_in_work": 1, "deposit": 1}
    requisite = await world.add_requisite(exact)
    assert await find_id(world) == requisite
    await change(world, "traders", exact.id, in_work=False)
    await change(world, "traders", short.id, in_work=True)
    assert await find_id(world) is None


async def test_equal_commissions_are_allowed(world: World) -> None:
    await change(world, "trader_commissions", world.trader.id, commission_payin=Decimal(3))
    assert await find_id(world) is not None


async def test_live_and_test_never_mix(world: World) -> None:
    tester = await world.add_trader(test=True)
    live = await only_requisite(world)
    assert await find_id(world) == live
    testing = await find_id(world, test=True)
    assert testing is not None
    assert testing != live
    await change(world, "traders", world.trader.id, in_work=False)
    assert await find_id(world) is None
    assert await explain(world) == {"trader_not_in_work": 1}
    await change(world, "traders", tester.id, in_work=False)
    assert await find_id(world, test=True) is None
