"""What the model test plays: one platform in one database, moves of everybody on it, and what must come of them.

Every move is one that somebody could make at any moment. A refusal (`JivaPayException`) is an answer like any
other; what is not allowed is any other exception, a violated invariant, or money that differs from the model's.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import text

from factories import disputes, payout_requests
from factories.world import SYSTEM, World, make_world
from jivapay.config.clock import ShiftedClock
from jivapay.config.settings import Settings
from jivapay.database.session import Database
from jivapay.domain.commissions import Terms, calculate_quote
from jivapay.exceptions import JivaPayException
from jivapay.schemas_enums.enums import Direction
from jivapay.services import (
    approval_service,
    audit_chain,
    freeze_service,
    payout_service,
    platform_service,
    posting_chain,
)
from jivapay.utils.resources import open_resources
from jivapay.utils.s3_client import MemoryStorage
from model.coverage import Taken, begin_to_count, taken_on
from model.telling import MOVES, WALKS
from model.walks import Otherwise, Stage, Story, make_stage
from support.databases import Cluster
from support.invariants import AT_REST

T = TypeVar("T")

DEPOSIT = Decimal(300)
"""Small: orders must meet an empty deposit now and then."""
FUNDS = Decimal(100)
FOUR_EYES = Decimal(60)
"""Small, too: a few decisions of a day need nobody else, and then all of them do."""
LIMITS = {
    "pay_out": True,
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

SETTLED = text("""
select direction, store_id, trader_id, amount_fiat, base_rate from orders where status = 'completed' and not test
""")
CAME_AND_WENT = text("""
select owner_type, owner_id, amount from deposits where status = 'posted'
union all
select owner_type, owner_id, -(amount + network_fee) from withdrawals where status = 'sent'
""")
AT_THE_PLATFORM_S_COST = text("""
select owner_type, owner_id, amount from balance_adjustments where status = 'posted' and not test
union all
select a.owner_type, a.owner_id, c.outstanding from covers c join accounts a on a.id = c.account_id where not a.test
""")
BALANCES = text("""
select a.owner_type, a.owner_id, sum(p.amount) from postings p join accounts a on a.id = p.account_id
 where a.kind = 'crypto' and a.owner_type <> 'world' and not a.test
 group by a.owner_type, a.owner_id
""")
Owner = tuple[str, int | None]
PLATFORM: Owner = ("platform", None)


class Play:
    """Owns its database and its connections; `close` gives them back."""

    def __init__(self, stack: dict[str, str], cluster: Cluster) -> None:
        self.stack, self.cluster = stack, cluster.for_another_loop()
        self.exits = AsyncExitStack()
        self.processed: set[int] = set()
        """Incoming orders whose shop was told that they are paid."""
        self.walk: Story | None = None
        """What somebody is in the middle of."""

    async def open(self) -> None:
        self.exits.push_async_callback(self.cluster.close)
        name = await self.exits.enter_async_context(self.cluster.clone())
        await begin_to_count(self.cluster.owner_url_of(name))
        urls = {"DATABASE_URL": self.cluster.url_of(name), "DATABASE_OWNER_URL": self.cluster.owner_url_of(name)}
        given = {**self.stack, **urls, "ENV": "test"}
        settings = Settings.model_validate({key.lower(): value for key, value in given.items()})
        clock = ShiftedClock()
        resources = await self.exits.enter_async_context(
            open_resources(settings, clock=clock, storage=MemoryStorage(), application_name="model")
        )
        world = await make_world(
            resources, traders=2, requisites=2, deposit=DEPOSIT, limits=LIMITS, settings=SETTINGS,
            callback_url="https://shop.example/hook", pay_out_enabled=True,
        )  # fmt: skip
        self.stores = [world.store, await world.add_store(rate_margin_percent=MARGIN), await world.add_store(test=True)]
        await world.add_trader(test=True, limits=LIMITS)
        await world.fund(FUNDS)
        self.stage: Stage = await make_stage(world, *self.stores[1:])
        await world.change_settings(FOUR_EYES_AMOUNT=FOUR_EYES)
        # Asked after every step: planned once.
        self.asking = Database(settings.async_database_url, pool_size=1, clock=clock, keeps_plans=True)
        self.exits.push_async_callback(self.asking.close)

    @property
    def world(self) -> World:
        return self.stage.world

    async def close(self) -> Taken:
        """What was taken of the printed tables."""
        taken = await taken_on(self.world.database)
        await self._end_walk()
        await self.exits.aclose()
        return taken

    # Moves

    async def attempt(self, move: Awaitable[T]) -> T | None:
        """None when the move was refused, or there was nothing to move."""
        try:
            return await move
        except (JivaPayException, Otherwise):
            return None

    async def make(self, names: Sequence[str], which: int) -> None:
        """The named moves, all at once."""
        await asyncio.gather(*(self.attempt(MOVES[name](self.stage, which)) for name in names))

    async def ask(self, amount: Decimal, store: int, customer: str, *, hosted: bool, again: bool) -> None:
        """A shop's request, delivered twice at once when `again`."""
        number = next(self.world.numbers)
        fields = {"external_order_id": f"M-{number}", "request_hash": b"%d" % number, "customer_id": customer}
        asked = [self.world.accept(amount, store=self.stores[store], hosted=hosted, **fields) for _ in range(1 + again)]
        made = {found for found in await asyncio.gather(*map(self.attempt, asked)) if found is not None}
        assert len(made) <= 1, "one request made two orders"
        for incoming in made:
            await self.attempt(self.world.process(incoming))

    async def go_on(self, name: str) -> bool:
        """The next move of the walk that somebody is in the middle of; if nobody is, the first one of this one.

        True when it was the last one.
        """
        if self.walk is None:
            self.walk = WALKS[name](self.stage)
        try:
            await anext(self.walk)
        except (JivaPayException, Otherwise, StopAsyncIteration):
            await self._end_walk()
        return self.walk is None

    async def _end_walk(self) -> None:
        if self.walk is not None:
            await self.walk.aclose()
            self.walk = None

    async def freeze(self) -> None:
        async with self.world.database.write() as session:
            await freeze_service.freeze(session, self.world.staff, reason="looked wrong")

    async def unfreeze(self) -> None:
        await self.attempt(self._unfreeze())

    async def _unfreeze(self) -> None:
        async with self.world.database.write() as session:
            await platform_service.unfreeze(session, self.world.staff, reason="looked")

    async def switch_work(self, trader: int) -> None:
        async with self.world.database.write() as session:
            await session.execute(
                text("update traders set in_work = not in_work where id = :id"), {"id": self.world.traders[trader].id}
            )

    async def background(self, answer: int) -> None:
        """All that runs by the clock, beside each other."""
        world = self.world
        async with world.database.read() as session:
            frozen = await freeze_service.is_frozen(session)
        await asyncio.gather(
            world.expire_due(),
            world.expire_due(),
            world.roll_up(),
            world.clear_due(),
            disputes.expire_turns(world),
            disputes.top_up(world),
            approval_service.lapse_overtaken(world.database, SYSTEM),
            audit_chain.append(world.database),
            posting_chain.append(world.database),
        )
        if not frozen:
            await disputes.repay_covers(world)
        await payout_requests.execute_told(world)
        async with world.database.read() as session:
            due = await payout_service.list_due_payouts(session, limit=20)
        for payout_id, _ in due:
            await payout_requests.execute(world, payout_id)
        await world.relay()
        await world.deliver_callbacks(*[answer] * 5)

    # What must be true

    async def check(self) -> None:
        async with self.asking.read() as session:
            violated = (await session.execute(EVERYTHING, {"since": "-infinity"})).all()
            processed = set(await session.scalars(text("select id from incoming_orders where status = 'processed'")))
            balances = {(row[0], row[1]): row[2] for row in await session.execute(BALANCES)}
            expected = await self._expected()
        assert violated == []
        assert self.processed <= processed, "a shop that ships on `processed` was told otherwise afterwards"
        self.processed = processed
        assert {owner: sum_ for owner, sum_ in balances.items() if sum_} == expected

    async def _expected(self) -> dict[Owner, Decimal]:
        """Whose is what, from what came and went and from the completed orders alone, computed anew."""
        sums: defaultdict[Owner, Decimal] = defaultdict(Decimal)
        margins = {store.id: store.rate_margin_percent for store in self.stores}
        async with self.world.database.read() as session:
            for owner_type, owner_id, amount in await session.execute(CAME_AND_WENT):
                sums[owner_type, owner_id] += amount
            for owner_type, owner_id, amount in await session.execute(AT_THE_PLATFORM_S_COST):
                sums[owner_type, owner_id] += amount
                sums[PLATFORM] -= amount
            for direction, store_id, trader_id, amount, base_rate in await session.execute(SETTLED):
                is_pay_in = direction == Direction.PAY_IN
                terms = Terms(Direction(direction), base_rate, margins[store_id], STORE_PERCENT, TRADER_PERCENT, 6)
                quote = calculate_quote(amount, terms)
                sums["store", store_id] += quote.store_net if is_pay_in else -quote.store_net
                sums["trader", trader_id] += -quote.trader_net if is_pay_in else quote.trader_net
                sums[PLATFORM] += quote.platform_profit
        return {owner: amount for owner, amount in sums.items() if amount}
