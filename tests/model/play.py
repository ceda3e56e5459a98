"""What the model test plays: one platform in one database, moves of everybody on it, and what must come of them.

Every move is one that somebody could make at any moment. A refusal (`JivaPayException`) is an answer like any
other; what is not allowed is any other exception, a violated invariant, or money that differs from the model's.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import text

from factories.people import CRYPTO
from factories.world import SYSTEM, World, make_world
from jivapay.config.clock import ShiftedClock
from jivapay.config.settings import Settings
from jivapay.domain.commissions import Terms, calculate_quote
from jivapay.exceptions import JivaPayException
from jivapay.schemas_enums.enums import Direction
from jivapay.services import (
    audit_chain,
    freeze_service,
    gateway_service,
    order_processor,
    order_service,
    platform_service,
    posting_chain,
)
from jivapay.services.balance_manager import AccountKey
from jivapay.utils.resources import open_resources
from jivapay.utils.s3_client import MemoryStorage
from support.databases import Cluster
from support.invariants import AT_REST

T = TypeVar("T")

DEPOSIT = Decimal(300)
"""Small: orders must meet an empty deposit now and then."""
LIMITS = {
    "turnover_day_max": Decimal(20_000),
    "turnover_limit_minutes": 60,
    "turnover_limit_sum": Decimal(9_000),
    "max_open_orders": 3,
}
SETTINGS = {
    "OPEN_UNPAID_MAX_PER_CUSTOMER": 3,
    "MAX_ORDER_RETRIES": 3,
    "FRAUD_MANUAL_REVIEW_THRESHOLD": {"RUB": Decimal(6_000)},
    "FRAUD_DENY_THRESHOLD": {"RUB": Decimal(9_000)},
}
STORE_PERCENT, TRADER_PERCENT, MARGIN = Decimal(3), Decimal(1), Decimal(2)


EVERYTHING = text(
    " union all ".join(
        f"select '{invariant.code}' as code, found from ({invariant.statement(3)}) as found_{number}"
        for number, invariant in enumerate(AT_REST)
    )
)
"""All invariants in one statement: they are asked after each step."""


class Play:
    """Owns its database and its connections; `close` gives them back."""

    def __init__(self, stack: dict[str, str], cluster: Cluster) -> None:
        self.stack, self.cluster = stack, cluster
        self.exits = AsyncExitStack()
        self.incoming: list[int] = []
        self.completed: dict[int, Decimal] = {}
        """Incoming order → what its trader paid for it."""
        self.deposited = Decimal(0)

    async def open(self) -> None:
        name = await self.exits.enter_async_context(self.cluster.clone())
        urls = {"DATABASE_URL": self.cluster.url_of(name), "DATABASE_OWNER_URL": self.cluster.owner_url_of(name)}
        given = {**self.stack, **urls, "ENV": "test"}
        settings = Settings.model_validate({key.lower(): value for key, value in given.items()})
        resources = await self.exits.enter_async_context(
            open_resources(settings, clock=ShiftedClock(), storage=MemoryStorage(), application_name="model")
        )
        self.world: World = await make_world(
            resources, traders=2, requisites=2, deposit=DEPOSIT, limits=LIMITS, settings=SETTINGS,
            callback_url="https://shop.example/hook",
        )  # fmt: skip
        margin = await self.world.add_store(rate_margin_percent=MARGIN)
        testing = await self.world.add_store(test=True)
        await self.world.add_trader(test=True, limits=LIMITS)
        self.stores = [self.world.store, margin, testing]
        self.deposited = 2 * DEPOSIT

    async def close(self) -> None:
        await self.exits.aclose()

    # Moves

    async def attempt(self, move: Awaitable[T]) -> T | None:
        """None when the move was refused."""
        try:
            return await move
        except JivaPayException:
            return None

    async def ask(self, amount: Decimal, store: int, customer: str, *, hosted: bool, again: bool) -> None:
        """A shop's request, delivered twice at once when `again`."""
        number = next(self.world.numbers)
        fields = {"external_order_id": f"M-{number}", "request_hash": b"%d" % number, "customer_id": customer}
        asked = [self.world.accept(amount, store=self.stores[store], hosted=hosted, **fields) for _ in range(1 + again)]
        made = {found for found in await asyncio.gather(*map(self.attempt, asked)) if found is not None}
        assert len(made) <= 1, "one request made two orders"
        self.incoming.extend(made)

    async def process(self, incoming: int, *, workers: int) -> None:
        await asyncio.gather(*(self.attempt(self.world.process(incoming)) for _ in range(workers)))

    async def fail_processing(self, incoming: int) -> None:
        error = ConnectionError("lost")
        await order_processor.record_failure(self.world.database, incoming, error, self.world.rules, SYSTEM)

    async def pay(self, incoming: int, *, receipt: bool, lost: bool) -> None:
        await self.attempt(self.world.confirm_by_customer(incoming, receipt=receipt, receipt_lost=lost and not receipt))

    async def cancel(self, incoming: int, *, by_trader: bool) -> None:
        deal = await self.world.deal(incoming)
        order_id = deal.incoming.public_id
        if by_trader and deal.order is not None:
            trader = next(one for one in self.world.traders if deal.order and one.id == deal.order.trader_id)
            async with self.world.database.write() as session:
                await self.attempt(
                    order_service.cancel_order_for_trader(session, trader.actor, order_id, "no", self.world.rules)
                )
            return
        store = next(one for one in self.stores if one.id == deal.incoming.store_id)
        await self.attempt(gateway_service.cancel_payin(self.world.resources, store, str(order_id), "no"))

    async def confirm(self, incoming: int, *, times: int) -> None:
        """The trader presses once or several times; the model learns what it must have cost him."""
        outcomes = await asyncio.gather(*(self.attempt(self._confirm(incoming)) for _ in range(times)))
        won = [outcome for outcome in outcomes if outcome]
        assert len(won) <= 1, "an order completed twice"
        if not won:
            return
        assert incoming not in self.completed, "a completed order completed again"
        order = await self.world.order(incoming)
        store = next(one for one in self.stores if one.id == order.store_id)
        terms = Terms(
            Direction.PAY_IN, order.base_rate, store.rate_margin_percent, STORE_PERCENT, TRADER_PERCENT, 6
        )  # fmt: skip
        quote = calculate_quote(order.amount_agreed, terms)
        assert order.rate == quote.rate
        self.completed[incoming] = quote.trader_net

    async def _confirm(self, incoming: int) -> bool:
        if (await self.world.deal(incoming)).order is None:
            return False
        await self.world.confirm_by_trader(incoming)
        return True

    async def review(self, incoming: int, *, approve: bool) -> None:
        await self.attempt(self.world.decide_review(incoming, approve=approve))

    async def freeze(self) -> None:
        async with self.world.database.write() as session:
            await freeze_service.freeze(session, self.world.staff, reason="looked wrong")

    async def unfreeze(self) -> None:
        await self.attempt(self._unfreeze())

    async def _unfreeze(self) -> None:
        async with self.world.database.write() as session:
            await platform_service.unfreeze(session, self.world.staff, reason="looked")

    async def deposit(self, trader: int, amount: Decimal) -> None:
        chosen = self.world.traders[trader]
        if await self.attempt(self._deposit(trader, amount)):
            assert not chosen.test
            self.deposited += amount

    async def _deposit(self, trader: int, amount: Decimal) -> bool:
        await self.world.deposit(self.world.traders[trader], amount)
        return True

    async def switch_work(self, trader: int) -> None:
        async with self.world.database.write() as session:
            await session.execute(
                text("update traders set in_work = not in_work where id = :id"), {"id": self.world.traders[trader].id}
            )

    async def background(self, answer: int) -> None:
        """All that runs by the clock, beside each other."""
        world = self.world
        await asyncio.gather(
            world.expire_due(),
            world.expire_due(),
            world.roll_up(),
            audit_chain.append(world.database),
            posting_chain.append(world.database),
        )
        await world.relay()
        await world.deliver_callbacks(*[answer] * 5)

    # What must be true

    async def check(self) -> None:
        async with self.world.database.read() as session:
            violated = (await session.execute(EVERYTHING, {"since": "-infinity"})).all()
            processed = set(await session.scalars(text("select id from incoming_orders where status = 'processed'")))
        assert violated == []
        assert processed == self.completed.keys()
        live = [trader for trader in self.world.traders if not trader.test]
        total = Decimal(0)
        for trader in live:
            total += (await self.world.balance(AccountKey.trader_crypto(trader.id, CRYPTO, test=False))).total
        spent = Decimal(0)
        for incoming, cost in self.completed.items():
            if not (await self.world.deal(incoming)).incoming.test:
                spent += cost
        assert total == self.deposited - spent
