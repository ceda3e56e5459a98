"""Payout requests: the payouts service of the fifth document on the platform's own core (ADR 42).

A store asks, an executor carries out. The row says who is to act and when (`due_at`); tasks are hints about it. The one
writer of the statuses of payout requests.
"""

from jivapay.services.payout_service.approving import EXECUTE, cancel_rejected, execute_approved
from jivapay.services.payout_service.batches import (
    BatchView,
    RowResult,
    continue_batches,
    create_list,
    get_batch,
    list_results,
    read_file,
    upload_file,
)
from jivapay.services.payout_service.execution import execute_payout, list_due_payouts
from jivapay.services.payout_service.requests import (
    PAGE_SIZE,
    NewPayout,
    PayoutPage,
    Terms,
    create_payout,
    delete_payout,
    find_internal_store,
    get_payout,
    list_payouts,
    set_payout_status,
)

__all__ = [
    "EXECUTE",
    "PAGE_SIZE",
    "BatchView",
    "NewPayout",
    "PayoutPage",
    "RowResult",
    "Terms",
    "cancel_rejected",
    "continue_batches",
    "create_list",
    "create_payout",
    "delete_payout",
    "execute_approved",
    "execute_payout",
    "find_internal_store",
    "get_batch",
    "get_payout",
    "list_due_payouts",
    "list_payouts",
    "list_results",
    "read_file",
    "set_payout_status",
    "upload_file",
]
