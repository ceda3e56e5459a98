"""Reading the ledger: what an account had at a moment, what moved it in a period, what the platform earned.

A moment is the time a posting carries, so an entry's place and the balance after it are computed from times, alike for
accounts whose row is moved and for those that are rolled up: opening + entries = closing by construction, and each
statement is one SQL statement, so that it sees one state of the ledger. A period includes its beginning, not its end.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.types import BigInteger, DateTime, Integer, TypeEngine, Uuid

from jivapay.database.session import AnySession
from jivapay.services.balance_manager.accounts import AccountKey, Balance, get_balance

ACCOUNT = """
  select a.id from accounts a
   where a.owner_type = :owner_type and a.owner_id is not distinct from cast(:owner_id as bigint) and a.kind = :kind
     and a.currency = :currency and a.test = :test
"""


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to, not including, `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Totals:
    """`opening + credited - debited = closing`."""

    opening: Decimal
    credited: Decimal
    debited: Decimal
    count: int

    @property
    def closing(self) -> Decimal:
        return self.opening + self.credited - self.debited


@dataclass(frozen=True, slots=True)
class Entry:
    """One posting. `reference_id` is the public id of what it was for, where that has one."""

    transfer_id: UUID
    at: datetime
    kind: str
    amount: Decimal
    balance_after: Decimal
    reference_type: str
    reference_id: UUID | None
    order_id: UUID | None
    external_order_id: str | None
    reverses: UUID | None


@dataclass(frozen=True, slots=True)
class StatementPage:
    totals: Totals
    entries: Sequence[Entry]
    has_more: bool
    cursor_found: bool
    """False when the entry to go on from is not in this statement."""


PRESENT = """
  select a.id,
         a.balance + case when a.rolled_up then coalesce((
           select sum(p.amount) from postings p
            where p.account_id = a.id and p.xid >= coalesce(a.rolled_xid, '0'::xid8)), 0) else 0 end as total
    from accounts a join account using (id)
"""
"""What the account holds to its last posting, whether or not a job adds them."""
IN_PERIOD = "p.account_id = a.id and p.created_at >= :start and p.created_at < :end"
OPENING = """
  select coalesce((select total from present), 0) - coalesce((
           select sum(p.amount) from account a join postings p on p.account_id = a.id and p.created_at >= :start
         ), 0) as opening
"""
"""From the present backwards: what is read most often is recent, and an account's whole past may be millions."""
SHOWN = """
       t.public_id as transfer_id, page.created_at as at, t.kind, page.amount, page.balance_after,
       t.ref_type as reference_type, f.reference_id, f.public_order_id as order_id, f.external_order_id,
       r.public_id as reverses
"""
NAMED = """
  left join transfers t on t.id = page.transfer_id
  left join transfers r on r.id = t.reverses_id
  left join transfer_facts f on f.transfer_id = t.id
"""


def _bound(statement: str, **more: TypeEngine[Any]) -> TextClause:
    kinds: dict[str, TypeEngine[Any]] = {
        "owner_id": BigInteger(),
        "start": DateTime(timezone=True),
        "end": DateTime(timezone=True),
        **more,
    }
    return text(statement).bindparams(*(bindparam(name, type_=kind) for name, kind in kinds.items()))


def _page_statement(*, downwards: bool) -> TextClause:
    """Sums come from the index alone; rows are fetched for what is shown. No row is numbered that is not shown."""
    sign, order = ("<", "desc") if downwards else (">", "asc")
    return _bound(
        f"""
with account as ({ACCOUNT}),
present as ({PRESENT}),
before as ({OPENING}),
totals as (
  select b.opening, count(p.id) as entry_count,
         coalesce(sum(p.amount) filter (where p.amount > 0), 0) as credited,
         coalesce(-sum(p.amount) filter (where p.amount < 0), 0) as debited
    from before b left join (account a join postings p on {IN_PERIOD}) on true group by b.opening
),
anchor as (
  select p.created_at, p.id
    from transfers t join postings p on p.transfer_id = t.id join account a on {IN_PERIOD}
   where t.public_id = cast(:after as uuid)
),
shown as (
  select p.id, p.transfer_id, p.amount, p.created_at
    from account a join postings p on {IN_PERIOD}
   where cast(:after as uuid) is null or (p.created_at, p.id) {sign} (select created_at, id from anchor)
   order by p.created_at {order}, p.id {order}
   limit :row_limit offset :row_offset
),
base as (
  select b.opening + coalesce((
           select sum(p.amount) from account a join postings p on {IN_PERIOD}
            where (p.created_at, p.id) < (select s.created_at, s.id from shown s order by 1, 2 limit 1)), 0) as amount
    from before b
),
page as (
  select s.*, base.amount + sum(s.amount) over (order by s.created_at, s.id) as balance_after from shown s, base
)
select totals.opening, totals.entry_count, totals.credited, totals.debited,
       cast(:after as uuid) is null or exists (select 1 from anchor) as cursor_found, {SHOWN}
  from totals left join page on true {NAMED}
 order by page.created_at {order}, page.id {order}
""",  # noqa: S608 - built from our own constants
        after=Uuid(),
        row_limit=Integer(),
        row_offset=Integer(),
    )


UPWARDS = _page_statement(downwards=False)
DOWNWARDS = _page_statement(downwards=True)
WHOLE = _bound(f"""
with account as ({ACCOUNT}),
present as ({PRESENT}),
before as ({OPENING}),
page as (
  select p.id, p.transfer_id, p.amount, p.created_at,
         b.opening + sum(p.amount) over (order by p.created_at, p.id) as balance_after
    from before b, account a join postings p on {IN_PERIOD}
),
totals as (
  select b.opening, count(page.id) as entry_count,
         coalesce(sum(page.amount) filter (where page.amount > 0), 0) as credited,
         coalesce(-sum(page.amount) filter (where page.amount < 0), 0) as debited
    from before b left join page on true group by b.opening
)
select totals.*, {SHOWN}
  from totals left join page on true {NAMED}
 order by page.created_at, page.id
""")  # noqa: S608 - built from our own constants
COUNT_UP_TO = _bound(f"""
with account as ({ACCOUNT})
select count(*) from (select 1 from account a join postings p on {IN_PERIOD} limit :row_limit) counted
""")  # noqa: S608 - as above
AT_A_MOMENT = text(f"""
with account as ({ACCOUNT}),
present as ({PRESENT})
select coalesce((select total from present), 0) - coalesce((
         select sum(p.amount) from account a join postings p on p.account_id = a.id and p.created_at > :at), 0),
       coalesce((
         select sum(h.amount) from account a join holds h on h.account_id = a.id
          where h.created_at <= :at and (h.resolved_at is null or h.resolved_at > :at)), 0)
""").bindparams(bindparam("owner_id", type_=BigInteger()), bindparam("at", type_=DateTime(timezone=True)))  # noqa: S608 - as above


async def get_statement_page(
    session: AnySession,
    key: AccountKey,
    period: Period,
    *,
    after: UUID | None = None,
    limit: int,
    offset: int = 0,
    downwards: bool = False,
) -> StatementPage:
    """Totals of the whole period and some of its entries, after the entry of transfer `after` if one is named."""
    values = {**_values(key, period), "after": after, "row_limit": limit + 1, "row_offset": offset}
    rows = (await session.execute(DOWNWARDS if downwards else UPWARDS, values)).all()
    entries = [_entry(row) for row in rows if row.transfer_id is not None]
    return StatementPage(_totals(rows[0]), entries[:limit], len(entries) > limit, rows[0].cursor_found)


async def count_entries(session: AnySession, key: AccountKey, period: Period, *, up_to: int) -> int:
    """How many entries a period has; counting ends at `up_to`."""
    return await session.scalar(COUNT_UP_TO, {**_values(key, period), "row_limit": up_to}) or 0


@asynccontextmanager
async def stream_statement(
    session: AnySession, key: AccountKey, period: Period, *, batch: int
) -> AsyncIterator[tuple[Totals, AsyncIterator[list[Entry]]]]:
    """The totals, and all entries in batches as they come from the database, oldest first."""
    result = await session.stream(WHOLE, _values(key, period))
    batches = result.partitions(batch)
    first = await anext(batches)

    async def entries() -> AsyncIterator[list[Entry]]:
        yield [_entry(row) for row in first if row.transfer_id is not None]
        async for rows in batches:
            yield [_entry(row) for row in rows]

    try:
        yield _totals(first[0]), entries()
    finally:
        await result.close()


async def get_balance_at(session: AnySession, key: AccountKey, at: datetime | None) -> Balance:
    """What the account held then (None: holds now), and what of it was set aside; zero before it was opened."""
    if at is None:
        return await get_balance(session, key)
    total, held = (await session.execute(AT_A_MOMENT, {**_owner(key), "at": at})).one()
    return Balance(key.kind, key.currency, total, held)


def _owner(key: AccountKey) -> dict[str, Any]:
    return {
        "owner_type": key.owner_type.value,
        "owner_id": key.owner_id,
        "kind": key.kind.value,
        "currency": key.currency,
        "test": key.test,
    }


def _values(key: AccountKey, period: Period) -> dict[str, Any]:
    return {**_owner(key), "start": period.start, "end": period.end}


def _totals(row: Any) -> Totals:  # noqa: ANN401 - a row of the statement above
    return Totals(row.opening, row.credited, row.debited, row.entry_count)


def _entry(row: Any) -> Entry:  # noqa: ANN401 - as above
    return Entry(**{name: getattr(row, name) for name in Entry.__slots__})


ProfitBy = Literal["day", "store", "trader"]


@dataclass(frozen=True, slots=True)
class Profit:
    """What the platform earned in one currency; by day in UTC, or by the store or trader whose orders brought it."""

    day: date | None
    owner_id: UUID | None
    name: str | None
    currency: str
    profit: Decimal
    orders: int
    total: Decimal
    """Of the whole period in this currency, whatever is left out of the list."""


GROUPS: dict[ProfitBy, tuple[str, str]] = {
    "day": ("(p.created_at at time zone 'utc')::date", "null::uuid, null::text"),
    "store": ("null::date", "s.public_id, s.name"),
    "trader": ("null::date", "u.public_id, coalesce(nullif(u.name, ''), u.email)"),
}


def _profit_statement(by: ProfitBy) -> TextClause:
    day, owner = GROUPS[by]
    return text(f"""
select {day}, {owner}, a.currency, sum(p.amount), count(distinct o.id),
       sum(sum(p.amount)) over (partition by a.currency)
  from accounts a
  join postings p on p.account_id = a.id and p.created_at >= :start and p.created_at < :end
  join transfers t on t.id = p.transfer_id
  join transfer_facts f on f.transfer_id = t.id
  left join orders o on o.id = f.order_id
  left join merchant_stores s on s.id = o.store_id
  left join traders tr on tr.id = o.trader_id
  left join users u on u.id = tr.user_id
 where a.owner_type = 'platform' and a.test = :test
   and t.kind in ('settlement', 'adjustment', 'settlement_reversal', 'adjustment_reversal')
   and t.ref_type in ('order', 'dispute')
 group by 1, 2, 3, 4
 order by 1, 5 desc, 2
 limit :row_limit
""").bindparams(  # noqa: S608 - built from our own constants
        bindparam("start", type_=DateTime(timezone=True)), bindparam("end", type_=DateTime(timezone=True))
    )


PROFIT = {by: _profit_statement(by) for by in GROUPS}
PROFIT_ROWS_MAX = 5_000


async def list_profit(session: AnySession, by: ProfitBy, period: Period, *, test: bool) -> list[Profit]:
    """What orders and corrections of orders brought the platform; days in order, others the best first."""
    values = {"start": period.start, "end": period.end, "test": test, "row_limit": PROFIT_ROWS_MAX}
    return [Profit(*row) for row in await session.execute(PROFIT[by], values)]
