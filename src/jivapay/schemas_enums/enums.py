"""Every closed list of words the platform speaks: statuses, directions, roles. The words are those of the
specification and are stored as they stand; predicates live on the state (`OrderStatus.is_open`).
"""

from enum import StrEnum


class Role(StrEnum):
    """Whose door a user signs in through. Granular rights are permissions, not roles."""

    ADMIN = "admin"
    SUPPORT = "support"
    TEAMLEAD = "teamlead"
    TRADER = "trader"
    MERCHANT = "merchant"

    @property
    def is_staff(self) -> bool:
        return self in {Role.ADMIN, Role.SUPPORT, Role.TEAMLEAD}


class ActorKind(StrEnum):
    """Who did something, for status history and audit."""

    USER = "user"
    STORE = "store"
    CUSTOMER = "customer"
    SYSTEM = "system"


class Direction(StrEnum):
    PAY_IN = "pay_in"
    PAY_OUT = "pay_out"


class CurrencyKind(StrEnum):
    FIAT = "fiat"
    CRYPTO = "crypto"


class IncomingOrderStatus(StrEnum):
    """The store's request, before and while a requisite is found, and its outcome for the store."""

    NEW = "new"
    RETRYING = "retrying"
    ASSIGNED = "assigned"
    MANUAL_REVIEW = "manual_review"
    CLIENT_PAYMENT_CONFIRMED = "client_payment_confirmed"
    FAILED_PROCESSING_RECEIPT = "failed_processing_receipt"
    PROCESSED = "processed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def awaits_requisite(self) -> bool:
        return self in {IncomingOrderStatus.NEW, IncomingOrderStatus.RETRYING}

    @property
    def is_terminal(self) -> bool:
        """Nothing more happens by itself; `cancelled` and `expired` may still be revived by a late payment."""
        return self in {
            IncomingOrderStatus.PROCESSED,
            IncomingOrderStatus.FAILED,
            IncomingOrderStatus.CANCELLED,
            IncomingOrderStatus.EXPIRED,
        }


class OrderStatus(StrEnum):
    """The deal with one trader, once a requisite is assigned."""

    PENDING = "pending"
    PENDING_TRADER_CONFIRMATION = "pending_trader_confirmation"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DECLINED = "declined"
    FAILED = "failed"
    DISPUTE = "dispute"
    REQUIRES_ATTENTION = "requires_attention"
    REVERSED = "reversed"

    @property
    def is_open(self) -> bool:
        """Money may still move because of it, so its hold is active."""
        return self in {
            OrderStatus.PENDING,
            OrderStatus.PENDING_TRADER_CONFIRMATION,
            OrderStatus.IN_PROGRESS,
            OrderStatus.DISPUTE,
            OrderStatus.REQUIRES_ATTENTION,
        }

    @property
    def is_terminal(self) -> bool:
        return not self.is_open

    @property
    def waits_for_person(self) -> bool:
        return self in {OrderStatus.DISPUTE, OrderStatus.REQUIRES_ATTENTION}


class PaymentSessionStatus(StrEnum):
    """The life of one hosted page."""

    ACTIVE = "active"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    COMPLETED_WITH_ISSUES = "completed_with_issues"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


class CallbackState(StrEnum):
    PENDING = "pending"
    RETRYING = "retrying"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    DISABLED = "disabled"
    SKIPPED = "skipped"
    """No address to send to, or a newer event of the same order took its place."""


class RequisiteStatus(StrEnum):
    CHECK = "check"
    APPROVE = "approve"
    REJECT = "reject"
    BLOCKED = "blocked"
    ARCHIVED = "archived"


class FraudStatus(StrEnum):
    ALLOW = "ALLOW"
    DENY = "DENY"
    REQUIRE_MANUAL_REVIEW = "REQUIRE_MANUAL_REVIEW"


class FraudListKind(StrEnum):
    """What a fraud list entry names."""

    IP = "ip"
    CUSTOMER = "customer"
    USER = "user"
    REQUISITE = "requisite"


class FraudListType(StrEnum):
    BLOCK = "block"
    ALLOW = "allow"


class DocumentState(StrEnum):
    STORED = "stored"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"
    ERASED = "erased"


class DocumentKind(StrEnum):
    CUSTOMER_RECEIPT = "customer_receipt"
    TRADER_RECEIPT = "trader_receipt"
    DISPUTE_EVIDENCE = "dispute_evidence"


class DepositNetwork(StrEnum):
    """The chains that deposits come over; all name a transaction by 32 bytes."""

    TRON = "tron"
    ETHEREUM = "ethereum"
    TON = "ton"
    BITCOIN = "bitcoin"
    BSC = "bsc"


class DepositStatus(StrEnum):
    REQUESTED = "requested"
    POSTED = "posted"
    REJECTED = "rejected"


class ApprovalStatus(StrEnum):
    """A money decision of one person; `requested` while it waits for a second one."""

    REQUESTED = "requested"
    EXECUTED = "executed"
    REJECTED = "rejected"
    LAPSED = "lapsed"
    """Nobody decided in time, or its object ended in another way."""


class DisputeStatus(StrEnum):
    OPEN = "open"
    WAITING_TRADER = "waiting_trader"
    WAITING_MERCHANT = "waiting_merchant"
    UNDER_REVIEW = "under_review"
    WAITING_FUNDS = "waiting_funds"
    """Decided, but what must be given back is not there yet."""
    RESOLVED_COMPLETED = "resolved_completed"
    RESOLVED_ADJUSTED = "resolved_adjusted"
    RESOLVED_CANCELLED = "resolved_cancelled"

    @property
    def is_open(self) -> bool:
        return not self.value.startswith("resolved")

    @property
    def is_undecided(self) -> bool:
        return self.is_open and self is not DisputeStatus.WAITING_FUNDS


class DisputeSide(StrEnum):
    """Who speaks in a dispute."""

    TRADER = "trader"
    MERCHANT = "merchant"
    STAFF = "staff"
    CUSTOMER = "customer"


class DisputeOutcome(StrEnum):
    """What a person decides."""

    COMPLETED = "completed"
    ADJUSTED = "adjusted"
    CANCELLED = "cancelled"
    FAILED = "failed"


class PayoutStatus(StrEnum):
    """A payout request, as the payouts service shows it."""

    PENDING = "pending"
    PROCESSING = "processing"
    PROCESSED = "processed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_deletable(self) -> bool:
        """Nobody pays it now, and nobody has (hard case 18)."""
        return self in {PayoutStatus.PENDING, PayoutStatus.CANCELLED, PayoutStatus.FAILED}


class PayoutExecutor(StrEnum):
    """Who carries payout requests out."""

    MANUAL = "manual"
    """Somebody else, who then says so."""
    SANDBOX = "sandbox"
    """Nobody: it settles by itself within seconds and moves no money."""
    JIVAPAY = "jivapay"
    """A trader, as a pay-out order of the store."""

    @property
    def is_automatic(self) -> bool:
        return self is not PayoutExecutor.MANUAL


class UnmatchedStatus(StrEnum):
    """Money that a trader has received and that belongs to no order yet."""

    OPEN = "open"
    ATTACHED = "attached"
    RETURNED = "returned"


class UnmatchedSource(StrEnum):
    """How unmatched money came to be known."""

    TRADER = "trader"
    """He declared it."""
    OVERPAYMENT = "overpayment"
    """The rest of a payment that was larger than its order."""


class AmountPolicy(StrEnum):
    """What a store wants when another amount than agreed arrives."""

    ALWAYS_ASK = "always_ask"
    ACCEPT_WITHIN_PERCENT = "accept_within_percent"


class WithdrawalStatus(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    SENDING = "sending"
    """One person has it in hand."""
    SENT = "sent"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class AdjustmentStatus(StrEnum):
    REQUESTED = "requested"
    POSTED = "posted"
    REJECTED = "rejected"


class HoldStatus(StrEnum):
    ACTIVE = "active"
    POSTED = "posted"
    VOIDED = "voided"
    REPLACED = "replaced"


class OwnerType(StrEnum):
    """Whose account it is."""

    STORE = "store"
    TRADER = "trader"
    PLATFORM = "platform"
    WORLD = "world"


class AccountKind(StrEnum):
    CRYPTO = "crypto"
    FIAT = "fiat"


class TransferKind(StrEnum):
    SETTLEMENT = "settlement"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    ADJUSTMENT = "adjustment"
    """Of a dispute: what is between the old numbers of its order and the new ones. Of a balance set right by hand."""
    COVER = "cover"
    COVER_REPAYMENT = "cover_repayment"

    @property
    def reversal(self) -> str:
        """The kind of the transfer that takes one of this kind back."""
        return f"{self.value}_reversal"

    UNMATCHED = "unmatched"
    UNMATCHED_REVERSAL = "unmatched_reversal"


class AuditLevel(StrEnum):
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


class ConfirmationSource(StrEnum):
    """Who first said that the money was sent or seen."""

    CUSTOMER = "customer"
    STORE = "store"
    TRADER = "trader"
    STAFF = "staff"


class AmountException(StrEnum):
    """How what was paid differs from what was agreed."""

    UNDER = "under"
    OVER = "over"
    LATE = "late"
