"""Exchange rates: the one in force, how old it may be, and the manual source (domain.md "The rate", REF-06 to 08).

A rate's age counts from the person or source that set it; `stamped_at` is only the source's heartbeat. A rate
whose heartbeat is too old is stale and never silently used.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select, update

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.models.reference import ExchangeRate
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.money import RATE_SCALE, fits_scale
from jivapay.exceptions import RateStale, ValidationFailed
from jivapay.schemas_enums.enums import Direction
from jivapay.services import audit_service

MANUAL = "manual"


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


async def set_rate(session: WriteSession, actor: Actor, *, fiat: str, crypto: str, rate: Decimal) -> None:
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
