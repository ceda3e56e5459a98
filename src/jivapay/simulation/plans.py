"""What each simulated order will be and what its people will do, drawn from a seed: the same seed, the same plans.

How long it then takes, and so which of two who race is first, is up to the machine.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from random import Random

from jivapay.simulation.cast import Store

BANKS = ("sberbank", "tbank", "alfabank")
METHODS = ("sbp", "card")
REVIEWED_AMOUNT = Decimal("600000.00")
"""Above the fraud threshold of the seed: a person must look."""


class Behaviour(StrEnum):
    """What the customer does once he knows where to pay."""

    PAYS_WITH_RECEIPT = "pays, receipt"
    PAYS = "pays"
    PAYS_SILENTLY = "pays, says nothing"
    PAYS_LATE = "pays late"
    CANCELS = "cancels"
    WALKS_AWAY = "walks away"
    NEVER_COMES = "never comes"
    CLAIMS_FALSELY = "claims falsely"


WEIGHTS = {
    Behaviour.PAYS_WITH_RECEIPT: 34,
    Behaviour.PAYS: 38,
    Behaviour.PAYS_SILENTLY: 5,
    Behaviour.PAYS_LATE: 4,
    Behaviour.CANCELS: 6,
    Behaviour.WALKS_AWAY: 7,
    Behaviour.NEVER_COMES: 4,
    Behaviour.CLAIMS_FALSELY: 2,
}
LIVE_WEIGHT, TEST_WEIGHT = 5, 1


class Mood(StrEnum):
    """A trader's, about one order."""

    WORKS = "works"
    CANCELS = "cancels"
    SILENT = "silent"


MOOD_WEIGHTS = (92, 5, 3)
DISPUTES = 0.7
"""How many traders dispute a payment that did not come."""


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """One order. `hosted` uses the payment page; what is open there the customer fills in."""

    number: int
    store: int
    hosted: bool
    method: str
    bank: str | None
    amount: Decimal
    amount_is_open: bool
    method_is_open: bool
    behaviour: Behaviour
    thinks_seconds: float
    pays_after_seconds: float


@dataclass(frozen=True, slots=True)
class TraderPlan:
    """How a trader treats one order."""

    confirms_after_seconds: float
    is_silent: bool
    """He does not look: the order comes before a person when his time is over."""
    cancels: bool
    """If nothing has been paid yet."""
    disputes: bool
    """If the payer says that he has paid and nothing has come; otherwise he lets his time run out."""


def plan_order(seed: str, number: int, stores: tuple[Store, ...]) -> OrderPlan:
    draw = Random(f"{seed}:order:{number}")
    store = draw.choices(range(len(stores)), [TEST_WEIGHT if one.test else LIVE_WEIGHT for one in stores])[0]
    hosted = draw.random() < 0.5  # noqa: PLR2004 - half of the shops' customers
    method_is_open = hosted and draw.random() < 0.4  # noqa: PLR2004
    behaviour = draw.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    if behaviour is Behaviour.NEVER_COMES and not hosted:
        behaviour = Behaviour.WALKS_AWAY
    return OrderPlan(
        number=number,
        store=store,
        hosted=hosted,
        method=draw.choice(METHODS),
        bank=draw.choice(BANKS) if draw.random() < 0.5 else None,  # noqa: PLR2004
        amount=_amount(draw),
        amount_is_open=method_is_open and draw.random() < 0.5,  # noqa: PLR2004
        method_is_open=method_is_open,
        behaviour=behaviour,
        thinks_seconds=draw.uniform(0.2, 2.0),
        pays_after_seconds=draw.uniform(0.5, 4.0),
    )


def plan_trader(seed: str, customer: str, amount: str) -> TraderPlan:
    """Drawn for an order as its trader sees it."""
    draw = Random(f"{seed}:trader:{customer}:{amount}")
    mood = draw.choices(list(Mood), MOOD_WEIGHTS)[0]
    return TraderPlan(
        draw.uniform(0.5, 5.0),
        is_silent=mood is Mood.SILENT,
        cancels=mood is Mood.CANCELS,
        disputes=draw.random() < DISPUTES,
    )


def _amount(draw: Random) -> Decimal:
    """Mostly a few thousand roubles, now and then the whole range, rarely too much."""
    if draw.random() < 0.01:  # noqa: PLR2004 - one in a hundred
        return REVIEWED_AMOUNT
    roubles = round(math.exp(draw.gauss(8.0, 0.9)))
    kopecks = draw.choice((0, draw.randrange(100)))
    return min(max(Decimal(roubles), Decimal(100)), Decimal(99_999)) + Decimal(kopecks).scaleb(-2)
