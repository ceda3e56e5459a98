"""What each simulated order will be and what its people will do, drawn from a seed: the same seed, the same plans.

How long it then takes, and so which of two who race is first, is up to the machine.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from random import Random
from typing import ClassVar

from stdnum import luhn

from jivapay.schemas_enums.enums import Direction
from jivapay.simulation.cast import Store

BANKS = ("sberbank", "tbank", "alfabank")
METHODS = ("sbp", "card")
REVIEWED_AMOUNT = Decimal("600000.00")
"""Above the fraud threshold of the seed: a person must look."""
TURN, PAYOUTS_IN_TURN = 5, frozenset({2, 4})
"""Two orders of five are pay-outs."""
RECIPIENT = "Фёдоров Пётр Андреевич"


class Behaviour(StrEnum):
    """What the customer does once he knows where to pay."""

    PAYS_WITH_RECEIPT = "pays, receipt"
    PAYS = "pays"
    PAYS_SILENTLY = "pays, says nothing"
    PAYS_OTHERWISE = "pays another amount"
    PAYS_LATE = "pays late"
    PAYS_LATE_SILENTLY = "pays late, says nothing"
    PAYS_TOO_LATE = "pays when it is too late"
    CANCELS = "cancels"
    WALKS_AWAY = "walks away"
    NEVER_COMES = "never comes"
    CLAIMS_FALSELY = "claims falsely"


WEIGHTS = {
    Behaviour.PAYS_WITH_RECEIPT: 30,
    Behaviour.PAYS: 33,
    Behaviour.PAYS_SILENTLY: 5,
    Behaviour.PAYS_OTHERWISE: 8,
    Behaviour.PAYS_LATE: 4,
    Behaviour.PAYS_LATE_SILENTLY: 3,
    Behaviour.PAYS_TOO_LATE: 2,
    Behaviour.CANCELS: 4,
    Behaviour.WALKS_AWAY: 5,
    Behaviour.NEVER_COMES: 4,
    Behaviour.CLAIMS_FALSELY: 2,
}
OTHER_AMOUNTS = (Decimal("0.98"), Decimal("0.90"), Decimal("1.03"), Decimal("1.20"))
"""Of what was agreed: within what a store may accept, and beyond it."""
LIVE_WEIGHT, TEST_WEIGHT = 5, 1


class Mood(StrEnum):
    """A trader's, about one pay-in."""

    WORKS = "works"
    CANCELS = "cancels"
    SILENT = "silent"


MOOD_WEIGHTS = (92, 5, 3)
DISPUTES = 0.7
"""How many traders dispute a payment that did not come."""


class PayerMood(StrEnum):
    """A trader's, about one pay-out."""

    PAYS = "pays"
    DECLINES = "declines"
    IGNORES = "ignores"
    """It is not accepted in time."""
    SILENT = "silent"
    """He accepts and does nothing."""
    FORGES = "forges"
    """He shows a receipt for money he has not sent."""


PAYER_MOOD_WEIGHTS = (80, 9, 5, 4, 2)


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """One pay-in. `hosted` uses the payment page; what is open there the customer fills in."""

    direction: ClassVar[Direction] = Direction.PAY_IN
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
    sends: Decimal
    """What the customer really sends, if he does."""
    states_amount: bool
    """He says so when it is not what was agreed."""
    store_agrees: bool
    """The store confirms a smaller amount that its trader has seen."""


@dataclass(frozen=True, slots=True)
class PayoutPlan:
    """One pay-out, and what its store does about it."""

    direction: ClassVar[Direction] = Direction.PAY_OUT
    number: int
    store: int
    method: str
    bank: str | None
    amount: Decimal
    cancels: bool
    """At once, before a trader has accepted it, if he is quick."""
    confirms_receipt: bool
    """The store asks its recipient, and says that the money has come."""

    @property
    def recipient(self) -> str:
        """Where to pay: a number that ends differently for each of many orders."""
        if self.method == "sbp":
            return f"+7900{self.number:07}"
        start = f"220220{self.number:09}"
        return start + luhn.calc_check_digit(start)


Plan = OrderPlan | PayoutPlan


@dataclass(frozen=True, slots=True)
class TraderPlan:
    """How a trader treats one pay-in."""

    confirms_after_seconds: float
    is_silent: bool
    """He does not look: the order comes before a person when his time is over."""
    cancels: bool
    """If nothing has been paid yet."""
    disputes: bool
    """If the payer says that he has paid and nothing has come; otherwise he lets his time run out."""


@dataclass(frozen=True, slots=True)
class PayerPlan:
    """How a trader treats one pay-out. `after_seconds` is how long each of his steps takes."""

    mood: PayerMood
    after_seconds: float


def plan_any(seed: str, number: int, stores: tuple[Store, ...]) -> Plan:
    """The pay-in or pay-out of that number."""
    if number % TURN in PAYOUTS_IN_TURN:
        return plan_payout(seed, number, stores)
    return plan_order(seed, number, stores)


def plan_order(seed: str, number: int, stores: tuple[Store, ...]) -> OrderPlan:
    draw = Random(f"{seed}:order:{number}")
    store = _store(draw, stores)
    hosted = draw.random() < 0.5  # noqa: PLR2004 - half of the shops' customers
    method_is_open = hosted and draw.random() < 0.4  # noqa: PLR2004
    behaviour = draw.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    if behaviour is Behaviour.NEVER_COMES and not hosted:
        behaviour = Behaviour.WALKS_AWAY
    amount = _amount(draw, reviewed=True)
    share = draw.choice(OTHER_AMOUNTS) if behaviour is Behaviour.PAYS_OTHERWISE else Decimal(1)
    return OrderPlan(
        number=number,
        store=store,
        hosted=hosted,
        method=draw.choice(METHODS),
        bank=draw.choice(BANKS) if draw.random() < 0.5 else None,  # noqa: PLR2004
        amount=amount,
        amount_is_open=method_is_open and draw.random() < 0.5,  # noqa: PLR2004
        method_is_open=method_is_open,
        behaviour=behaviour,
        thinks_seconds=draw.uniform(0.2, 2.0),
        pays_after_seconds=draw.uniform(0.5, 4.0),
        sends=round(amount * share, 2),
        states_amount=draw.random() < 0.6,  # noqa: PLR2004
        store_agrees=draw.random() < 0.5,  # noqa: PLR2004
    )


def plan_payout(seed: str, number: int, stores: tuple[Store, ...]) -> PayoutPlan:
    draw = Random(f"{seed}:payout:{number}")
    return PayoutPlan(
        number=number,
        store=_store(draw, stores),
        method=draw.choice(METHODS),
        bank=draw.choice(BANKS) if draw.random() < 0.5 else None,  # noqa: PLR2004
        amount=_amount(draw, reviewed=False),
        cancels=draw.random() < 0.05,  # noqa: PLR2004 - one in twenty
        confirms_receipt=draw.random() < 0.5,  # noqa: PLR2004
    )


def plan_trader(seed: str, customer: str, amount: str) -> TraderPlan:
    """Drawn for a pay-in as its trader sees it."""
    draw = Random(f"{seed}:trader:{customer}:{amount}")
    mood = draw.choices(list(Mood), MOOD_WEIGHTS)[0]
    return TraderPlan(
        draw.uniform(0.5, 5.0),
        is_silent=mood is Mood.SILENT,
        cancels=mood is Mood.CANCELS,
        disputes=draw.random() < DISPUTES,
    )


def plan_payer(seed: str, trader: str, recipient: str, amount: str) -> PayerPlan:
    """Drawn for a pay-out as this trader sees it: the next one may treat it otherwise."""
    draw = Random(f"{seed}:payer:{trader}:{recipient}:{amount}")
    return PayerPlan(draw.choices(list(PayerMood), PAYER_MOOD_WEIGHTS)[0], draw.uniform(0.5, 4.0))


def _store(draw: Random, stores: tuple[Store, ...]) -> int:
    return draw.choices(range(len(stores)), [TEST_WEIGHT if one.test else LIVE_WEIGHT for one in stores])[0]


def _amount(draw: Random, *, reviewed: bool) -> Decimal:
    """Mostly a few thousand roubles, now and then the whole range, rarely too much."""
    if reviewed and draw.random() < 0.01:  # noqa: PLR2004 - one in a hundred
        return REVIEWED_AMOUNT
    roubles = round(math.exp(draw.gauss(8.0, 0.9)))
    kopecks = draw.choice((0, draw.randrange(100)))
    return min(max(Decimal(roubles), Decimal(100)), Decimal(99_999)) + Decimal(kopecks).scaleb(-2)
