"""A dispute as it is shown: every amount with its currency's own decimals."""

from decimal import Decimal
from typing import Any

from jivapay.domain.money import FIAT_SCALE, format_amount
from jivapay.schemas_enums.disputes import (
    DisputeListed,
    DisputeMessageRead,
    DisputeRead,
    EvidenceRead,
    StaffDisputeRead,
)
from jivapay.services.dispute_service import DisputeView


def list_dispute(view: DisputeView) -> DisputeListed:
    return DisputeListed(**_fields(view))


def read_dispute(view: DisputeView) -> DisputeRead:
    return DisputeRead(**_fields(view), **_said(view))


def read_dispute_for_staff(view: DisputeView) -> StaffDisputeRead:
    return StaffDisputeRead(
        **_fields(view),
        **_said(view),
        hold_target=format_amount(view.dispute.hold_target, view.scale),
        held=format_amount(view.held, view.scale),
        crypto_currency=view.order.crypto_currency,
        assigned_to=view.assigned_to,
    )


def _fields(view: DisputeView) -> dict[str, Any]:
    dispute, order, incoming = view.dispute, view.order, view.incoming
    return {
        "id": dispute.public_id,
        "order_id": incoming.public_id,
        "external_order_id": incoming.external_id,
        "store_name": view.store_name,
        "direction": order.direction,
        "status": dispute.status,
        "order_status": order.status,
        "opened_by": dispute.opened_by,
        "reason": dispute.reason,
        "amount": format_amount(order.amount_fiat, FIAT_SCALE),
        "amount_agreed": format_amount(order.amount_agreed, FIAT_SCALE),
        "claimed_amount": _fiat(dispute.claimed_amount),
        "currency": order.fiat_currency,
        "due_at": dispute.due_at,
        "overdue": view.is_overdue,
        "decision": dispute.decision,
        "decided_amount": _fiat(dispute.decided_amount),
        "decision_reason": dispute.decision_reason,
        "created_at": dispute.created_at,
        "decided_at": dispute.decided_at,
        "resolved_at": dispute.resolved_at,
        "version": dispute.version,
        "test": order.test,
    }


def _said(view: DisputeView) -> dict[str, Any]:
    return {
        "messages": [
            DisputeMessageRead(id=one.public_id, side=one.side, text=one.text, created_at=one.created_at)
            for one in view.messages
        ],
        "evidence": [
            EvidenceRead(
                id=one.document.public_id,
                side=one.side,
                content_type=one.document.content_type,
                size=one.document.size,
                downloadable=one.may_download,
                created_at=one.document.created_at,
            )
            for one in view.evidence
        ],
    }


def _fiat(value: Decimal | None) -> str | None:
    return None if value is None else format_amount(value, FIAT_SCALE)
