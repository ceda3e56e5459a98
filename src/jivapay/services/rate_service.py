"""Exchange rates: the one in force, how old it may be, and the manual source (domain.md "The rate", REF-06 to 08).

A rate's age counts from the person or source that set it; `stamped_at` is only the source's heartbeat. A rate
whose heartbeat is too old is stale and never silently used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.models.reference import Currency, ExchangeRate
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.money import RATE_SCALE, fits_scale, format_rate
from jivapay.exceptions import Conflict, RateStale, ValidationFailed
from jivapay.schemas_enums.enums import CurrencyKind, Direction
from jivapay.services import audit_service

MANUAL = "manual"
PAIR_LOCK_SEED = 7_471_102
"""Keeps the advisory locks of currency pairs apart from all others."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate in force: fiat per crypto, where it comes from and since when it is known."""

    value: Decimal
    source: str
    at: datetime
    """Its source's last word that it still holds."""


async def get_rate(
    session: AnySession, *, fiat: str, crypto: str, direction: Direction, rules: BusinessSettings
) -> Rate:
    """The rate in force: the sell rate for a pay-in, the buy rate for a pay-out. Raises RateStale."""
    found = (
        await session.execute(
            select(ExchangeRate, func.app_now() - ExchangeRate.stamped_at)
            .where(ExchangeRate.fiat == fiat, ExchangeRate.crypto == crypto)
            .order_by(ExchangeRate.id.desc())
            .limit(1)
        )
    ).one_or_none()
    if found is None:
        raise RateStale(f"There is no rate for {crypto}/{fiat}.")
    rate, silence = found
    if silence.total_seconds() > rules.rate_max_age_seconds:
        raise RateStale(f"The rate for {crypto}/{fiat} is too old.")
    value = rate.sell_rate if direction is Direction.PAY_IN else rate.buy_rate
    return Rate(value, rate.source, rate.stamped_at)


@dataclass(frozen=True, slots=True)
class KnownRate:
    """The newest word about a pair, and whether it is fresh enough to be used."""

    row: ExchangeRate
    is_fresh: bool


async def list_rates(session: AnySession, rules: BusinessSettings) -> list[KnownRate]:
    """The newest rate of every pair, stale ones too."""
    age_max = func.make_interval(0, 0, 0, 0, 0, 0, rules.rate_max_age_seconds)
    rows = await session.execute(
        select(ExchangeRate, func.app_now() - ExchangeRate.stamped_at <= age_max)
        .ext(distinct_on(ExchangeRate.fiat, ExchangeRate.crypto))
        .order_by(ExchangeRate.fiat, ExchangeRate.crypto, ExchangeRate.id.desc())
    )
    return [KnownRate(row, is_fresh) for row, is_fresh in rows]


async def change_rate(
    session: WriteSession,
    actor: Actor,
    *,
    fiat: str,
    crypto: str,
    rate: Decimal,
    rules: BusinessSettings,
    confirm_jump: bool = False,
) -> ExchangeRate:
    """`set_rate` as people reach it: a misplaced digit is asked about before it prices an order. Locks the pair.

    Compared with the newest rate even when that is stale. Raises ValidationFailed, Conflict `rate.jump`.
    """
    await _check_currency(session, crypto, CurrencyKind.CRYPTO, loc="crypto")
    await _check_currency(session, fiat, CurrencyKind.FIAT, loc="fiat")
    await session.execute(select(func.pg_advisory_xact_lock(PAIR_LOCK_SEED, func.hashtext(f"{crypto}/{fiat}"))))
    newest = await session.scalar(
        select(ExchangeRate)
        .where(ExchangeRate.fiat == fiat, ExchangeRate.crypto == crypto)
        .order_by(ExchangeRate.id.desc())
        .limit(1)
    )
    if newest is not None and not confirm_jump:
        _refuse_jump((newest.sell_rate, newest.buy_rate), rate, rules.rate_jump_percent_max)
    return await set_rate(session, actor, fiat=fiat, crypto=crypto, rate=rate)


async def _check_currency(session: AnySession, code: str, kind: CurrencyKind, *, loc: str) -> None:
    currency = await session.get(Currency, code)
    if currency is None or not currency.is_active or currency.kind != kind:
        raise ValidationFailed.at("body", loc, code="currency.unknown", detail=f"There is no {kind} currency {code}.")


def _refuse_jump(known: Sequence[Decimal], rate: Decimal, percent_max: int) -> None:
    for value in known:
        if abs(rate - value) * 100 > value * percent_max:
            raise Conflict(
                f"This differs by more than {percent_max} % from the rate in force, {format_rate(value)}."
                " Confirm the jump if it is meant.",
                code="rate.jump",
                about={"current": format_rate(value)},
            )


async def set_rate(session: WriteSession, actor: Actor, *, fiat: str, crypto: str, rate: Decimal) -> ExchangeRate:
    """A person sets both rates of a pair. Raises ValidationFailed."""
    if not rate.is_finite() or rate <= 0 or not fits_scale(rate, RATE_SCALE):
        raise ValidationFailed.at("body", "rate", code="money.format")
    entry = ExchangeRate(fiat=fiat, crypto=crypto, buy_rate=rate, sell_rate=rate, source=MANUAL, set_by=actor.id)
    session.add(entry)
    await session.flush()
    await audit_service.log_event(
        session,
        actor,
        "rate.set",
        entity="exchange_rate",
        entity_id=entry.id,
        details={"pair": f"{crypto}/{fiat}", "rate": str(rate)},
    )
    await session.refresh(entry)
    return entry


async def stamp_manual_rates(session: WriteSession, rules: BusinessSettings) -> None:
    """The manual source's heartbeat: its newest rates hold until their time to live is over."""
    newest = select(func.max(ExchangeRate.id)).group_by(ExchangeRate.fiat, ExchangeRate.crypto)
    await session.execute(
        update(ExchangeRate)
        .where(
            ExchangeRate.id.in_(newest),
            ExchangeRate.source == MANUAL,
            ExchangeRate.set_at > func.app_now() - func.make_interval(0, 0, 0, 0, 0, 0, rules.rate_manual_ttl_seconds),
        )
        .values(stamped_at=func.app_now())
    )
