"""The numbers of "In and out" in docs/money.md are what the ledger does, to the last digit."""

from decimal import Decimal
from pathlib import Path

from sqlalchemy import text

from factories import people
from factories.people import CRYPTO
from factories.treasury import make_till
from factories.world import World
from jivapay.domain.actors import Actor
from jivapay.domain.money import format_amount
from jivapay.schemas_enums.enums import AccountKind, OwnerType
from jivapay.services import adjustment_service, approval_service
from jivapay.services.adjustment_service import AdjustmentView, NewAdjustment, NewCorrection
from jivapay.services.balance_manager import AccountKey

PAGE = Path(__file__).resolve().parents[3] / "docs" / "money.md"
WORLD = AccountKey.world(AccountKind.CRYPTO, CRYPTO, test=False)
PLATFORM = AccountKey.platform(CRYPTO, test=False)


async def agree(world: World, by: Actor, view: AdjustmentView) -> None:
    assert view.approval_id is not None
    async with world.database.write() as session:
        approval = await approval_service.take(session, by, view.approval_id)
        await adjustment_service.execute_adjustment(session, by, approval, world.rules)
    await world.roll_up()


def said(*amounts: Decimal) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for amount in amounts:
        assert format_amount(abs(amount), 6) in page


async def test_a_withdrawal_and_its_correction(world: World) -> None:
    till = await make_till(world)
    await world.roll_up()
    outside = (await world.balance(WORLD)).total
    one = await till.request(Decimal(100))
    held = (await world.trader_balance()).held
    await till.approve(one)
    await till.claim(one)
    await till.send(one)
    await world.roll_up()
    left = await world.trader_balance()
    assert (held, left.total, left.held) == (Decimal(102), Decimal(9898), Decimal(0))
    assert (await world.balance(WORLD)).total - outside == held
    said(held, left.total)
    async with world.database.write() as session:
        back = NewCorrection("withdrawal", one, "the chain gave it back")
        made = await adjustment_service.request_correction(session, till.first, back, world.rules)
    async with world.database.write() as session:
        other = await people.add_admin(session)
    await agree(world, other, made.thing)
    assert ((await world.trader_balance()).total, (await world.balance(WORLD)).total) == (Decimal(10_000), outside)
    async with world.database.read() as session:
        kinds = (await session.scalars(text("select kind from transfers order by id"))).all()
        facts = await session.execute(text("select reference_id, network from transfer_facts order by transfer_id"))
    assert kinds[-2:] == ["withdrawal", "withdrawal_reversal"]
    assert [tuple(row) for row in facts][-2:] == [(one, "tron")] * 2


async def test_an_adjustment(world: World) -> None:
    till = await make_till(world)
    new = NewAdjustment(OwnerType.TRADER, world.trader.user_public_id, Decimal(7), CRYPTO, "compensation")
    async with world.database.write() as session:
        made = await adjustment_service.request_adjustment(session, till.first, new, world.rules)
    await agree(world, till.second, made.thing)
    assert (await world.trader_balance()).total == Decimal(10_007)
    assert (await world.balance(PLATFORM)).total == Decimal(-7)
    said(Decimal(7))
