"""The whole platform as `jivapay up` runs it, with a shop outside of it, and the pids of the parts to be killed."""
# ruff: noqa: ANN401 - whatever a request may carry

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx2

from api.gateway.shop import Key, issue_key
from factories.world import World, make_world
from jivapay.config.clock import ShiftedClock
from jivapay.config.settings import Settings
from jivapay.embedded import describe_running
from jivapay.exceptions import JivaPayException
from jivapay.services.api_key_service import StoreContext
from jivapay.utils.failures import failure_of
from jivapay.utils.resources import open_resources
from support.invariants import find_violations

START_SECONDS = 60.0
RECOVERY_SECONDS = 60.0
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.1
ORDER_WORKERS = 2
NUMBERS = count(1)
GIVEN = {
    "ENV": "test",
    "JIVAPAY_CALLBACK_ALLOW_NETS": "127.0.0.0/8",
    "LOG_LEVEL": "WARNING",
    "PAYOUTS_EXECUTOR": "sandbox",
}
ASSIGNED = ("assigned", "pending")
CONFIRMED = ("client_payment_confirmed", "pending_trader_confirmation")


@contextmanager
def running_up(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`jivapay up` on `home` and the address it announces; stopped in order at the end."""
    argv = [sys.executable, "-m", "jivapay", "up", "--port", "0", "--home", str(home), "--workers", str(ORDER_WORKERS)]
    with (home.parent / "up.log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=log, text=True, env=_environment(), start_new_session=True
        )
    try:
        yield process, _address(process, home.parent / "up.log")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "JIVAPAY_PG_BIN") if name in os.environ}
    return kept | GIVEN


def _address(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if select.select([process.stdout], [], [], 0.2)[0]:
            line = process.stdout.readline()
            if line.startswith("ready "):
                return line.split()[1]
    raise AssertionError(f"not ready:\n{log.read_text(encoding='utf-8')[-3000:]}")


def children_of(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]
    return []


@dataclass
class Platform:
    """What a test breaks, and what it asks. `acknowledged` is the shop's own book: external id → statuses."""

    process: subprocess.Popen[str]
    home: Path
    world: World
    key: Key
    client: httpx2.AsyncClient
    acknowledged: dict[str, tuple[str, str | None]] = field(default_factory=dict)

    # Parts

    @property
    def postgres_pid(self) -> int:
        return int((self.home / "pgdata" / "postmaster.pid").read_text(encoding="utf-8").split()[0])

    @property
    def valkey_pid(self) -> int:
        return int((self.home / "valkey.pid").read_text(encoding="utf-8"))

    @property
    def processes(self) -> set[int]:
        """Our own, without the two servers."""
        return set(children_of(self.process.pid)) - {self.postgres_pid, self.valkey_pid}

    @property
    def orders_worker(self) -> tuple[int, list[int]]:
        """The main process of the worker for orders, and its pool: it alone has this many children."""
        for pid in self.processes:
            pool = children_of(pid)
            if len(pool) == ORDER_WORKERS:
                return pid, pool
        raise AssertionError("the worker for orders does not run")

    # The shop

    def body(self, **changes: Any) -> dict[str, Any]:
        """A pay-in of an amount nobody else asks for: a trader takes an amount once at a time."""
        number = next(NUMBERS)
        return {
            "external_order_id": f"F-{number}",
            "amount": f"{1000 + number}.00",
            "currency": "RUB",
            "payment_method": "card",
            **changes,
        }

    async def post(self, path: str, *, key: Key | None = None, **options: Any) -> httpx2.Response:
        headers = {"X-API-Key": (key or self.key).text}
        return await self.client.post(f"/gateway{path}", headers=headers, **options)

    async def init(self, *, key: Key | None = None, **changes: Any) -> dict[str, Any]:
        """An accepted pay-in; repeated, as shops do, until it is. The repetition makes no second one."""
        body = self.body(**changes)
        made = await self._insist("/payin/init", key=key, json=body)
        self.acknowledged.setdefault(body["external_order_id"], ("new", None))
        return made

    async def confirm(self, made: dict[str, Any], **options: Any) -> dict[str, Any]:
        confirmed = await self._insist(f"/payin/confirm/{made['order_id']}", **options)
        self.acknowledged[made["external_order_id"]] = CONFIRMED
        return confirmed

    async def _insist(self, path: str, **options: Any) -> dict[str, Any]:
        deadline = time.monotonic() + RECOVERY_SECONDS
        while True:
            try:
                answer = await self.post(path, **options)
            except httpx2.TransportError:
                answer = None
            if answer is not None and answer.status_code < 300:
                return dict(answer.json())
            said = "nothing" if answer is None else f"{answer.status_code} {answer.text}"
            if answer is not None and answer.status_code == 409 and path.startswith("/payin/confirm"):
                # An earlier, unanswered try was carried out.
                order_id = path.rpartition("/")[2]
                shown = await self.client.get(f"/gateway/payin/status/{order_id}", headers={"X-API-Key": self.key.text})
                if (shown.json()["status"], shown.json()["order_history_status"]) == CONFIRMED:
                    return dict(shown.json())
            assert answer is None or answer.status_code == 503, said
            assert time.monotonic() < deadline, said
            await asyncio.sleep(LOOK_SECONDS)

    # Looking

    async def statuses(self) -> dict[str, tuple[str, str | None]]:
        async with self.world.database.read() as session:
            connection = await session.connection()
            rows = await connection.exec_driver_sql(
                "select i.external_id, i.status, o.status from incoming_orders i"
                " left join orders o on o.id = i.assigned_order_id"
            )
            return {row[0]: (row[1], row[2]) for row in rows}

    async def all_assigned(self) -> bool:
        """Whether everything accepted has its requisite."""
        now = await self.statuses()
        return all(now[name] in {ASSIGNED, CONFIRMED} for name in self.acknowledged)

    async def recovered(self) -> None:
        """Nothing lost, nothing doubled, the books are right, and nobody has lent a hand."""
        await eventually(self.all_assigned)
        now = await self.statuses()
        for name, said in self.acknowledged.items():
            assert now[name] == (CONFIRMED if said == CONFIRMED else ASSIGNED), name
        assert await self.world.scalar("select count(*) from orders") == len(
            [statuses for statuses in now.values() if statuses[1] is not None]
        )
        await eventually(self._books_are_right)

    async def _books_are_right(self) -> bool:
        return await find_violations(self.world.database) == {}


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = RECOVERY_SECONDS) -> None:
    """Wait until it holds; a part that is away meanwhile is no answer."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if await holds():
                return
        except Exception as error:
            if not isinstance(failure_of(error), JivaPayException):
                raise
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def open_platform(home: Path, **store: Any) -> AsyncIterator[Platform]:
    """`up` on an empty home, two traders, a shop whose key is the platform's only caller."""
    with running_up(home) as (process, address):
        env = describe_running(home)
        assert env is not None
        settings = Settings.model_validate({name.lower(): value for name, value in (env | GIVEN).items()})
        async with (
            open_resources(settings, clock=ShiftedClock(), application_name="tests") as resources,
            httpx2.AsyncClient(base_url=address, timeout=30) as client,
        ):
            world = await make_world(resources, traders=2, **store)
            yield Platform(process, home, world, await issue_key(resources, world.store), client)


async def open_store(platform: Platform, **values: Any) -> tuple[StoreContext, Key]:
    store = await platform.world.add_store(**values)
    return store, await issue_key(platform.world.resources, store)
