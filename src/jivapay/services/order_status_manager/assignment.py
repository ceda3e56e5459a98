"""The assignment of a requisite: everything it writes, in one statement.

Every order takes this step, so it is one round trip: the order, its hold, the requisite's counters, the incoming
order, audit and callback are written together or, when the deposit no longer covers it, not at all. The parts that
belong to others come from them (`requisite_selector`, `balance_manager`); `docs/performance.md` has the figures.
A pay-out costs its trader nothing: its store is held since it was created, and gives the buffer back here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import DateTime, Numeric, Text, Uuid

from jivapay.database.direct import fetch_one
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.callback_events import ORDER_EVENTS, OrderFacts, event_body
from jivapay.domain.commissions import Quote
from jivapay.domain.identifiers import new_id
from jivapay.exceptions import InsufficientBalance
from jivapay.schemas_enums.enums import CallbackState, Direction, IncomingOrderStatus, OrderStatus
from jivapay.services import balance_manager, requisite_selector
from jivapay.services.requisite_selector import Candidate, Wanted

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
    incoming_version: int
    earlier_steps: int
    store_id: int
    wanted: Wanted
    candidate: Candidate
    quote: Quote
    margin_percent: Decimal
    rate_source: str
    rate_at: datetime
    expires_at: datetime


TRADER_HOLD = f""", covered as (
  {balance_manager.COVER_HOLD} and exists (select from made) returning id
), held as (
  {balance_manager.PLACE_ORDER_HOLD}
)"""


def _assign_sql(direction: Direction) -> str:
    """Nothing is written when the requisite no longer fits, and no hold is placed when it is not covered."""
    is_payin = direction is Direction.PAY_IN
    return f"""
with fitting as (
  {requisite_selector.fitting(direction)}
), booked as (
  {requisite_selector.COUNT_ONE_MORE} from fitting where r.id = fitting.id returning r.day, fitting.*
), made as (
  insert into orders (
    incoming_order_id, store_id, trader_id, requisite_id, direction, test, status, fiat_currency, crypto_currency,
    amount_agreed, amount_fiat, amount_slot, rate, base_rate, margin_percent, rate_source, rate_at, amount_crypto,
    trader_amount_crypto, store_percent, trader_percent, store_commission, trader_commission, platform_profit,
    limit_lower, limit_upper, limit_window_minutes, limit_window_sum, limit_open_max, counted_day, counted_amount,
    expires_at
  )
  select :incoming_id, :store_id, :trader_id, :requisite_id, :direction, :test, 'pending', :currency, :crypto,
         :amount, :amount, :amount_slot, :rate, :base_rate, :margin_percent, :rate_source, :rate_at, :amount_crypto,
         :trader_amount_crypto, :store_percent, :trader_percent, :store_commission, :trader_commission, :profit,
         booked.lower_limit, booked.upper_limit, booked.turnover_limit_minutes, booked.turnover_limit_sum,
         booked.max_open_orders, booked.day, :amount, :expires_at
    from booked
  returning id
){TRADER_HOLD if is_payin else ""}, marked as (
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
select made.id, {"exists (select 1 from held)" if is_payin else "true"} as is_held from made
"""  # noqa: S608 - built from our own constants


@cache
def assign_statement(direction: Direction) -> TextClause:
    amounts = [
        "amount_slot",
        "rate",
        "margin_percent",
        "amount_crypto",
        "trader_amount_crypto",
        "store_commission",
        "trader_commission",
        "profit",
    ]
    if direction is Direction.PAY_IN:
        amounts.append("hold_amount")
    return requisite_selector.typed(text(_assign_sql(direction))).bindparams(
        *(bindparam(name, type_=Numeric()) for name in amounts),
        bindparam("rate_at", type_=DateTime(timezone=True)),
        bindparam("expires_at", type_=DateTime(timezone=True)),
        bindparam("url", type_=Text()),
        bindparam("request_id", type_=Text()),
        bindparam("public_id", type_=Uuid()),
        bindparam("payload", type_=JSONB()),
        bindparam("noted", type_=JSONB()),
    )


async def assign(session: WriteSession, actor: Actor, made: Assignment) -> int | None:
    """Create the order on the reserved requisite and mark the incoming order `assigned`. Returns the order's id,
    or None, and nothing is written, when the requisite no longer passes every rule.

    The transaction's actor and reason have been announced. Raises InsufficientBalance when the deposit was taken
    since, and IntegrityError when the amount was: the caller's transaction is to be rolled back.
    """
    row = await fetch_one(session, assign_statement(made.wanted.direction), _values(actor, made))
    if row is None:
        return None
    if not row["is_held"]:
        raise InsufficientBalance
    if made.wanted.direction is Direction.PAY_OUT:
        await balance_manager.shrink_payout_hold(session, made.incoming_id, made.quote.store_net)
    return int(row["id"])


def _values(actor: Actor, made: Assignment) -> dict[str, Any]:
    wanted, candidate, quote = made.wanted, made.candidate, made.quote
    facts = _facts(made)
    name = ORDER_EVENTS[OrderStatus.PENDING]
    return {
        **wanted.parameters(),
        "incoming_id": made.incoming_id,
        "incoming_version": made.incoming_version,
        "store_id": made.store_id,
        "trader_id": candidate.trader_id,
        "requisite_id": candidate.requisite_id,
        "direction": wanted.direction.value,
        "amount_slot": wanted.amount if wanted.direction is Direction.PAY_IN else None,
        "rate": quote.rate,
        "margin_percent": made.margin_percent,
        "rate_source": made.rate_source,
        "rate_at": made.rate_at,
        "amount_crypto": quote.amount_crypto,
        "trader_amount_crypto": quote.trader_amount_crypto,
        "trader_percent": candidate.trader_percent,
        "store_commission": quote.store_commission,
        "trader_commission": quote.trader_commission,
        "profit": quote.platform_profit,
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
        direction=made.wanted.direction,
        status=IncomingOrderStatus.ASSIGNED,
        amount_fiat=made.quote.amount_fiat,
        currency_fiat=made.wanted.fiat_currency,
        amount_crypto=made.quote.amount_crypto,
        currency_crypto=made.wanted.crypto_currency,
        crypto_scale=made.wanted.crypto_scale,
        rate=made.quote.rate,
        metadata=made.metadata,
        version=made.incoming_version + made.earlier_steps + STEPS_OF_ASSIGNMENT,
        test=made.wanted.test,
        order_status=OrderStatus.PENDING,
        amount_agreed=made.quote.amount_fiat,
        commission=made.quote.store_commission,
    )
