"""Balances set right by hand: by an amount, or by undoing a transfer, always by two persons (hard case 14).

Corrections are new transfers: what was booked stays as it was, and its reversal names it. The one writer of the
statuses of adjustments.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.models.approvals import Approval
from jivapay.database.models.deposits import Deposit
from jivapay.database.models.treasury import BalanceAdjustment, Withdrawal
from jivapay.database.session import AnySession, WriteSession, atomic_transaction
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.domain.money import ZERO, fits_scale
from jivapay.exceptions import Conflict, InsufficientBalance, NotFound, PermissionDenied, ValidationFailed
from jivapay.schemas_enums.enums import AdjustmentStatus, CurrencyKind, OwnerType
from jivapay.schemas_enums.treasury import AdjustmentFilter
from jivapay.services import (
    account_owners,
    approval_service,
    audit_service,
    balance_manager,
    freeze_service,
    idempotency,
    reference_data,
    steps,
)
from jivapay.services.approval_service import Sensitive
from jivapay.services.idempotency import IdempotencyClaim, Made
from jivapay.utils.listing import Listed, Sorting, fetch_list

POST = "balance_adjustment.post"
"""The action of its approval."""
SORTING = Sorting({"created_at": BalanceAdjustment.created_at}, BalanceAdjustment.id, BalanceAdjustment.public_id)
CORRECTED: dict[str, Any] = {"deposit": Deposit, "withdrawal": Withdrawal, "balance_adjustment": BalanceAdjustment}
"""What may be undone. A row gives its owner and currency."""


@dataclass(frozen=True, slots=True)
class NewAdjustment:
    """`owner_id` is the trader's user id or the store's id; None for the platform's own account."""

    owner_type: OwnerType
    owner_id: UUID | None
    amount: Decimal
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class NewCorrection:
    """Undo the transfer of one deposit, withdrawal or adjustment, whole."""

    entity: str
    public_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class AdjustmentView:
    """An adjustment, whose balance it is, what it corrects, the people, and its currency's scale."""

    adjustment: BalanceAdjustment
    owner_id: UUID | None
    corrects: UUID | None
    requested_by: UUID
    decided_by: UUID | None
    scale: int
    approval_id: UUID | None


async def request_adjustment(
    session: WriteSession,
    actor: Actor,
    new: NewAdjustment,
    rules: BusinessSettings,
    *,
    claim: IdempotencyClaim | None = None,
) -> Made[AdjustmentView]:
    """Ask a second person to set a balance right.

    Raises NotFound for an unknown owner, ValidationFailed, InsufficientBalance when it would go below zero,
    PlatformFrozen.
    """

    async def make() -> tuple[int, AdjustmentView]:
        await freeze_service.refuse_when_frozen(session)
        owner_id, test = await _get_owner(session, new)
        currency = await reference_data.get_currency(session, new.currency, CurrencyKind.CRYPTO)
        if not fits_scale(new.amount, currency.scale):
            raise ValidationFailed.at("body", "amount", code="money.too_many_decimals")
        row = BalanceAdjustment(
            owner_type=new.owner_type, owner_id=owner_id, currency=new.currency, amount=new.amount, test=test
        )
        return await _make(session, actor, row, new.reason, rules)

    return await _once(session, claim, make)


async def request_correction(
    session: WriteSession,
    actor: Actor,
    new: NewCorrection,
    rules: BusinessSettings,
    *,
    claim: IdempotencyClaim | None = None,
) -> Made[AdjustmentView]:
    """Ask a second person to undo what was booked wrongly.

    Raises NotFound, InsufficientBalance, PlatformFrozen, Conflict `correction.nothing_in_force` or
    `correction.duplicate`.
    """

    async def make() -> tuple[int, AdjustmentView]:
        await freeze_service.refuse_when_frozen(session)
        model = CORRECTED[new.entity]
        corrected = await session.scalar(select(model).where(model.public_id == new.public_id))
        if corrected is None:
            raise NotFound
        amount = await balance_manager.find_correctable(session, new.entity, corrected.id)
        if amount is None:
            raise Conflict("It has moved nothing that could be undone.", code="correction.nothing_in_force")
        row = BalanceAdjustment(
            owner_type=corrected.owner_type,
            owner_id=corrected.owner_id,
            currency=corrected.currency,
            amount=amount,
            test=getattr(corrected, "test", False),
            corrects_type=new.entity,
            corrects_id=corrected.id,
        )
        return await _make(session, actor, row, new.reason, rules)

    return await _once(session, claim, make)


async def execute_adjustment(session: WriteSession, actor: Actor, approval: Approval, _rules: BusinessSettings) -> None:
    """Post what a second person has approved. Raises Conflict, InsufficientBalance, PlatformFrozen."""
    adjustment = await _lock(session, approval)
    await freeze_service.refuse_when_frozen(session)
    await _decide(session, actor, adjustment, AdjustmentStatus.POSTED, approval.reason)
    if adjustment.corrects_id is None:
        await balance_manager.post_adjustment(session, adjustment)
    else:
        await balance_manager.post_correction(session, adjustment)


async def reject_adjustment(session: WriteSession, actor: Actor, approval: Approval, _rules: BusinessSettings) -> None:
    """Rejected with its approval."""
    adjustment = await _lock(session, approval)
    reason = approval.decision_reason or approval.reason
    await _decide(session, actor, adjustment, AdjustmentStatus.REJECTED, reason)


async def get_adjustment(session: AnySession, public_id: UUID) -> AdjustmentView:
    """Raises NotFound."""
    return await _get_view(session, BalanceAdjustment.public_id == public_id)


async def list_adjustments(session: AnySession, asked: AdjustmentFilter) -> Listed[AdjustmentView]:
    """One page, newest first. Raises ValidationFailed `sort.unknown_field` or `cursor.invalid`."""
    every = select(BalanceAdjustment)
    wanted = every if asked.status is None else every.where(BalanceAdjustment.status == asked.status)
    listed = await fetch_list(session, wanted, SORTING, asked, among=every)
    views = await _views(session, [row[0] for row in listed.rows])
    return Listed(views, listed.total, listed.next_cursor)


async def _once(session: WriteSession, claim: IdempotencyClaim | None, make: Any) -> Made[AdjustmentView]:  # noqa: ANN401 - the maker above
    async def load(adjustment_id: int) -> AdjustmentView:
        return await _get_view(session, BalanceAdjustment.id == adjustment_id)

    return await idempotency.make_once(session, claim, resource_type="balance_adjustment", make=make, load=load)


async def _make(
    session: WriteSession, actor: Actor, adjustment: BalanceAdjustment, reason: str, rules: BusinessSettings
) -> tuple[int, AdjustmentView]:
    if actor.id is None:
        raise PermissionDenied
    adjustment.public_id, adjustment.reason, adjustment.requested_by = new_id(), reason, actor.id
    key = balance_manager.owner_account(
        adjustment.owner_type, adjustment.owner_id, adjustment.currency, test=adjustment.test
    )
    if adjustment.amount < ZERO and not key.may_go_negative:
        balance = await balance_manager.get_balance(session, key)
        if balance.available + adjustment.amount < ZERO:
            raise InsufficientBalance
    await steps.announce(session, actor, reason)
    await _insert(session, adjustment)
    await _record(session, actor, adjustment)
    shown = await _view(session, adjustment)
    what = Sensitive(
        action=POST,
        entity="balance_adjustment",
        entity_id=adjustment.id,
        entity_version=adjustment.version,
        amount=abs(adjustment.amount),
        currency=adjustment.currency,
        beneficiary=(OwnerType(adjustment.owner_type), adjustment.owner_id),
        payload={
            "adjustment_id": str(adjustment.public_id),
            "owner_type": adjustment.owner_type,
            "owner_id": str(shown.owner_id) if shown.owner_id else None,
            "change": str(adjustment.amount),
            "corrects_type": adjustment.corrects_type,
            "corrects_id": str(shown.corrects) if shown.corrects else None,
        },
        reason=reason,
        involved=await _involved(session, adjustment),
    )
    await approval_service.begin(session, actor, what, rules, always=True)
    return adjustment.id, await _view(session, adjustment)


async def _involved(session: AnySession, adjustment: BalanceAdjustment) -> tuple[int, ...]:
    """Whoever had a part in what is undone."""
    if adjustment.corrects_type is None or adjustment.corrects_id is None:
        return ()
    return tuple(await approval_service.people_behind(session, [(adjustment.corrects_type, adjustment.corrects_id)]))


async def _insert(session: WriteSession, adjustment: BalanceAdjustment) -> None:
    try:
        async with atomic_transaction(session):
            session.add(adjustment)
            await session.flush()
    except IntegrityError as error:
        if "uq_balance_adjustments_corrects" not in str(error.orig):
            raise
        raise Conflict("Its correction waits or is done.", code="correction.duplicate") from error
    await session.refresh(adjustment)


async def _lock(session: WriteSession, approval: Approval) -> BalanceAdjustment:
    adjustment = await session.scalar(
        select(BalanceAdjustment)
        .where(BalanceAdjustment.id == approval.entity_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if adjustment is None:
        raise NotFound
    approval_service.refuse_stale(approval, adjustment.version)
    return adjustment


async def _decide(
    session: WriteSession, actor: Actor, adjustment: BalanceAdjustment, status: AdjustmentStatus, reason: str
) -> None:
    await steps.announce(session, actor, reason)
    adjustment.status = status
    adjustment.version += 1
    adjustment.decided_by = actor.id
    adjustment.decision_reason = reason
    adjustment.decided_at = await session.scalar(select(func.app_now()))
    await session.flush()
    await _record(session, actor, adjustment)


async def _record(session: WriteSession, actor: Actor, adjustment: BalanceAdjustment) -> None:
    await audit_service.log_event(
        session,
        actor,
        f"balance_adjustment.{adjustment.status}",
        entity="balance_adjustment",
        entity_id=adjustment.id,
        version=adjustment.version,
        details={
            "amount": str(adjustment.amount),
            "currency": adjustment.currency,
            "owner_type": adjustment.owner_type,
            "owner_id": adjustment.owner_id,
            "corrects": [adjustment.corrects_type, adjustment.corrects_id],
        },
    )


async def _get_owner(session: AnySession, new: NewAdjustment) -> tuple[int | None, bool]:
    """Its internal id, and whether it is of the test world. Raises NotFound, ValidationFailed."""
    if new.owner_type is OwnerType.PLATFORM:
        if new.owner_id is not None:
            raise ValidationFailed.at("body", "owner_id", code="validation.inconsistent")
        return None, False
    owner = await account_owners.get_account_owner(session, new.owner_type, new.owner_id, archived_too=True)
    if owner.currency != new.currency:
        raise ValidationFailed.at("body", "currency", code="balance_adjustment.currency_mismatch")
    return owner.id, owner.test


async def _get_view(session: AnySession, condition: ColumnElement[bool]) -> AdjustmentView:
    adjustment = await session.scalar(select(BalanceAdjustment).where(condition))
    if adjustment is None:
        raise NotFound
    return await _view(session, adjustment)


async def _view(session: AnySession, adjustment: BalanceAdjustment) -> AdjustmentView:
    return (await _views(session, [adjustment]))[0]


async def _views(session: AnySession, rows: Sequence[BalanceAdjustment]) -> list[AdjustmentView]:
    people = [who for row in rows for who in (row.requested_by, row.decided_by)]
    names = await account_owners.get_names(session, people, [(row.owner_type, row.owner_id) for row in rows])
    scales = await reference_data.get_scales(session)
    waiting = await approval_service.list_open(session, POST, [row.id for row in rows])
    corrected = await _corrected(session, rows)
    return [
        AdjustmentView(
            row,
            owner_id=names.owners.get((row.owner_type, row.owner_id)),
            corrects=corrected.get((row.corrects_type, row.corrects_id)),
            requested_by=names.users[row.requested_by],
            decided_by=names.user(row.decided_by),
            scale=scales[row.currency],
            approval_id=waiting.get(row.id),
        )
        for row in rows
    ]


async def _corrected(
    session: AnySession, rows: Sequence[BalanceAdjustment]
) -> dict[tuple[str | None, int | None], UUID]:
    """The public ids of what these undo."""
    named: dict[tuple[str | None, int | None], UUID] = {}
    for entity in {row.corrects_type for row in rows if row.corrects_type is not None}:
        model = CORRECTED[entity]
        ids = [row.corrects_id for row in rows if row.corrects_type == entity]
        found = await session.execute(select(model.id, model.public_id).where(model.id.in_(ids)))
        named |= {(entity, row_id): public_id for row_id, public_id in found}
    return named
