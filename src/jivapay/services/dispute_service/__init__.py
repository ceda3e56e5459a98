"""Disputes: a case beside an order, heard by turns and decided by people (STM-07, STM-08; hard cases 8, 9, 11, 14).

Opened by a trader, a merchant, staff, or the payer of a lapsed order. A clock for each side stands while the other
one's turn lasts; its end hands the case to staff and moves no money. Each outcome moves money exactly once. The one
writer of the statuses of disputes; the order's own steps are `order_status_manager`'s.
"""

from jivapay.services.dispute_service.clocks import expire_turns, top_up_holds
from jivapay.services.dispute_service.looking import (
    DisputeView,
    download_evidence,
    get_dispute,
    get_evidence,
    get_timeline,
    list_disputes,
)
from jivapay.services.dispute_service.opening import (
    NewDispute,
    claim_for_customer,
    open_dispute,
    open_dispute_by_customer,
)
from jivapay.services.dispute_service.resolving import (
    RESOLVE,
    Decision,
    execute_resolution,
    lend_for_dispute,
    resolve_dispute,
)
from jivapay.services.dispute_service.talking import Said, add_evidence, say, take_case

__all__ = [
    "RESOLVE",
    "Decision",
    "DisputeView",
    "NewDispute",
    "Said",
    "add_evidence",
    "claim_for_customer",
    "download_evidence",
    "execute_resolution",
    "expire_turns",
    "get_dispute",
    "get_evidence",
    "get_timeline",
    "lend_for_dispute",
    "list_disputes",
    "open_dispute",
    "open_dispute_by_customer",
    "resolve_dispute",
    "say",
    "take_case",
    "top_up_holds",
]
