"""Random shops, customers, traders, staff and time, with every invariant after each step.

`JIVAPAY_MODEL=long` plays for a quarter of an hour instead of a minute.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from model.play import Play
from support.databases import Cluster

LONG = os.environ.get("JIVAPAY_MODEL") == "long"
EXAMPLES, STEPS = (200, 60) if LONG else (25, 20)

SIZES = ("1000.00", "1000.00", "1000.01", "2500.00", "2500.00", "4750.00", "7000", "9500")
AMOUNTS = st.sampled_from([Decimal(amount) for amount in SIZES])
"""Of these 7 000 goes to a person and 9 500 is denied."""
PAUSES = st.sampled_from([1, 3, 30, 310, 901, 1801, 3600, 86_401])
CUSTOMERS = st.sampled_from(["u-1", "u-2", "u-3"])
WHICH = st.integers(0, 11)


class Platform(RuleBasedStateMachine):
    """Synchronous outside, one event loop inside; each run has a database of its own."""

    open_play: Callable[[], Play]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.play = self.open_play()
        self.run(self.play.open())

    def run(self, move: Awaitable[Any]) -> None:
        async def moved() -> None:
            await move

        self.runner.run(moved())

    def one(self, which: int) -> int:
        return self.play.incoming[which % len(self.play.incoming)]

    def teardown(self) -> None:
        self.run(self.play.close())
        self.runner.close()

    @initialize(amounts=st.lists(AMOUNTS, min_size=3, max_size=5))
    def begin(self, amounts: list[Decimal]) -> None:
        """Something is going on everywhere already."""
        for number, amount in enumerate(amounts):
            self.run(self.play.ask(amount, number % 3, f"u-{number}", hosted=number != 1, again=False))
            self.run(self.play.process(self.play.incoming[-1], workers=1))

    @rule(
        amount=AMOUNTS,
        store=st.integers(0, 2),
        customer=st.sampled_from(["u-1", "u-2", "u-3"]),
        hosted=st.booleans(),
        again=st.booleans(),
    )
    def a_shop_asks(self, amount: Decimal, store: int, customer: str, *, hosted: bool, again: bool) -> None:
        self.run(self.play.ask(amount, store, customer, hosted=hosted, again=again))
        if self.play.incoming:
            self.run(self.play.process(self.play.incoming[-1], workers=1))

    @rule(which=WHICH, workers=st.integers(1, 2))
    def a_worker_looks_for_a_requisite(self, which: int, workers: int) -> None:
        self.run(self.play.process(self.one(which), workers=workers))

    @rule(which=WHICH)
    def a_worker_s_attempt_is_lost(self, which: int) -> None:
        self.run(self.play.fail_processing(self.one(which)))

    @rule(which=WHICH, receipt=st.booleans(), lost=st.booleans())
    def a_payer_confirms(self, which: int, *, receipt: bool, lost: bool) -> None:
        self.run(self.play.pay(self.one(which), receipt=receipt, lost=lost))

    @rule(which=WHICH, by_trader=st.booleans())
    def somebody_cancels(self, which: int, *, by_trader: bool) -> None:
        self.run(self.play.cancel(self.one(which), by_trader=by_trader))

    @rule(which=WHICH, times=st.integers(1, 3))
    def a_trader_confirms(self, which: int, times: int) -> None:
        self.run(self.play.confirm(self.one(which), times=times))

    @rule(which=WHICH, pause=st.sampled_from([0, 901, 1801]))
    def a_deal_goes_its_way(self, which: int, pause: int) -> None:
        self.run(self.play.pay(self.one(which), receipt=True, lost=False))
        self.run(self.play.world.advance(pause))
        self.run(self.play.background(200))
        self.run(self.play.confirm(self.one(which), times=2))

    @rule(which=WHICH, approve=st.booleans())
    def staff_decides_a_review(self, which: int, *, approve: bool) -> None:
        self.run(self.play.review(self.one(which), approve=approve))

    @rule(seconds=PAUSES, fresh=st.booleans(), watched=st.booleans())
    def time_goes_by(self, seconds: int, *, fresh: bool, watched: bool) -> None:
        self.run(self.play.world.advance(seconds, fresh_rate=fresh))
        if watched:
            self.run(self.play.background(200))

    @rule(answer=st.sampled_from([200, 500]))
    def the_background_runs(self, answer: int) -> None:
        self.run(self.play.background(answer))

    @rule(rate=st.sampled_from([Decimal("92.50"), Decimal("91.37"), Decimal("93.99999999")]))
    def the_rate_moves(self, rate: Decimal) -> None:
        self.run(self.play.world.set_rate(rate))

    @rule(trader=st.integers(0, 2), amount=st.sampled_from([Decimal(50), Decimal("0.000001")]))
    def a_trader_deposits(self, trader: int, amount: Decimal) -> None:
        self.run(self.play.deposit(trader, amount))

    @rule(trader=st.integers(0, 2))
    def a_trader_comes_or_goes(self, trader: int) -> None:
        self.run(self.play.switch_work(trader))

    @rule(lift=st.sampled_from([True, True, False]))
    def money_is_frozen_or_freed(self, *, lift: bool) -> None:
        self.run(self.play.unfreeze() if lift else self.play.freeze())

    @invariant()
    @precondition(lambda self: bool(self.play.incoming))
    def everything_holds(self) -> None:
        self.run(self.play.check())


@pytest.mark.timeout(3600 if LONG else 600)
def test_whatever_happens_every_invariant_holds(stack: dict[str, str], cluster: Cluster) -> None:
    def machine() -> Platform:
        return Platform()

    Platform.open_play = staticmethod(lambda: Play(stack, cluster))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=True,
            phases=[Phase.generate, Phase.shrink] if LONG else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
