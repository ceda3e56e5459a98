"""Money decisions of people: one row each, and a second person above `FOUR_EYES_AMOUNT` (hard case 14, ADR 36).

A use case says what a person wants (`begin`) and goes ahead when the answer is `executed`; otherwise the row waits
and the door answers 202. The second person's `take` marks it executed, and the same use case is carried out in the
same transaction. A use case takes the locks of its object first, then begins: the sums are made under one advisory
lock, after which only requisites and accounts may be locked.
"""

from jivapay.services.approval_service.deciding import (
    Sensitive,
    begin,
    find_open,
    lapse,
    lapse_overtaken,
    refuse_stale,
    reject,
    take,
)
from jivapay.services.approval_service.looking import ApprovalView, get_approval, list_approvals, list_open, view
from jivapay.services.approval_service.persons import people_behind, refuse_same_person

__all__ = [
    "ApprovalView",
    "Sensitive",
    "begin",
    "find_open",
    "get_approval",
    "lapse",
    "lapse_overtaken",
    "list_approvals",
    "list_open",
    "people_behind",
    "refuse_same_person",
    "refuse_stale",
    "reject",
    "take",
    "view",
]
