"""Sealing days: once, whole, signed, exported; and a database that is not the exported one starts read-only."""

import asyncio
import base64
import hashlib
import secrets
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from factories.world import SYSTEM, World
from invariants.history import chain
from jivapay.config.crypto import HeadSigner, is_signed_by
from jivapay.config.settings import Settings
from jivapay.database.models.proofs import ChainHead, ChainHeadExport
from jivapay.domain import merkle
from jivapay.domain.chain_heads import NONE_BEFORE, SignedHead
from jivapay.exceptions import ConfigurationError, StorageError
from jivapay.services import chain_heads, freeze_service, platform_service
from jivapay.utils.s3_client import MemoryStorage
from support.owner import forge

DAY = timedelta(days=1)

pytestmark = pytest.mark.usefixtures("own_invariants_hold")


def signer_of(world: World) -> HeadSigner:
    return HeadSigner.from_settings(world.resources.settings)


def storage_of(world: World) -> MemoryStorage:
    assert isinstance(world.resources.storage, MemoryStorage)
    return world.resources.storage


async def today(world: World) -> date:
    found: date = await world.scalar("select (app_now() at time zone 'utc')::date")
    return found


async def next_day(world: World, *, minutes: int = 16) -> None:
    """Go to some minutes past the next midnight (UTC)."""
    left = await world.scalar(
        "select extract(epoch from date_trunc('day', app_now(), 'utc') + interval '1 day' - app_now())::float8"
    )
    await world.advance(left + minutes * 60)


async def seal(world: World) -> list[date]:
    await chain(world)
    return await chain_heads.seal_due(world.database, signer_of(world))


async def heads(world: World) -> list[ChainHead]:
    async with world.database.read() as session:
        return list(await session.scalars(select(ChainHead).order_by(ChainHead.day)))


async def test_a_day_is_sealed_once_after_it_has_ended(world: World) -> None:
    first = await today(world)
    await world.complete()
    assert await seal(world) == []
    await next_day(world, minutes=14)
    assert await seal(world) == []
    await world.advance(61)
    assert await seal(world) == [first]
    assert await seal(world) == []
    (head,) = await heads(world)
    facts = chain_heads.signed(head).facts
    assert (facts["day"], facts["postings"], facts["previous"]) == (first.isoformat(), 7, NONE_BEFORE)
    assert facts["accounts"] == 6  # trader, store, platform in crypto, trader and world in fiat, world in crypto
    assert is_signed_by(head.public_key, head.signature, b"jivapay chain head\n" + head.payload.encode())
    assert not is_signed_by(head.public_key, head.signature, head.payload.encode())


async def test_days_missed_are_sealed_one_after_another_each_naming_the_one_before(world: World) -> None:
    first = await today(world)
    await world.complete()
    await next_day(world)
    await world.complete()
    await next_day(world)
    await next_day(world)
    assert await seal(world) == [first, first + DAY, first + 2 * DAY]
    found = await heads(world)
    assert [head.postings for head in found] == [7, 5, 0]
    said = [chain_heads.signed(head).facts for head in found]
    names = [hashlib.sha256(head.payload.encode()).hexdigest() for head in found]
    assert [one["previous"] for one in said] == [NONE_BEFORE, *names[:2]]
    assert said[2]["root"] == merkle.EMPTY.hex()


async def test_a_posting_not_yet_chained_holds_the_day_open(world: World) -> None:
    await world.complete()
    await next_day(world)
    assert await chain_heads.seal_due(world.database, signer_of(world)) == []
    assert len(await seal(world)) == 1


async def test_two_who_seal_at_once_seal_once(world: World) -> None:
    await world.complete()
    await next_day(world)
    await chain(world)
    done = await asyncio.gather(*(chain_heads.seal_due(world.database, signer_of(world)) for _ in range(4)))
    assert sum(map(len, done)) == 1
    assert len(await heads(world)) == 1


async def test_a_sealed_day_computes_to_its_root_again(world: World) -> None:
    await world.complete()
    await next_day(world)
    await seal(world)
    await world.complete()
    await chain(world)
    (head,) = await heads(world)
    async with world.database.read() as session:
        leaves = await chain_heads.compute_day(session, head.day)
    assert merkle.root_of(one.hash for one in leaves).hex() == chain_heads.signed(head).facts["root"]
    assert sum(one.postings for one in leaves) == 7


async def test_heads_are_exported_once(world: World) -> None:
    await world.complete()
    await next_day(world)
    await seal(world)
    assert await chain_heads.export_due(world.database, world.resources.storage) == 1
    assert await chain_heads.export_due(world.database, world.resources.storage) == 0
    (head,) = await heads(world)
    key = f"chain-heads/{head.day}.json"
    assert SignedHead.from_text(storage_of(world).objects[key].decode()) == chain_heads.signed(head)
    async with world.database.read() as session:
        assert [row.object_key for row in await session.scalars(select(ChainHeadExport))] == [key]


async def test_an_export_that_failed_is_made_later(world: World) -> None:
    await world.complete()
    await next_day(world)
    await seal(world)
    storage_of(world).failing = True
    with pytest.raises(StorageError):
        await chain_heads.export_due(world.database, world.resources.storage)
    storage_of(world).failing = False
    assert await chain_heads.export_due(world.database, world.resources.storage) == 1


async def exported(world: World) -> None:
    await world.complete()
    await next_day(world)
    await seal(world)
    await chain_heads.export_due(world.database, world.resources.storage)


async def start(world: World) -> bool:
    return await platform_service.freeze_if_rewritten(world.database, world.resources.storage, signer_of(world), SYSTEM)


async def frozen_because(world: World) -> str | None:
    reason: str | None = await world.scalar("select reason from money_freezes where lifted_at is null")
    return reason


async def test_a_healthy_start_freezes_nothing(world: World) -> None:
    assert not await start(world)
    await exported(world)
    await world.complete()
    await chain(world)
    assert not await start(world)
    assert await frozen_because(world) is None


@pytest.mark.parametrize("table", ["posting_chain", "audit_chain"])
async def test_a_chain_that_is_not_the_exported_one_starts_read_only(
    world: World, own_owner_url: str, table: str
) -> None:
    await exported(world)
    was = await world.scalar(f"select encode(hash, 'hex') from {table} order by seq desc limit 1")
    last = f"(select max(seq) from {table})"
    await forge(own_owner_url, f"update {table} set hash = sha256('x') where seq = {last}")
    try:
        assert await start(world)
        reason = await frozen_because(world)
        assert reason is not None
        assert reason.startswith(f"{table} is not the one this head was made of (chain-heads/")
    finally:
        await forge(own_owner_url, f"update {table} set hash = decode('{was}', 'hex') where seq = {last}")


async def test_an_older_copy_of_the_database_starts_read_only_until_acknowledged(
    world: World, own_owner_url: str
) -> None:
    """As after a restore: the head lies in the store, the database knows nothing of that day."""
    await exported(world)
    await forge(
        own_owner_url,
        "delete from chain_head_exports",
        "delete from chain_head_accounts",
        "delete from chain_heads",
    )
    assert await start(world)
    found = await platform_service.find_head_violations(world.database, world.resources.storage, signer_of(world))
    assert [row["difference"] for row in found] == ["the database does not know this head"]
    async with world.database.write() as session:
        await platform_service.unfreeze(session, world.staff, reason="restored")
        await freeze_service.acknowledge(session, world.staff, {platform_service.HEAD_CHECK: found}, reason="restored")
    assert not await start(world)


async def test_an_export_that_is_gone_or_spoilt_starts_read_only(world: World) -> None:
    await exported(world)
    objects = storage_of(world).objects
    (key,) = [name for name in objects if name.startswith("chain-heads/")]
    whole = objects.pop(key)
    found = await platform_service.find_head_violations(world.database, world.resources.storage, signer_of(world))
    assert found == [{"head": key, "difference": "the exported head is not in the object store"}]
    altered = whole.replace(b'\\"postings\\": 7', b'\\"postings\\": 8')
    spoilt = {
        b"{}": "the exported head cannot be read",
        b"\xff": "the exported head cannot be read",
        altered: "the exported head is not signed by a key of PROOF_KEYS",
    }
    for content, difference in spoilt.items():
        assert content != whole
        objects[key] = content
        found = await platform_service.find_head_violations(world.database, world.resources.storage, signer_of(world))
        assert found == [{"head": key, "difference": difference}]
    objects[key] = whole
    assert not await start(world)


async def test_a_store_out_of_reach_is_no_freeze(world: World) -> None:
    await exported(world)
    storage_of(world).failing = True
    assert not await start(world)
    assert await frozen_because(world) is None


def test_keys_are_read_like_data_keys() -> None:
    one, two = (base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(2))
    signer = HeadSigner.from_settings(Settings.model_validate({"proof_keys": f"p2:{two},p1:{one}"}))
    assert (signer.key_id, list(signer.public_keys)) == ("p2", ["p2", "p1"])
    assert is_signed_by(signer.public_keys["p2"], signer.sign(b"x"), b"x")
    assert not is_signed_by(signer.public_keys["p1"], signer.sign(b"x"), b"x")
    assert not is_signed_by(b"short", signer.sign(b"x"), b"x")
    for wrong in (None, "", "p1:", f"p1:{one},p1:{two}"):
        given = {} if wrong is None else {"proof_keys": wrong}
        with pytest.raises(ConfigurationError):
            HeadSigner.from_settings(Settings.model_validate(given))
