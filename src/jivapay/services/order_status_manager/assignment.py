"""The assignment of a requisite: everything it writes, in one statement.

Every order takes this step, so it is one round trip: the order, its hold, the requisite's counters, the incoming
order, audit and callback are written together or, when the deposit no longer covers it, not at all. The parts that
belong to others come from them (`requisite_selector`, `balance_manager`); `docs/performance.md` has the figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import DateTime, Integer, Numeric, Text, Uuid

from jivapay.database.direct import fetch_one
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.callback_events import ORDER_EVENTS, OrderFacts, event_body
from jivapay.domain.commissions import Quote
from jivapay.domain.identifiers import new_id
from jivapay.exceptions import InsufficientBalance
from jivapay.schemas_enums.enums import CallbackState, Direction, IncomingOrderStatus, OrderStatus
from jivapay.services import balance_manager, requisite_selector
from jivapay.services.requisite_selector import Candidate

STEPS_OF_ASSIGNMENT = 3
"""From an incoming order's version to the deal's: it counts from 0, takes a step, and the order begins."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """All that is frozen on an order when a requisite is reserved for it."""

    incoming_id: int
    public_id: UUID
    external_id: str
    metadata: Mapping[str, Any]
    callback_url: str | None
    crypto_scale: int
    incoming_version: int
    store_id: int
    direction: Direction
    test: bool
    fiat_currency: str
    crypto_currency: str
    candidate: Candidate
    quote: Quote
    base_rate: Decimal
    margin_percent: Decimal
    rate_source: str
    rate_at: datetime
    store_percent: Decimal
    expires_at: datetime


ASSIGN = text(f"""
with booked as (
  {requisite_selector.BOOK_USAGE}
), made as (
  insert into orders (
    incoming_order_id, store_id, trader_id, requisite_id, direction, test, status, fiat_currency, crypto_currency,
    amount_agreed, amount_fiat, amount_slot, rate, base_rate, margin_percent, rate_source, rate_at, amount_crypto,
    trader_amount_crypto, store_percent, trader_percent, store_commission, trader_commission, platform_profit,
    limit_lower, limit_upper, limit_window_minutes, limit_window_sum, limit_open_max, counted_day, counted_amount,
    expires_at
  )
  select :incoming_id, :store_id, :trader_id, :requisite_id, :direction, :test, 'pending', :fiat, :crypto,
         :amount, :amount, :amount_slot, :rate, :base_rate, :margin_percent, :rate_source, :rate_at, :amount_crypto,
         :trader_amount_crypto, :store_percent, :trader_percent, :store_commission, :trader_commission, :profit,
         :limit_lower, :limit_upper, :limit_window_minutes, :limit_window_sum, :limit_open_max, booked.day, :amount,
         :expires_at
    from booked
  returning id
), covered as (
  {balance_manager.COVER_HOLD}
), held as (
  {balance_manager.PLACE_ORDER_HOLD}
), marked as (
  update incoming_orders i
     set status = 'assigned', version = :incoming_version + 1, assigned_order_id = made.id,
         amount_crypto = :amount_crypto, failure_code = null, failure_reason = null, failure_details = null,
         next_attempt_at = null
    from made where i.id = :incoming_id
), noted as (
  insert into audit_log (action, entity, entity_id, version, actor_kind, actor_id, request_id, details)
  select event.action, event.entity, coalesce(event.entity_id, made.id), event.version, :actor_kind, :actor_id,
         :request_id, event.details
    from made cross join (values
      ('order.assigned', 'incoming_order', cast(:incoming_id as bigint), :incoming_version + 1, cast(:noted as jsonb)),
      ('order.reserved', 'order', null, 0, cast(:noted as jsonb))
    ) as event (action, entity, entity_id, version, details)
), told as (
  insert into callback_deliveries (
    event_id, store_id, order_type, order_id, public_order_id, event_type, order_status, status_version, url,
    payload, test, state, next_attempt_at
  )
  select :event_id, :store_id, 'order', made.id, :public_id, :event_type, 'pending', :status_version, :url,
         :payload, :test, :callback_state, case when cast(:url as text) is null then null else app_now() end
    from made
)
select made.id, (select id from held) as hold_id from made
""").bindparams(  # noqa: S608 - built from our own constants
    *(
        bindparam(name, type_=Numeric())
        for name in (
            "amount",
            "amount_slot",
            "rate",
            "base_rate",
            "margin_percent",
            "amount_crypto",
            "trader_amount_crypto",
            "store_percent",
            "trader_percent",
            "store_commission",
            "trader_commission",
            "profit",
            "limit_lower",
            "limit_upper",
            "limit_window_sum",
            "hold_amount",
        )
    ),
    bindparam("limit_window_minutes", type_=Integer()),
    bindparam("rate_at", type_=DateTime(timezone=True)),
    bindparam("expires_at", type_=DateTime(timezone=True)),
    bindparam("url", type_=Text()),
    bindparam("request_id", type_=Text()),
    bindparam("public_id", type_=Uuid()),
    bindparam("payload", type_=JSONB()),
    bindparam("noted", type_=JSONB()),
)


async def assign(session: WriteSession, actor: Actor, made: Assignment) -> int:
    """Create the order on the reserved requisite and mark the incoming order `assigned`. Returns the order's id.

    The transaction's actor and reason have been announced. Raises InsufficientBalance when the deposit was taken
    since the re-check, and IntegrityError when the amount was: the caller's transaction is to be rolled back.
    """
    row = await fetch_one(session, ASSIGN, _values(actor, made))
    if row is None:
        raise AssertionError(f"requisite {made.candidate.requisite_id} is gone")
    if row["hold_id"] is None:
        raise InsufficientBalance
    return int(row["id"])


def _values(actor: Actor, made: Assignment) -> dict[str, Any]:
    candidate, quote = made.candidate, made.quote
    facts = _facts(made)
    name = ORDER_EVENTS[OrderStatus.PENDING]
    return {
        "incoming_id": made.incoming_id,
        "incoming_version": made.incoming_version,
        "store_id": made.store_id,
        "trader_id": candidate.trader_id,
        "requisite_id": candidate.requisite_id,
        "direction": made.direction.value,
        "test": made.test,
        "fiat": made.fiat_currency,
        "crypto": made.crypto_currency,
        "amount": quote.amount_fiat,
        "amount_slot": quote.amount_fiat if made.direction is Direction.PAY_IN else None,
        "rate": quote.rate,
        "base_rate": made.base_rate,
        "margin_percent": made.margin_percent,
        "rate_source": made.rate_source,
        "rate_at": made.rate_at,
        "amount_crypto": quote.amount_crypto,
        "trader_amount_crypto": quote.trader_amount_crypto,
        "store_percent": made.store_percent,
        "trader_percent": candidate.trader_percent,
        "store_commission": quote.store_commission,
        "trader_commission": quote.trader_commission,
        "profit": quote.platform_profit,
        "limit_lower": candidate.limit_lower,
        "limit_upper": candidate.limit_upper,
        "limit_window_minutes": candidate.limit_window_minutes,
        "limit_window_sum": candidate.limit_window_sum,
        "limit_open_max": candidate.limit_open_max,
        "expires_at": made.expires_at,
        "hold_amount": quote.trader_net,
        "actor_kind": actor.kind.value,
        "actor_id": actor.id,
        "request_id": actor.request_id,
        "noted": {"by": actor.name, "requisite": candidate.requisite_id, "trader": candidate.trader_id},
        "event_id": f"evt_{new_id().hex}",
        "public_id": made.public_id,
        "event_type": name,
        "status_version": facts.version,
        "url": made.callback_url,
        "payload": event_body(facts, name),
        "callback_state": (CallbackState.PENDING if made.callback_url else CallbackState.SKIPPED).value,
    }


def _facts(made: Assignment) -> OrderFacts:
    """What the store is told, from what is at hand: nothing is read again on this path."""
    return OrderFacts(
        order_id=made.public_id,
        external_order_id=made.external_id,
        direction=made.direction,
        status=IncomingOrderStatus.ASSIGNED,
        amount_fiat=made.quote.amount_fiat,
        currency_fiat=made.fiat_currency,
        amount_crypto=made.quote.amount_crypto,
        currency_crypto=made.crypto_currency,
        crypto_scale=made.crypto_scale,
        rate=made.quote.rate,
        metadata=made.metadata,
        version=made.incoming_version + STEPS_OF_ASSIGNMENT,
        test=made.test,
        order_status=OrderStatus.PENDING,
        amount_agreed=made.quote.amount_fiat,
        commission=made.quote.store_commission,
    )
