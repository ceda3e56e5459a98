"""Finding and locking the requisite that takes an order."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger, Numeric, Text, TypeEngine

from jivapay.database.direct import fetch_one
from jivapay.database.session import WriteSession
from jivapay.schemas_enums.enums import Direction
from jivapay.services.requisite_selector.rules import SCOPE, rules, sources, trader_percent


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an order asks of a requisite. `bank` is None when any will do."""

    direction: Direction
    fiat_currency: str
    crypto_currency: str
    crypto_scale: int
    amount: Decimal
    payment_method: str
    bank: str | None
    store_percent: Decimal
    base_rate: Decimal
    test: bool
    declined_by: tuple[int, ...] = ()
    """Traders to whom this pay-out is not offered again."""

    def parameters(self) -> dict[str, object]:
        return {
            "currency": self.fiat_currency,
            "crypto": self.crypto_currency,
            "method": self.payment_method,
            "bank": self.bank,
            "amount": self.amount,
            "test": self.test,
            "store_percent": self.store_percent,
            "base_rate": self.base_rate,
            "scale": self.crypto_scale,
            "declined_by": list(self.declined_by),
        }


@dataclass(frozen=True, slots=True)
class Candidate:
    """A locked requisite that passed every rule before it was locked; FITTING says whether it still does."""

    requisite_id: int
    trader_id: int
    account_id: int | None
    """The trader's crypto, for who takes several in the order of their ids. A test trader's may not be open yet."""
    trader_percent: Decimal
    has_lapsed_slot: bool


FREE_LAPSED_SLOT = text("""
update orders set amount_slot = null, slot_free_at = null
 where id = any(array(
   select id from orders
    where trader_id = :trader_id and fiat_currency = :currency and amount_slot = :amount and slot_free_at <= app_now()
      for no key update skip locked
 ))
""").bindparams(bindparam("amount", type_=Numeric()))
"""The order that held it may be coming back to life at this moment, and then waits for the requisite that is locked
here: waiting for that order would be a deadlock. Its slot stays taken, the index refuses, and the attempt is repeated.
"""


def typed(statement: TextClause) -> TextClause:
    """Give the parameters of `rules` their types: the driver needs them for NULL and for amounts."""
    kinds: dict[str, TypeEngine[Any]] = {
        "bank": Text(),
        "amount": Numeric(),
        "store_percent": Numeric(),
        "base_rate": Numeric(),
        "trader_percent": Numeric(),
        "declined_by": ARRAY(BigInteger),
    }
    used = {name: kind for name, kind in kinds.items() if name in statement._bindparams}  # noqa: SLF001 - no other way to ask
    return statement.bindparams(*(bindparam(name, type_=kind) for name, kind in used.items()))


@cache
def candidate_statement(direction: Direction) -> TextClause:
    """The best suitable requisite that nobody has locked, locked.

    The rules stand in a scalar subquery, which PostgreSQL does not flatten into joins: it walks the round-robin
    index and stops at the first requisite that passes, however many there are.
    """
    conditions = "\n        and ".join(rules(direction).values())
    percent = trader_percent(direction, "best.trader_id", "best.payment_method")
    statement = text(f"""
with best as (
  select q.id, q.trader_id, q.payment_method
    from requisites q
   where q.fiat_currency = :currency and q.test = :test and q.payment_method = :method
     and q.status = 'approve' and not q.is_excluded_from_distribution
     and not (q.id = any(:excluded)) and not (q.trader_id = any(:excluded_traders))
     and (
       select true
         from {sources(direction)}
        where r.id = q.id
          and {SCOPE}
          and {conditions}
     )
   order by q.traffic_priority, q.last_used_at nulls first, q.id
   limit 1
     for no key update of q skip locked
)
select best.id, best.trader_id, a.id as account_id, {percent} as trader_percent,
       exists (select 1 from orders l where l.trader_id = best.trader_id and l.fiat_currency = :currency
                  and l.amount_slot = :amount) as has_lapsed_slot
  from best
  left join accounts a on a.owner_type = 'trader' and a.owner_id = best.trader_id and a.kind = 'crypto'
       and a.currency = :crypto and a.test = :test
""")  # noqa: S608 - built from our own constants
    numbers = ARRAY(BigInteger)
    return typed(statement).bindparams(
        bindparam("excluded", type_=numbers), bindparam("excluded_traders", type_=numbers)
    )


def fitting(direction: Direction) -> str:
    """The same rules for the one locked row, for the statement that writes: being a second statement it sees what
    the lock waited for (H2). Gives the limits compared, or no row; `:trader_percent` is what the deal was priced with.
    """
    conditions = "\n   and ".join(rules(direction).values())
    return f"""
select r.id, rs.lower_limit, rs.upper_limit, rs.turnover_limit_minutes, rs.turnover_limit_sum, rs.max_open_orders
  from {sources(direction)}
 where {SCOPE}
   and r.id = :requisite_id
   and tc.percent = :trader_percent
   and {conditions}
"""  # noqa: S608 - built from our own constants


async def find_suitable_requisite(
    session: WriteSession, wanted: Wanted, excluded: Sequence[int] = (), *, excluded_traders: Sequence[int] = ()
) -> Candidate | None:
    """The first requisite in order that passes every rule and could be locked, apart from those excluded.

    None when all fail or are locked. An amount that a lapsed order still holds at its trader is freed.
    """
    leaving_out = {"excluded": list(excluded), "excluded_traders": list(excluded_traders)}
    best = await fetch_one(session, candidate_statement(wanted.direction), {**wanted.parameters(), **leaving_out})
    if best is None:
        return None
    candidate = Candidate(*best)
    if candidate.has_lapsed_slot:
        await free_lapsed_slot(session, candidate.trader_id, wanted.fiat_currency, wanted.amount)
    return candidate


async def free_lapsed_slot(session: WriteSession, trader_id: int, currency: str, amount: Decimal) -> None:
    """Let a lapsed order give its amount back, unless somebody works on it. The trader's requisite is locked."""
    await session.execute(FREE_LAPSED_SLOT, {"trader_id": trader_id, "currency": currency, "amount": amount})
