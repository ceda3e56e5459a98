"""The chain of postings: nothing is left out or linked twice, every alteration is seen, no leaf can be guessed."""

import asyncio
import hashlib
from contextlib import AsyncExitStack
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from factories.world import AMOUNT, World
from jivapay.database.models.proofs import PostingChain
from jivapay.database.session import Database
from jivapay.services import posting_chain
from jivapay.services.hash_chain import GENESIS
from support.owner import forge
from support.racing import deadlocks


async def links(database: Database) -> list[PostingChain]:
    async with database.read() as session:
        return list(await session.scalars(select(PostingChain).order_by(PostingChain.seq)))


async def first_break(database: Database) -> int | None:
    async with database.read() as session:
        return await posting_chain.verify(session)


async def test_postings_are_linked_once_and_in_order(world: World) -> None:
    begun = 2  # the deposit's, linked when the world was made
    assert len(await links(world.database)) == begun
    await world.complete()
    count = await world.scalar("select count(*) from postings")
    assert count == begun + 5
    assert await posting_chain.append(world.database, batch=3) == 5
    assert await posting_chain.append(world.database) == 0
    await world.complete()
    assert await posting_chain.append(world.database) == 5
    found = await links(world.database)
    assert found[0].prev_hash == GENESIS
    assert [link.seq for link in found] == list(range(1, count + 6))
    assert len({link.salt for link in found}) == len({link.leaf for link in found}) == len(found)
    assert all(len(link.salt) == 16 for link in found)
    assert await first_break(world.database) is None


async def test_a_leaf_can_be_recomputed_without_the_database(world: World) -> None:
    """The format is public: a zero byte, the salt, then length, colon, text of each field."""
    await world.complete()
    await posting_chain.append(world.database)
    async with world.database.read() as session:
        row = (
            await session.execute(
                text(
                    "select c.*, p.amount, p.balance_after, p.created_at, t.public_id as transfer, s.public_id as store"
                    " from posting_chain c join postings p on p.id = c.posting_id"
                    " join transfers t on t.id = p.transfer_id"
                    " join accounts a on a.id = p.account_id join merchant_stores s on s.id = a.owner_id"
                    " where a.owner_type = 'store'"
                )
            )
        ).one()
    assert (str(row.amount), str(row.balance_after)) == ("49.810810", "49.810810")
    fields = [
        f"store:{row.store}:crypto:USDT:live",
        str(row.transfer),
        "settlement",
        "49.81081",
        "49.81081",
        row.created_at.strftime("%Y-%m-%dT%H:%M:%S.%f"),
    ]
    parts = [b"%d:%s" % (len(field), field.encode()) for field in fields]
    assert row.leaf == hashlib.sha256(b"\0" + row.salt + b"".join(parts)).digest()
    assert row.hash == hashlib.sha256(b"\2" + row.prev_hash + row.leaf).digest()


async def test_a_slower_transaction_with_smaller_ids_is_not_left_out(world: World) -> None:
    """Hard case 5: by a watermark of ids the postings of the slower one would never be linked."""
    quick, slow = await world.assign(), await world.assign(AMOUNT + 1)
    await posting_chain.append(world.database)
    async with AsyncExitStack() as early:
        held_open = await early.enter_async_context(world.database.write())
        await held_open.execute(text("select pg_current_xact_id()"))
        await world.confirm_by_trader(quick)
        assert await posting_chain.append(world.database) == 0
    await world.confirm_by_trader(slow)
    assert await posting_chain.append(world.database) == 10
    unlinked = "select count(*) from postings p where not exists (select from posting_chain where posting_id = p.id)"
    assert await world.scalar(unlinked) == 0


async def test_chaining_beside_completions_meets_no_deadlock(world: World) -> None:
    """Hard case 23: the chain is no part of the money's transactions and waits for none of them."""

    open_ones = [await world.assign(Decimal(100 + number)) for number in range(12)]
    before = await deadlocks(world.database)
    await asyncio.gather(
        *(world.confirm_by_trader(one) for one in open_ones),
        *(posting_chain.append(world.database, batch=7) for _ in range(6)),
    )
    await posting_chain.append(world.database)
    assert await deadlocks(world.database) == before
    assert len(await links(world.database)) == await world.scalar("select count(*) from postings") == 2 + 5 * 12
    assert await first_break(world.database) is None


@pytest.mark.parametrize(
    ("altered", "link"),
    [
        pytest.param(
            "update postings set amount = amount + 1 where id = (select min(id) from postings)", 1, id="amount"
        ),
        pytest.param("delete from posting_chain where seq = 3", 4, id="a link removed"),
        pytest.param("update posting_chain set salt = '\\x00' where seq = 2", 2, id="a salt"),
    ],
)
async def test_an_alteration_breaks_its_link(world: World, own_owner_url: str, altered: str, link: int) -> None:
    await world.complete()
    await posting_chain.append(world.database)
    await forge(own_owner_url, altered)
    assert await first_break(world.database) == link
