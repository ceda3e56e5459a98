"""Random shops, customers, traders, staff and time, with every invariant after each step.

Whoever moves makes one of the moves (`moves.py`), two or three at once, or the next one of a walk (`walks.py`) that he
is in the middle of. `JIVAPAY_MODEL=200` plays at least two hundred histories, for a quarter of an hour or longer,
instead of a few for some seconds. Each walk opens as many of them, and they must then have taken every transition of
the printed tables.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from model.coverage import PRINTED, Taken, assert_complete
from model.play import Play
from model.telling import MOVES, WALKS
from support.databases import Cluster

HISTORIES = int(os.environ.get("JIVAPAY_MODEL", "0"))
LONG = HISTORIES > 0
EXAMPLES, STEPS = (-(-HISTORIES // len(WALKS)), 60) if LONG else (3, 25)

SIZES = ("1000.00", "1000.00", "1000.01", "2500.00", "2500.00", "4750.00", "7000", "9500")
AMOUNTS = st.sampled_from([Decimal(amount) for amount in SIZES])
"""Of these 7 000 goes to a person and 9 500 is denied."""
PAUSES = st.sampled_from([1, 3, 30, 310, 901, 1801, 3600, 86_401])
WHICH = st.integers(0, 11)
MOVE = st.sampled_from(list(MOVES))
WALK = st.sampled_from(list(WALKS))


class Platform(RuleBasedStateMachine):
    """Synchronous outside, one event loop inside; each run has a database of its own."""

    open_play: Callable[[], Play]
    opening: str | None = None
    """The walk that every history begins with; any when None."""
    taken: Taken

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.play = self.open_play()
        self.run(self.play.open())

    def run(self, move: Awaitable[Any]) -> Any:  # noqa: ANN401 - whatever comes of it
        async def moved() -> Any:  # noqa: ANN401
            return await move

        return self.runner.run(moved())

    def teardown(self) -> None:
        self.taken.update(self.run(self.play.close()))
        self.runner.close()

    @initialize(amounts=st.lists(AMOUNTS, min_size=3, max_size=5), walk=WALK)
    def begin(self, amounts: list[Decimal], walk: str) -> None:
        """Something is going on everywhere already."""
        self.go_on(self.opening or walk, 12)
        for number, amount in enumerate(amounts):
            self.run(self.play.ask(amount, number % 3, f"u-{number}", hosted=number != 1, again=False))
        self.run(self.play.make(["a_shop_pays_out"], 0))

    @rule(
        amount=AMOUNTS,
        store=st.integers(0, 2),
        customer=st.sampled_from(["u-1", "u-2", "u-3"]),
        hosted=st.booleans(),
        again=st.booleans(),
    )
    def a_shop_asks(self, amount: Decimal, store: int, customer: str, *, hosted: bool, again: bool) -> None:
        self.run(self.play.ask(amount, store, customer, hosted=hosted, again=again))

    @rule(move=MOVE, which=WHICH)
    def somebody_moves(self, move: str, which: int) -> None:
        self.run(self.play.make([move], which))

    @rule(move=MOVE, which=WHICH)
    def somebody_else_moves(self, move: str, which: int) -> None:
        self.run(self.play.make([move], which))

    @rule(move=MOVE, which=WHICH, times=st.integers(2, 3))
    def somebody_presses_often(self, move: str, which: int, times: int) -> None:
        self.run(self.play.make([move] * times, which))

    @rule(moves=st.lists(MOVE, min_size=2, max_size=3), which=WHICH)
    def several_move_at_once(self, moves: list[str], which: int) -> None:
        self.run(self.play.make(moves, which))

    def go_on(self, walk: str, moves: int) -> None:
        for _ in range(moves):
            if self.run(self.play.go_on(walk)):
                break

    @rule(walk=WALK, moves=st.integers(1, 4))
    def somebody_goes_his_way(self, walk: str, moves: int) -> None:
        self.go_on(walk, moves)

    @rule(walk=WALK)
    def somebody_goes_his_way_to_its_end(self, walk: str) -> None:
        self.go_on(walk, 12)

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

    @rule(trader=st.integers(0, 2))
    def a_trader_comes_or_goes(self, trader: int) -> None:
        self.run(self.play.switch_work(trader))

    @rule(lift=st.sampled_from([True, True, True, False]))
    def money_is_frozen_or_freed(self, *, lift: bool) -> None:
        self.run(self.play.unfreeze() if lift else self.play.freeze())

    @invariant()
    def everything_holds(self) -> None:
        self.run(self.play.check())


@pytest.mark.timeout(7200 if LONG else 600)
def test_whatever_happens_every_invariant_holds(stack: dict[str, str], cluster: Cluster) -> None:
    Platform.open_play = staticmethod(lambda: Play(stack, cluster))
    Platform.taken = set()
    for opening in WALKS if LONG else [None]:
        Platform.opening = opening
        run_state_machine_as_test(
            Platform,
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
    if LONG:
        assert_complete(Platform.taken)
    else:
        assert Platform.taken <= PRINTED
