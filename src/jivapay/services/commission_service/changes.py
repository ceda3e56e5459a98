"""Changing commissions, and the one rule between them: no active store of a world pays less than any active trader of
that world takes, in either direction, by any method, now or at any moment already decided; equal is allowed
(decision 13, domain.md "Money").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import TextClause, bindparam, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.types import Boolean, DateTime, Text

from jivapay.database.models.commissions import CommissionChange
from jivapay.database.models.people import MerchantStore, StoreCommission, Trader, TraderCommission
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.exceptions import Conflict, NotFound, ValidationFailed
from jivapay.schemas_enums.enums import ActorKind, Direction, OwnerType
from jivapay.services import audit_service
from jivapay.services.commission_service.in_force import Commission, find_commissions, percent_sql

BELOW_TRADER = "commission.store_below_trader"
NAMED_MAX = 10
"""Offenders named in a refusal; the rest are counted."""
FIRST = "set with the account"


@dataclass(frozen=True, slots=True)
class When:
    """From which moment on (None: at once), for which method (None: the default), and why."""

    effective_from: datetime | None = None
    payment_method: str | None = None
    reason: str = FIRST


AT_ONCE = When()


@dataclass(frozen=True, slots=True)
class _Owner:
    type: OwnerType
    id: int
    test: bool

    @property
    def column(self) -> dict[str, int]:
        return {f"{self.type}_id": self.id}


async def set_trader_commission(
    session: WriteSession, actor: Actor, trader: Trader, commission: Commission, when: When = AT_ONCE
) -> None:
    """Raises Conflict `commission.store_below_trader`, `commission.default_missing`, ValidationFailed."""
    await _set(session, actor, _Owner(OwnerType.TRADER, trader.id, trader.test), commission, when)


async def set_store_commission(
    session: WriteSession, actor: Actor, store: MerchantStore, commission: Commission, when: When = AT_ONCE
) -> None:
    """Raises Conflict `commission.store_below_trader`, `commission.default_missing`, ValidationFailed."""
    await _set(session, actor, _Owner(OwnerType.STORE, store.id, store.test), commission, when)


async def end_store_method(session: WriteSession, actor: Actor, store: MerchantStore, method: str, reason: str) -> None:
    """From now on the method follows the default again, whatever was planned for it. Raises NotFound, Conflict."""
    await _end_method(session, actor, _Owner(OwnerType.STORE, store.id, store.test), method, reason)


async def end_trader_method(session: WriteSession, actor: Actor, trader: Trader, method: str, reason: str) -> None:
    """As of stores."""
    await _end_method(session, actor, _Owner(OwnerType.TRADER, trader.id, trader.test), method, reason)


async def check_trader(session: WriteSession, trader: Trader) -> None:
    """May this trader take what he takes, now and as planned, once he is active? Raises Conflict."""
    await _take_turn(session)
    now = await _now(session)
    await _refuse_below(session, _Owner(OwnerType.TRADER, trader.id, trader.test), now, method=None, whole=True)


async def _set(session: WriteSession, actor: Actor, owner: _Owner, commission: Commission, when: When) -> None:
    await _take_turn(session)
    now = await _now(session)
    begins = when.effective_from or now
    if begins < now:
        raise ValidationFailed.at("body", "effective_from", code="commission.in_the_past")
    if when.payment_method is not None:
        await _check_method(session, owner, when.payment_method)
    wanted = {direction: commission.of(direction) for direction in Direction}
    await _write(session, actor, owner, wanted, begins, when)
    if when.payment_method is None and when.effective_from is None:
        await _keep_current(session, owner, commission)
    await _refuse_below(session, owner, begins, method=when.payment_method)


async def _end_method(session: WriteSession, actor: Actor, owner: _Owner, method: str, reason: str) -> None:
    await _take_turn(session)
    now = await _now(session)
    ended = 0
    for begins in sorted({now, *await _planned(session, owner, method, now)}):
        when = When(begins, method, reason)
        ended += await _write(session, actor, owner, dict.fromkeys(Direction), begins, when)
    if not ended:
        raise NotFound
    await _refuse_below(session, owner, now, method=method)


async def _planned(session: AnySession, owner: _Owner, method: str, now: datetime) -> Sequence[datetime]:
    statement = (
        select(CommissionChange.effective_from)
        .filter_by(**owner.column, payment_method=method)
        .where(CommissionChange.effective_from > now)
    )
    return (await session.scalars(statement.distinct())).all()


async def _check_method(session: AnySession, owner: _Owner, method: str) -> None:
    """A method's own percentage stands on a default, and the method must exist."""
    known = text("select exists (select 1 from payment_methods where code = :method and is_active)")
    if not await session.scalar(known, {"method": method}):
        raise ValidationFailed.at("body", "payment_method", code="payment_method.unavailable")
    if not await find_commissions(session, owner.type, [owner.id]):
        raise Conflict("Set the default commission first.", code="commission.default_missing")


async def _write(
    session: WriteSession,
    actor: Actor,
    owner: _Owner,
    wanted: Mapping[Direction, Decimal | None],
    begins: datetime,
    when: When,
) -> int:
    """One row for each direction that would change at that moment, and one word in the audit log; how many rows."""
    changed: dict[Direction, Decimal | None] = {}
    for direction, percent in wanted.items():
        before = await _percent_of_key(session, owner, direction, when.payment_method, begins)
        if percent == before:
            continue
        changed[direction] = percent
        await session.execute(
            insert(CommissionChange).values(
                **owner.column,
                public_id=new_id(),
                direction=direction.value,
                payment_method=when.payment_method,
                percent=percent,
                percent_before=before,
                effective_from=begins,
                set_by=actor.id if actor.kind is ActorKind.USER else None,
                reason=when.reason,
            )
        )
    if not changed:
        return 0
    details: dict[str, str | None] = {
        direction.value: None if percent is None else str(percent) for direction, percent in changed.items()
    }
    if when.payment_method is not None:
        details["payment_method"] = when.payment_method
    details["effective_from"] = begins.isoformat()
    await audit_service.log_event(
        session, actor, f"{owner.type}.commission_set", entity=owner.type, entity_id=owner.id, details=details
    )
    return len(changed)


async def _percent_of_key(
    session: AnySession, owner: _Owner, direction: Direction, method: str | None, moment: datetime
) -> Decimal | None:
    """What this very thing, not what it falls back on, would be at that moment."""
    latest = (
        select(CommissionChange.percent)
        .filter_by(**owner.column, direction=direction.value, payment_method=method)
        .where(CommissionChange.effective_from <= moment)
    )
    return await session.scalar(
        latest.order_by(CommissionChange.effective_from.desc(), CommissionChange.id.desc()).limit(1)
    )


async def _keep_current(session: WriteSession, owner: _Owner, commission: Commission) -> None:
    """The default that holds at once stands in the owner's own row, too, which needs no history to be read."""
    table = StoreCommission if owner.type is OwnerType.STORE else TraderCommission
    values = {"commission_payin": commission.payin, "commission_payout": commission.payout}
    await session.execute(
        upsert(table)
        .values(**owner.column, **values)
        .on_conflict_do_update(index_elements=list(owner.column), set_={**values, "updated_at": func.app_now()}),
        execution_options={"populate_existing": True},
    )


def _below_statement(owner_type: OwnerType) -> TextClause:
    store = percent_sql(OwnerType.STORE, "s.id", "d.code", "x.method", "m.at")
    trader = percent_sql(OwnerType.TRADER, "t.id", "d.code", "x.method", "m.at")
    changed = "s.id = :owner_id" if owner_type is OwnerType.STORE else "t.id = :owner_id"
    other = "coalesce(nullif(u.name, ''), u.email)" if owner_type is OwnerType.STORE else "s.name"
    return text(f"""
with moments as (
  select cast(:begins as timestamptz) as at
  union select effective_from from commission_changes where effective_from > :begins
), methods as (
  select cast(:method as text) as method
  union select payment_method from commission_changes where payment_method is not null and cast(:method as text) is null
)
select {other} as name, d.code as direction,
       case when not bool_or(x.method is null) then string_agg(distinct x.method, ', ') end as methods
  from merchant_stores s
  join traders t on t.test = s.test
  join users u on u.id = t.user_id
 cross join moments m
 cross join methods x
 cross join (values ('pay_in'), ('pay_out')) as d (code)
 where {changed} and s.test = :test and s.archived_at is null
   and (u.is_active or (:whole and {changed}))
   and {store} < {trader}
 group by 1, 2 order by 1, 2
""").bindparams(  # noqa: S608 - built from our own constants
        bindparam("begins", type_=DateTime(timezone=True)),
        bindparam("method", type_=Text()),
        bindparam("whole", type_=Boolean()),
    )


BELOW = {owner: _below_statement(owner) for owner in (OwnerType.STORE, OwnerType.TRADER)}
"""Whoever a store would pay less than, or a trader take more from, at the moment a change begins or any decided later.

A change of a default is checked for every method, since it shows wherever a method has nothing of its own.
"""


async def _refuse_below(
    session: WriteSession, owner: _Owner, begins: datetime, *, method: str | None, whole: bool = False
) -> None:
    """`whole`: the trader counts although he is not active yet."""
    values = {"owner_id": owner.id, "test": owner.test, "begins": begins, "method": method, "whole": whole}
    found = (await session.execute(BELOW[owner.type], values)).all()
    if not found:
        return
    names = [
        f"{name} ({', '.join(filter(None, (direction, methods)))})" for name, direction, methods in found[:NAMED_MAX]
    ]
    if len(found) > NAMED_MAX:
        names.append(f"and {len(found) - NAMED_MAX} more")
    what = (
        "This store would pay less than these traders take"
        if owner.type is OwnerType.STORE
        else "These stores would pay less than this trader takes"
    )
    raise Conflict(f"{what}: {'; '.join(names)}.", code=BELOW_TRADER, about={"offenders": "; ".join(names)})


async def _take_turn(session: WriteSession) -> None:
    """Two changes that are right by themselves may be wrong together."""
    await session.execute(text("select pg_advisory_xact_lock(hashtextextended('commissions', 0))"))


async def _now(session: AnySession) -> datetime:
    now: datetime | None = await session.scalar(select(func.app_now()))
    if now is None:
        raise AssertionError("the database always knows the time")
    return now
