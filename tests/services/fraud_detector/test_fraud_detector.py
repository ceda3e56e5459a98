"""The fraud detector's answers: block lists before amounts, approvals and allow lists against reviews only."""
# ruff: noqa: ANN401 - facts are of any type here

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from factories.world import World
from jivapay.config.business_settings import BusinessSettings
from jivapay.domain.outcomes import NeedsReview
from jivapay.schemas_enums.enums import FraudStatus
from jivapay.services import fraud_detector
from jivapay.services.fraud_detector import FraudFacts, judge_amount

RULES = BusinessSettings()
ALLOW, DENY, REVIEW = FraudStatus.ALLOW, FraudStatus.DENY, FraudStatus.REQUIRE_MANUAL_REVIEW


def facts(**values: Any) -> FraudFacts:
    usual = {"amount_fiat": Decimal(1000), "currency": "RUB", "customer_id": "u-1", "customer_ip": "203.0.113.7"}
    return FraudFacts(**{**usual, "store_id": 1, **values})


@pytest.mark.parametrize(
    ("amount", "status", "reason"),
    [
        ("0.01", ALLOW, ""),
        ("500000.00", ALLOW, ""),
        ("500000.01", REVIEW, "fraud.amount_review"),
        ("2000000.00", REVIEW, "fraud.amount_review"),
        ("2000000.01", DENY, "fraud.amount_denied"),
        (None, REVIEW, "fraud.amount_missing"),
    ],
)
def test_thresholds(amount: str | None, status: FraudStatus, reason: str) -> None:
    judged = judge_amount(facts(amount_fiat=None if amount is None else Decimal(amount)), RULES)
    assert (judged.status, judged.reason) == (status, reason)


@pytest.mark.parametrize("missing", ["fraud_manual_review_threshold", "fraud_deny_threshold"])
def test_a_currency_without_thresholds_is_for_a_person_and_never_let_through(missing: str) -> None:
    rules = RULES.model_copy(update={missing: {"EUR": Decimal(1)}})
    judged = judge_amount(facts(amount_fiat=Decimal("0.01")), rules)
    assert (judged.status, judged.reason) == (REVIEW, "fraud.threshold_missing")


async def put_on(world: World, list_type: str, kind: str, value: str, **lasting: Any) -> None:
    async with world.database.write() as session:
        await session.execute(
            text(
                "insert into fraud_list_entries (list_type, kind, value, reason, expires_at)"
                " values (:list_type, :kind, :value, 'seen', app_now() + cast(:lasting as interval))"
            ),
            {"list_type": list_type, "kind": kind, "value": value, "lasting": lasting.get("lasting")},
        )


async def check(world: World, **values: Any) -> tuple[FraudStatus, str]:
    async with world.database.read() as session:
        checked = await fraud_detector.check_incoming_order(session, facts(**values), RULES)
    return checked.status, checked.reason


@pytest.mark.parametrize(("kind", "value"), [("ip", "203.0.113.7"), ("customer", "1:u-1")])
async def test_a_block_list_denies_whatever_else_speaks_for_it(world: World, kind: str, value: str) -> None:
    assert await check(world) == (ALLOW, "")
    await put_on(world, "block", kind, value)
    await put_on(world, "allow", "ip" if kind == "customer" else "customer", "1:u-1")
    blocked = (DENY, "fraud.block_list")
    assert await check(world) == blocked
    assert await check(world, is_approved=True, amount_fiat=Decimal(600_000)) == blocked
    assert await check(world, customer_ip="203.0.113.8", customer_id="u-2") == (ALLOW, "")


async def test_a_customer_is_known_by_his_store(world: World) -> None:
    await put_on(world, "block", "customer", "1:u-1")
    assert await check(world, store_id=2) == (ALLOW, "")


async def test_an_entry_holds_until_it_expires(world: World) -> None:
    await put_on(world, "block", "ip", "203.0.113.7", lasting=timedelta(hours=1))
    assert (await check(world))[0] is DENY
    await world.advance(3601)
    assert (await check(world))[0] is ALLOW


@pytest.mark.parametrize("spoken_for", ["approved", "allow list"])
async def test_reviews_can_be_answered_denials_cannot(world: World, spoken_for: str) -> None:
    if spoken_for == "allow list":
        await put_on(world, "allow", "ip", "203.0.113.7")
    approved = {"is_approved": spoken_for == "approved"}
    assert (await check(world, amount_fiat=Decimal(600_000), **approved))[0] is ALLOW
    assert (await check(world, amount_fiat=Decimal(2_000_001), **approved))[0] is DENY


async def test_nothing_known_is_judged_by_its_amount(world: World) -> None:
    await put_on(world, "block", "ip", "203.0.113.7")
    assert await check(world, customer_id=None, customer_ip=None) == (ALLOW, "")


async def test_an_unreadable_threshold_never_means_no_limit(world: World) -> None:
    """Found malformed in the table, the last good value stays in force."""
    async with world.database.write() as session:
        await session.execute(
            text(
                "insert into configuration_settings (key, value) values ('FRAUD_MANUAL_REVIEW_THRESHOLD', 'lots')"
                " on conflict (key) do update set value = excluded.value"
            )
        )
    world.resources.config.forget()
    world.rules = await world.resources.config.current()
    assert await world.process(await world.accept(Decimal(600_000))) == NeedsReview("fraud.amount_review")
