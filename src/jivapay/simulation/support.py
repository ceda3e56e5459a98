"""The support's desk: disputes, orders that wait for a person, and money that belongs to no order.

They ask the bank and decide, but leave a part for whoever looks at the demo: what waits for a person stays visible.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from jivapay.schemas_enums.enums import Direction, UnmatchedStatus
from jivapay.simulation.bank import Bank
from jivapay.simulation.disputes import Judge
from jivapay.simulation.panel import Panel
from jivapay.simulation.purchases import Json

LEFT_SHARE = 0.2
"""Of cases and payments, for others to see."""
REVIEWS_APPROVED = 0.3
AGE_MIN_SECONDS = 6
"""A store may settle another amount itself; nobody hurries it."""
PAUSE_SECONDS = 0.5
ZERO = Decimal(0)


@dataclass(slots=True)
class Inbox:
    """What became of the money that belongs to no order: how many payments, and how much fiat, by status."""

    counts: Counter[str] = field(default_factory=Counter)
    sums: dict[str, Decimal] = field(default_factory=dict)
    missing: int = 0
    """Declared by our traders and not there."""


class Support:
    """`serves` says which orders are this simulation's, `is_our_order` the same of an order id."""

    def __init__(
        self,
        panel: Panel,
        judge: Judge,
        *,
        seed: str,
        bank: Bank,
        serves: Callable[[Json], bool],
        is_our_order: Callable[[str], bool],
    ) -> None:
        self.decided: Counter[str] = Counter()
        self.judge = judge
        self._panel = panel
        self._seed = seed
        self._bank = bank
        self._serves = serves
        self._is_our_order = is_our_order

    async def look(self) -> int:
        """Everything that waits, once; gives how much of it was to be decided. Raises Refused, NoAnswer."""
        return await self.judge.look() + await self._look_at_cases() + await self._look_at_inbox()

    async def finish(self, patience_seconds: float) -> None:
        """Until nothing is left that they decide. Raises Refused, NoAnswer."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + patience_seconds
        is_done = False
        while not is_done and loop.time() < give_up_at:
            is_done = not await self.look()
            await asyncio.sleep(PAUSE_SECONDS)

    async def count_inbox(self) -> Inbox:
        """Raises Refused, NoAnswer."""
        inbox = Inbox()
        found = set()
        for status in UnmatchedStatus:
            for payment in await self._panel.list_all("/unmatched-payments", status=status.value):
                if self._is_ours(payment):
                    found.add(payment["id"])
                    inbox.counts[status.value] += 1
                    inbox.sums[status.value] = inbox.sums.get(status.value, ZERO) + Decimal(payment["amount"])
        inbox.missing = len(self._bank.declared.keys() - found)
        return inbox

    async def _look_at_cases(self) -> int:
        cases = [one for one in await self._panel.list_all("/orders/cases") if self._serves(one)]
        taken = [case for case in cases if not self._leaves(case["external_order_id"])]
        for case in taken:
            if case["age_seconds"] >= AGE_MIN_SECONDS:
                await self._decide_case(case)
        return len(taken)

    async def _decide_case(self, case: Json) -> None:
        path = f"/orders/{case['order_id']}"
        if case["kind"] == "manual_review":
            approve = self._draw("review", case["external_order_id"]) < REVIEWS_APPROVED
            if await self._panel.decide(f"{path}/review", {"approve": approve, "reason": "проверено"}):
                self.decided["approved" if approve else "rejected"] += 1
            return
        decision = self._ask_bank(case)
        if await self._panel.decide(f"{path}/decision", decision):
            self.decided[decision["outcome"]] += 1

    def _ask_bank(self, case: Json) -> Json:
        reason = "по ответу банка"
        if case["direction"] == Direction.PAY_OUT:
            arrived = case["order_id"] in self._bank.paid_out
            return {"outcome": "completed" if arrived else "failed", "reason": reason}
        received = self._bank.find_received(case["order_id"])
        if received is None:
            return {"outcome": "cancelled", "reason": reason}
        return {"outcome": "completed", "amount": f"{received:.2f}", "reason": reason}

    async def _look_at_inbox(self) -> int:
        payments = await self._panel.list_all("/unmatched-payments", status=UnmatchedStatus.OPEN.value)
        taken = [one for one in payments if self._is_ours(one) and not self._leaves(one["amount"])]
        for payment in taken:
            await self._settle_payment(payment)
        return len(taken)

    async def _settle_payment(self, payment: Json) -> None:
        """To the order it was for, if that may still be settled; else back to where it came from."""
        path = f"/unmatched-payments/{payment['id']}"
        meant_for = self._bank.declared.get(payment["id"])
        candidates = (await self._panel.look(f"{path}/candidates"))["items"]
        if any(candidate["order_id"] == meant_for for candidate in candidates):
            body = {"order_id": meant_for, "reason": "по ответу банка"}
            if await self._panel.decide(f"{path}/attach", body):
                self.decided["attached"] += 1
            return
        if await self._panel.decide(f"{path}/return", {"reason": "трейдер вернул деньги плательщику"}):
            self.decided["returned"] += 1
            self._bank.strays.pop(meant_for or "", None)

    def _is_ours(self, payment: Json) -> bool:
        from_order = payment["from_order_id"]
        return payment["id"] in self._bank.declared or (from_order is not None and self._is_our_order(from_order))

    def _leaves(self, name: str) -> bool:
        return self._draw("left", name) < LEFT_SHARE

    def _draw(self, what: str, name: str) -> float:
        """By the number of an order, without the run's name; or by an amount."""
        return Random(f"{self._seed}:{what}:{name.rpartition('-')[2]}").random()
