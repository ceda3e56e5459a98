"""Payout requests while workers are killed at random: each is processed once (hard case 18, PAY-24).

`make payouts-long` asks for a thousand.
"""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest

from factories.payout_requests import request_payout
from factories.world import World
from faults.platform import Platform, eventually, open_platform
from support.invariants import find_violations

COUNT = int(os.environ.get("JIVAPAY_PAYOUTS", "100"))
ORDERS = COUNT // 5
"""Of them as pay-out orders, which cost far more work each."""
SECONDS = 60.0 + COUNT / 2
BETWEEN_KILLS_SECONDS = 0.4
KILLING_SECONDS = 4
"""After the last was asked for."""

pytestmark = [pytest.mark.faults, pytest.mark.timeout(2 * SECONDS)]


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Platform]:
    folder = Path(tempfile.mkdtemp(prefix="jivapay-test-"))
    os.chmod(folder, 0o711)  # noqa: PTH101, S103 - PostgreSQL, another account, must get through
    try:
        async with open_platform(folder / "home") as opened:
            yield opened
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def ask(platform: Platform, number: int) -> int:
    details = {"sandbox": "wait"} if number % 4 == 0 else {"card": "0000 1111 2222 3333"}
    answer = await platform.client.post(
        "/api/payouts/",
        json={"user_id": number, "amount": f"{100 + number}.00", "currency": "RUB", "recipient_details": details},
        headers={"X-API-Key": platform.key.text, "X-Request-ID": f"request-{number}"},
    )
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


async def all_processed(platform: Platform) -> bool:
    return not await platform.world.scalar("select count(*) from payouts where status <> 'processed'")


async def each_once(platform: Platform) -> None:
    """One attempt, one payment, one step to the end; the books are right."""
    payouts = await platform.world.scalar("select count(*) from payouts where executor = 'sandbox'")
    for statement in (
        "select count(*) from payout_attempts where outcome = 'processed'",
        "select count(distinct payout_id) from payout_attempts",
        "select count(*) from sandbox_payments s join payout_attempts a using (reference)",
        "select count(*) from sandbox_payments",
        "select count(*) from status_history where entity = 'payout' and to_status = 'processed'",
        "select count(*) from audit_log where action = 'payout.processed' and request_id like 'request-%'",
    ):
        assert await platform.world.scalar(statement) == payouts, statement
    assert await find_violations(platform.world.database) == {}


@asynccontextmanager
async def sandbox_closed(platform: Platform) -> AsyncIterator[None]:
    """Whoever pays waits in the middle: claimed, and not paid yet."""
    url = platform.world.resources.settings.database_owner_url
    assert url is not None
    connection = await asyncpg.connect(url.get_secret_value())
    try:
        async with connection.transaction():
            await connection.execute("lock table sandbox_payments in share row exclusive mode")
            yield
    finally:
        await connection.close()


async def test_workers_killed_while_they_pay(platform: Platform) -> None:
    async def two_wait() -> bool:
        waiting = "select count(*) from pg_locks where not granted and relation = 'sandbox_payments'::regclass"
        return bool(await platform.world.scalar(waiting) >= 2)

    async with sandbox_closed(platform):
        await asyncio.gather(*(ask(platform, 1 + 4 * number) for number in range(2)))
        await eventually(two_wait)
        for pid in platform.orders_worker[1]:
            os.kill(pid, signal.SIGKILL)
    await eventually(lambda: all_processed(platform))
    await each_once(platform)


@asynccontextmanager
async def killed_at_random(platform: Platform) -> AsyncIterator[None]:
    """A child of the worker for orders, or the worker itself, again and again."""
    chance = random.Random(18)  # noqa: S311 - a test's dice
    done = asyncio.Event()

    async def kill() -> None:
        while not done.is_set():
            with contextlib.suppress(AssertionError, ProcessLookupError):
                main, pool = platform.orders_worker
                os.kill(chance.choice([*pool, *pool, *pool, *pool, main]), signal.SIGKILL)
            await asyncio.sleep(BETWEEN_KILLS_SECONDS)

    killing = asyncio.create_task(kill())
    try:
        yield
    finally:
        done.set()
        await killing


async def test_workers_killed_at_random(platform: Platform) -> None:
    async with killed_at_random(platform):
        for start in range(10, 10 + COUNT, 20):
            numbers = range(start, min(start + 20, 10 + COUNT))
            await asyncio.gather(*(ask(platform, number) for number in numbers))
        await asyncio.sleep(KILLING_SECONDS)
    await eventually(lambda: all_processed(platform), SECONDS)
    await each_once(platform)


async def pay_what_is_offered(world: World) -> None:
    """As the traders do: accept, pay, show the receipt."""
    offered = "select array_agg(incoming_order_id) from orders where direction = 'pay_out' and status = 'pending'"
    for incoming_order_id in await world.scalar(offered) or []:
        await world.take_payout(incoming_order_id)
        await world.pay_payout(incoming_order_id)


async def test_orders_of_requests_while_workers_are_killed(platform: Platform) -> None:
    """The executor `jivapay`: one order each, paid once, and the store's balance is down by exactly their cost."""
    world = platform.world
    await world.change_settings(MAX_ORDER_RETRIES=100, RETRY_DELAY_SECONDS=1, RETRY_BACKOFF_FACTOR=1)
    store = await world.add_store(pay_out_enabled=True)
    funds = Decimal(100 * ORDERS)
    await world.fund(funds, store)
    for _ in range(3):
        await world.add_trader(limits={"pay_in": False, "pay_out": True})
    async with killed_at_random(platform):
        made = [await request_payout(world, Decimal(1000 + number), store=store) for number in range(ORDERS)]
        for _ in range(KILLING_SECONDS):
            await pay_what_is_offered(world)
            await asyncio.sleep(1)

    async def all_paid() -> bool:
        await pay_what_is_offered(world)
        return await all_processed(platform)

    await eventually(all_paid, SECONDS)
    theirs = f"payout_id between {made[0]} and {made[-1]}"
    for statement in (
        f"select count(*) from incoming_orders where {theirs}",
        f"select count(distinct payout_id) from incoming_orders where {theirs} and status = 'processed'",
        f"select count(*) from payout_attempts where {theirs} and outcome = 'processed'",
        "select count(*) from transfers where kind = 'settlement'",
        (
            "select count(*) from status_history h join payouts p on p.id = h.entity_id and h.entity = 'payout'"
            " where p.executor = 'jivapay' and h.to_status = 'processed'"
        ),
    ):
        assert await world.scalar(statement) == ORDERS, statement
    balance = await world.store_balance(store)
    cost = await world.scalar("select sum(amount_crypto + store_commission) from orders where direction = 'pay_out'")
    assert (balance.total, balance.held) == (funds - cost, 0)
    assert await find_violations(world.database) == {}
