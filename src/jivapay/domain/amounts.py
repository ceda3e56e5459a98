"""Another amount than agreed has arrived: what is settled, and who has to say so (hard cases 12 and 13).

A smaller amount on the trader's word alone would let him keep the difference; a larger one without a bound would be
a way round every limit. So a shop's percentage decides only what both sides state.
"""

from dataclasses import dataclass
from decimal import Decimal, localcontext

from jivapay.domain.money import PRECISION, ZERO


@dataclass(frozen=True, slots=True)
class Stated:
    """What was agreed and what each side says has arrived; None where a side has said nothing else."""

    agreed: Decimal
    by_trader: Decimal | None = None
    by_payer: Decimal | None = None
    by_store: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """What an order is settled at, and what of the money belongs to no order."""

    settled: Decimal
    rest: Decimal = ZERO


def is_within(agreed: Decimal, actual: Decimal, percent: Decimal) -> bool:
    """Whether `actual` is off by at most `percent` of what was agreed."""
    with localcontext(prec=PRECISION):
        return abs(actual - agreed) * 100 <= agreed * percent


def is_accepted(stated: Stated, percent: Decimal) -> bool:
    """Whether what the trader states may be settled without a person.

    The store may accept any smaller amount for itself. For the payer's word, and for every larger amount, the store's
    percentage (zero where it wants to be asked) is the bound.
    """
    actual = stated.by_trader
    if actual is None:
        return False
    if actual < stated.agreed and actual == stated.by_store:
        return True
    return actual in {stated.by_payer, stated.by_store} and is_within(stated.agreed, actual, percent)


def split(agreed: Decimal, actual: Decimal, percent: Decimal) -> Split:
    """How a payment of `actual` is settled: what exceeds the agreed amount by more than `percent` is not computed."""
    if actual <= agreed or is_within(agreed, actual, percent):
        return Split(actual)
    return Split(agreed, actual - agreed)
