"""The status machines as printed tables: from, to, event, who (domain.md, "Status machines").

The same rows are seeded into `status_transitions`, where a trigger refuses every step that is not here, and
`docs/states.md` is generated from them. `start` rows say which statuses an entity may be born in.
"""

from collections.abc import Iterable
from typing import NamedTuple

from jivapay.schemas_enums.enums import (
    AdjustmentStatus,
    ApprovalStatus,
    CallbackState,
    DepositStatus,
    DisputeStatus,
    IncomingOrderStatus,
    OrderStatus,
    PayoutStatus,
    UnmatchedStatus,
    WithdrawalStatus,
)
from jivapay.schemas_enums.enums import PaymentSessionStatus as Session

I = IncomingOrderStatus  # noqa: E741 - three letters a row keep the tables readable
O = OrderStatus  # noqa: E741
C = CallbackState
D = DepositStatus
A = ApprovalStatus
Q = DisputeStatus
P = PayoutStatus
U = UnmatchedStatus
W = WithdrawalStatus
B = AdjustmentStatus

START = ""
"""The status before the first one."""


class Transition(NamedTuple):
    from_status: str
    to_status: str
    event: str
    who: str
    direction: str = "both"


def _steps(
    sources: Iterable[str], targets: Iterable[str], event: str, who: str, direction: str = "both"
) -> list[Transition]:
    return [Transition(source, target, event, who, direction) for source in sources for target in targets]


WAITING = (I.NEW, I.RETRYING)

INCOMING_ORDER = (
    *_steps([START], [I.NEW], "accepted", "store"),
    *_steps(WAITING, [I.ASSIGNED], "requisite reserved", "system"),
    *_steps(WAITING, [I.RETRYING], "no requisite yet", "system"),
    *_steps(WAITING, [I.MANUAL_REVIEW], "a rule asks for a person", "system"),
    *_steps(WAITING, [I.FAILED], "denied, or attempts used up", "system"),
    *_steps(WAITING, [I.CANCELLED], "cancelled", "store, customer, staff"),
    *_steps(WAITING, [I.EXPIRED], "session over", "system"),
    *_steps([I.MANUAL_REVIEW], [I.NEW], "review approved", "staff"),
    *_steps([I.MANUAL_REVIEW], [I.FAILED], "review rejected", "staff"),
    *_steps([I.MANUAL_REVIEW], [I.CANCELLED], "cancelled", "store, customer, staff"),
    *_steps([I.MANUAL_REVIEW], [I.EXPIRED], "session over", "system"),
    *_steps([I.ASSIGNED], [I.CLIENT_PAYMENT_CONFIRMED], "payer confirmed", "customer, store"),
    *_steps([I.ASSIGNED], [I.FAILED_PROCESSING_RECEIPT], "payer confirmed, storage down", "customer, store"),
    *_steps([I.ASSIGNED], [I.PROCESSED], "order completed", "trader, staff"),
    *_steps([I.ASSIGNED], [I.RETRYING], "pay-out declined", "trader, system", "pay_out"),
    *_steps([I.ASSIGNED], [I.FAILED], "order failed", "staff, system"),
    *_steps([I.ASSIGNED], [I.CANCELLED], "order cancelled", "trader, store, customer, staff"),
    *_steps([I.ASSIGNED], [I.EXPIRED], "not paid in time", "system"),
    *_steps([I.CLIENT_PAYMENT_CONFIRMED, I.FAILED_PROCESSING_RECEIPT], [I.PROCESSED], "order completed", "trader"),
    *_steps([I.CLIENT_PAYMENT_CONFIRMED, I.FAILED_PROCESSING_RECEIPT], [I.FAILED], "order failed", "staff"),
    *_steps([I.CLIENT_PAYMENT_CONFIRMED, I.FAILED_PROCESSING_RECEIPT], [I.CANCELLED], "order cancelled", "staff"),
    *_steps([I.FAILED_PROCESSING_RECEIPT], [I.CLIENT_PAYMENT_CONFIRMED], "receipt stored", "customer, store"),
    *_steps(
        [I.EXPIRED, I.CANCELLED],
        [I.CLIENT_PAYMENT_CONFIRMED],
        "late receipt, or late money that a person judges",
        "customer, store, trader",
    ),
    *_steps([I.EXPIRED, I.CANCELLED], [I.PROCESSED], "late payment seen", "trader, staff"),
)

ORDER = (
    *_steps([START], [O.PENDING], "requisite reserved", "system"),
    *_steps([O.PENDING], [O.PENDING_TRADER_CONFIRMATION], "payer confirmed", "customer, store", "pay_in"),
    *_steps([O.PENDING], [O.COMPLETED], "trader saw the money first", "trader", "pay_in"),
    *_steps([O.PENDING], [O.CANCELLED], "cancelled", "trader, store, customer, staff"),
    *_steps([O.PENDING], [O.EXPIRED], "not paid in time", "system", "pay_in"),
    *_steps([O.PENDING], [O.DISPUTE], "disputed", "trader, store, staff", "pay_in"),
    *_steps(
        [O.PENDING],
        [O.REQUIRES_ATTENTION],
        "second fraud check asks for a person, or another amount or payer seen",
        "system, trader",
        "pay_in",
    ),
    *_steps([O.PENDING], [O.IN_PROGRESS], "accepted", "trader", "pay_out"),
    *_steps([O.PENDING], [O.DECLINED], "declined or not accepted in time", "trader, system", "pay_out"),
    *_steps([O.PENDING_TRADER_CONFIRMATION], [O.COMPLETED], "trader confirmed", "trader, staff", "pay_in"),
    *_steps([O.PENDING_TRADER_CONFIRMATION], [O.DISPUTE], "disputed", "trader, store, staff", "pay_in"),
    *_steps(
        [O.PENDING_TRADER_CONFIRMATION],
        [O.REQUIRES_ATTENTION],
        "trader silent past his time, or another amount or payer seen",
        "system, trader",
        "pay_in",
    ),
    *_steps([O.PENDING_TRADER_CONFIRMATION], [O.CANCELLED], "cancelled", "staff", "pay_in"),
    *_steps([O.EXPIRED, O.CANCELLED], [O.PENDING_TRADER_CONFIRMATION], "late receipt", "customer, store", "pay_in"),
    *_steps([O.EXPIRED, O.CANCELLED], [O.COMPLETED], "late payment seen", "trader, staff", "pay_in"),
    *_steps(
        [O.EXPIRED, O.CANCELLED],
        [O.REQUIRES_ATTENTION],
        "late payment, a person decides",
        "customer, store, trader, staff",
        "pay_in",
    ),
    *_steps([O.IN_PROGRESS], [O.COMPLETED], "paid with receipt", "trader", "pay_out"),
    *_steps([O.IN_PROGRESS], [O.REQUIRES_ATTENTION], "accepted and silent", "system", "pay_out"),
    *_steps([O.IN_PROGRESS], [O.DISPUTE], "disputed", "trader, store, staff", "pay_out"),
    *_steps([O.REQUIRES_ATTENTION], [O.COMPLETED], "decided, or all state the same amount", "trader, store, staff"),
    *_steps([O.REQUIRES_ATTENTION], [O.DISPUTE], "disputed", "trader, store, staff"),
    *_steps([O.REQUIRES_ATTENTION], [O.CANCELLED, O.FAILED], "decided", "staff"),
    *_steps([O.DISPUTE], [O.COMPLETED, O.CANCELLED, O.FAILED], "resolved", "staff"),
    *_steps([O.COMPLETED], [O.COMPLETED], "adjusted", "staff"),
    *_steps([O.COMPLETED], [O.REVERSED], "reversed", "staff"),
)

PAYMENT_SESSION = (
    *_steps([START], [Session.ACTIVE], "opened", "store"),
    *_steps([Session.ACTIVE], [Session.CONFIRMED], "payer confirmed", "customer, store"),
    *_steps([Session.ACTIVE], [Session.EXPIRED], "time over", "system"),
    *_steps([Session.ACTIVE], [Session.CANCELLED], "cancelled", "trader, store, customer, staff"),
    *_steps([Session.ACTIVE], [Session.FAILED], "order failed", "system, staff"),
    *_steps([Session.CONFIRMED], [Session.COMPLETED, Session.COMPLETED_WITH_ISSUES], "order completed", "trader"),
    *_steps([Session.CONFIRMED], [Session.CANCELLED, Session.FAILED], "order cancelled or failed", "staff"),
    *_steps(
        [Session.EXPIRED, Session.CANCELLED],
        [Session.CONFIRMED],
        "late receipt, or late money that a person judges",
        "customer, store, trader",
    ),
    *_steps(
        [Session.ACTIVE, Session.EXPIRED, Session.CANCELLED],
        [Session.COMPLETED],
        "the trader was first",
        "trader, staff",
    ),
)

CALLBACK_DELIVERY = (
    *_steps([START], [C.PENDING], "booked", "system"),
    *_steps([START], [C.SKIPPED], "no address", "system"),
    *_steps([C.PENDING, C.RETRYING], [C.DELIVERED], "2xx", "system"),
    *_steps([C.PENDING, C.RETRYING], [C.RETRYING], "failed, tried again", "system"),
    *_steps([C.RETRYING], [C.EXHAUSTED], "last attempt failed", "system"),
    *_steps([C.PENDING, C.RETRYING], [C.DISABLED], "410", "system"),
    *_steps([C.PENDING, C.RETRYING], [C.SKIPPED], "a newer event took its place", "system"),
    *_steps([C.DELIVERED, C.EXHAUSTED, C.DISABLED, C.SKIPPED], [C.PENDING], "sent again by hand", "merchant, staff"),
)

DEPOSIT = (
    *_steps([START], [D.REQUESTED], "recorded", "staff"),
    *_steps([D.REQUESTED], [D.POSTED], "posted", "staff"),
    *_steps([D.REQUESTED], [D.REJECTED], "rejected", "staff"),
)

APPROVAL = (
    *_steps([START], [A.EXECUTED], "decided by one person", "staff"),
    *_steps([START], [A.REQUESTED], "a second person must decide", "staff"),
    *_steps([A.REQUESTED], [A.EXECUTED], "approved", "staff"),
    *_steps([A.REQUESTED], [A.REJECTED], "rejected", "staff"),
    *_steps([A.REQUESTED], [A.LAPSED], "not decided in time, or about nothing any more", "system"),
)

_TALK = (Q.WAITING_TRADER, Q.WAITING_MERCHANT, Q.UNDER_REVIEW)
_RESOLVED = (Q.RESOLVED_COMPLETED, Q.RESOLVED_ADJUSTED, Q.RESOLVED_CANCELLED)

DISPUTE = (
    *_steps([START], [Q.OPEN], "opened", "trader, store, customer, staff"),
    *_steps([Q.OPEN], _TALK, "somebody's turn", "trader, store, customer, staff"),
    *_steps(
        [Q.WAITING_TRADER],
        [Q.WAITING_MERCHANT, Q.UNDER_REVIEW],
        "answered, escalated, or time over",
        "trader, store, staff, system",
    ),
    *_steps(
        [Q.WAITING_MERCHANT],
        [Q.WAITING_TRADER, Q.UNDER_REVIEW],
        "answered, escalated, or time over",
        "trader, store, staff, system",
    ),
    *_steps([Q.UNDER_REVIEW], [Q.WAITING_TRADER, Q.WAITING_MERCHANT], "a question of staff", "staff"),
    *_steps([Q.UNDER_REVIEW], [Q.WAITING_FUNDS], "decided, and the money to return is not there", "staff"),
    *_steps([Q.UNDER_REVIEW], _RESOLVED, "decided and carried out", "staff"),
    *_steps([Q.WAITING_FUNDS], [Q.RESOLVED_ADJUSTED, Q.RESOLVED_CANCELLED], "returned", "staff, system"),
)

PAYOUT = (
    *_steps([START], [P.PENDING], "asked for", "store"),
    *_steps([P.PENDING], [P.PROCESSING], "taken by an executor", "system, store"),
    *_steps([P.PENDING], [P.PROCESSED], "paid by somebody else", "store"),
    *_steps([P.PENDING], [P.CANCELLED], "cancelled, or refused by a second person", "store, staff"),
    *_steps([P.PROCESSING], [P.PROCESSED], "paid", "system, store"),
    *_steps([P.PROCESSING], [P.FAILED], "not paid", "system, store"),
    *_steps([P.FAILED], [P.PENDING], "asked for again", "store"),
)

UNMATCHED_PAYMENT = (
    *_steps([START], [U.OPEN], "declared, or left over", "trader, system"),
    *_steps([U.OPEN], [U.ATTACHED], "found to belong to an order", "staff"),
    *_steps([U.OPEN], [U.RETURNED], "sent back", "staff"),
)

WITHDRAWAL = (
    *_steps([START], [W.REQUESTED], "requested", "merchant, trader, staff"),
    *_steps([W.REQUESTED], [W.APPROVED], "approved", "staff"),
    *_steps([W.REQUESTED, W.APPROVED], [W.REJECTED], "rejected", "staff"),
    *_steps([W.REQUESTED], [W.CANCELLED], "cancelled", "merchant, trader, staff"),
    *_steps([W.APPROVED], [W.SENDING], "claimed by one person", "staff"),
    *_steps([W.SENDING], [W.SENT], "sent", "staff"),
    *_steps([W.SENDING], [W.APPROVED], "nothing left, a second person agrees", "staff"),
)

BALANCE_ADJUSTMENT = (
    *_steps([START], [B.REQUESTED], "requested", "staff"),
    *_steps([B.REQUESTED], [B.POSTED], "posted", "staff"),
    *_steps([B.REQUESTED], [B.REJECTED], "rejected", "staff"),
)

MACHINES: dict[str, tuple[Transition, ...]] = {
    "incoming_order": INCOMING_ORDER,
    "order": ORDER,
    "payment_session": PAYMENT_SESSION,
    "callback_delivery": CALLBACK_DELIVERY,
    "deposit": DEPOSIT,
    "approval": APPROVAL,
    "dispute": DISPUTE,
    "payout": PAYOUT,
    "unmatched_payment": UNMATCHED_PAYMENT,
    "withdrawal": WITHDRAWAL,
    "balance_adjustment": BALANCE_ADJUSTMENT,
}


def is_allowed(entity: str, from_status: str, to_status: str) -> bool:
    return any(step.from_status == from_status and step.to_status == to_status for step in MACHINES[entity])
