"""Parts of a running platform die, hang or forget; it goes on by itself, and no promise is broken (F01 to F29).

One platform for the whole module: every test leaves it as the next one needs it, recovered.
"""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from faults.platform import ASSIGNED, CONFIRMED, Platform, eventually, open_platform, open_store
from jivapay.worker.app import make_app
from jivapay.worker.publisher import Publisher
from support.invariants import find_violations
from support.receipt_files import picture
from support.sink import Sink

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

DOWN_SECONDS = 3.0
ACKNOWLEDGING_SECONDS = 5.0
LOAD_SECONDS = 6.0
SHOPS = 4


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Platform]:
    folder = Path(tempfile.mkdtemp(prefix="jivapay-test-"))
    os.chmod(folder, 0o711)  # noqa: PTH101, S103 - PostgreSQL, another account, must get through
    try:
        async with open_platform(folder / "home") as opened:
            yield opened
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    opened = Sink()
    await opened.open()
    yield opened
    await opened.close()


@asynccontextmanager
async def nobody_may_make_orders(platform: Platform) -> AsyncIterator[None]:
    """A table lock as the owner takes one: whoever reserves a requisite waits in the middle of his transaction."""
    url = platform.world.resources.settings.database_owner_url
    assert url is not None
    connection = await asyncpg.connect(url.get_secret_value())
    try:
        async with connection.transaction():
            await connection.execute("lock table orders in share row exclusive mode")
            yield
    finally:
        await connection.close()


async def somebody_waits(platform: Platform) -> bool:
    return bool(
        await platform.world.scalar(
            "select exists (select from pg_locks where not granted and relation = 'orders'::regclass)"
        )
    )


async def internal_id(platform: Platform, made: dict[str, object]) -> int:
    return int(
        await platform.world.scalar("select id from incoming_orders where public_id = :id", id=str(made["order_id"]))
    )


async def test_healthy_to_begin_with(platform: Platform) -> None:
    made = [await platform.init() for _ in range(3)]
    await eventually(platform.all_assigned)
    await platform.confirm(made[0])
    await platform.recovered()


async def test_worker_killed_in_the_middle_of_a_task(platform: Platform) -> None:
    _, pool = platform.orders_worker
    async with nobody_may_make_orders(platform):
        await platform.init()
        await eventually(lambda: somebody_waits(platform))
        for pid in pool:
            os.kill(pid, signal.SIGKILL)
    await platform.recovered()


async def test_worker_killed_after_its_commit(platform: Platform) -> None:
    """Its main process sleeps and cannot acknowledge what the child did; both die, and the message comes again."""
    main, pool = platform.orders_worker
    async with nobody_may_make_orders(platform):
        made = await platform.init()
        await eventually(lambda: somebody_waits(platform))
        os.kill(main, signal.SIGSTOP)
    await eventually(platform.all_assigned)
    for pid in (main, *pool):
        os.kill(pid, signal.SIGKILL)
    incoming_id = await internal_id(platform, made)
    await Publisher(make_app(platform.world.resources.settings)).offer_orders([(incoming_id, None)])
    await platform.init()
    await platform.recovered()


async def test_messages_lost(platform: Platform) -> None:
    main, _ = platform.orders_worker
    os.kill(main, signal.SIGSTOP)
    try:
        await asyncio.gather(*(platform.init() for _ in range(10)))
        await eventually(lambda: _all_published(platform))
        await platform.world.resources.redis.flushall()
    finally:
        os.kill(main, signal.SIGCONT)
    await platform.recovered()


async def _all_published(platform: Platform) -> bool:
    return await platform.world.scalar("select count(*) from outbox where dispatched_at is null") == 0


async def test_message_doubled_twenty_times(platform: Platform) -> None:
    made = await platform.init()
    incoming_id = await internal_id(platform, made)
    publisher = Publisher(make_app(platform.world.resources.settings))
    for _ in range(20):
        await publisher.offer_orders([(incoming_id, None)])
    await platform.recovered()
    assert await platform.world.scalar("select count(*) from orders where incoming_order_id = :id", id=incoming_id) == 1


async def test_valkey_hangs_and_is_killed(platform: Platform) -> None:
    """While it hangs shops are served; killed, it is started again, and everything finds its way back to it."""
    pid, processes = platform.valkey_pid, platform.processes
    os.kill(pid, signal.SIGSTOP)
    try:
        deadline = time.monotonic() + DOWN_SECONDS
        while time.monotonic() < deadline:
            async with asyncio.timeout(8):
                await platform.init()
    finally:
        os.kill(pid, signal.SIGKILL)
    await asyncio.gather(*(platform.init() for _ in range(5)))
    await platform.recovered()
    assert platform.processes == processes


async def test_valkey_hangs_while_a_callback_is_on_its_way(platform: Platform, sink: Sink) -> None:
    """The worker cannot say that it is done, and has no other message to wait for; the next one reaches it."""
    _, told = await open_store(platform, callback_url=sink.url("later/0.5"))
    await platform.init(key=told)
    await eventually(lambda: _heard(sink, "later/0.5", 1))
    hung = platform.valkey_pid
    os.kill(hung, signal.SIGSTOP)
    await asyncio.sleep(ACKNOWLEDGING_SECONDS)
    os.kill(hung, signal.SIGKILL)
    before = len(sink.requests)
    await platform.init(key=told)
    await eventually(lambda: _heard(sink, "later/0.5", before + 1))
    await platform.recovered()


async def test_postgres_killed_under_load(platform: Platform) -> None:
    """What was acknowledged is there; what was not, the shop may repeat; every process comes back by itself."""
    until = time.monotonic() + LOAD_SECONDS

    async def buy() -> None:
        while time.monotonic() < until:
            made = await platform.init(wait_seconds=2)
            if (made["status"], made["order_history_status"]) == ASSIGNED:
                await platform.confirm(made)

    shops = [asyncio.create_task(buy()) for _ in range(SHOPS)]
    await asyncio.sleep(LOAD_SECONDS / 2)
    killed, processes = platform.postgres_pid, platform.processes
    os.kill(killed, signal.SIGKILL)
    await asyncio.gather(*shops)
    assert platform.postgres_pid != killed
    assert CONFIRMED in platform.acknowledged.values()
    await platform.recovered()
    assert platform.processes == processes
    answers = [await platform.post("/payin/init", json=platform.body()) for _ in range(10)]
    assert {answer.status_code for answer in answers} == {201}


async def test_callback_endpoint_hangs(platform: Platform, sink: Sink) -> None:
    """One shop keeps its caller waiting; another is told at once."""
    _, slow = await open_store(platform, callback_url=sink.url("hang"))
    _, quick = await open_store(platform, callback_url=sink.url("status/200"))
    for _ in range(5):
        await platform.init(key=slow)
    await eventually(lambda: _heard(sink, "hang", 1))
    for _ in range(5):
        await platform.init(key=quick)
    await eventually(lambda: _heard(sink, "status/200", 5), 10)
    await platform.recovered()


async def _heard(sink: Sink, path: str, times: int) -> bool:
    return sum(request[0] == path for request in sink.requests) >= times


async def test_storage_down(platform: Platform) -> None:
    """The confirmation is kept and the receipt asked for again; a store that insists on one is told to wait."""
    _, strict = await open_store(platform, receipt_required=True)
    easy, hard = await platform.init(), await platform.init(key=strict)
    await eventually(platform.all_assigned)
    receipt = {"receipt": ("r.png", picture("PNG"), "image/png")}
    objects, away = platform.home / "objects", platform.home / "objects.away"
    if objects.exists():
        objects.rename(away)
    objects.write_text("not a directory", encoding="utf-8")
    try:
        kept = await platform.post(f"/payin/confirm/{easy['order_id']}", files=receipt)
        assert (kept.status_code, kept.json()["status"]) == (200, "failed_processing_receipt"), kept.text
        assert kept.json()["order_history_status"] == "pending_trader_confirmation"
        refused = await platform.post(f"/payin/confirm/{hard['order_id']}", key=strict, files=receipt)
        assert (refused.status_code, refused.json()["code"]) == (503, "storage.unavailable")
        assert (await platform.statuses())[hard["external_order_id"]] == ASSIGNED
    finally:
        objects.unlink()
        if away.exists():
            away.rename(objects)
    attached = await platform.post(f"/payin/confirm/{easy['order_id']}", files=receipt)
    assert attached.status_code == 200, attached.text
    confirmed = await platform.post(f"/payin/confirm/{hard['order_id']}", key=strict, files=receipt)
    assert confirmed.status_code == 200, confirmed.text
    for made in (easy, hard):
        platform.acknowledged[made["external_order_id"]] = CONFIRMED
    await platform.recovered()


async def test_everything_killed_at_once(platform: Platform) -> None:
    """F55: the supervisor starts each part again, in whatever order they come back."""
    await asyncio.gather(*(platform.init() for _ in range(5)))
    main, pool = platform.orders_worker
    for pid in {platform.postgres_pid, platform.valkey_pid, main, *pool, *platform.processes}:
        os.kill(pid, signal.SIGKILL)
    await platform.init()
    await platform.recovered()


async def test_invariants_of_a_running_platform(platform: Platform) -> None:
    """Those too that speak of running parts: the scheduler beats, nothing is overdue."""

    async def hold() -> bool:
        return await find_violations(platform.world.database, live=True) == {}

    await eventually(hold)


def test_an_outage_is_a_line_and_no_alarm(platform: Platform) -> None:
    """Everything above was somebody else's fault; an alarm would hide the next one that is not."""
    log = (platform.home.parent / "up.log").read_text(encoding="utf-8")
    assert '"event":"job_failed"' in log
    assert [line[:2000] for line in log.splitlines() if '"event":"critical_error"' in line] == []
