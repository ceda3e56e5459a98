"""May this order go ahead: thresholds by currency and block lists (FRD-01 to FRD-06, hard case 15).

Gives a value, on which `order_processor` acts; and puts on a list who has lost a claim (hard case 22). What cannot be
judged (no amount, no threshold for the currency) goes to a person and never through. A person's approval answers every
rule that asked; block lists still deny.
"""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.direct import fetch_one
from jivapay.database.models.reference import FraudListEntry
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.identifiers import new_id
from jivapay.schemas_enums.enums import FraudListKind, FraudListType, FraudStatus


@dataclass(frozen=True, slots=True)
class FraudFacts:
    """What is known about an incoming order when it is judged."""

    amount_fiat: Decimal | None
    currency: str
    customer_id: str | None
    customer_ip: str | None
    store_id: int
    is_approved: bool = False
    lists: frozenset[FraudListType] | None = None
    """The lists that name him, where they have been read already."""


@dataclass(frozen=True, slots=True)
class FraudCheckResult:
    """`reason` is a stable code for staff; the customer never sees it."""

    status: FraudStatus
    reason: str = ""


ALLOWED = FraudCheckResult(FraudStatus.ALLOW)


def lists_naming(ip: str, customer: str) -> str:
    """SQL for the lists that name either of two SQL expressions; for statements that read more than this."""
    return f"""array(
  select list_type from fraud_list_entries
   where ((kind = '{FraudListKind.IP}' and value = {ip}) or (kind = '{FraudListKind.CUSTOMER}' and value = {customer}))
     and (expires_at is null or expires_at > app_now())
)"""  # noqa: S608 - built from our own constants


LISTS_NAMING = text(f"select {lists_naming(':ip', ':customer')} as lists")


async def check_incoming_order(session: AnySession, facts: FraudFacts, rules: BusinessSettings) -> FraudCheckResult:
    """Block lists, then amounts. Reads only."""
    lists = await _lists_naming(session, facts) if facts.lists is None else facts.lists
    if FraudListType.BLOCK in lists:
        return FraudCheckResult(FraudStatus.DENY, "fraud.block_list")
    judged = judge_amount(facts, rules)
    if judged.status is FraudStatus.REQUIRE_MANUAL_REVIEW and (facts.is_approved or FraudListType.ALLOW in lists):
        return ALLOWED
    return judged


def judge_amount(facts: FraudFacts, rules: BusinessSettings) -> FraudCheckResult:
    """The thresholds alone. An amount without thresholds is for a person."""
    deny = rules.fraud_deny_threshold.get(facts.currency)
    review = rules.fraud_manual_review_threshold.get(facts.currency)
    if facts.amount_fiat is None:
        return FraudCheckResult(FraudStatus.REQUIRE_MANUAL_REVIEW, "fraud.amount_missing")
    if deny is None or review is None:
        return FraudCheckResult(FraudStatus.REQUIRE_MANUAL_REVIEW, "fraud.threshold_missing")
    if facts.amount_fiat > deny:
        return FraudCheckResult(FraudStatus.DENY, "fraud.amount_denied")
    if facts.amount_fiat > review:
        return FraudCheckResult(FraudStatus.REQUIRE_MANUAL_REVIEW, "fraud.amount_review")
    return ALLOWED


def customer_entry(store_id: int, customer_id: str) -> str:
    """How a list names a customer: ids are the store's own, so they mean nothing without it."""
    return f"{store_id}:{customer_id}"


async def block_customer(session: WriteSession, store_id: int, customer_id: str, *, reason: str) -> None:
    """Put a store's customer on the block list, unless he is on it already: for a claim that was lost."""
    await session.execute(
        insert(FraudListEntry)
        .values(
            public_id=new_id(),
            list_type=FraudListType.BLOCK,
            kind=FraudListKind.CUSTOMER,
            value=customer_entry(store_id, customer_id),
            reason=reason,
        )
        .on_conflict_do_nothing(index_elements=["list_type", "kind", "value"])
    )


async def _lists_naming(session: AnySession, facts: FraudFacts) -> frozenset[FraudListType]:
    if facts.customer_ip is None and facts.customer_id is None:
        return frozenset()
    customer = None if facts.customer_id is None else customer_entry(facts.store_id, facts.customer_id)
    row = await fetch_one(session, LISTS_NAMING, {"ip": facts.customer_ip, "customer": customer})
    return frozenset(FraudListType(entry) for entry in row["lists"])
