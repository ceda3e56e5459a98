"""Withdrawals and adjustments as they are shown, with their currency's own decimals."""

from jivapay.database.models.treasury import WithdrawalAddress
from jivapay.domain.money import format_amount
from jivapay.schemas_enums.enums import OwnerType, WithdrawalStatus
from jivapay.schemas_enums.treasury import AddressRead, AdjustmentRead, WithdrawalRead, WithdrawalStaffRead
from jivapay.services.adjustment_service import AdjustmentView
from jivapay.services.withdrawal_service import WithdrawalView


def read_address(row: WithdrawalAddress) -> AddressRead:
    return AddressRead(
        id=row.public_id,
        network=row.network,
        address=row.address,
        label=row.label,
        usable_at=row.usable_at,
        created_at=row.created_at,
    )


def read_own_withdrawal(view: WithdrawalView) -> WithdrawalRead:
    row = view.withdrawal
    return WithdrawalRead(
        id=row.public_id,
        store_id=view.owner_id if row.owner_type == OwnerType.STORE else None,
        amount=format_amount(row.amount, view.scale),
        network_fee=format_amount(row.network_fee, view.scale),
        currency=row.currency,
        network=row.network,
        address=row.address,
        status=row.status,
        tx_hash=row.tx_hash,
        reason=row.decision_reason if row.status == WithdrawalStatus.REJECTED else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )


def read_withdrawal(view: WithdrawalView) -> WithdrawalStaffRead:
    return WithdrawalStaffRead(
        **read_own_withdrawal(view).model_dump(),
        owner_type=view.withdrawal.owner_type,
        owner_id=view.owner_id,
        requested_by=view.requested_by,
        claimed_by=view.claimed_by,
        approval_id=view.approval_id,
    )


def read_adjustment(view: AdjustmentView) -> AdjustmentRead:
    row = view.adjustment
    return AdjustmentRead(
        id=row.public_id,
        owner_type=row.owner_type,
        owner_id=view.owner_id,
        amount=format_amount(row.amount, view.scale),
        currency=row.currency,
        reason=row.reason,
        corrects_type=row.corrects_type,
        corrects_id=view.corrects,
        status=row.status,
        approval_id=view.approval_id,
        requested_by=view.requested_by,
        decided_by=view.decided_by,
        decision_reason=row.decision_reason,
        created_at=row.created_at,
        decided_at=row.decided_at,
        version=row.version,
    )
