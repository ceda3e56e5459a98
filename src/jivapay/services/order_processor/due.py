"""Incoming orders that are due: locked, with all that decides about them, read in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, bindparam, text

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.direct import fetch_all
from jivapay.database.session import WriteSession
from jivapay.domain.money import ZERO
from jivapay.schemas_enums.enums import ActorKind, Direction, FraudListType, OwnerType
from jivapay.services import commission_service, fraud_detector
from jivapay.services.fraud_detector import FraudFacts
from jivapay.services.requisite_selector import Wanted

STORE_PERCENT = commission_service.percent_sql(OwnerType.STORE, "i.store_id", "i.direction", "i.payment_method")

LOCK_DUE = text(f"""
select set_config('jivapay.actor_kind', :actor_kind, true), set_config('jivapay.actor_id', '', true),
       set_config('jivapay.reason', 'requisite reserved', true),
       i.id, i.public_id, i.external_id, i.metadata,
       coalesce(i.callback_url, s.callback_url) as callback_url, i.store_id, i.direction, i.test, i.version,
       i.retry_count, i.amount_fiat, i.fiat_currency, i.crypto_currency, i.payment_method, i.bank,
       i.customer_id, i.customer_ip, i.review_approved_at is not null as is_approved, i.hosted, i.earlier_steps,
       case when i.direction = 'pay_in' then coalesce(s.processing_ttl_seconds, cast(:pay_seconds as integer))
            else cast(:accept_seconds as integer) end as seconds_to_act,
       coalesce(i.margin_percent, s.rate_margin_percent) as margin_percent,
       coalesce(i.store_percent, {STORE_PERCENT}) as store_percent,
       case when i.direction = 'pay_out' then array(
         select d.trader_id from orders d where d.incoming_order_id = i.id and d.status = 'declined'
       ) else '{{}}' end as declined_by,
       c.scale as crypto_scale,
       offer.base_rate, offer.source as rate_source, offer.at as rate_at,
       offer.at >= app_now() - make_interval(secs => :rate_max_age) as rate_fresh,
       s.access and s.traffic_access and s.archived_at is null and owner.is_active
         and case when i.direction = 'pay_in' then s.pay_in_enabled else s.pay_out_enabled end as store_open,
       exists (select 1 from money_freezes where lifted_at is null) as frozen,
       {fraud_detector.lists_naming("i.customer_ip", "i.store_id || ':' || i.customer_id")} as fraud_lists,
       app_now() as now
  from incoming_orders i
  join merchant_stores s on s.id = i.store_id
  join merchants m on m.id = s.merchant_id
  join users owner on owner.id = m.user_id
  join currencies c on c.code = i.crypto_currency
  left join lateral (
    select i.quoted_base_rate as base_rate, i.quoted_source as source, i.quoted_at as at, 0 as place
     where i.quoted_at >= app_now() - make_interval(secs => :rate_max_age)
    union all
    (select case when i.direction = 'pay_in' then e.sell_rate else e.buy_rate end, e.source, e.stamped_at, 1
       from exchange_rates e
      where e.fiat = i.fiat_currency and e.crypto = i.crypto_currency order by e.id desc limit 1)
    order by place limit 1
  ) offer on true
 where i.id = any(:ids) and i.status in ('new', 'retrying') and i.next_attempt_at <= app_now()
   and i.expires_at > app_now()
 order by i.id
   for no key update of i skip locked
""").bindparams(bindparam("ids", type_=ARRAY(BigInteger)))  # noqa: S608 - built from our own constants
"""Locks incoming orders, reads all that decides about each, and announces the step that is hoped for.

The rate is the one quoted at acceptance while that quote holds, else the one in force; a pay-out's percentages are
those its hold was computed with.
No row for one: done, not due, or in somebody else's hands.
"""


@dataclass(frozen=True, slots=True)
class DueOrder:
    """A locked incoming order with what the attempt needs of its store, commission and rate."""

    id: int
    public_id: UUID
    external_id: str
    metadata: dict[str, Any]
    callback_url: str | None
    store_id: int
    direction: Direction
    test: bool
    version: int
    retry_count: int
    amount_fiat: Decimal | None
    fiat_currency: str
    crypto_currency: str
    payment_method: str | None
    bank: str | None
    customer_id: str | None
    customer_ip: str | None
    is_approved: bool
    hosted: bool
    earlier_steps: int
    seconds_to_act: int
    """Of the payer for a pay-in, of the trader who is offered it for a pay-out."""
    declined_by: list[int]
    margin_percent: Decimal
    store_percent: Decimal | None
    crypto_scale: int
    base_rate: Decimal | None
    rate_source: str | None
    rate_at: datetime | None
    rate_fresh: bool | None
    store_open: bool
    frozen: bool
    fraud_lists: frozenset[FraudListType]
    now: datetime

    @property
    def fraud_facts(self) -> FraudFacts:
        return FraudFacts(
            self.amount_fiat,
            self.fiat_currency,
            self.customer_id,
            self.customer_ip,
            self.store_id,
            is_approved=self.is_approved,
            lists=self.fraud_lists,
        )


DUE_FIELDS = tuple(field.name for field in fields(DueOrder))


async def lock_due(session: WriteSession, incoming_ids: Sequence[int], rules: BusinessSettings) -> list[DueOrder]:
    """Those of them that are due and in nobody else's hands, locked, by id. Announces the step that is hoped for."""
    rows = await fetch_all(
        session,
        LOCK_DUE,
        {
            "ids": incoming_ids,
            "actor_kind": ActorKind.SYSTEM.value,
            "pay_seconds": rules.client_pay_seconds,
            "accept_seconds": rules.payout_accept_seconds,
            "rate_max_age": rules.rate_max_age_seconds,
        },
    )
    return [_due_order(row) for row in rows]


def _due_order(row: Mapping[str, Any]) -> DueOrder:
    values = {name: row[name] for name in DUE_FIELDS}
    values["direction"] = Direction(values["direction"])
    values["fraud_lists"] = frozenset(FraudListType(entry) for entry in values["fraud_lists"])
    return DueOrder(**values)


def wanted_by(due: DueOrder) -> Wanted:
    """What a due order asks of a requisite."""
    if due.amount_fiat is None or due.payment_method is None or due.base_rate is None:
        raise AssertionError(f"incoming order {due.id} is due without amount, method or rate")
    return Wanted(
        direction=due.direction,
        fiat_currency=due.fiat_currency,
        crypto_currency=due.crypto_currency,
        crypto_scale=due.crypto_scale,
        amount=due.amount_fiat,
        payment_method=due.payment_method,
        bank=due.bank,
        store_percent=due.store_percent if due.store_percent is not None else ZERO,
        base_rate=due.base_rate,
        test=due.test,
        declined_by=tuple(due.declined_by),
    )
