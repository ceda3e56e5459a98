"""The percentage in force: of the method if it has one of its own, else the default, each by its latest change that
has begun. Computed where it is asked for, so that a change begins at its moment and not at a janitor's next round.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.types import Text

from jivapay.database.session import AnySession
from jivapay.schemas_enums.enums import Direction, OwnerType

DIRECTION_COLUMNS = {Direction.PAY_IN: "commission_payin", Direction.PAY_OUT: "commission_payout"}


@dataclass(frozen=True, slots=True)
class Commission:
    """Percentages of the crypto amount, by direction."""

    payin: Decimal
    payout: Decimal

    def of(self, direction: Direction) -> Decimal:
        return self.payin if direction is Direction.PAY_IN else self.payout


def percent_sql(owner_type: OwnerType, owner: str, direction: str, method: str, moment: str = "app_now()") -> str:
    """The percentage as an SQL expression over SQL expressions: two index probes, and the row of the default for those
    whose history has nothing to say.
    """
    column = f"{owner_type}_id"
    latest = (
        f"select c.percent from commission_changes c where c.{column} = {owner} and c.direction = {direction}"  # noqa: S608 - built from our own constants
        f" and c.effective_from <= {moment} and c.payment_method"
    )
    newest_first = "order by c.effective_from desc, c.id desc limit 1"
    kept = f"select case {direction} when 'pay_in' then k.commission_payin else k.commission_payout end"
    return (
        f"coalesce(({latest} = {method} {newest_first}), ({latest} is null {newest_first}),"
        f" ({kept} from {owner_type}_commissions k where k.{column} = {owner}))"
    )


def _statement(owner_type: OwnerType) -> TextClause:
    def of(direction: Direction) -> str:
        return percent_sql(owner_type, "o.id", f"'{direction}'", "null")

    return text(
        f"select o.id, {of(Direction.PAY_IN)} as payin, {of(Direction.PAY_OUT)} as payout"  # noqa: S608 - built from our own constants
        " from unnest(cast(:ids as bigint[])) as o (id)"
    )


DEFAULTS = {owner: _statement(owner) for owner in (OwnerType.STORE, OwnerType.TRADER)}
ONE = {
    owner: text(
        "select " + percent_sql(owner, "cast(:id as bigint)", "cast(:direction as text)", "cast(:method as text)")
    ).bindparams(bindparam("method", type_=Text()))
    for owner in (OwnerType.STORE, OwnerType.TRADER)
}


async def find_commissions(session: AnySession, owner_type: OwnerType, ids: Sequence[int]) -> Mapping[int, Commission]:
    """The defaults in force of several owners; those that have none are left out."""
    rows = await session.execute(DEFAULTS[owner_type], {"ids": list(ids)})
    return {
        owner_id: Commission(payin, payout)
        for owner_id, payin, payout in rows
        if payin is not None and payout is not None
    }


async def find_store_commission(session: AnySession, store_id: int) -> Commission | None:
    return (await find_commissions(session, OwnerType.STORE, [store_id])).get(store_id)


async def find_trader_commission(session: AnySession, trader_id: int) -> Commission | None:
    return (await find_commissions(session, OwnerType.TRADER, [trader_id])).get(trader_id)


async def find_percent(
    session: AnySession, owner_type: OwnerType, owner_id: int, direction: Direction, payment_method: str | None
) -> Decimal | None:
    """What is in force for an order of this method; the default when it is not chosen yet. None when nothing is."""
    values = {"id": owner_id, "direction": direction.value, "method": payment_method}
    percent: Decimal | None = await session.scalar(ONE[owner_type], values)
    return percent


@dataclass(frozen=True, slots=True)
class Term:
    """One percentage, since when or from when on. Without a method it is the default."""

    direction: Direction
    payment_method: str | None
    percent: Decimal | None
    effective_from: datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds now, and what has been decided for later. A planned term without percentage ends a method's own."""

    in_force: list[Term]
    planned: list[Term]


def _terms_statement(owner_type: OwnerType) -> TextClause:
    return text(f"""
select direction, payment_method, percent, effective_from, effective_from > app_now() as is_planned
  from (
    select c.*, row_number() over (
             partition by c.direction, c.payment_method, c.effective_from > app_now()
             order by c.effective_from desc, c.id desc
           ) as age,
           row_number() over (
             partition by c.direction, c.payment_method, c.effective_from order by c.id desc
           ) as correction
      from commission_changes c where c.{owner_type}_id = :id
  ) c
 where (effective_from <= app_now() and age = 1 and percent is not null)
    or (effective_from > app_now() and correction = 1)
 order by direction, payment_method nulls first, effective_from
""")  # noqa: S608 - built from our own constants


TERMS = {owner: _terms_statement(owner) for owner in (OwnerType.STORE, OwnerType.TRADER)}


async def get_terms(session: AnySession, owner_type: OwnerType, owner_id: int) -> Terms:
    terms = Terms([], [])
    for direction, method, percent, effective_from, is_planned in await session.execute(
        TERMS[owner_type], {"id": owner_id}
    ):
        found = terms.planned if is_planned else terms.in_force
        found.append(Term(Direction(direction), method, percent, effective_from))
    return terms
