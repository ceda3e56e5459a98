"""Shops: they ask for pay-ins and pay-outs, serve their customers, and believe signed callbacks and the status API."""

import asyncio
import contextlib
from decimal import Decimal
from typing import Any

from jivapay.schemas_enums.enums import Direction, OrderStatus
from jivapay.simulation.bank import Bank
from jivapay.simulation.cast import Store
from jivapay.simulation.customers import Claim, Customer, Page
from jivapay.simulation.http import CONFLICTS, Api, NoAnswer, Refused
from jivapay.simulation.mailbox import Mailbox
from jivapay.simulation.plans import RECIPIENT, OrderPlan, PayoutPlan, Plan
from jivapay.simulation.purchases import Json, Purchase

WAIT_SECONDS = 5
LOOK_EVERY_SECONDS, SECOND_LOOK_SECONDS = 10.0, 1.0
"""When a shop asks by itself: no callback comes, or the callback of what it sees at the end."""
COUNTER_STATES = {
    OrderStatus.PENDING: "pay",
    OrderStatus.PENDING_TRADER_CONFIRMATION: "check",
    OrderStatus.EXPIRED: "expired",
    OrderStatus.CANCELLED: "cancelled",
    OrderStatus.COMPLETED: "paid",
}
DOORS = {Direction.PAY_IN: "/gateway/payin", Direction.PAY_OUT: "/gateway/payout"}
ASKS_MAX = 5
"""How often a shop begins anew with an order that nobody answered, each time with all its tries."""
CANNOT_PAY = frozenset({"balance.insufficient", "balance.blocked"})
"""Why nothing becomes of a pay-out: the store's own money."""


class Shop:
    """One store's program. Its customers write the banks' memory."""

    def __init__(self, store: Store, api: Api, pages: Api, *, run: str, seed: str, bank: Bank) -> None:
        self.store = store
        self.purchases: dict[str, Purchase] = {}
        self.order_ids: set[str] = set()
        self.mailbox = Mailbox(store.callback_secret, self._hear)
        self.strangers = 0
        """Callbacks about orders of an earlier run."""
        self._api = api
        self._pages = pages
        self._run = run
        self._seed = seed
        self._bank = bank

    async def serve(self, plan: Plan) -> None:
        """One order from its request until nothing more happens by itself. Raises Refused, NoAnswer."""
        now = _now()
        external_id = f"{self._run}-{plan.number}"
        purchase = Purchase(plan, external_id, f"{self._run}-u{plan.number}", asked_at=now, wanted_at=now)
        self.purchases[external_id] = purchase
        answer = await self._ask_until_answered(purchase)
        if answer is None:
            return
        if isinstance(plan, OrderPlan):
            await self._sell(purchase, plan, answer)
        else:
            await self._pay_out(purchase, plan, answer)

    async def _ask_until_answered(self, purchase: Purchase) -> Json | None:
        """The external id makes one order of all attempts. None for a pay-out that the store cannot pay."""
        for _ in range(ASKS_MAX):
            with contextlib.suppress(NoAnswer):
                await self._ask(purchase)
                return purchase.answer
        raise NoAnswer(purchase.external_id)

    async def _sell(self, purchase: Purchase, plan: OrderPlan, answer: Json) -> None:
        customer = Customer(self._seed, plan, answer["order_id"], self._bank)
        if plan.hosted:
            await customer.live(Page(self._pages, answer["token"], purchase))
        else:
            await customer.live(_Counter(self, purchase))
        await self.follow(purchase)
        if plan.store_agrees:
            await self._agree(purchase)

    async def _pay_out(self, purchase: Purchase, plan: PayoutPlan, answer: Json) -> None:
        if plan.cancels:
            await self._unless_too_late(purchase, "cancel")
        await self.follow(purchase)
        has_arrived = answer["order_id"] in self._bank.paid_out
        if plan.confirms_receipt and has_arrived and purchase.state == OrderStatus.COMPLETED:
            await self._unless_too_late(purchase, "confirm")

    async def _agree(self, purchase: Purchase) -> None:
        """The trader has seen less than agreed: the store takes that for paid, and the order is settled."""
        answer = purchase.answer
        if answer is None or purchase.state != OrderStatus.REQUIRES_ATTENTION or answer["amount_seen"] is None:
            return
        if Decimal(answer["amount_seen"]) < purchase.plan.amount:
            await self._unless_too_late(purchase, "confirm", form={"amount": answer["amount_seen"]})
            purchase.is_followed = False
            await self.follow(purchase)

    async def follow(self, purchase: Purchase, patience_seconds: float | None = None) -> None:
        """Until the order rests and the shop has been told so; without `patience_seconds`, however long it takes."""
        give_up_at = None if patience_seconds is None else _now() + patience_seconds
        looks_at = _now()
        while not purchase.is_followed and purchase.refused is None:
            purchase.moved_on.clear()
            if purchase.rests or _now() >= looks_at:
                await self.look(purchase)
                looks_at = _now() + (LOOK_EVERY_SECONDS if not purchase.rests else SECOND_LOOK_SECONDS)
            purchase.is_followed = purchase.rests and purchase.is_told
            if purchase.is_followed or (give_up_at is not None and _now() > give_up_at):
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(looks_at):
                    await purchase.moved_on.wait()

    async def look(self, purchase: Purchase) -> Json:
        status = f"{DOORS[purchase.plan.direction]}/status"
        if purchase.answer is None:
            answer = await self._api.get(f"{status}/{purchase.external_id}", by="external_order_id")
        else:
            answer = await self._api.get(f"{status}/{purchase.answer['order_id']}")
        return self._see(purchase, answer)

    async def act(self, purchase: Purchase, deed: str, **given: Any) -> None:  # noqa: ANN401 - a form or a receipt
        if purchase.answer is None:
            raise AssertionError("nobody acts on an order that was not answered")
        path = f"{DOORS[purchase.plan.direction]}/{deed}/{purchase.answer['order_id']}"
        self._see(purchase, await self._api.post(path, **given))

    async def read_balance(self) -> tuple[Decimal, Decimal, str]:
        """Total, held, and the currency."""
        balance = await self._api.get("/gateway/balance")
        return Decimal(balance["total"]), Decimal(balance["held"]), balance["currency"]

    async def read_missed_events(self) -> None:
        """What was never pushed, because something newer of the same order took its place: from the store's stream."""
        heard = [event["store_seq"] for one in self.purchases.values() for event in one.events.values()]
        after = min(heard, default=1) - 1
        while page := (await self._api.get("/gateway/events", after=after))["items"]:
            for event in page:
                if (purchase := self.purchases.get(event["external_order_id"])) is not None:
                    purchase.overhear(event)
            after = page[-1]["store_seq"]

    async def _unless_too_late(self, purchase: Purchase, deed: str, **given: Any) -> None:  # noqa: ANN401 - as `act`
        try:
            await self.act(purchase, deed, **given)
        except Refused as refusal:
            if refusal.status not in CONFLICTS:
                raise

    async def _ask(self, purchase: Purchase) -> None:
        if isinstance(purchase.plan, OrderPlan):
            await self._ask_for_money(purchase, purchase.plan)
            return
        try:
            await self._ask_to_pay(purchase, purchase.plan)
        except Refused as refusal:
            if refusal.code not in CANNOT_PAY:
                raise
            purchase.refused = refusal.code

    async def _ask_for_money(self, purchase: Purchase, plan: OrderPlan) -> None:
        body = self._request(purchase) | {"customer_id": purchase.customer_id}
        if not plan.amount_is_open:
            body["amount"] = f"{plan.amount:.2f}"
        if not plan.method_is_open:
            body |= {"payment_method": plan.method, "bank": plan.bank}
        if plan.hosted:
            answer = await self._api.post("/gateway/payin/initiate_session", body)
        else:
            answer = await self._api.post("/gateway/payin/init", body | {"wait_seconds": WAIT_SECONDS})
        self._see(purchase, answer)

    async def _ask_to_pay(self, purchase: Purchase, plan: PayoutPlan) -> None:
        body = self._request(purchase) | {
            "amount": f"{plan.amount:.2f}",
            "payment_method": plan.method,
            "bank": plan.bank,
            "recipient": {"number": plan.recipient, "holder": RECIPIENT},
        }
        self._see(purchase, await self._api.post("/gateway/payout/init", body))

    def _request(self, purchase: Purchase) -> dict[str, Any]:
        return {
            "external_order_id": purchase.external_id,
            "currency": "RUB",
            "callback_url": self.mailbox.url,
            "metadata": {"number": str(purchase.plan.number)},
        }

    def _see(self, purchase: Purchase, answer: Json) -> Json:
        self.order_ids.add(answer["order_id"])
        purchase.see(answer, _now())
        return answer

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

    async def confirm(self, claim: Claim) -> None:
        await self._shop.act(self._purchase, "confirm", form=claim.form, receipt=claim.receipt)

    async def complain(self, _claim: Claim) -> bool:
        return False

    async def cancel(self) -> None:
        await self._shop.act(self._purchase, "cancel")

    def _state(self) -> str:
        purchase = self._purchase
        if purchase.state in set(OrderStatus):
            return COUNTER_STATES.get(OrderStatus(purchase.state), "review")
        return "failed" if purchase.rests else "searching"


def _now() -> float:
    return asyncio.get_running_loop().time()
