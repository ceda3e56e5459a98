"""Hard cases 1, 3, 11, 14 and 16 of money that leaves: cover, one sender, two persons, the test world."""

from datetime import timedelta
from decimal import Decimal

import pytest

from factories.people import CRYPTO
from factories.treasury import FEE, Till, make_till
from factories.world import World
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.exceptions import Conflict, InsufficientBalance, PermissionDenied
from jivapay.schemas_enums.enums import DepositNetwork
from jivapay.services import user_service, withdrawal_service
from jivapay.services.balance_manager import AccountKey, covers
from jivapay.services.withdrawal_service import NewWithdrawal

COST = Decimal("50.837837")


@pytest.fixture
async def till(world: World) -> Till:
    return await make_till(world)


async def test_case_1_the_deposit_stays_while_a_late_payment_can_be_proved(till: Till) -> None:
    """He lets the order lapse and withdraws a second later; what it would cost stays until the window is over."""
    world = till.world
    await world.assign()
    await world.advance(world.rules.client_pay_seconds + 1)
    await world.expire_due()
    everything = Decimal(10_000) - FEE
    assert (await world.trader_balance()).held == 0
    with pytest.raises(InsufficientBalance):
        await till.request(everything)
    with pytest.raises(InsufficientBalance):
        await till.request(everything - COST + Decimal("0.000001"))
    rest = await till.request(everything - COST)
    await till.cancel(rest)
    await world.advance(world.rules.late_payment_window_seconds + 1)
    await till.request(everything)


async def test_case_3_two_members_of_staff_cannot_both_send_one(till: Till) -> None:
    one = await till.request()
    await till.approve(one)
    await till.claim(one, till.sender)
    with pytest.raises(Conflict) as refused:
        await till.claim(one, till.second)
    assert refused.value.code == "withdrawal.state_conflict"
    with pytest.raises(PermissionDenied):
        await till.send(one, by=till.second)
    await till.send(one)
    assert await till.status(one) == "sent"


async def test_case_3_nothing_left_is_not_one_person_s_word(till: Till) -> None:
    """Who sent it and says that he has not would send it twice."""
    one = await till.request()
    await till.approve(one)
    await till.claim(one)
    await till.give_back(one, till.first)
    with pytest.raises(PermissionDenied) as refused:
        await till.agree(one, till.sender)
    assert refused.value.code == "approval.same_user"
    await till.agree(one)
    assert await till.status(one) == "approved"
    assert (await till.world.trader_balance()).held == 100 + FEE


async def test_case_14_twenty_small_withdrawals_are_one_large_one(till: Till) -> None:
    world = till.world
    await world.advance(timedelta(hours=25).total_seconds())
    await world.change_settings(FOUR_EYES_AMOUNT=Decimal(1000))
    made = [await till.request(Decimal(98)) for _ in range(20)]
    answers = [await till.approve(one) for one in made]
    assert answers == ["approved"] * 10 + ["approval requested"] * 10
    with pytest.raises(PermissionDenied):
        await till.agree(made[-1], till.first)
    await till.agree(made[-1])


async def test_case_14_an_account_in_his_hands_asks_for_nothing_he_approves(till: Till) -> None:
    """A reset password opens the trader's account, too."""
    world = till.world
    async with world.database.write() as session:
        await user_service.reset_password(session, till.first, world.trader.user_public_id)
    one = await till.request()
    with pytest.raises(PermissionDenied) as refused:
        await till.approve(one, till.first)
    assert refused.value.code == "approval.same_user"
    assert await till.approve(one, till.second) == "approved"


async def test_case_14_the_network_s_fee_is_frozen(till: Till) -> None:
    world = till.world
    one = await till.request()
    await world.change_settings(WITHDRAWAL_NETWORK_FEES={DepositNetwork.TRON: Decimal(50)})
    await till.approve(one)
    await till.claim(one)
    await till.send(one)
    assert (await world.trader_balance()).total == 10_000 - 100 - FEE


async def test_case_11_who_owes_the_platform_withdraws_nothing(till: Till) -> None:
    world = till.world
    key = AccountKey.trader_crypto(world.trader.id, CRYPTO, test=False)
    async with world.database.write() as session:
        await covers.cover(session, key, Decimal(5), ref_type="order", ref_id=1)
    with pytest.raises(Conflict) as refused:
        await till.request()
    assert refused.value.code == "withdrawal.blocked"
    async with world.database.write() as session:
        assert await covers.cover_repayment(session, 1) == 5
    await till.request()


async def test_case_16_the_test_world_withdraws_nothing(world: World) -> None:
    tester = await world.add_trader(test=True)
    with pytest.raises(Conflict) as refused:
        await ask_for_one(world, tester.actor)
    assert refused.value.code == "withdrawal.test_world"


async def ask_for_one(world: World, actor: Actor) -> None:
    async with world.database.write() as session:
        new = NewWithdrawal(Decimal(1), CRYPTO, new_id())
        await withdrawal_service.request_withdrawal(session, actor, new, world.rules)
