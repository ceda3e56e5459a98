"""Row locks by name, in one order: payout, dispute, payment session, incoming order, order, requisite, accounts.

Everything that changes a deal takes its locks through here, so that two of them can meet only in one order
(hard case 23). Selection alone skips locked rows, and locks nothing but the requisite.
"""

from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.sql import Select

from jivapay.database.models.disputes import Dispute
from jivapay.database.models.orders import IncomingOrder, Order, PaymentSession
from jivapay.database.models.payout_requests import Payout
from jivapay.database.models.requisites import Requisite
from jivapay.database.models.unmatched import UnmatchedPayment
from jivapay.database.session import WriteSession
from jivapay.exceptions import NotFound

Row = TypeVar("Row")

RECEIPT_LOCK_SEED = 7_471_101
"""Keeps the advisory locks of receipts apart from all others."""
DEPOSIT_LOCK_SEED = 7_471_102
"""Those of transactions on a chain, likewise."""


@dataclass(slots=True)
class Deal:
    """The rows of one deal: what the shop asked for, the order it became, and its page."""

    incoming: IncomingOrder
    order: Order | None
    page: PaymentSession | None

    @property
    def version(self) -> int:
        """Status steps of incoming order and orders together, also declined ones; it only grows."""
        return self.incoming.steps + (self.order.steps if self.order else 0)


def _locked(statement: Select[Row]) -> Select[Row]:
    """FOR NO KEY UPDATE: waits for other changes, but lets rows that refer to this one be inserted (H4)."""
    return statement.with_for_update(key_share=True).execution_options(populate_existing=True)


async def lock_dispute_for_update(session: WriteSession, dispute_id: int) -> Dispute:
    """Lock a dispute, before its deal. Raises NotFound."""
    dispute = await session.scalar(_locked(select(Dispute).where(Dispute.id == dispute_id)))
    if dispute is None:
        raise NotFound
    return dispute


async def lock_deal_for_update(session: WriteSession, incoming_order_id: int) -> Deal:
    """Lock a deal's page, incoming order and order, in this order. Raises NotFound."""
    page = await session.scalar(_locked(_page_of(incoming_order_id)))
    return await _lock_orders(session, incoming_order_id, page)


async def try_lock_rest_of_deal(session: WriteSession, incoming_order_id: int) -> Deal | None:
    """For a caller that holds the incoming order already: None when somebody else holds the page.

    Waiting for the page here would turn the order of locks around.
    """
    page = await session.scalar(_locked(_page_of(incoming_order_id)).with_for_update(key_share=True, skip_locked=True))
    if page is None and await session.scalar(_page_of(incoming_order_id).with_only_columns(PaymentSession.id)):
        return None
    return await _lock_orders(session, incoming_order_id, page)


def _page_of(incoming_order_id: int) -> Select[PaymentSession]:
    return select(PaymentSession).where(PaymentSession.incoming_order_id == incoming_order_id)


async def _lock_orders(session: WriteSession, incoming_order_id: int, page: PaymentSession | None) -> Deal:
    incoming = await session.scalar(_locked(select(IncomingOrder).where(IncomingOrder.id == incoming_order_id)))
    if incoming is None:
        raise NotFound
    order = None
    if incoming.assigned_order_id is not None:
        order = await session.scalar(_locked(select(Order).where(Order.id == incoming.assigned_order_id)))
    return Deal(incoming, order, page)


async def lock_payout_for_update(session: WriteSession, payout_id: int, *, skip_locked: bool = False) -> Payout | None:
    """Lock a payout request, before anything else of its deal. None when there is none, or, with `skip_locked`, when
    somebody else holds it.
    """
    statement = _locked(select(Payout).where(Payout.id == payout_id))
    return await session.scalar(statement.with_for_update(key_share=True, skip_locked=skip_locked))


async def lock_requisite_for_update(session: WriteSession, requisite_id: int) -> Requisite:
    """Lock one requisite, whose counters are kept under this lock. Raises NotFound."""
    requisite = await session.scalar(_locked(select(Requisite).where(Requisite.id == requisite_id)))
    if requisite is None:
        raise NotFound
    return requisite


async def lock_unmatched_payment(session: WriteSession, public_id: UUID) -> UnmatchedPayment:
    """Lock a payment of the inbox, before any deal. Raises NotFound."""
    payment = await session.scalar(_locked(select(UnmatchedPayment).where(UnmatchedPayment.public_id == public_id)))
    if payment is None:
        raise NotFound
    return payment


async def lock_receipt_hash(session: WriteSession, sha256: bytes) -> None:
    """One transaction at a time asks whether this file was seen before (hard case 22). Taken after the deal's rows."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(sha256.hex(), RECEIPT_LOCK_SEED))))


async def lock_chain_transaction(session: WriteSession, network: str, tx_hash: str) -> None:
    """One at a time asks which of its outputs were recorded before (hard case 14): no index holds the one row that
    names none against those that name one. `tx_hash` in its one spelling; taken before the deposit is inserted.
    """
    name = f"{network}:{tx_hash.lower()}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, DEPOSIT_LOCK_SEED))))
