"""Traders and their paymaster: they sign in like people, watch their lists, and say what they see in their banks."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx2

from jivapay.schemas_enums.enums import Direction, OrderStatus, OwnerType, Role
from jivapay.simulation.bank import Bank
from jivapay.simulation.cast import Person
from jivapay.simulation.http import CONFLICTS, Api, Refused
from jivapay.simulation.plans import PayerMood, plan_payer, plan_trader
from jivapay.simulation.purchases import Json
from jivapay.simulation.receipts import make_receipt

LOOK_EVERY_SECONDS = 1.5
BALANCE_EVERY_SECONDS = 10.0
WATCHED = f"{OrderStatus.PENDING},{OrderStatus.PENDING_TRADER_CONFIRMATION},{OrderStatus.IN_PROGRESS}"
PAGE_SIZE = 200
UNAUTHORISED, NOT_FOUND = 401, 404
LAST_DIGITS = 4
LOW_WATER, TOP_UP = Decimal(15_000), Decimal(30_000)
"""In USDT: when a trader or a store asks for more, and how much they bring."""
CANCEL_REASON = "карта временно недоступна"
DISPUTE_REASON = "деньги не пришли"
STRAY_NOTE = "пришли деньги, заказа к ним нет"


class SignedIn:
    """A person at his door of the platform; signs in again when his session has ended."""

    def __init__(self, client: httpx2.AsyncClient, person: Person) -> None:
        self.person = person
        self.door = f"/api/{person.role}"
        self._client = client
        self._api: Api | None = None

    async def sign_in(self) -> None:
        api = Api(self._client)
        given = {"email": self.person.email, "password": self.person.password}
        token = (await api.post(f"{self.door}/auth/login", given))["access_token"]
        self._api = Api(self._client, {"Authorization": f"Bearer {token}"})

    async def get(self, path: str, **params: Any) -> Json:  # noqa: ANN401 - query values
        return await self._again_when_signed_out(lambda api: api.get(f"{self.door}{path}", **params))

    async def post(self, path: str, body: Json | None = None, **given: Any) -> Json:  # noqa: ANN401 - as Api's
        return await self._again_when_signed_out(lambda api: api.post(f"{self.door}{path}", body, **given))

    async def _again_when_signed_out(self, ask: Callable[[Api], Any]) -> Json:
        if self._api is not None:
            try:
                return dict(await ask(self._api))
            except Refused as refusal:
                if refusal.status != UNAUTHORISED:
                    raise
        await self.sign_in()
        if self._api is None:
            raise AssertionError("signed in")
        return dict(await ask(self._api))


class Paymaster:
    """Staff who bring deposits in: one records, another decides, as the four-eyes rule wants it."""

    def __init__(self, client: httpx2.AsyncClient, staff: list[Person]) -> None:
        self._people = [SignedIn(client, person) for person in staff[:2]]
        self._turn = asyncio.Lock()
        self.paid_in: Counter[str] = Counter()
        """How often, by owner; each time TOP_UP."""

    async def top_up(self, owner_id: str, currency: str, owner: OwnerType = OwnerType.TRADER) -> None:
        """A trader's by his user id, or a store's. Raises Refused."""
        async with self._turn:
            recorder, decider = self._people
            await recorder.sign_in()  # money asks for a person who has just proved himself
            deposit = await recorder.post(
                "/deposits",
                {
                    "owner_type": owner.value,
                    "owner_id": owner_id,
                    "amount": str(TOP_UP),
                    "currency": currency,
                    "network": "tron",
                    "tx_hash": secrets.token_hex(32),
                    "reason": "deposit brought in",
                },
            )
            if deposit["status"] == "requested":
                await decider.sign_in()
                decision = {"decision": "approve", "reason": "seen on the chain"}
                await decider.post(f"/deposits/{deposit['id']}/decision", decision)
            self.paid_in[owner_id] += 1


class Trader:
    """One trader. `serves` says which orders are this simulation's."""

    def __init__(
        self, signed_in: SignedIn, paymaster: Paymaster, *, seed: str, bank: Bank, serves: Callable[[Json], bool]
    ) -> None:
        self.name = signed_in.person.email.partition("@")[0]
        self.available: Decimal | None = None
        self.held: Decimal | None = None
        self._door = signed_in
        self._paymaster = paymaster
        self._seed = seed
        self._bank = bank
        self._serves = serves
        self._first_seen: dict[tuple[str, str], float] = {}
        self._looked_up: set[str] = set()
        """Strays that were found not to be his, or have been declared."""
        self._user_id: str | None = None
        self._takes_deposits = True

    async def begin(self) -> None:
        await self._door.sign_in()
        await self._door.post("/work", {"in_work": True})
        self._user_id = str((await self._door.get("/auth/me"))["id"])
        await self.count_money()

    async def look(self, now: float) -> None:
        """One look at the list of orders, and what follows from it. Raises Refused, NoAnswer.

        What is refused for one order is raised when the others have been treated.
        """
        refusals: list[Refused] = []
        listed = await self._door.get("/orders", status=WATCHED, page_size=PAGE_SIZE)
        there = {}
        for order in listed["items"]:
            key = (str(order["order_id"]), str(order["status"]))
            there[key] = self._first_seen.get(key, now)
            if self._serves(order):
                treat = self._treat if order["direction"] == Direction.PAY_IN else self._treat_payout
                try:
                    await treat(order, waited_seconds=now - there[key])
                except Refused as refusal:
                    refusals.append(refusal)
        self._first_seen = there
        for order_id in self._bank.strays.keys() - self._looked_up:
            await self._declare(order_id)
        if refusals:
            raise refusals[0]

    async def count_money(self) -> None:
        balances = (await self._door.get("/balances"))["items"]
        crypto = next(balance for balance in balances if balance["account"] == "crypto")
        self.available, self.held = Decimal(crypto["available"]), Decimal(crypto["held"])
        if self._takes_deposits and self._user_id is not None and self.available < LOW_WATER:
            try:
                await self._paymaster.top_up(self._user_id, crypto["currency"])
            except Refused as refusal:
                if refusal.code != "deposit.test_world":
                    raise
                self._takes_deposits = False  # the sandbox needs none

    async def _treat(self, order: Json, *, waited_seconds: float) -> None:
        order_id = order["order_id"]
        customer = (order["customer_id"] or "").rpartition("-")[2]  # without the run's name
        plan = plan_trader(self._seed, customer, order["amount"])
        if plan.is_silent or waited_seconds < plan.confirms_after_seconds:
            return
        received = self._bank.received.get(order_id)
        if received is not None:
            form = None if received == Decimal(order["amount_agreed"]) else {"amount": f"{received:.2f}"}
            await self._unless_too_late(f"/orders/{order_id}/confirm", form=form)
        elif plan.cancels and order["status"] == OrderStatus.PENDING:
            await self._unless_too_late(f"/orders/{order_id}/cancel", {"reason": CANCEL_REASON})
        elif plan.disputes and order["status"] == OrderStatus.PENDING_TRADER_CONFIRMATION:
            await self._unless_too_late(f"/orders/{order_id}/dispute", {"reason": DISPUTE_REASON})

    async def _treat_payout(self, order: Json, *, waited_seconds: float) -> None:
        order_id, recipient = order["order_id"], order["recipient"]["number"][-LAST_DIGITS:]
        plan = plan_payer(self._seed, self.name, recipient, order["amount"])
        if plan.mood is PayerMood.IGNORES or waited_seconds < plan.after_seconds:
            return
        if order["status"] == OrderStatus.PENDING:
            deed = "decline" if plan.mood is PayerMood.DECLINES else "accept"
            await self._unless_too_late(f"/orders/{order_id}/{deed}")
        elif plan.mood is not PayerMood.SILENT:
            if plan.mood is not PayerMood.FORGES:
                self._bank.paid_out.add(order_id)
            receipt = make_receipt(self._seed, f"{order_id}:{self.name}")
            await self._unless_too_late(f"/orders/{order_id}/confirm", receipt=receipt)

    async def _declare(self, order_id: str) -> None:
        """His bank shows money that no order of his explains any more; if the money came to him."""
        try:
            order = await self._door.get(f"/orders/{order_id}")
        except Refused as refusal:
            if refusal.status != NOT_FOUND:
                raise
            self._looked_up.add(order_id)
            return
        amount = f"{self._bank.strays[order_id]:.2f}"
        said = {"requisite_id": order["requisite_id"], "amount": amount, "note": STRAY_NOTE}
        declared = await self._door.post("/unmatched-payments", said, key=f"stray-{order_id}")
        self._bank.declared[declared["id"]] = order_id
        self._looked_up.add(order_id)

    async def _unless_too_late(self, path: str, body: Json | None = None, **given: Any) -> None:  # noqa: ANN401 - as Api's
        try:
            await self._door.post(path, body, **given)
        except Refused as refusal:
            if refusal.status not in CONFLICTS:
                raise


def paymaster_of(client: httpx2.AsyncClient, users: tuple[Person, ...]) -> Paymaster:
    return Paymaster(client, [person for person in users if person.role == Role.ADMIN])
