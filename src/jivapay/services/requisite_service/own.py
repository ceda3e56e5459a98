"""A trader's own requisites, with their whole numbers.

The details that an order has used are never edited; what was edited is looked at again before it goes into traffic.
Somebody else's requisite does not exist here (reliability 4.E, E05).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from jivapay.config.crypto import Cipher
from jivapay.database.locks import lock_requisite_for_update
from jivapay.database.models.orders import Order
from jivapay.database.models.people import Trader
from jivapay.database.models.reference import Currency
from jivapay.database.models.requisites import OwnerOfRequisites, Requisite, RequisiteSettings
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.domain.money import fits_scale
from jivapay.domain.requisite_numbers import SHOWN_DIGITS, normalize_number
from jivapay.exceptions import Conflict, NotFound, ValidationFailed
from jivapay.schemas_enums.enums import AuditLevel, RequisiteStatus
from jivapay.services import audit_service, idempotency, reference_data
from jivapay.services.idempotency import IdempotencyClaim, Made
from jivapay.services.requisite_service.views import (
    NUMBER_INDEX_CONTEXT,
    RequisiteView,
    count,
    get_view,
    holder_context,
    list_views,
    number_context,
    select_requisites,
)

DETAILS = ("payment_method", "bank", "number", "holder")
"""Changing one of these makes it another requisite."""
AMOUNTS = ("lower_limit", "upper_limit", "total_limit", "turnover_day_max", "turnover_limit_sum")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the trader sets; an unset limit is no limit, amounts are fiat."""

    lower_limit: Decimal
    upper_limit: Decimal
    pay_in: bool = True
    pay_out: bool = False
    total_limit: Decimal | None = None
    turnover_day_max: Decimal | None = None
    turnover_limit_minutes: int | None = None
    turnover_limit_sum: Decimal | None = None
    max_open_orders: int = 10

    def as_columns(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(frozen=True, slots=True)
class NewRequisite:
    payment_method: str
    bank: str
    number: str = field(repr=False)
    holder: str = field(repr=False)
    limits: Limits


async def create_requisite(
    session: WriteSession, actor: Actor, new: NewRequisite, *, cipher: Cipher, claim: IdempotencyClaim | None = None
) -> Made[RequisiteView]:
    """A requisite of the acting trader, to be moderated.

    Raises ValidationFailed (`requisite.format`, method, bank, limits), Conflict `requisite.duplicate`.
    """

    async def make() -> tuple[int, RequisiteView]:
        requisite_id = await _create(session, actor, new, cipher)
        return requisite_id, await get_view(session, cipher, Requisite.id == requisite_id, whole=True)

    async def load(requisite_id: int) -> RequisiteView:
        return await get_view(session, cipher, Requisite.id == requisite_id, whole=True)

    return await idempotency.make_once(session, claim, resource_type="requisite", make=make, load=load)


async def list_requisites(
    session: AnySession,
    actor: Actor,
    *,
    cipher: Cipher,
    status: RequisiteStatus | None = None,
    page: int = 1,
    page_size: int = 50,
) -> tuple[list[RequisiteView], int]:
    """One page of the acting trader's own, newest first, without archived ones unless asked for."""
    wanted = Requisite.status != RequisiteStatus.ARCHIVED if status is None else Requisite.status == status
    own = (Requisite.trader_id == (actor.owner_id or 0), wanted)
    statement = select_requisites(*own).order_by(Requisite.id.desc()).limit(page_size).offset((page - 1) * page_size)
    return await list_views(session, cipher, statement, whole=True), await count(session, *own)


async def get_requisite(session: AnySession, actor: Actor, public_id: UUID, *, cipher: Cipher) -> RequisiteView:
    """Raises NotFound, also for somebody else's."""
    is_own = Requisite.trader_id == (actor.owner_id or 0)
    return await get_view(session, cipher, Requisite.public_id == public_id, is_own, whole=True)


async def update_requisite(
    session: WriteSession,
    actor: Actor,
    public_id: UUID,
    *,
    details: Mapping[str, Any],
    limits: Mapping[str, Any],
    excluded: bool | None,
    cipher: Cipher,
) -> RequisiteView:
    """Change what is given. Changed `details` go to moderation again.

    Raises NotFound, Conflict `requisite.in_use` (details, once an order has used it) or `requisite.duplicate`,
    ValidationFailed.
    """
    requisite = await _lock_own(session, actor, public_id)
    if details:
        await _change_details(session, requisite, details, cipher)
    if limits:
        await _change_limits(session, requisite, limits)
    if excluded is not None:
        requisite.is_excluded_from_distribution = excluded
    requisite.updated_at = await session.scalar(select(func.app_now())) or requisite.updated_at
    await session.flush()
    changed = sorted({*details, *limits, *([] if excluded is None else ["is_excluded_from_distribution"])})
    await audit_service.log_event(
        session, actor, "requisite.changed", entity="requisite", entity_id=requisite.id, details={"fields": changed}
    )
    return await get_view(session, cipher, Requisite.id == requisite.id, whole=True)


async def archive_requisite(session: WriteSession, actor: Actor, public_id: UUID) -> None:
    """Take it out of sight and traffic for good. Raises NotFound, Conflict `requisite.in_use`."""
    requisite = await _lock_own(session, actor, public_id)
    _refuse_in_use(requisite)
    requisite.status = RequisiteStatus.ARCHIVED
    await session.flush()
    await audit_service.log_event(session, actor, "requisite.archived", entity="requisite", entity_id=requisite.id)


async def _create(session: WriteSession, actor: Actor, new: NewRequisite, cipher: Cipher) -> int:
    trader = await session.get(Trader, actor.owner_id or 0)
    if trader is None:
        raise NotFound
    number = await _read_number(session, trader.fiat_currency, new.bank, new.payment_method, new.number)
    await _check_limits(session, trader.fiat_currency, new.limits.as_columns())
    index = cipher.blind_index(number, NUMBER_INDEX_CONTEXT)
    await _refuse_duplicate(session, trader.id, index, new.bank, new.payment_method)
    owner = OwnerOfRequisites(public_id=new_id(), trader_id=trader.id, full_name=b"")
    owner.full_name = cipher.encrypt(new.holder, holder_context(owner.public_id))
    session.add(owner)
    await session.flush()
    public_id = new_id()
    requisite = Requisite(
        public_id=public_id,
        trader_id=trader.id,
        owner_id=owner.id,
        fiat_currency=trader.fiat_currency,
        payment_method=new.payment_method,
        bank=new.bank,
        number=cipher.encrypt(number, number_context(public_id)),
        number_index=index,
        last_four=number[-SHOWN_DIGITS:],
        traffic_priority=trader.traffic_priority,
        test=trader.test,
    )
    session.add(requisite)
    await session.flush()
    session.add(RequisiteSettings(requisite_id=requisite.id, **new.limits.as_columns()))
    await session.flush()
    known_elsewhere = await count(session, Requisite.number_index == index, Requisite.trader_id != trader.id)
    await audit_service.log_event(
        session,
        actor,
        "requisite.created",
        entity="requisite",
        entity_id=requisite.id,
        details={"known_elsewhere": known_elsewhere},
        level=AuditLevel.WARNING if known_elsewhere else AuditLevel.INFO,
    )
    return requisite.id


async def _change_details(
    session: WriteSession, requisite: Requisite, details: Mapping[str, Any], cipher: Cipher
) -> None:
    await _refuse_used(session, requisite)
    method = details.get("payment_method", requisite.payment_method)
    bank = details.get("bank", requisite.bank)
    given = details.get("number") or cipher.decrypt(requisite.number, number_context(requisite.public_id))
    number = await _read_number(session, requisite.fiat_currency, bank, method, given)
    index = cipher.blind_index(number, NUMBER_INDEX_CONTEXT)
    await _refuse_duplicate(session, requisite.trader_id, index, bank, method, but=requisite.id)
    requisite.payment_method, requisite.bank = method, bank
    requisite.number = cipher.encrypt(number, number_context(requisite.public_id))
    requisite.number_index, requisite.last_four = index, number[-SHOWN_DIGITS:]
    if "holder" in details:
        owner = OwnerOfRequisites(public_id=new_id(), trader_id=requisite.trader_id, full_name=b"")
        owner.full_name = cipher.encrypt(details["holder"], holder_context(owner.public_id))
        session.add(owner)
        await session.flush()
        requisite.owner_id = owner.id
    if requisite.status != RequisiteStatus.BLOCKED:
        requisite.status, requisite.status_reason = RequisiteStatus.CHECK, None
    await session.flush()


async def _change_limits(session: WriteSession, requisite: Requisite, limits: Mapping[str, Any]) -> None:
    settings = await session.get(RequisiteSettings, requisite.id, populate_existing=True)
    if settings is None:
        raise NotFound
    current = {each.name: getattr(settings, each.name) for each in fields(Limits)}
    await _check_limits(session, requisite.fiat_currency, {**current, **limits})
    for name, value in limits.items():
        setattr(settings, name, value)
    settings.updated_at = await session.scalar(select(func.app_now())) or settings.updated_at
    await session.flush()


async def _read_number(session: AnySession, fiat_currency: str, bank: str, method: str, number: str) -> str:
    found, how = await reference_data.get_bank_method(session, bank, method)
    if found.currency != fiat_currency:
        raise ValidationFailed.at("body", "bank", code="bank.unavailable")
    normalized = normalize_number(how.number_kind, number)
    if normalized is None:
        raise ValidationFailed.at("body", "number", code="requisite.format")
    return normalized


async def _check_limits(session: AnySession, fiat_currency: str, limits: Mapping[str, Any]) -> None:
    currency = await session.get(Currency, fiat_currency)
    scale = currency.scale if currency else 0
    for name in AMOUNTS:
        if limits[name] is not None and not fits_scale(limits[name], scale):
            raise ValidationFailed.at("body", "settings", name, code="money.too_many_decimals")
    if limits["lower_limit"] > limits["upper_limit"]:
        raise ValidationFailed.at("body", "settings", "upper_limit", code="validation.inconsistent")
    if (limits["turnover_limit_minutes"] is None) != (limits["turnover_limit_sum"] is None):
        raise ValidationFailed.at("body", "settings", "turnover_limit_sum", code="validation.inconsistent")


async def _refuse_duplicate(
    session: WriteSession, trader_id: int, index: bytes, bank: str, method: str, *, but: int = 0
) -> None:
    """One trader has a number at one bank for one method once; two requests at once wait for each other."""
    await session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"requisite:{index.hex()}"}
    )
    again = select(Requisite.id).where(
        Requisite.trader_id == trader_id,
        Requisite.number_index == index,
        Requisite.bank == bank,
        Requisite.payment_method == method,
        Requisite.id != but,
        Requisite.status.not_in([RequisiteStatus.ARCHIVED, RequisiteStatus.REJECT]),
    )
    if await session.scalar(select(again.exists())):
        raise Conflict("You have this requisite already.", code="requisite.duplicate")


async def _lock_own(session: WriteSession, actor: Actor, public_id: UUID) -> Requisite:
    requisite_id = await session.scalar(
        select(Requisite.id).where(
            Requisite.public_id == public_id,
            Requisite.trader_id == (actor.owner_id or 0),
            Requisite.status != RequisiteStatus.ARCHIVED,
        )
    )
    return await lock_requisite_for_update(session, requisite_id or 0)


async def _refuse_used(session: AnySession, requisite: Requisite) -> None:
    """What a payer was shown is kept: his order names this row, and late payments are looked for by its number."""
    if await session.scalar(select(select(Order.id).where(Order.requisite_id == requisite.id).exists())):
        raise Conflict(
            "Orders have used this requisite, so its details stay. Archive it and add a new one.",
            code="requisite.in_use",
        )


def _refuse_in_use(requisite: Requisite) -> None:
    if requisite.open_count > 0:
        raise Conflict("Somebody may be paying to it right now.", code="requisite.in_use")
