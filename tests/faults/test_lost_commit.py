"""The connection dies during COMMIT: what the caller is told is what the database did (F11, F12).

Thirty trials over the two requests that must not be done twice. The throw-away cluster answers an
asynchronous commit, which makes no difference here: the server lives on.
"""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import httpx2
import pytest
from sqlalchemy import text

from api.gateway.shop import Shop, open_client, open_shop
from factories.world import World
from faults.proxy import Blackhole, Fault, FaultProxy, LoseReply, LoseRequest
from jivapay.database.session import Database
from jivapay.exceptions import DatabaseError
from support.invariants import assert_invariants

pytestmark = pytest.mark.faults

COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
COMMIT = b"COMMIT;"
TRIALS = 15


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    async with open_client(world) as opened:
        yield opened


@pytest.fixture
async def shop(world: World, client: httpx2.AsyncClient) -> Shop:
    shop = await open_shop(world, client)
    assert (await shop.get("/balance")).status_code == 200  # the key's first use is noted: a commit of its own
    return shop


async def journal(direct_url: str) -> dict[str, tuple[str, str | None]]:
    """What the database says of every pay-in: external id → statuses."""
    connection = await asyncpg.connect(direct_url)
    try:
        rows = await connection.fetch(
            "select i.external_id, i.status, o.status as deal from incoming_orders i"
            " left join orders o on o.id = i.assigned_order_id"
        )
    finally:
        await connection.close()
    return {row["external_id"]: (row["status"], row["deal"]) for row in rows}


async def test_init_whose_commit_was_not_answered(shop: Shop, proxy: FaultProxy, direct_url: str) -> None:
    told = {}
    for _ in range(TRIALS):
        proxy.fault = fault = LoseReply(COMMITTED)
        body = shop.body()
        answer = await shop.post("/payin/init", json=body)
        assert (answer.status_code, fault.lost) == (201, 1), answer.text
        told[body["external_order_id"]] = (answer.json()["status"], answer.json()["order_history_status"])
    assert await journal(direct_url) == told
    await assert_invariants(shop.world.database)


async def test_confirm_whose_commit_was_not_answered(shop: Shop, proxy: FaultProxy, direct_url: str) -> None:
    told = {}
    for trial in range(TRIALS):
        proxy.fault = Fault()
        made = await shop.assigned(amount=f"{4000 + trial}.00")  # one trader takes an amount once at a time
        proxy.fault = fault = LoseReply(COMMITTED)
        answer = await shop.post(f"/payin/confirm/{made['order_id']}")
        assert (answer.status_code, fault.lost) == (200, 1), answer.text
        told[made["external_order_id"]] = (answer.json()["status"], answer.json()["order_history_status"])
    assert set(told.values()) == {("client_payment_confirmed", "pending_trader_confirmation")}
    assert await journal(direct_url) == told
    await assert_invariants(shop.world.database)


async def test_commit_that_never_arrived(shop: Shop, proxy: FaultProxy, direct_url: str) -> None:
    """The shop is told that nothing was kept, which is true, and its repetition makes exactly one order."""
    for _ in range(10):
        proxy.fault = fault = LoseRequest(COMMIT)
        body = shop.body()
        answer = await shop.post("/payin/init", json=body)
        assert (answer.status_code, answer.json()["code"], fault.lost) == (503, "dependency.database", 1)
        assert body["external_order_id"] not in await journal(direct_url)
        assert (await shop.post("/payin/init", json=body)).status_code == 201
        assert (await journal(direct_url))[body["external_order_id"]] == ("new", None)


async def test_every_connection_dies_in_commit_at_once(shop: Shop, proxy: FaultProxy, direct_url: str) -> None:
    """Finding out needs a connection of its own: those that died must not keep the pool full."""
    size = shop.world.resources.settings.database_pool_size
    proxy.fault = fault = LoseReply(COMMITTED, times=size)
    bodies = [shop.body() for _ in range(size)]
    answers = await asyncio.gather(*(shop.post("/payin/init", json=body) for body in bodies))
    assert [answer.status_code for answer in answers] == [201] * size
    assert fault.lost == size
    assert set(await journal(direct_url)) == {body["external_order_id"] for body in bodies}


async def test_connection_cut_in_the_middle(shop: Shop, proxy: FaultProxy, direct_url: str) -> None:
    """Before COMMIT nothing is unknown: 503, nothing kept, and the next request is served."""
    for token in (b"insert into incoming_orders", b"INSERT INTO incoming_orders", b"outbox"):
        proxy.fault = fault = LoseRequest(token)
        body = shop.body()
        answer = await shop.post("/payin/init", json=body)
        if not fault.lost:  # a prepared statement's text is sent once for each connection
            continue
        assert (answer.status_code, answer.json()["code"]) == (503, "dependency.database")
        assert body["external_order_id"] not in await journal(direct_url)
        assert (await shop.post("/payin/init", json=body)).status_code == 201


async def test_database_that_cannot_be_asked_is_not_guessed_at(
    world: World, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither yes nor no can be learnt: an error that says so, within bounds."""
    monkeypatch.setattr("jivapay.database.session.RESOLVE_ATTEMPTS", 3)
    monkeypatch.setattr("jivapay.database.session.RESOLVE_PAUSE_SECONDS", 0.05)
    database: Database = world.database

    class Gone(LoseReply):
        refuses = True

        async def passes(self, data: bytes, *, downstream: bool) -> bool:
            return self.lost == 0 and await super().passes(data, downstream=downstream)

    async def rename() -> None:
        async with database.write() as session:
            await session.execute(text("update merchant_stores set name = 'Kept or not'"))
            proxy.fault = Gone(COMMITTED)

    with pytest.raises(DatabaseError, match="ask again"):
        await rename()
    proxy.fault = Fault()
    assert await world.scalar("select count(*) from merchant_stores where name = 'Kept or not'") == 1


async def test_server_that_vanishes_is_given_up_in_time(shop: Shop, proxy: FaultProxy) -> None:
    """F13: no answer and no end. Bounded by the driver's own time-out, and served again afterwards."""
    proxy.fault = Blackhole()
    async with asyncio.timeout(20):
        answer = await shop.get("/balance")
    assert (answer.status_code, answer.json()["code"]) == (503, "dependency.database")
    proxy.fault = Fault()
    proxy.cut_all()
    assert [(await shop.get("/balance")).status_code for _ in range(10)][-1] == 200
