"""What a store does with its payout requests: ask, look, change the status, delete. Everything is the store's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from jivapay.config.business_settings import BusinessSettings
from jivapay.config.crypto import Cipher
from jivapay.database.locks import lock_payout_for_update
from jivapay.database.models.payout_requests import Payout
from jivapay.database.models.people import Merchant, MerchantStore, User
from jivapay.database.session import AnySession, WriteSession
from jivapay.domain.identifiers import new_id
from jivapay.domain.money import fits_scale
from jivapay.domain.payout_masking import mask_text, mask_value
from jivapay.exceptions import Conflict, NotFound, ValidationFailed
from jivapay.schemas_enums.enums import CurrencyKind, PayoutExecutor, PayoutStatus
from jivapay.services import idempotency, reference_data, steps
from jivapay.services.api_key_service import StoreContext
from jivapay.services.idempotency import IdempotencyClaim, Made
from jivapay.services.payout_service.approving import ask_second_person, end_waiting
from jivapay.services.payout_service.dispatch import first_due, offer
from jivapay.services.payout_service.own_orders import take_back
from jivapay.services.payout_service.sealing import seal
from jivapay.services.payout_service.states import (
    database_now,
    end_attempt,
    is_in_hand,
    move,
    record,
    state_conflict,
)
from jivapay.utils.exact_json import write_exact_json

PAGE_SIZE = 100
ASKED, CHANGED, TAKEN_BACK = "asked for", "status set by the store", "the payout was taken back"
STORES_OWN = frozenset({(PayoutStatus.PENDING, PayoutStatus.CANCELLED), (PayoutStatus.FAILED, PayoutStatus.PENDING)})
"""The steps a store may ask for while the platform itself pays."""


@dataclass(frozen=True, slots=True)
class NewPayout:
    """As the store wants it. `execute_at`: not before."""

    user_id: int
    amount: Decimal
    currency: str
    recipient_details: Mapping[str, Any]
    comment: str = ""
    execute_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What new requests are made under."""

    executor: PayoutExecutor
    cipher: Cipher
    rules: BusinessSettings


@dataclass(frozen=True, slots=True)
class PayoutPage:
    count: int
    rows: Sequence[Payout]


async def create_payout(
    session: WriteSession,
    store: StoreContext,
    new: NewPayout,
    terms: Terms,
    *,
    claim: IdempotencyClaim | None = None,
) -> Made[Payout]:
    """A new request, `pending`, and the word to whoever carries it out. Raises ValidationFailed."""

    async def make() -> tuple[int, Payout]:
        payout = await add_payout(session, store, new, terms)
        return payout.id, payout

    async def load(payout_id: int) -> Payout:
        return await _get(session, Payout.id == payout_id)

    return await idempotency.make_once(session, claim, resource_type="payout", make=make, load=load)


async def add_payout(session: WriteSession, store: StoreContext, new: NewPayout, terms: Terms) -> Payout:
    """Without the question whether it was asked for before. Raises ValidationFailed, before anything is written."""
    await check_payout(session, new)
    needs_person = _needs_person(new, terms)
    now = await database_now(session)
    public_id = new_id()
    payout = Payout(
        public_id=public_id,
        store_id=store.id,
        user_id=new.user_id,
        amount=new.amount,
        currency=new.currency,
        recipient_shown=write_exact_json(mask_value(new.recipient_details)).decode(),
        comment_shown=mask_text(new.comment),
        recipient_sealed=seal(terms.cipher, public_id, new.recipient_details, new.comment),
        executor=terms.executor.value,
        attempt=0,
        execute_at=new.execute_at,
        due_at=None if needs_person else first_due(terms.executor, new.execute_at, now),
        request_id=store.actor.request_id,
    )
    await steps.announce(session, store.actor, ASKED)
    session.add(payout)
    await session.flush()
    await session.refresh(payout)
    await record(session, store.actor, payout, "payout.created", {"to": payout.status})
    if needs_person:
        await ask_second_person(session, store, payout, terms.rules)
    await offer(session, payout, now)
    return payout


async def check_payout(session: AnySession, new: NewPayout) -> None:
    """What only the directory of currencies knows. Raises ValidationFailed."""
    currency = await reference_data.get_currency(session, new.currency, CurrencyKind.FIAT)
    if not fits_scale(new.amount, currency.scale):
        raise ValidationFailed.at("body", "amount", code="money.too_many_decimals")


def _needs_person(new: NewPayout, terms: Terms) -> bool:
    limit = terms.rules.payouts_approval_amount.get(new.currency)
    return limit is not None and new.amount > limit


async def list_payouts(session: AnySession, store: StoreContext, user_id: int, *, page: int) -> PayoutPage:
    """One page of a user's requests, oldest first. Raises NotFound beyond the last one; the first is always there."""
    theirs = (Payout.store_id == store.id, Payout.user_id == user_id, Payout.deleted_at.is_(None))
    count = await session.scalar(select(func.count()).select_from(Payout).where(*theirs)) or 0
    if page < 1 or (page > 1 and (page - 1) * PAGE_SIZE >= count):
        raise NotFound("There is no such page.")
    rows = await session.scalars(
        select(Payout).where(*theirs).order_by(Payout.id).limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)
    )
    return PayoutPage(count, rows.all())


async def get_payout(session: AnySession, store: StoreContext, payout_id: int) -> Payout:
    """Raises NotFound, also for another store's and for a deleted one."""
    return await _get(session, Payout.id == payout_id, *_visible(store))


async def set_payout_status(
    session: WriteSession, store: StoreContext, payout_id: int, status: PayoutStatus, rules: BusinessSettings
) -> Payout:
    """Along the table; the status it has already is no change. What an executor has in hand he alone ends: called
    `failed` and asked for again it would be paid twice (hard case 18).

    Raises NotFound, Conflict `payout.state_conflict`, or `payout.awaits_approval` while a second person has not spoken.
    """
    if status is not PayoutStatus.PENDING:
        await end_waiting(session, store, payout_id, is_ending=status is PayoutStatus.CANCELLED)
    payout = await _lock(session, store, payout_id)
    if payout.status == status:
        return payout
    executor = PayoutExecutor(payout.executor)
    if executor is PayoutExecutor.JIVAPAY and (payout.status, status) not in STORES_OWN:
        raise state_conflict(payout)
    if payout.status == PayoutStatus.PROCESSING and await is_in_hand(session, payout):
        raise state_conflict(payout)
    if status is PayoutStatus.CANCELLED and not await take_back(session, store.actor, payout, TAKEN_BACK, rules):
        raise state_conflict(payout, PayoutStatus.PROCESSING)
    await move(session, store.actor, payout, status, CHANGED)
    if status is PayoutStatus.PENDING:
        now = await database_now(session)
        payout.due_at = first_due(executor, payout.execute_at, now)
        payout.failure_reason = None
        await session.flush()
        await offer(session, payout, now)
    elif status is PayoutStatus.PROCESSING:
        payout.due_at = None  # the store has it in hand itself
        await session.flush()
    return payout


async def delete_payout(session: WriteSession, store: StoreContext, payout_id: int, rules: BusinessSettings) -> None:
    """Gone for the store, kept for the books. Raises NotFound, Conflict `payout.not_deletable` (hard case 18)."""
    await end_waiting(session, store, payout_id, is_ending=True)
    payout = await _lock(session, store, payout_id)
    status = PayoutStatus(payout.status)
    if status is PayoutStatus.PENDING and not await take_back(session, store.actor, payout, TAKEN_BACK, rules):
        status = PayoutStatus.PROCESSING
    if not status.is_deletable:
        raise Conflict(f"The payout is {status}.", code="payout.not_deletable", about={"current": status})
    payout.deleted_at = await database_now(session)
    payout.due_at = None
    await session.flush()
    await end_attempt(session, payout, "deleted")
    await record(session, store.actor, payout, "payout.deleted")


async def find_internal_store(session: AnySession, public_id: UUID) -> MerchantStore | None:
    """The store that callers without a key stand for; None when it, or its merchant, is switched off."""
    return await session.scalar(
        select(MerchantStore)
        .join(Merchant, Merchant.id == MerchantStore.merchant_id)
        .join(User, User.id == Merchant.user_id)
        .where(
            MerchantStore.public_id == public_id,
            MerchantStore.archived_at.is_(None),
            MerchantStore.access,
            User.is_active,
        )
    )


async def _lock(session: WriteSession, store: StoreContext, payout_id: int) -> Payout:
    """Raises NotFound."""
    payout = await lock_payout_for_update(session, payout_id)
    if payout is None or payout.store_id != store.id or payout.deleted_at is not None:
        raise NotFound
    return payout


def _visible(store: StoreContext) -> tuple[ColumnElement[bool], ...]:
    return (Payout.store_id == store.id, Payout.deleted_at.is_(None))


async def _get(session: AnySession, *conditions: ColumnElement[bool]) -> Payout:
    payout = await session.scalar(select(Payout).where(*conditions))
    if payout is None:
        raise NotFound
    return payout
