"""Which requisite takes an order: priority, then round robin, within limits that count open orders.

Selection locks only the requisite row and skips locked ones; what it decided on is read again under the lock by
the statement that writes (H1 to H4). The running counters on the row replace sums over history, and `usage` keeps them.
Source: SEL-01 to SEL-15, domain.md "Which requisite".
"""

from jivapay.services.requisite_selector.capacity import can_take
from jivapay.services.requisite_selector.explanation import explain
from jivapay.services.requisite_selector.selection import (
    Candidate,
    Wanted,
    find_suitable_requisite,
    fitting,
    free_lapsed_slot,
    typed,
)
from jivapay.services.requisite_selector.usage import (
    COUNT_ONE_MORE,
    count_again,
    lower_priority,
    recount,
    release_usage,
)

__all__ = [
    "COUNT_ONE_MORE",
    "Candidate",
    "Wanted",
    "can_take",
    "count_again",
    "explain",
    "find_suitable_requisite",
    "fitting",
    "free_lapsed_slot",
    "lower_priority",
    "recount",
    "release_usage",
    "typed",
]
