"""Shops: they ask for pay-ins, serve their customers, and believe what signed callbacks and the status API say."""

import asyncio
from decimal import Decimal
from typing import Any

from jivapay.schemas_enums.enums import OrderStatus
from jivapay.simulation.cast import Store
from jivapay.simulation.customers import Customer, Page
from jivapay.simulation.http import Api
from jivapay.simulation.mailbox import Mailbox
from jivapay.simulation.plans import OrderPlan
from jivapay.simulation.purchases import Json, Purchase

WAIT_SECONDS = 5
LOOK_EVERY_SECONDS = 5.0
"""How often a shop asks by itself when no callback comes."""
COUNTER_STATES = {
    OrderStatus.PENDING: "pay",
    OrderStatus.PENDING_TRADER_CONFIRMATION: "check",
    OrderStatus.EXPIRED: "expired",
    OrderStatus.CANCELLED: "cancelled",
    OrderStatus.COMPLETED: "paid",
}


class Shop:
    """One store's program. `sent` is the banks' memory, which its customers write."""

    def __init__(self, store: Store, api: Api, pages: Api, *, run: str, seed: str, sent: set[str]) -> None:
        self.store = store
        self.purchases: dict[str, Purchase] = {}
        self.mailbox = Mailbox(store.callback_secret, self._hear)
        self.strangers = 0
        """Callbacks about orders of an earlier run."""
        self._api = api
        self._pages = pages
        self._run = run
        self._seed = seed
        self._sent = sent

    async def sell(self, plan: OrderPlan) -> None:
        """One order from its request until nothing more happens by itself. Raises Refused, NoAnswer."""
        now = _now()
        external_id = f"{self._run}-{plan.number}"
        purchase = Purchase(plan, external_id, f"{self._run}-u{plan.number}", asked_at=now, wanted_at=now)
        self.purchases[external_id] = purchase
        answer = await self._ask(purchase)
        purchase.see(answer, _now())
        customer = Customer(self._seed, plan, answer["order_id"], self._sent)
        if plan.hosted:
            await customer.live(Page(self._pages, answer["token"], purchase))
        else:
            await customer.live(_Counter(self, purchase))
        await self.follow(purchase)

    async def follow(self, purchase: Purchase, patience_seconds: float | None = None) -> None:
        """Until the order rests and the shop has been told so; without `patience_seconds`, however long it takes."""
        give_up_at = None if patience_seconds is None else _now() + patience_seconds
        while not purchase.is_followed:
            purchase.moved.clear()
            await self.look(purchase)
            purchase.is_followed = purchase.rests and purchase.is_told
            if purchase.is_followed or (give_up_at is not None and _now() > give_up_at):
                return
            try:
                async with asyncio.timeout(1.0 if purchase.rests else LOOK_EVERY_SECONDS):
                    await purchase.moved.wait()
            except TimeoutError:
                continue

    async def look(self, purchase: Purchase) -> Json:
        if purchase.answer is None:
            answer = await self._api.get(f"/gateway/payin/status/{purchase.external_id}", by="external_order_id")
        else:
            answer = await self._api.get(f"/gateway/payin/status/{purchase.answer['order_id']}")
        purchase.see(answer, _now())
        return answer

    async def confirm(self, purchase: Purchase, receipt: bytes | None) -> None:
        await self._act(purchase, "confirm", receipt)

    async def cancel(self, purchase: Purchase) -> None:
        await self._act(purchase, "cancel", None)

    async def read_balance(self) -> tuple[Decimal, Decimal, str]:
        """Total, held, and the currency."""
        balance = await self._api.get("/gateway/balance")
        return Decimal(balance["total"]), Decimal(balance["held"]), balance["currency"]

    async def _act(self, purchase: Purchase, deed: str, receipt: bytes | None) -> None:
        if purchase.answer is None:
            raise AssertionError("nobody acts on an order that was not answered")
        path = f"/gateway/payin/{deed}/{purchase.answer['order_id']}"
        purchase.see(await self._api.post(path, receipt=receipt), _now())

    async def _ask(self, purchase: Purchase) -> Json:
        plan = purchase.plan
        body: dict[str, Any] = {
            "external_order_id": purchase.external_id,
            "currency": "RUB",
            "customer_id": purchase.customer_id,
            "callback_url": self.mailbox.url,
            "metadata": {"number": str(plan.number)},
        }
        if not plan.amount_is_open:
            body["amount"] = f"{plan.amount:.2f}"
        if not plan.method_is_open:
            body |= {"payment_method": plan.method, "bank": plan.bank}
        if plan.hosted:
            return await self._api.post("/gateway/payin/initiate_session", body)
        return await self._api.post("/gateway/payin/init", body | {"wait_seconds": WAIT_SECONDS})

    def _hear(self, event: Json) -> None:
        purchase = self.purchases.get(event["external_order_id"])
        if purchase is None:
            self.strangers += 1
        else:
            purchase.hear(event, _now())


class _Counter:
    """A shop that shows the requisite itself: what its customer says goes through the gateway."""

    def __init__(self, shop: Shop, purchase: Purchase) -> None:
        self._shop = shop
        self._purchase = purchase

    async def open(self, _plan: OrderPlan) -> str:
        return self._state()

    async def look(self) -> str:
        await self._shop.look(self._purchase)
        return self._state()

    async def confirm(self, receipt: bytes | None) -> None:
        await self._shop.confirm(self._purchase, receipt)

    async def cancel(self) -> None:
        await self._shop.cancel(self._purchase)

    def _state(self) -> str:
        purchase = self._purchase
        if purchase.state in set(OrderStatus):
            return COUNTER_STATES.get(OrderStatus(purchase.state), "review")
        return "failed" if purchase.rests else "searching"


def _now() -> float:
    return asyncio.get_running_loop().time()
