"""Holds and settlements: ended once, never below zero, repaired once, and refused by the database itself."""

from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from factories.people import CRYPTO, FIAT
from factories.world import World
from jivapay.exceptions import InsufficientBalance
from jivapay.schemas_enums.enums import AccountKind
from jivapay.services import balance_manager
from jivapay.services.balance_manager import AccountKey
from support.dumps import dump

pytestmark = pytest.mark.usefixtures("own_invariants_hold")


async def hold(world: World, amount: str, order_id: int, *, keep: bool = True) -> Decimal:
    """What is available afterwards."""
    async with world.database.write() as session:
        await balance_manager.hold_trader_crypto(
            session, world.trader.id, CRYPTO, Decimal(amount), test=False, ref_type="order", ref_id=order_id
        )
        key = AccountKey.trader_crypto(world.trader.id, CRYPTO, test=False)
        left = (await balance_manager.get_balance(session, key)).available
        if not keep:
            await session.rollback()
    return left


async def test_a_settlement_s_legs_to_the_digit(world: World) -> None:
    await world.complete()
    await world.roll_up()
    async with world.database.read() as session:
        rows = await session.execute(
            text(
                "select a.owner_type, a.kind, p.amount, p.balance_after is null as rolled from postings p"
                " join accounts a on a.id = p.account_id join transfers t on t.id = p.transfer_id"
                " where t.kind = 'settlement' order by a.kind, a.owner_type"
            )
        )
        assert [tuple(row) for row in rows] == [
            ("platform", "crypto", Decimal("1.027027"), True),
            ("store", "crypto", Decimal("49.810810"), False),
            ("trader", "crypto", Decimal("-50.837837"), False),
            ("trader", "fiat", Decimal("4750.00"), False),
            ("world", "fiat", Decimal("-4750.00"), True),
        ]
        balances = await balance_manager.list_balances(session, "trader", world.trader.id)
    assert [(one.kind, one.total) for one in balances] == [
        (AccountKind.CRYPTO, Decimal("9949.162163")),
        (AccountKind.FIAT, Decimal("4750.00")),
    ]


async def test_equal_commissions_leave_the_platform_out(world: World) -> None:
    store = await world.add_store(percent=Decimal(1))
    await world.complete(store=store)
    assert await world.scalar("select count(*) from postings p join transfers t on t.id = p.transfer_id "
                              "where t.kind = 'settlement'") == 4  # fmt: skip
    assert (await world.store_balance(store)).available == Decimal("50.837837")


async def test_a_hold_takes_what_is_available_and_not_more(world: World) -> None:
    before = await dump(world.database)
    assert await hold(world, "10000", 1, keep=False) == Decimal(0)
    with pytest.raises(InsufficientBalance):
        await hold(world, "10000.000001", 1)
    assert await dump(world.database) == before


async def test_one_active_hold_for_each_deal(world: World) -> None:
    order = await world.order(await world.assign())
    with pytest.raises(IntegrityError):
        await hold(world, "1", order.id)


async def test_a_hold_ends_once(world: World) -> None:
    incoming = await world.assign()
    order = await world.order(incoming)
    await world.cancel(incoming)
    async with world.database.write() as session:
        assert await balance_manager.void_hold(session, ref_type="order", ref_id=order.id) is False
    for change in ("status = 'active', resolved_at = null", "amount = 1", "status = 'posted'"):
        with pytest.raises(DBAPIError, match="never edited"):
            async with world.database.write() as session:
                await session.execute(text(f"update holds set {change}"))


async def test_an_order_cannot_be_settled_twice(world: World) -> None:
    incoming = await world.complete()
    order = await world.order(incoming)
    with pytest.raises(IntegrityError, match="transfers"):
        async with world.database.write() as session:
            await balance_manager.update_balances_for_completed_order(session, order)
    assert (await world.store_balance()).available == Decimal("49.810810")


async def test_the_repair_finds_nothing_in_a_healthy_system(world: World) -> None:
    completed, open_one = await world.complete(), await world.assign()
    before = await dump(world.database)
    for incoming in (completed, open_one):
        order = await world.order(incoming)
        async with world.database.write() as session:
            assert await balance_manager.repair_completed_order(session, order.id) is False
    assert await dump(world.database) == before


@pytest.mark.parametrize("statement", ["update postings set amount = amount * 2", "delete from transfers"])
async def test_the_ledger_is_append_only(world: World, statement: str) -> None:
    await world.complete()
    with pytest.raises(DBAPIError):
        async with world.database.write() as session:
            await session.execute(text(statement))


async def test_a_transfer_that_does_not_sum_to_zero_is_not_committed(world: World) -> None:
    await world.complete()
    before = await dump(world.database)
    account = "(select id from accounts where owner_type = '{0}' and kind = 'fiat')"
    with pytest.raises(DBAPIError, match="sum to zero"):  # noqa: PT012 - the commit is what refuses
        async with world.database.write() as session:
            transfer = await session.scalar(
                text(
                    "insert into transfers (public_id, kind, ref_type, ref_id)"
                    " values (gen_random_uuid(), 'settlement', 'order', 999) returning id"
                )
            )
            for owner, amount in (("trader", 10), ("world", -9)):
                values = f"({transfer}, {account.format(owner)}, {amount})"
                await session.execute(text(f"insert into postings (transfer_id, account_id, amount) values {values}"))
    assert await dump(world.database) == before


async def test_accounts_open_at_zero_when_first_needed(world: World) -> None:
    key = AccountKey.store_crypto(world.store.id, CRYPTO, test=False)
    assert (await world.balance(key)).total == Decimal(0)
    await world.complete()
    assert (await world.balance(AccountKey.world(AccountKind.FIAT, FIAT, test=False))).kind is AccountKind.FIAT
