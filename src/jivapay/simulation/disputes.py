"""People who disagree: merchants who dispute what was settled, and the support who asks the bank and decides.

The banks' memory (`sent`) is the truth: an order whose money was sent is paid, whatever anybody says. A decision that
needs a second person is approved by an administrator, who has no part in the case.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random

from jivapay.schemas_enums.enums import OrderStatus
from jivapay.simulation.http import Refused
from jivapay.simulation.purchases import Json
from jivapay.simulation.traders import CONFLICTS, SignedIn

DISPUTED_SHARE = 0.03
"""Of what was settled."""
PAGE_SIZE = 200
COMPLAINT = "Покупатель говорит, что не получил товар."
ASKS_SECOND = "requested"


class Merchant:
    """A merchant who reads his list of orders and disputes some that were settled."""

    def __init__(self, signed_in: SignedIn, *, seed: str, serves: Callable[[Json], bool]) -> None:
        self.name = signed_in.person.email.partition("@")[0]
        self._door = signed_in
        self._seed = seed
        self._serves = serves
        self._seen: set[str] = set()

    async def look(self) -> None:
        """Raises Refused, NoAnswer."""
        listed = await self._door.get("/orders", status=OrderStatus.COMPLETED.value, page_size=PAGE_SIZE)
        for order in listed["items"]:
            if order["order_id"] in self._seen or not self._serves(order):
                continue
            self._seen.add(order["order_id"])
            if Random(f"{self._seed}:dispute:{order['external_order_id']}").random() < DISPUTED_SHARE:
                await _unless_too_late(self._door, f"/orders/{order['order_id']}/dispute", {"reason": COMPLAINT})


class Judge:
    """One of the support, with an administrator as the second person."""

    def __init__(self, support: SignedIn, second: SignedIn, *, sent: set[str], serves: Callable[[Json], bool]) -> None:
        self.outcomes: Counter[str] = Counter()
        self.waiting = 0
        """Undecided ones of the last look."""
        self._support = support
        self._second = second
        self._sent = sent
        self._serves = serves

    async def look(self) -> None:
        """Take up, ask the bank, decide. Raises Refused, NoAnswer."""
        undecided: list[Json] = []
        for status in ("waiting_trader", "waiting_merchant", "under_review"):
            listed = await self._support.get("/disputes", status=status, page_size=PAGE_SIZE)
            undecided += [one for one in listed["items"] if self._serves(one)]
        self.waiting = len(undecided)
        if undecided:
            await self._support.sign_in()  # money asks for a person who has just proved himself
        for dispute in undecided:
            await self._decide(dispute)

    async def finish(self, patience_seconds: float) -> None:
        """Until nothing is undecided. Raises Refused, NoAnswer."""
        give_up_at = asyncio.get_running_loop().time() + patience_seconds
        await self.look()
        while self.waiting and asyncio.get_running_loop().time() < give_up_at:
            await self.look()

    async def _decide(self, dispute: Json) -> None:
        outcome = "completed" if dispute["order_id"] in self._sent else "cancelled"
        decision = {"outcome": outcome, "reason": "по ответу банка"}
        try:
            decided = await self._support.post(f"/disputes/{dispute['id']}/resolve", decision)
            if decided["status"] == ASKS_SECOND:
                await self._second.sign_in()
                await self._second.post(f"/approvals/{decided['id']}/approve")
        except Refused as refusal:
            if refusal.status not in CONFLICTS:
                raise
        else:
            self.outcomes[outcome] += 1


async def _unless_too_late(door: SignedIn, path: str, body: Json) -> None:
    try:
        await door.post(path, body)
    except Refused as refusal:
        if refusal.status not in CONFLICTS:
            raise
