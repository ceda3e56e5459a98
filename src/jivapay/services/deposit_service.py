"""Deposits: staff record what came in from outside; above `FOUR_EYES_AMOUNT` a second person decides (hard case 14).

Each is a decision of `approval_service`, whose sums make many small ones one large one. A deposit names its
transaction, which counts once; a rejected one may be recorded again. The one writer of the statuses of deposits.
"""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.exc import IntegrityError

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import lock_chain_transaction
from jivapay.database.models.approvals import Approval
from jivapay.database.models.deposits import Deposit
from jivapay.database.models.people import MerchantStore
from jivapay.database.session import AnySession, WriteSession, atomic_transaction
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.domain.money import fits_scale
from jivapay.domain.transactions import canonical_hash
from jivapay.exceptions import Conflict, NotFound, PermissionDenied, ValidationFailed
from jivapay.schemas_enums.base import ListQuery
from jivapay.schemas_enums.enums import ApprovalStatus, CurrencyKind, DepositNetwork, DepositStatus, OwnerType, Role
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

POST = "deposit.post"
"""The action of its approval."""
SORTING = Sorting({"created_at": Deposit.created_at, "amount": Deposit.amount}, Deposit.id, Deposit.public_id)
DUPLICATE = "This transaction was recorded before."


@dataclass(frozen=True, slots=True)
class NewDeposit:
    """`owner_id` is the trader's user id or the store's id, as they are known outside."""

    owner_type: OwnerType
    owner_id: UUID
    amount: Decimal
    currency: str
    network: DepositNetwork
    tx_hash: str
    tx_output: str
    reason: str


@dataclass(frozen=True, slots=True)
class DepositView:
    """A deposit with the public ids of those it concerns, and its currency's scale."""

    deposit: Deposit
    owner_id: UUID
    requested_by: UUID
    decided_by: UUID | None
    scale: int
    approval_id: UUID | None
    """What waits for a second person."""


async def request_deposit(
    session: WriteSession,
    actor: Actor,
    new: NewDeposit,
    rules: BusinessSettings,
    *,
    claim: IdempotencyClaim | None = None,
) -> Made[DepositView]:
    """Record a deposit; post it at once unless a second person is needed.

    Raises NotFound for an unknown owner, Conflict `deposit.duplicate` or `deposit.test_world`, ValidationFailed,
    PlatformFrozen.
    """

    async def make() -> tuple[int, DepositView]:
        deposit = await _request(session, actor, new, rules)
        return deposit.id, await _get_view(session, Deposit.id == deposit.id)

    async def load(deposit_id: int) -> DepositView:
        return await _get_view(session, Deposit.id == deposit_id)

    return await idempotency.make_once(session, claim, resource_type="deposit", make=make, load=load)


async def decide_deposit(
    session: WriteSession, actor: Actor, public_id: UUID, *, approve: bool, reason: str
) -> DepositView:
    """A second person's word, by the deposit's own id. Raises as `approval_service.take`, PlatformFrozen."""
    deposit = await session.scalar(select(Deposit).where(Deposit.public_id == public_id))
    if deposit is None:
        raise NotFound
    waiting = await approval_service.find_open(session, POST, "deposit", deposit.id)
    if waiting is None:
        raise _state_conflict(deposit)
    if approve:
        approval = await approval_service.take(session, actor, waiting.public_id)
    else:
        approval = await approval_service.reject(session, actor, waiting.public_id, reason)
    await _end(session, actor, approval, reason)
    return await _get_view(session, Deposit.id == deposit.id)


async def execute_deposit(session: WriteSession, actor: Actor, approval: Approval, _rules: BusinessSettings) -> None:
    """Post what a second person has approved. Raises Conflict, PlatformFrozen."""
    await _end(session, actor, approval, approval.reason)


async def reject_deposit(session: WriteSession, actor: Actor, approval: Approval, _rules: BusinessSettings) -> None:
    """The deposit of a rejected approval is rejected with it. Raises Conflict."""
    await _end(session, actor, approval, approval.decision_reason or approval.reason)


async def _end(session: WriteSession, actor: Actor, approval: Approval, reason: str) -> None:
    deposit = await session.scalar(
        select(Deposit)
        .where(Deposit.id == approval.entity_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if deposit is None:
        raise NotFound
    if deposit.status != DepositStatus.REQUESTED:
        raise _state_conflict(deposit)
    is_approved = approval.status == ApprovalStatus.EXECUTED
    if is_approved:
        await freeze_service.refuse_when_frozen(session)
    await _decide(session, actor, deposit, DepositStatus.POSTED if is_approved else DepositStatus.REJECTED, reason)


def _state_conflict(deposit: Deposit) -> Conflict:
    return Conflict(
        f"The deposit is {deposit.status}.", code="deposit.state_conflict", about={"current": deposit.status}
    )


async def get_deposit(session: AnySession, public_id: UUID) -> DepositView:
    """Raises NotFound."""
    return await _get_view(session, Deposit.public_id == public_id)


async def list_deposits(
    session: AnySession, asked: ListQuery, *, status: DepositStatus | None = None
) -> Listed[DepositView]:
    """One page, newest first. Raises ValidationFailed `sort.unknown_field` or `cursor.invalid`."""
    return await _list(session, select(Deposit), asked, status)


async def list_own_deposits(
    session: AnySession, actor: Actor, asked: ListQuery, *, status: DepositStatus | None = None
) -> Listed[DepositView]:
    """The acting trader's, or those of the acting merchant's stores: as above. Raises NotFound for others."""
    stores = select(MerchantStore.id).where(MerchantStore.merchant_id == (actor.owner_id or 0))
    match actor.role:
        case Role.TRADER:
            owners = and_(Deposit.owner_type == OwnerType.TRADER, Deposit.owner_id == (actor.owner_id or 0))
        case Role.MERCHANT:
            owners = and_(Deposit.owner_type == OwnerType.STORE, Deposit.owner_id.in_(stores))
        case _:
            raise NotFound
    return await _list(session, select(Deposit).where(owners), asked, status)


async def _list(
    session: AnySession, statement: Select[Deposit], asked: ListQuery, status: DepositStatus | None
) -> Listed[DepositView]:
    conditions = [] if status is None else [Deposit.status == status]
    listed = await fetch_list(session, statement.where(*conditions), SORTING, asked, among=statement)
    views = await _views(session, [row[0] for row in listed.rows])
    return Listed(views, listed.total, listed.next_cursor)


async def _request(session: WriteSession, actor: Actor, new: NewDeposit, rules: BusinessSettings) -> Deposit:
    await freeze_service.refuse_when_frozen(session)
    owner = await account_owners.get_account_owner(session, new.owner_type, new.owner_id, archived_too=False)
    if owner.test:
        raise Conflict("Test accounts take no deposits.", code="deposit.test_world")
    currency = await reference_data.get_currency(session, new.currency, CurrencyKind.CRYPTO)
    if new.currency != owner.currency:
        raise ValidationFailed.at("body", "currency", code="deposit.currency_mismatch")
    if not fits_scale(new.amount, currency.scale):
        raise ValidationFailed.at("body", "amount", code="money.too_many_decimals")
    if actor.id is None:
        raise PermissionDenied
    deposit = Deposit(
        public_id=new_id(),
        owner_type=new.owner_type,
        owner_id=owner.id,
        currency=new.currency,
        amount=new.amount,
        network=new.network,
        tx_hash=canonical_hash(new.network, new.tx_hash),
        tx_output=new.tx_output,
        reason=new.reason,
        requested_by=actor.id,
    )
    await _refuse_overlap(session, deposit)
    await steps.announce(session, actor, new.reason)
    await _insert(session, deposit)
    await _record(session, actor, deposit)
    approval = await approval_service.begin(session, actor, _sensitive(deposit, new), rules)
    deposit.needs_second_person = approval.needs_second_person
    if approval.status == ApprovalStatus.EXECUTED:
        await _decide(session, actor, deposit, DepositStatus.POSTED, new.reason)
    return deposit


def _sensitive(deposit: Deposit, new: NewDeposit) -> Sensitive:
    return Sensitive(
        action=POST,
        entity="deposit",
        entity_id=deposit.id,
        entity_version=deposit.version,
        amount=deposit.amount,
        currency=deposit.currency,
        beneficiary=(new.owner_type, deposit.owner_id),
        payload={
            "deposit_id": str(deposit.public_id),
            "owner_type": deposit.owner_type,
            "owner_id": str(new.owner_id),
            "network": deposit.network,
            "tx_hash": deposit.tx_hash,
            "tx_output": deposit.tx_output,
        },
        reason=deposit.reason,
    )


async def _decide(session: WriteSession, actor: Actor, deposit: Deposit, status: DepositStatus, reason: str) -> None:
    await steps.announce(session, actor, reason)
    deposit.status = status
    deposit.version += 1
    deposit.decided_by = actor.id
    deposit.decision_reason = reason
    deposit.decided_at = await session.scalar(select(func.app_now()))
    await session.flush()
    if status is DepositStatus.POSTED:
        await balance_manager.post_deposit(session, deposit)
    await _record(session, actor, deposit)


async def _refuse_overlap(session: WriteSession, deposit: Deposit) -> None:
    """A deposit that names no output stands for the whole transaction, so nothing else may name that one.

    From here on nobody else records anything of that transaction.
    """
    await lock_chain_transaction(session, deposit.network, deposit.tx_hash)
    same = select(Deposit.id).where(
        Deposit.network == deposit.network,
        func.lower(Deposit.tx_hash) == deposit.tx_hash.lower(),
        Deposit.status != DepositStatus.REJECTED,
    )
    if deposit.tx_output:
        same = same.where(Deposit.tx_output.in_(["", deposit.tx_output]))
    if await session.scalar(select(same.exists())):
        raise Conflict(DUPLICATE, code="deposit.duplicate")


async def _insert(session: WriteSession, deposit: Deposit) -> None:
    try:
        async with atomic_transaction(session):
            session.add(deposit)
            await session.flush()
    except IntegrityError as error:
        if "uq_deposits_transaction" not in str(error.orig):
            raise
        raise Conflict(DUPLICATE, code="deposit.duplicate") from error
    await session.refresh(deposit)


async def _record(session: WriteSession, actor: Actor, deposit: Deposit) -> None:
    await audit_service.log_event(
        session,
        actor,
        f"deposit.{deposit.status}",
        entity="deposit",
        entity_id=deposit.id,
        version=deposit.version,
        details={
            "amount": str(deposit.amount),
            "currency": deposit.currency,
            "owner_type": deposit.owner_type,
            "owner_id": deposit.owner_id,
        },
    )


async def _get_view(session: AnySession, condition: ColumnElement[bool]) -> DepositView:
    deposit = await session.scalar(select(Deposit).where(condition))
    if deposit is None:
        raise NotFound
    return (await _views(session, [deposit]))[0]


async def _views(session: AnySession, deposits: list[Deposit]) -> list[DepositView]:
    people = [who for row in deposits for who in (row.requested_by, row.decided_by)]
    names = await account_owners.get_names(session, people, [(row.owner_type, row.owner_id) for row in deposits])
    scales = await reference_data.get_scales(session)
    waiting = await approval_service.list_open(session, POST, [row.id for row in deposits])
    return [
        DepositView(
            row,
            owner_id=names.owners[row.owner_type, row.owner_id],
            requested_by=names.users[row.requested_by],
            decided_by=names.user(row.decided_by),
            scale=scales[row.currency],
            approval_id=waiting.get(row.id),
        )
        for row in deposits
    ]
