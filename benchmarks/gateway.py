"""P4: `POST /gateway/payin/init` on one server process, against a bare route that reads the key and inserts a row."""

import asyncio
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from urllib.error import URLError

from rich.console import Console
from sqlalchemy import select

from benchmarks.figures import Figure, median_ratio, spread
from benchmarks.ground import Ground
from benchmarks.load import Load, drive
from benchmarks.machine import PROCESSORS, load_average
from jivapay.config.settings import Settings
from jivapay.database.models.people import MerchantStore
from jivapay.embedded.server import free_port
from jivapay.security.store_auth import api_key_pepper
from jivapay.services import api_key_service
from jivapay.utils.resources import open_resources

GOAL = 0.6
START_SECONDS = 30.0
SERVE_BARE = (
    "import sys; from jivapay.cli.processes import serve;"
    " serve('benchmarks.bare_app', host='127.0.0.1', port=int(sys.argv[1]), drain=1)"
)
"""The same server with the same options."""


@dataclass(frozen=True, slots=True)
class Sizes:
    connections: int
    seconds: float
    rounds: int
    use_wrk: bool = True


async def measure(ground: Ground, sizes: Sizes, console: Console) -> Figure:
    keys = await _issue_keys(ground.settings)
    before = await _accepted(ground)
    ours: list[Load] = []
    theirs: list[Load] = []
    own_port, bare_port = free_port(), free_port()
    with (
        ground.product("serve", "gateway", "--port", str(own_port)),
        _bare(ground, bare_port),
    ):
        for port in (own_port, bare_port):
            await asyncio.to_thread(_wait_for, port)
            await drive(port, keys, connections=sizes.connections, seconds=1, use_wrk=sizes.use_wrk)
        before = await _accepted(ground)
        for number in range(sizes.rounds):
            for port, side in ((own_port, ours), (bare_port, theirs)):
                load = await drive(
                    port, keys, connections=sizes.connections, seconds=sizes.seconds, use_wrk=sizes.use_wrk
                )
                side.append(load)
            console.print(
                f"P4 round {number + 1}: {ours[-1].per_second:,.0f} against {theirs[-1].per_second:,.0f} a second,"
                f" load {load_average():.1f}",
                highlight=False,
            )
    accepted = await _accepted(ground) - before
    ratio = median_ratio([load.per_second for load in ours], [load.per_second for load in theirs])
    return Figure(
        "P4",
        "POST /gateway/payin/init, one server process",
        f"{statistics.median(load.per_second for load in ours):,.0f}/s, p99 {_p99(ours):.0f} ms",
        f"{statistics.median(load.per_second for load in theirs):,.0f}/s, p99 {_p99(theirs):.0f} ms: a bare FastAPI"
        " route over asyncpg that reads the key and inserts one row",
        f"{ratio:.2f}",
        f"≥ {GOAL}",
        met=ratio >= GOAL,
        notes=[
            (
                f"{sizes.rounds} rounds of {sizes.seconds:.0f} s, interleaved, {sizes.connections} connections,"
                f" by {ours[0].generator}: {spread([load.per_second for load in ours])} against"
                f" {spread([load.per_second for load in theirs])};"
                f" the generator takes {_share(ours):.0%} of {PROCESSORS}"
                f" processors (yardstick {_share(theirs):.0%});"
                f" refused {sum(load.refused for load in ours)} and"
                f" {sum(load.refused for load in theirs)}"
            )
        ],
        detail={
            "accepted": accepted,
            "rounds": [asdict(load) for load in ours],
            "yardstick_rounds": [asdict(load) for load in theirs],
        },
    )


def _p99(loads: list[Load]) -> float:
    return statistics.median(load.p99_ms for load in loads)


def _share(loads: list[Load]) -> float:
    return statistics.median(load.processor_seconds / (load.seconds * PROCESSORS) for load in loads)


async def _issue_keys(settings: Settings) -> list[str]:
    """A key for every store, so that no key meets its rate limit."""
    async with open_resources(settings) as resources, resources.database.write() as session:
        stores = (await session.scalars(select(MerchantStore))).all()
        return [
            (
                await api_key_service.issue(
                    session,
                    store,
                    name="benchmark",
                    scopes=["payin"],
                    networks=[],
                    pepper=api_key_pepper(settings),
                    cipher=resources.cipher,
                )
            ).key
            for store in stores
        ]


async def _accepted(ground: Ground) -> int:
    count: int = await ground.owner.fetchval("select count(*) from incoming_orders")
    return count


@contextmanager
def _bare(ground: Ground, port: int) -> Iterator[None]:
    argv = [sys.executable, "-c", SERVE_BARE, str(port)]
    with subprocess.Popen(argv, env=os.environ, stdout=ground.log, stderr=ground.log) as process:
        try:
            yield
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    """Until anything answers; a 404 does."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=1).close()
        except URLError as error:
            if hasattr(error, "code"):
                return
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing answers on port {port}")
