"""People who disagree: merchants who dispute what was settled, and the judge among the support who asks the bank.

The bank's memory is the truth: a pay-in whose money was sent is paid, a pay-out whose recipient has nothing is not,
whatever anybody says.
"""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from random import Random

from jivapay.schemas_enums.enums import Direction, OrderStatus
from jivapay.simulation.bank import Bank
from jivapay.simulation.http import CONFLICTS, Refused
from jivapay.simulation.panel import Panel
from jivapay.simulation.purchases import Json
from jivapay.simulation.traders import SignedIn

DISPUTED_SHARE = 0.03
"""Of the pay-ins that were settled."""
NEWEST = 50
"""How many orders a merchant looks through."""
COMPLAINT = "Покупатель говорит, что не получил товар."
NOT_ARRIVED = "Получатель говорит, что деньги не пришли."
UNDECIDED = ("waiting_trader", "waiting_merchant", "under_review")


class Merchant:
    """A merchant who reads his list of orders: he disputes some pay-ins, and every pay-out that did not arrive."""

    def __init__(self, signed_in: SignedIn, *, seed: str, bank: Bank, serves: Callable[[Json], bool]) -> None:
        self.name = signed_in.person.email.partition("@")[0]
        self._door = signed_in
        self._seed = seed
        self._bank = bank
        self._serves = serves
        self._seen: set[str] = set()

    async def look(self) -> None:
        """Raises Refused, NoAnswer."""
        listed = await self._door.get("/orders", status=OrderStatus.COMPLETED.value, page_size=NEWEST)
        for order in listed["items"]:
            if order["order_id"] in self._seen or not self._serves(order):
                continue
            self._seen.add(order["order_id"])
            complaint = self._find_complaint(order)
            if complaint is not None:
                await _unless_too_late(self._door, f"/orders/{order['order_id']}/dispute", {"reason": complaint})

    def _find_complaint(self, order: Json) -> str | None:
        if order["direction"] == Direction.PAY_OUT:
            return None if order["order_id"] in self._bank.paid_out else NOT_ARRIVED
        draw = Random(f"{self._seed}:dispute:{order['external_order_id']}")
        return COMPLAINT if draw.random() < DISPUTED_SHARE else None


class Judge:
    """Decides disputes by the bank's answer."""

    def __init__(self, panel: Panel, *, bank: Bank, serves: Callable[[Json], bool]) -> None:
        self.outcomes: Counter[str] = Counter()
        self._panel = panel
        self._bank = bank
        self._serves = serves

    async def look(self) -> int:
        """Take up, ask the bank, decide; gives how many there were. Raises Refused, NoAnswer."""
        undecided: list[Json] = []
        for status in UNDECIDED:
            undecided += [one for one in await self._panel.list_all("/disputes", status=status) if self._serves(one)]
        for dispute in undecided:
            decision = self._judge(dispute)
            if await self._panel.decide(f"/disputes/{dispute['id']}/resolve", decision):
                self.outcomes[decision["outcome"]] += 1
        return len(undecided)

    def _judge(self, dispute: Json) -> Json:
        reason = "по ответу банка"
        if dispute["direction"] == Direction.PAY_OUT:
            arrived = dispute["order_id"] in self._bank.paid_out
            return {"outcome": "completed" if arrived else "cancelled", "reason": reason}
        received = self._bank.find_received(dispute["order_id"])
        if received is None:
            return {"outcome": "cancelled", "reason": reason}
        if received < Decimal(dispute["amount"]):
            return {"outcome": "adjusted", "amount": f"{received:.2f}", "reason": reason}
        return {"outcome": "completed", "reason": reason}


async def _unless_too_late(door: SignedIn, path: str, body: Json) -> None:
    try:
        await door.post(path, body)
    except Refused as refusal:
        if refusal.status not in CONFLICTS:
            raise
