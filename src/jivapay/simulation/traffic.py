"""All of them together: orders arrive at a rate, traders and shops do their work, somebody counts.

A person who stumbles is counted and the others go on; at the end the shops' books are compared with the platform's.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count as numbers
from random import Random

import httpx2

from jivapay.schemas_enums.enums import Direction, OrderStatus, OwnerType, Role
from jivapay.simulation import report
from jivapay.simulation.bank import Bank
from jivapay.simulation.cast import Cast
from jivapay.simulation.disputes import Judge, Merchant
from jivapay.simulation.http import Api, Refused, open_client
from jivapay.simulation.panel import Panel
from jivapay.simulation.plans import Plan, plan_any
from jivapay.simulation.purchases import Json, Purchase
from jivapay.simulation.report import Report
from jivapay.simulation.shops import Shop
from jivapay.simulation.support import Support
from jivapay.simulation.traders import (
    BALANCE_EVERY_SECONDS,
    LOOK_EVERY_SECONDS,
    LOW_WATER,
    TOP_UP,
    Paymaster,
    SignedIn,
    Trader,
    paymaster_of,
)

OPEN_MAX_SECONDS, OPEN_MAX_AT_LEAST = 20, 40
"""Orders at once: as many as come in so many seconds, and never fewer. A slower platform is not buried."""
RECOVERY_SECONDS, STAFF_LOOK_EVERY_SECONDS = 2.0, 3.0
AUDIT_PATIENCE_SECONDS = 15.0
AUDIT_AT_ONCE = 20
DECISION_PATIENCE_SECONDS = 20.0
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the live table shows."""

    states: dict[Direction, Counter[str]]
    asked: int
    followed: int
    settled_per_minute: int
    stores: dict[str, tuple[Decimal, Decimal, str]]
    """Total, held, currency, by name."""
    traders: dict[str, tuple[Decimal, Decimal]]
    """Available and held, by name."""
    callbacks: int
    stumbles: Counter[str]


@dataclass(slots=True)
class Traffic:
    """`orders` None: without end. `rate` is orders a minute. `run` names this run in the shops' order ids."""

    cast: Cast
    orders: int | None
    rate: float
    seed: str
    run: str
    shops: list[Shop] = field(default_factory=list)
    traders: list[Trader] = field(default_factory=list)
    stumbles: Counter[str] = field(default_factory=Counter)
    bank: Bank = field(default_factory=Bank)
    _balances: dict[str, tuple[Decimal, Decimal, str]] = field(default_factory=dict)
    _opening: dict[str, Decimal] = field(default_factory=dict)

    async def live(self) -> Report:
        """Until every one of `orders` rests, then the report; without `orders`, until cancelled."""
        async with AsyncExitStack() as doors:
            client = await doors.enter_async_context(open_client(self.cast.base_url))
            for store in self.cast.stores:
                api = Api(client, {"X-API-Key": store.api_key})
                shop = Shop(store, api, Api(client), run=self.run, seed=self.seed, bank=self.bank)
                await shop.mailbox.open()
                doors.push_async_callback(shop.mailbox.close)
                self.shops.append(shop)
            paymaster = paymaster_of(client, self.cast.users)
            for person in self.cast.people(Role.TRADER):
                door = SignedIn(client, person)
                self.traders.append(Trader(door, paymaster, seed=self.seed, bank=self.bank, serves=self._is_ours))
            await self._read_balances()
            self._opening = {name: balance[0] for name, balance in self._balances.items()}
            support = self._hire_support(client)
            merchants = [
                Merchant(SignedIn(client, person), seed=self.seed, bank=self.bank, serves=self._is_own)
                for person in self.cast.people(Role.MERCHANT)
            ]
            async with asyncio.TaskGroup() as group:
                people = [group.create_task(self._work(trader)) for trader in self.traders]
                people.append(group.create_task(self._watch_balances()))
                people += [group.create_task(self._repeat(one.name, one.look)) for one in merchants]
                if support is not None:
                    people.append(group.create_task(self._repeat("support", support.look)))
                await self._serve_all(paymaster)
                if support is not None:
                    await self._survive("support", lambda: support.finish(DECISION_PATIENCE_SECONDS))
                for person_at_work in people:
                    person_at_work.cancel()
            return await self._audit(support, paymaster)

    def snapshot(self) -> Snapshot:
        purchases = self._purchases()
        now = _now()
        recent = sum(one.settled_at is not None and now - one.settled_at < MINUTE for one in purchases)
        known = {
            trader.name: (trader.available, trader.held)
            for trader in self.traders
            if trader.available is not None and trader.held is not None
        }
        return Snapshot(
            states={way: Counter(one.state for one in purchases if one.plan.direction is way) for way in Direction},
            asked=len(purchases),
            followed=sum(one.is_followed for one in purchases),
            settled_per_minute=recent,
            stores=dict(self._balances),
            traders=known,
            callbacks=sum(shop.mailbox.received for shop in self.shops),
            stumbles=Counter(self.stumbles),
        )

    def interim(self) -> Report:
        """What can be said when it was stopped before its end."""
        counted = report.count(self._purchases())
        self._add_common(counted)
        return counted

    async def _serve_all(self, paymaster: Paymaster) -> None:
        draw = Random(f"{self.seed}:arrivals")
        gate = asyncio.Semaphore(max(OPEN_MAX_AT_LEAST, round(self.rate * OPEN_MAX_SECONDS / MINUTE)))
        async with asyncio.TaskGroup() as group:
            for number in numbers(1):
                if self.orders is not None and number > self.orders:
                    break
                await gate.acquire()
                plan = plan_any(self.seed, number, self.cast.stores)
                task = group.create_task(self._survive("order", lambda plan=plan: self._serve(plan, paymaster)))  # type: ignore[misc]
                task.add_done_callback(lambda _: gate.release())
                await asyncio.sleep(draw.expovariate(self.rate / MINUTE))

    async def _serve(self, plan: Plan, paymaster: Paymaster) -> None:
        shop = self.shops[plan.store]
        if plan.direction is Direction.PAY_OUT and not shop.store.test:
            await self._survive("paymaster", lambda: self._fund(shop, paymaster))
        await shop.serve(plan)

    async def _fund(self, shop: Shop, paymaster: Paymaster) -> None:
        """Before a store runs dry; as far as we know its balance."""
        total, held, currency = self._balances[shop.store.name]
        if total - held < LOW_WATER:
            self._balances[shop.store.name] = (total + TOP_UP, held, currency)
            await paymaster.top_up(shop.store.id, currency, OwnerType.STORE)

    async def _work(self, trader: Trader) -> None:
        has_begun, counted_at = False, _now()
        while True:
            if not has_begun:
                has_begun = went_well = await self._survive(f"{trader.name} begins", trader.begin)
            else:
                went_well = await self._survive(f"{trader.name} looks", lambda: trader.look(_now()))
            if has_begun and _now() - counted_at > BALANCE_EVERY_SECONDS:
                counted_at = _now()
                await self._survive(f"{trader.name} counts", trader.count_money)
            await asyncio.sleep(LOOK_EVERY_SECONDS if went_well else RECOVERY_SECONDS)

    def _hire_support(self, client: httpx2.AsyncClient) -> Support | None:
        """None where the cast has nobody who could decide."""
        support, seconds = self.cast.people(Role.SUPPORT)[:1], self.cast.people(Role.ADMIN)
        if not support or not seconds:
            return None
        panel = Panel(SignedIn(client, support[0]), *(SignedIn(client, second) for second in seconds))
        judge = Judge(panel, bank=self.bank, serves=self._is_own)
        return Support(
            panel, judge, seed=self.seed, bank=self.bank, serves=self._is_own, is_our_order=self._is_our_order
        )

    async def _repeat(self, who: str, deed: Callable[[], Awaitable[object]]) -> None:
        while True:
            await self._survive(who, deed)
            await asyncio.sleep(STAFF_LOOK_EVERY_SECONDS)

    async def _watch_balances(self) -> None:
        while True:
            await asyncio.sleep(BALANCE_EVERY_SECONDS)
            await self._survive("balances", self._read_balances)

    async def _read_balances(self) -> None:
        for shop in self.shops:
            self._balances[shop.store.name] = await shop.read_balance()

    async def _survive(self, who: str, deed: Callable[[], Awaitable[object]]) -> bool:
        """Whether it went well; what went wrong is counted by its kind."""
        try:
            await deed()
        except Refused as refusal:
            self.stumbles[f"{who}: {refusal.status} {refusal.code}"] += 1
        except Exception as error:  # noqa: BLE001 - a simulated person who stumbles is counted, the others go on
            self.stumbles[f"{who}: {type(error).__name__} {error}"[:160]] += 1
        else:
            return True
        return False

    async def _audit(self, support: Support | None, paymaster: Paymaster) -> Report:
        """Ask about every order once more, then compare: each with what was asked, the sums with the balances."""
        at_once = asyncio.Semaphore(AUDIT_AT_ONCE)

        async def look_again(shop: Shop, purchase: Purchase) -> None:
            async with at_once:
                purchase.is_followed = False
                await self._survive("audit", lambda: shop.follow(purchase, AUDIT_PATIENCE_SECONDS))

        async with asyncio.TaskGroup() as group:
            for shop in self.shops:
                for purchase in shop.purchases.values():
                    group.create_task(look_again(shop, purchase))
        await self._survive("balances", self._read_balances)
        for shop in self.shops:
            await self._survive("events", shop.read_missed_events)
        counted = report.count(self._purchases())
        self._add_common(counted)
        counted.problems += self._compare_balances(paymaster)
        if support is not None:
            await self._survive("inbox", lambda: self._count_decisions(support, counted))
        return counted

    async def _count_decisions(self, support: Support, counted: Report) -> None:
        counted.disputes, counted.decided = support.judge.outcomes, support.decided
        counted.inbox = await support.count_inbox()
        if counted.inbox.missing:
            counted.problems.append(f"{counted.inbox.missing} payments that traders declared are nowhere")

    def _compare_balances(self, paymaster: Paymaster) -> list[str]:
        found = []
        for shop in self.shops:
            told = sum((purchase.moved for purchase in shop.purchases.values()), Decimal(0))
            name = shop.store.name
            grown = self._balances[name][0] - self._opening[name] - TOP_UP * paymaster.paid_in[shop.store.id]
            if grown != told:
                found.append(f"the balance of {name} grew by {grown}, its callbacks say {told}")
        return found

    def _add_common(self, counted: Report) -> None:
        counted.callbacks = sum(shop.mailbox.received for shop in self.shops)
        counted.stumbles = Counter(self.stumbles)
        refused = sum(shop.mailbox.refused for shop in self.shops)
        if refused:
            counted.problems.append(f"{refused} callbacks were not genuine")

    def _purchases(self) -> list[Purchase]:
        return [purchase for shop in self.shops for purchase in shop.purchases.values()]

    def _is_own(self, thing: Json) -> bool:
        """About an order of this run."""
        return str(thing["external_order_id"]).startswith(f"{self.run}-")

    def _is_ours(self, order: Json) -> bool:
        """Our own customers' and pay-outs; without end, traders also serve whoever tries the platform out by hand."""
        order_id = str(order["order_id"])
        if str(order["customer_id"] or "").startswith(f"{self.run}-") or self._is_our_order(order_id):
            return True
        if self.orders is not None:
            return False
        if order["status"] == OrderStatus.PENDING_TRADER_CONFIRMATION:
            self.bank.received[order_id] = Decimal(order["amount_agreed"])
            return True
        return bool(order["direction"] == Direction.PAY_OUT)

    def _is_our_order(self, order_id: str) -> bool:
        return any(order_id in shop.order_ids for shop in self.shops)


def _now() -> float:
    return asyncio.get_running_loop().time()
