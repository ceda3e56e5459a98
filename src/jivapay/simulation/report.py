"""What became of all simulated orders, and whether the platform's word holds together."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from jivapay.schemas_enums.enums import IncomingOrderStatus, OrderStatus
from jivapay.simulation.purchases import Purchase

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


@dataclass(slots=True)
class Report:
    """`problems` is empty when every order is accounted for; `stumbles` are requests that failed on the way."""

    asked: int = 0
    accounted: int = 0
    waiting: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    asked_fiat: Decimal = ZERO
    paid_fiat: Decimal = ZERO
    settled_crypto: Decimal = ZERO
    commission_crypto: Decimal = ZERO
    to_requisite: Spread = field(default_factory=lambda: Spread(None, None))
    to_settled: Spread = field(default_factory=lambda: Spread(None, None))
    callbacks: int = 0
    problems: list[str] = field(default_factory=list)
    stumbles: Counter[str] = field(default_factory=Counter)


def count(purchases: Sequence[Purchase]) -> Report:
    """Everything that follows from the orders alone; an order that is not accounted for becomes a problem."""
    report = Report(asked=len(purchases))
    for purchase in purchases:
        problem = find_problem(purchase)
        if problem is None:
            report.accounted += 1
        else:
            report.problems.append(f"{purchase.external_id} {problem}")
        report.outcomes[purchase.state] += 1
        report.waiting += purchase.state in WAITS_FOR_PERSON
        report.asked_fiat += purchase.plan.amount
        settlement = purchase.settlement
        if settlement is not None:
            report.paid_fiat += Decimal(settlement["amount_fiat"])
            report.settled_crypto += Decimal(settlement["balance_change"])
            report.commission_crypto += Decimal(settlement["commission"])
    report.to_requisite = Spread.of(
        purchase.requisite_at - purchase.wanted_at for purchase in purchases if purchase.requisite_at is not None
    )
    report.to_settled = Spread.of(
        purchase.settled_at - purchase.wanted_at for purchase in purchases if purchase.settled_at is not None
    )
    return report


def find_problem(purchase: Purchase) -> str | None:
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
