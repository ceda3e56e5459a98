"""Where the time of one assignment goes: round trips, Python, waiting for PostgreSQL, and Python by package.

One process takes orders through `order_processor`, without broker: as a worker takes a message's, together; then one
after another by the clock, and again under the profiler, whose shares (not times) are kept.
"""

import cProfile
import pstats
import time
from collections import Counter
from dataclasses import dataclass

from asyncpg.connection import LoggedQuery  # type: ignore[import-untyped]  # ships no types
from sqlalchemy import AdaptedConnection, event

from benchmarks.ground import Ground
from jivapay.config.business_settings import BusinessSettings
from jivapay.config.logger import setup_logging
from jivapay.database.session import Database
from jivapay.domain.actors import Actor
from jivapay.domain.outcomes import Assigned
from jivapay.services import order_processor
from jivapay.worker.publisher import ORDERS_PER_MESSAGE

ORDERS_MAX = 300
PACKAGES = ("sqlalchemy", "asyncpg", "asyncio", "jivapay", "structlog", "pydantic", "orjson")


@dataclass(frozen=True, slots=True)
class Anatomy:
    together_wall_ms: float
    together_python_ms: float
    """An order of those that are assigned in one transaction."""
    wall_ms: float
    python_ms: float
    """An order in a transaction of its own."""
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
                f"{ORDERS_PER_MESSAGE} orders in one transaction, in one process: {self.together_wall_ms:.2f} ms each,"
                f" of which Python {self.together_python_ms:.2f} ms"
            ),
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
        seen = _count_statements(database)
        await _process(ground, database, min(count, 20))
        together = await _process_together(ground, database, count)
        seen.clear()
        wall, python = await _process(ground, database, count)
        statements = seen.copy()
        profile = cProfile.Profile(builtins=True)
        profile.enable()
        try:
            await _process(ground, database, count)
        finally:
            profile.disable()
    finally:
        await database.close()
    return Anatomy(
        together_wall_ms=together[0] / count * 1000,
        together_python_ms=together[1] / count * 1000,
        wall_ms=wall / count * 1000,
        python_ms=python / count * 1000,
        round_trips=statements.total() / count,
        statements={text: times / count for text, times in statements.items()},
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


async def _process_together(ground: Ground, database: Database, count: int) -> tuple[float, float]:
    """The same for orders that come in messages."""
    first = await ground.add_due_orders(count)
    rules, actor = BusinessSettings().model_copy(update={"rate_max_age_seconds": 86_400}), Actor.system("worker")
    started, started_python = time.perf_counter(), time.process_time()
    for start in range(first, first + count, ORDERS_PER_MESSAGE):
        message = range(start, min(start + ORDERS_PER_MESSAGE, first + count))
        assigned = await order_processor.assign_together(database, dict.fromkeys(message, actor), rules)
        if assigned != set(message):
            raise RuntimeError(f"of {message} only {assigned} were assigned")
    return time.perf_counter() - started, time.process_time() - started_python


def _count_statements(database: Database) -> Counter[str]:
    """Counts what goes to the server from now on, `begin` and `commit` among it, by its beginning."""
    seen: Counter[str] = Counter()

    def count(record: LoggedQuery) -> None:
        seen[" ".join(record.query.split())[:32]] += 1

    @event.listens_for(database.engine.sync_engine, "connect")
    def watch(connection: AdaptedConnection, _record: object) -> None:
        connection.driver_connection.add_query_logger(count)

    return seen


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
