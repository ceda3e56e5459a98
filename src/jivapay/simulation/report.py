"""What became of all simulated orders, and whether the platform's word holds together."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from jivapay.schemas_enums.enums import Direction, IncomingOrderStatus, OrderStatus
from jivapay.simulation.purchases import Purchase
from jivapay.simulation.support import Inbox

ZERO = Decimal(0)
WAITS_FOR_PERSON = frozenset(
    {
        IncomingOrderStatus.MANUAL_REVIEW.value,
        OrderStatus.REQUIRES_ATTENTION.value,
        OrderStatus.DISPUTE.value,
    }
)


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds: the middle one, and what nineteen of twenty stay below. None when there were none."""

    p50: float | None
    p95: float | None

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        ordered = sorted(values)
        return cls(_percentile(ordered, 50), _percentile(ordered, 95))


NEVER = Spread(None, None)


@dataclass(slots=True)
class Tally:
    """The orders of one direction. Fiat is what was asked and what is paid, crypto what the stores' balances moved."""

    asked: int = 0
    accounted: int = 0
    waiting: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    asked_fiat: Decimal = ZERO
    paid_fiat: Decimal = ZERO
    moved_crypto: Decimal = ZERO
    commission_crypto: Decimal = ZERO
    to_requisite: Spread = NEVER
    to_accepted: Spread = NEVER
    to_settled: Spread = NEVER


@dataclass(slots=True)
class Report:
    """`problems` is empty when every order is accounted for; `stumbles` are requests that failed on the way."""

    payins: Tally = field(default_factory=Tally)
    payouts: Tally = field(default_factory=Tally)
    disputes: Counter[str] = field(default_factory=Counter)
    """Decided by our support, by outcome; so `decided`, for orders and payments that waited for a person."""
    decided: Counter[str] = field(default_factory=Counter)
    inbox: Inbox = field(default_factory=Inbox)
    callbacks: int = 0
    problems: list[str] = field(default_factory=list)
    stumbles: Counter[str] = field(default_factory=Counter)

    @property
    def asked(self) -> int:
        return self.payins.asked + self.payouts.asked

    @property
    def accounted(self) -> int:
        return self.payins.accounted + self.payouts.accounted

    @property
    def waiting(self) -> int:
        return self.payins.waiting + self.payouts.waiting


def count(purchases: Sequence[Purchase]) -> Report:
    """Everything that follows from the orders alone; an order that is not accounted for becomes a problem."""
    report = Report()
    report.payins = _tally([one for one in purchases if one.plan.direction is Direction.PAY_IN], report.problems)
    report.payouts = _tally([one for one in purchases if one.plan.direction is Direction.PAY_OUT], report.problems)
    return report


def _tally(purchases: Sequence[Purchase], problems: list[str]) -> Tally:
    tally = Tally(asked=len(purchases))
    for purchase in purchases:
        problem = find_problem(purchase)
        if problem is None:
            tally.accounted += 1
        else:
            problems.append(f"{purchase.external_id} {problem}")
        tally.outcomes[purchase.state] += 1
        tally.waiting += purchase.state in WAITS_FOR_PERSON
        tally.asked_fiat += purchase.plan.amount
        tally.moved_crypto += purchase.moved
        settlement = purchase.settlement
        if settlement is not None:
            tally.paid_fiat += Decimal(settlement["amount_fiat"])
            tally.commission_crypto += Decimal(settlement["commission"])
    tally.to_requisite = _after(purchases, "requisite_at")
    tally.to_accepted = _after(purchases, "accepted_at")
    tally.to_settled = _after(purchases, "settled_at")
    return tally


def _after(purchases: Sequence[Purchase], moment: str) -> Spread:
    """From when it was wanted."""
    reached = [(getattr(purchase, moment), purchase.wanted_at) for purchase in purchases]
    return Spread.of(at - wanted_at for at, wanted_at in reached if at is not None)


def find_problem(purchase: Purchase) -> str | None:
    if purchase.refused is not None:
        return None
    lie = purchase.find_lie()
    if lie is not None:
        return lie
    if not purchase.rests:
        return f"is still {purchase.state}"
    if not purchase.is_told:
        told = purchase.last_event
        return f"is {purchase.state}, but its shop was told {told['type'] if told else 'nothing'}"
    return None


def _percentile(ordered: Sequence[float], percent: int) -> float | None:
    """By the nearest rank."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else None
