"""Customers: they see where to pay, and pay, or not; on the payment page, or at a shop that shows everything itself."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol

from jivapay.simulation.http import Api, Refused
from jivapay.simulation.plans import Behaviour, OrderPlan
from jivapay.simulation.purchases import Purchase
from jivapay.simulation.receipts import make_receipt

LOOK_EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
CONFLICT, GONE = 409, 410
NEEDS_RECEIPT = "receipt.required"
"""It lapsed in between: now only a receipt brings it back."""
STILL_LOOKING = frozenset({"searching", "choose"})
UNPAID_ENDS = frozenset({"expired", "cancelled"})
PAYERS = frozenset({Behaviour.PAYS, Behaviour.PAYS_WITH_RECEIPT, Behaviour.PAYS_SILENTLY, Behaviour.PAYS_LATE})


class Till(Protocol):
    """Where a customer acts. States are those of the payment page."""

    async def open(self, plan: OrderPlan) -> str: ...

    async def look(self) -> str: ...

    async def confirm(self, receipt: bytes | None) -> None: ...

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
        return self._seen(await self._api.post(f"{self._path}/method", choice))

    async def look(self) -> str:
        return self._seen(await self._api.get(self._path))

    async def confirm(self, receipt: bytes | None) -> None:
        await self._api.post(f"{self._path}/confirm", receipt=receipt)

    async def cancel(self) -> None:
        await self._api.post(f"{self._path}/cancel")

    def _seen(self, shown: dict[str, Any]) -> str:
        if shown["requisite"] is not None:
            self._purchase.see_requisite(_now())
        return str(shown["state"])


class Customer:
    """One customer with one order. `sent` is the banks' memory: which orders money was sent for."""

    def __init__(self, seed: str, plan: OrderPlan, order_id: str, sent: set[str]) -> None:
        self._seed = seed
        self._plan = plan
        self._order_id = order_id
        self._sent = sent

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
            return
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
        """He looks once more before he sends money, unless he is the kind that comes late."""
        plan = self._plan
        if plan.behaviour is Behaviour.PAYS_LATE:
            await self._pay_late(till)
            return
        if await till.look() != "pay":
            return
        if plan.behaviour in PAYERS:
            self._sent.add(self._order_id)
        if plan.behaviour is Behaviour.PAYS_SILENTLY:
            return
        has_receipt = plan.behaviour is Behaviour.PAYS_WITH_RECEIPT
        confirmed = await _unless_too_late(till.confirm(self._receipt() if has_receipt else None))
        if not confirmed and plan.behaviour in PAYERS and await till.look() in UNPAID_ENDS:
            await _unless_too_late(till.confirm(self._receipt()))

    async def _pay_late(self, till: Till) -> None:
        patience = PATIENCE_SECONDS
        while (state := await till.look()) == "pay" and patience > 0:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            patience -= LOOK_EVERY_SECONDS
        if state == "expired":
            self._sent.add(self._order_id)
            await _unless_too_late(till.confirm(self._receipt()))

    def _receipt(self) -> bytes:
        return make_receipt(self._seed, self._plan.number)


async def _unless_too_late(deed: Awaitable[None]) -> bool:
    """Whether it was done: somebody else may have been first, which is no failure of anybody."""
    try:
        await deed
    except Refused as refusal:
        if refusal.status not in {CONFLICT, GONE} and refusal.code != NEEDS_RECEIPT:
            raise
        return False
    return True


def _now() -> float:
    return asyncio.get_running_loop().time()
