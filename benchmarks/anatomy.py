"""Where the time of one assignment goes: round trips, Python, waiting for PostgreSQL, and Python by package.

One process takes orders one after another through `order_processor`, without broker: first by the clock, then under
the profiler, whose shares (not times) are kept.
"""

import cProfile
import pstats
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event

from benchmarks.ground import Ground
from jivapay.config.business_settings import BusinessSettings
from jivapay.config.logger import setup_logging
from jivapay.database.session import Database
from jivapay.domain.actors import Actor
from jivapay.domain.outcomes import Assigned
from jivapay.services import order_processor

ORDERS_MAX = 300
PACKAGES = ("sqlalchemy", "asyncpg", "asyncio", "jivapay", "structlog", "pydantic", "orjson")


@dataclass(frozen=True, slots=True)
class Anatomy:
    wall_ms: float
    python_ms: float
    round_trips: float
    statements: dict[str, float]
    """The beginnings of the statements → how often an order."""
    shares: dict[str, float]
    """Package → share of Python's time, under the profiler."""

    @property
    def waiting_ms(self) -> float:
        return self.wall_ms - self.python_ms

    def lines(self) -> list[str]:
        shares = ", ".join(f"{package} {share:.0%}" for package, share in self.shares.items() if share >= 0.01)
        statements = ", ".join(f"{count:.3g} × {text}" for text, count in self.statements.items())
        return [
            (
                f"one order after another in one process: {self.wall_ms:.2f} ms each, of which Python"
                f" {self.python_ms:.2f} ms and waiting for PostgreSQL {self.waiting_ms:.2f} ms;"
                f" {self.round_trips:.3g} round trips: {statements}"
            ),
            f"Python's time by package, under the profiler: {shares}",
        ]


async def look_into(ground: Ground, orders: int) -> Anatomy:
    count = min(orders, ORDERS_MAX)
    setup_logging("WARNING")  # an entry an order belongs to a worker's log and not between the figures
    database = Database(ground.settings.async_database_url, pool_size=1, application_name="benchmark", keeps_plans=True)
    try:
        await _process(ground, database, min(count, 20))
        statements = _Statements(database)
        wall, python = await _process(ground, database, count)
        seen = statements.end()
        profile = cProfile.Profile(builtins=True)
        profile.enable()
        try:
            await _process(ground, database, count)
        finally:
            profile.disable()
    finally:
        await database.close()
    return Anatomy(
        wall_ms=wall / count * 1000,
        python_ms=python / count * 1000,
        round_trips=seen.total() / count,
        statements={text: times / count for text, times in seen.items()},
        shares=_shares(profile),
    )


async def _process(ground: Ground, database: Database, count: int) -> tuple[float, float]:
    """Wall and processor seconds of `count` orders, one at a time."""
    first = await ground.add_due_orders(count)
    rules, actor = BusinessSettings().model_copy(update={"rate_max_age_seconds": 86_400}), Actor.system("worker")
    started, started_python = time.perf_counter(), time.process_time()
    for order_id in range(first, first + count):
        outcome = await order_processor.process_incoming_order(database, order_id, rules, actor)
        if not isinstance(outcome, Assigned):
            raise TypeError(f"order {order_id} was not assigned: {outcome}")
    return time.perf_counter() - started, time.process_time() - started_python


class _Statements:
    """Counts what goes to the server, `begin` and `commit` among it."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine.sync_engine
        self._seen: Counter[str] = Counter()
        event.listen(self._engine, "begin", self._began)
        event.listen(self._engine, "commit", self._committed)
        event.listen(self._engine, "before_cursor_execute", self._executes)

    def end(self) -> Counter[str]:
        event.remove(self._engine, "begin", self._began)
        event.remove(self._engine, "commit", self._committed)
        event.remove(self._engine, "before_cursor_execute", self._executes)
        return self._seen

    def _began(self, _connection: object) -> None:
        self._seen["begin"] += 1

    def _committed(self, _connection: object) -> None:
        self._seen["commit"] += 1

    def _executes(self, _connection: object, _cursor: object, statement: str, *_: Any) -> None:  # noqa: ANN401 - an event's
        self._seen[" ".join(statement.split())[:32]] += 1


def _shares(profile: cProfile.Profile) -> dict[str, float]:
    """Time in a function itself, by package; what waits for the network is left out."""
    spent: Counter[str] = Counter()
    for (file, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if "poll" not in name:
            spent[_package(file)] += own
    total = sum(spent.values())
    return {package: own / total for package, own in spent.most_common()}


def _package(file: str) -> str:
    if file == "~":
        return "built-in"
    for package in PACKAGES:
        if f"/{package}/" in file:
            return package
    return "other"
