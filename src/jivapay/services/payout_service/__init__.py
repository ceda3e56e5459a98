"""Payout requests: the payouts service of the fifth document on the platform's own core (ADR 42).

A store asks, an executor carries out. The row says who is to act and when (`due_at`); tasks are hints about it. The one
writer of the statuses of payout requests.
"""

from jivapay.services.payout_service.execution import execute_payout, list_due_payouts
from jivapay.services.payout_service.requests import (
    PAGE_SIZE,
    NewPayout,
    PayoutPage,
    create_payout,
    delete_payout,
    find_internal_store,
    get_payout,
    list_payouts,
    set_payout_status,
)

__all__ = [
    "PAGE_SIZE",
    "NewPayout",
    "PayoutPage",
    "create_payout",
    "delete_payout",
    "execute_payout",
    "find_internal_store",
    "get_payout",
    "list_due_payouts",
    "list_payouts",
    "set_payout_status",
]
