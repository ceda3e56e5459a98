"""The index of all models: importing this module registers every table (DBU-10)."""

from jivapay.database.models import (
    approvals,
    callbacks,
    commissions,
    deposits,
    disputes,
    documents,
    ledger,
    orders,
    payout_requests,
    people,
    proofs,
    reconciliations,
    records,
    reference,
    requisites,
    treasury,
    unmatched,
)
from jivapay.database.models.base import Base

__all__ = [
    "Base",
    "approvals",
    "callbacks",
    "commissions",
    "deposits",
    "disputes",
    "documents",
    "ledger",
    "orders",
    "payout_requests",
    "people",
    "proofs",
    "reconciliations",
    "records",
    "reference",
    "requisites",
    "treasury",
    "unmatched",
]
