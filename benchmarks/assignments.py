"""P1: assignments per second of the shipped workers, against the server writing the same rows by itself."""

import asyncio
import os
import re
import resource
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass

from rich.console import Console

from benchmarks.anatomy import look_into
from benchmarks.figures import Figure, median_ratio, spread
from benchmarks.ground import REQUISITES, STORES, TRADERS, Ground, libpq_environment
from benchmarks.machine import PROCESSORS, load_average, processor_seconds
from jivapay.embedded.postgres import find_binaries
from jivapay.worker.app import make_app
from jivapay.worker.publisher import Publisher

GOAL = 0.35
WORKER_PROCESSES = 2
CLIENTS = 8
WARM_UP = 200
POLL_SECONDS = 0.01
ROUND_SECONDS_MAX = 60.0

UNASSIGNED = "select count(*) from incoming_orders where status in ('new', 'retrying') and next_attempt_at is not null"
WRITTEN = """
select (select count(*) from incoming_orders where status = 'assigned') as assigned,
       (select count(*) from orders) as orders, (select count(*) from holds) as holds,
       (select count(*) from audit_log) as audit_log, (select count(*) from callback_deliveries) as callback_deliveries,
       (select count(*) from status_history) as status_history
"""


@dataclass(frozen=True, slots=True)
class Round:
    """One side of one round. The processor times are milliseconds an order."""

    per_second: float
    python_ms: float
    postgres_ms: float
    valkey_ms: float
    generator_ms: float
    generator_share: float
    """Of all processors, while the round ran."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Orders of one round on each side, and how many rounds."""

    orders: int
    yardstick_orders: int
    rounds: int


async def measure(ground: Ground, sizes: Sizes, console: Console) -> Figure:
    ours: list[Round] = []
    theirs: list[Round] = []
    written: list[dict[str, int]] = []
    publisher = Publisher(make_app(ground.settings))
    with ground.product("worker", "--queues", "orders", "--concurrency", str(WORKER_PROCESSES)) as worker:
        await _assign(ground, publisher, worker.pid, min(WARM_UP, sizes.orders))
        for number in range(sizes.rounds):
            before = await _count(ground)
            ours.append(await _assign(ground, publisher, worker.pid, sizes.orders))
            between = await _count(ground)
            theirs.append(await _drive_yardstick(ground, sizes.yardstick_orders))
            written += [_difference(before, between), _difference(between, await _count(ground))]
            console.print(
                f"P1 round {number + 1}: {ours[-1].per_second:,.0f} against {theirs[-1].per_second:,.0f} a second,"
                f" load {load_average():.1f}",
                highlight=False,
            )
    anatomy = await look_into(ground, sizes.orders)
    ratio = median_ratio([side.per_second for side in ours], [side.per_second for side in theirs])
    return Figure(
        "P1",
        "assignments per second, 2 worker processes",
        f"{statistics.median(side.per_second for side in ours):,.0f}/s",
        f"{statistics.median(side.per_second for side in theirs):,.0f}/s: the same rows by one server-side function",
        f"{ratio:.2f}",
        f"≥ {GOAL}",
        met=ratio >= GOAL,
        notes=[
            (
                f"{sizes.rounds} rounds of {sizes.orders:,} orders (yardstick {sizes.yardstick_orders:,}), interleaved;"
                f" {TRADERS} traders, {REQUISITES:,} requisites, {STORES} stores;"
                f" {spread([side.per_second for side in ours])} against {spread([side.per_second for side in theirs])}"
            ),
            _processors("the workers", ours, "the benchmark, which publishes and waits"),
            _processors("the yardstick", theirs, "pgbench with 8 clients"),
            *anatomy.lines(),
        ],
        detail={
            "rounds": [asdict(side) for side in ours],
            "yardstick_rounds": [asdict(side) for side in theirs],
            "written": written[0],
            "written_by_yardstick": written[1],
            "anatomy": asdict(anatomy),
        },
    )


def _processors(who: str, rounds: list[Round], generator: str) -> str:
    def median(name: str) -> float:
        return float(statistics.median(getattr(side, name) for side in rounds))

    return (
        f"processor time an order with {who}: Python {median('python_ms'):.2f} ms,"
        f" PostgreSQL {median('postgres_ms'):.2f} ms, Valkey {median('valkey_ms'):.2f} ms;"
        f" {generator}: {median('generator_ms'):.2f} ms, {median('generator_share'):.0%} of {PROCESSORS} processors"
    )


async def _assign(ground: Ground, publisher: Publisher, worker: int, count: int) -> Round:
    """Offer `count` due orders to the workers and wait until every one has a requisite."""
    first = await ground.add_due_orders(count)
    times = _Times(ground, worker)
    await publisher.offer_orders([(order_id, None) for order_id in range(first, first + count)])
    async with asyncio.timeout(ROUND_SECONDS_MAX):
        while await ground.owner.fetchval(UNASSIGNED):  # noqa: ASYNC110 - the workers are other processes
            await asyncio.sleep(POLL_SECONDS)
    return times.end(count)


async def _drive_yardstick(ground: Ground, count: int) -> Round:
    first = await ground.add_due_orders(count)
    await ground.owner.execute(f"alter sequence bench_due restart with {first}")
    times = _Times(ground, None)
    done = await _pgbench(ground, count // CLIENTS)
    if await ground.owner.fetchval(UNASSIGNED) != count % CLIENTS:
        raise RuntimeError(f"the yardstick left orders behind: {done}")
    await ground.owner.execute("update incoming_orders set next_attempt_at = null where status = 'new'")
    return times.end(count - count % CLIENTS, per_second=_rate(done))


async def _pgbench(ground: Ground, each: int) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write("select bench_assign(nextval('bench_due'));\n")
        script.flush()
        argv = ["-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1", "-t", str(each), "-f", script.name]
        process = await asyncio.create_subprocess_exec(
            find_binaries() / "pgbench",
            *argv,
            env=os.environ | libpq_environment(ground.stack.env["DATABASE_OWNER_URL"]),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
    return said.decode()


def _rate(said: str) -> float:
    """The figure of pgbench itself, without the time its clients take to connect."""
    match = re.search(r"tps = ([\d.]+)", said)
    if match is None:
        raise RuntimeError(f"pgbench failed: {said}")
    return float(match[1])


async def _count(ground: Ground) -> dict[str, int]:
    return dict(await ground.owner.fetchrow(WRITTEN))


def _difference(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after}


class _Times:
    """Wall and processor time from here to `end`."""

    def __init__(self, ground: Ground, worker: int | None) -> None:
        self._ground = ground
        self._worker = worker
        self._before = self._read()
        self._started = time.perf_counter()

    def _read(self) -> dict[str, float]:
        servers = self._ground.servers
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            "python": processor_seconds([self._worker] if self._worker else []),
            "postgres": processor_seconds([servers["postgres"]]),
            "valkey": processor_seconds([servers["valkey"]]),
            "generator": time.process_time() + children.ru_utime + children.ru_stime,
        }

    def end(self, count: int, *, per_second: float | None = None) -> Round:
        wall = time.perf_counter() - self._started
        spent = {name: after - self._before[name] for name, after in self._read().items()}
        each = {name: seconds / count * 1000 for name, seconds in spent.items()}
        return Round(
            per_second=per_second if per_second is not None else count / wall,
            python_ms=each["python"],
            postgres_ms=each["postgres"],
            valkey_ms=each["valkey"],
            generator_ms=each["generator"],
            generator_share=spent["generator"] / (wall * PROCESSORS),
        )
