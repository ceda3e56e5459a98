"""Customers: they see where to pay, and pay, or not; on the payment page, or at a shop that shows everything itself."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from jivapay.simulation.bank import Bank
from jivapay.simulation.http import CONFLICTS, Api, Refused
from jivapay.simulation.plans import Behaviour, OrderPlan
from jivapay.simulation.purchases import Purchase
from jivapay.simulation.receipts import make_receipt

LOOK_EVERY_SECONDS = 1.0
WAIT_EVERY_SECONDS = 3.0
"""How often somebody looks who waits for time to pass."""
PATIENCE_SECONDS = 60.0
TOO_LATE_SECONDS = 28.0
"""After the end of an order: longer than the late window of the demo's short pace."""
NEEDS_RECEIPT = "receipt.required"
"""It lapsed in between: now only a receipt brings it back."""
STILL_LOOKING = frozenset({"searching", "choose"})
UNPAID_ENDS = frozenset({"expired", "cancelled"})
COMES_LATE = frozenset({Behaviour.PAYS_LATE, Behaviour.PAYS_LATE_SILENTLY, Behaviour.PAYS_TOO_LATE})


@dataclass(frozen=True, slots=True)
class Claim:
    """What a customer says when he has paid. `amount` only when it is not what was agreed."""

    receipt: bytes | None = None
    amount: Decimal | None = None

    @property
    def form(self) -> dict[str, str] | None:
        return None if self.amount is None else {"amount": f"{self.amount:.2f}"}


class Till(Protocol):
    """Where a customer acts. States are those of the payment page."""

    async def open(self, plan: OrderPlan) -> str: ...

    async def look(self) -> str: ...

    async def confirm(self, claim: Claim) -> None: ...

    async def complain(self, claim: Claim) -> bool:
        """Whether there is anybody to complain to once the till takes no receipt any more."""
        ...

    async def cancel(self) -> None: ...


class Page:
    """The payment page's own API."""

    def __init__(self, api: Api, token: str, purchase: Purchase) -> None:
        self._api = api
        self._path = f"/gateway/payment_session/{token}"
        self._purchase = purchase

    async def open(self, plan: OrderPlan) -> str:
        state = await self.look()
        if state != "choose":
            return state
        choice: dict[str, Any] = {"payment_method": plan.method, "bank": plan.bank}
        if plan.amount_is_open:
            choice["amount"] = f"{plan.amount:.2f}"
        if plan.method_is_open:
            self._purchase.wanted_at = _now()
        try:
            return self._seen(await self._api.post(f"{self._path}/method", choice))
        except Refused as refusal:
            if refusal.status not in CONFLICTS:
                raise
            return await self.look()  # its time was over

    async def look(self) -> str:
        return self._seen(await self._api.get(self._path))

    async def confirm(self, claim: Claim) -> None:
        await self._api.post(f"{self._path}/confirm", form=claim.form, receipt=claim.receipt)

    async def complain(self, claim: Claim) -> bool:
        await self._api.post(f"{self._path}/dispute", receipt=claim.receipt)
        return True

    async def cancel(self) -> None:
        await self._api.post(f"{self._path}/cancel")

    def _seen(self, shown: dict[str, Any]) -> str:
        if shown["requisite"] is not None:
            self._purchase.see_requisite(_now())
        return str(shown["state"])


class Customer:
    """One customer with one order."""

    def __init__(self, seed: str, plan: OrderPlan, order_id: str, bank: Bank) -> None:
        self._seed = seed
        self._plan = plan
        self._order_id = order_id
        self._bank = bank

    async def live(self, till: Till) -> None:
        """Everything he does about the order. Raises Refused, NoAnswer."""
        plan = self._plan
        if plan.behaviour is Behaviour.NEVER_COMES:
            return
        await asyncio.sleep(plan.thinks_seconds)
        if await self._wait_for_requisite(till) != "pay":
            return
        await asyncio.sleep(plan.pays_after_seconds)
        if plan.behaviour is Behaviour.WALKS_AWAY:
            return
        if plan.behaviour is Behaviour.CANCELS:
            await _unless_too_late(till.cancel())
        elif plan.behaviour in COMES_LATE:
            await self._come_late(till)
        elif plan.behaviour is Behaviour.CLAIMS_FALSELY:
            await _unless_too_late(till.confirm(Claim()))
        else:
            await self._pay(till)

    async def _wait_for_requisite(self, till: Till) -> str:
        state = await till.open(self._plan)
        patience = PATIENCE_SECONDS
        while state in STILL_LOOKING and patience > 0:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            patience -= LOOK_EVERY_SECONDS
            state = await till.look()
        return state

    async def _pay(self, till: Till) -> None:
        """He looks once more before he sends money."""
        plan = self._plan
        if await till.look() != "pay":
            return
        self._send()
        if plan.behaviour is Behaviour.PAYS_SILENTLY:
            is_over = await self._wait_while_payable(till) in UNPAID_ENDS
        else:
            is_over = not await _unless_too_late(till.confirm(self._claim())) and await till.look() in UNPAID_ENDS
        if is_over:
            await self._prove(till)

    async def _come_late(self, till: Till) -> None:
        """What he sends after the end of the order is claimed with a receipt, or by nobody."""
        if await self._wait_while_payable(till) != "expired":
            return
        if self._plan.behaviour is Behaviour.PAYS_TOO_LATE:
            await asyncio.sleep(TOO_LATE_SECONDS)
        self._send()
        if self._plan.behaviour is Behaviour.PAYS_LATE_SILENTLY:
            self._bank.lose(self._order_id)
        else:
            await self._prove(till)

    async def _wait_while_payable(self, till: Till) -> str:
        patience = PATIENCE_SECONDS
        while (state := await till.look()) == "pay" and patience > 0:
            await asyncio.sleep(WAIT_EVERY_SECONDS)
            patience -= WAIT_EVERY_SECONDS
        return state

    async def _prove(self, till: Till) -> None:
        """A receipt brings the order back; or a person looks at it; or his money belongs to no order."""
        claim = self._claim(with_receipt=True)
        if await _unless_too_late(till.confirm(claim)):
            return
        complained = False
        try:
            complained = await till.complain(claim)
        except Refused as refusal:
            if refusal.status not in CONFLICTS:
                raise
        if not complained and await till.look() in UNPAID_ENDS:
            self._bank.lose(self._order_id)

    def _send(self) -> None:
        self._bank.received[self._order_id] = self._plan.sends

    def _claim(self, *, with_receipt: bool = False) -> Claim:
        plan = self._plan
        shows = with_receipt or plan.behaviour is Behaviour.PAYS_WITH_RECEIPT
        states = plan.states_amount and plan.sends != plan.amount
        return Claim(make_receipt(self._seed, f"{plan.number}") if shows else None, plan.sends if states else None)


async def _unless_too_late(deed: Awaitable[None]) -> bool:
    """Whether it was done: somebody else may have been first, which is no failure of anybody."""
    try:
        await deed
    except Refused as refusal:
        if refusal.status not in CONFLICTS and refusal.code != NEEDS_RECEIPT:
            raise
        return False
    return True


def _now() -> float:
    return asyncio.get_running_loop().time()
