"""Hard cases 14 (deposits), 17, 23, 24 and 25: insiders, look-alike payments, audit, outages, repeated requests."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from factories import people
from factories.people import CRYPTO
from factories.world import AMOUNT, World
from jivapay.database.locks import lock_deal_for_update
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.outcomes import Assigned, NoRequisite
from jivapay.domain.permissions import FULL
from jivapay.exceptions import Conflict, OpenOrdersLimitExceeded, PermissionDenied, ValidationFailed
from jivapay.schemas_enums.enums import ActorKind, DepositNetwork, OwnerType, Role
from jivapay.schemas_enums.gateway import PayinInit
from jivapay.services import (
    audit_chain,
    deposit_service,
    freeze_service,
    gateway_service,
    order_processor,
    permission_service,
    platform_service,
    user_service,
)
from jivapay.services.deposit_service import DepositView, NewDeposit
from jivapay.services.idempotency import IdempotencyClaim
from jivapay.services.user_service import NewUser
from jivapay.worker.app import make_app
from jivapay.worker.publisher import Publisher
from jivapay.worker.scheduler import Timetable
from support.owner import forge

FOUR_EYES = Decimal(1000)


async def second_person(world: World) -> Actor:
    async with world.database.write() as session:
        return await people.add_admin(session)


async def deposit(world: World, amount: str, *, by: Actor | None = None, tx: str | None = None) -> DepositView:
    number = next(world.numbers)
    new = NewDeposit(
        owner_type=OwnerType.TRADER,
        owner_id=world.trader.user_public_id,
        amount=Decimal(amount),
        currency=CRYPTO,
        network=DepositNetwork.TRON,
        tx_hash=tx or f"{number:064x}",
        tx_output="0",
        reason="brought in",
    )
    async with world.database.write() as session:
        made = await deposit_service.request_deposit(session, by or world.staff, new, world.rules)
    return made.thing


async def decide(world: World, view: DepositView, by: Actor, *, approve: bool = True) -> str:
    async with world.database.write() as session:
        decided = await deposit_service.decide_deposit(
            session, by, view.deposit.public_id, approve=approve, reason="looked"
        )
    return decided.deposit.status


@pytest.fixture
async def poor(world: World) -> World:
    """The trader's first deposit was long ago."""
    await world.change_settings(FOUR_EYES_AMOUNT=FOUR_EYES)
    await world.advance(timedelta(hours=25).total_seconds())
    return world


@pytest.mark.parametrize("spelling", ["ab" * 32, "AB" * 32, "0x" + "ab" * 32, " " + "ab" * 32 + " "])
async def test_case_14_the_same_transaction_counts_once(poor: World, spelling: str) -> None:
    await deposit(poor, "10", tx="ab" * 32)
    with pytest.raises(Conflict) as refused:
        await deposit(poor, "10", tx=spelling)
    assert refused.value.code == "deposit.duplicate"
    assert (await poor.trader_balance()).total == Decimal(10_010)


async def test_case_14_a_large_deposit_needs_a_second_person(poor: World) -> None:
    view = await deposit(poor, "1000.000001")
    assert view.deposit.status == "requested"
    assert (await poor.trader_balance()).total == Decimal(10_000)
    with pytest.raises(PermissionDenied) as refused:
        await decide(poor, view, poor.staff)
    assert refused.value.code == "approval.same_user"
    assert await decide(poor, view, await second_person(poor)) == "posted"
    assert (await poor.trader_balance()).total == Decimal("11000.000001")


@pytest.mark.parametrize("hands_on", ["created", "password_reset", "permissions_changed", "through_another"])
async def test_case_14_an_account_in_the_first_person_s_hands_is_no_second_person(poor: World, hands_on: str) -> None:
    """He would sign in there himself; after a day, in which its owner would notice, it is."""
    other, puppet = await second_person(poor), None
    async with poor.database.write() as session:
        if hands_on in {"created", "through_another"}:
            puppet = await _new_admin(session, poor.staff, "puppet")
        if hands_on == "through_another":
            assert puppet is not None
            other = await _new_admin(session, puppet, "second")
        user = await user_service.get_user_by_id(session, other.id or 0)
        if hands_on == "password_reset":
            await user_service.reset_password(session, poor.staff, user.public_id)
        elif hands_on == "permissions_changed":
            await permission_service.update_user_permissions(session, poor.staff, user, [FULL])
    decider = puppet if hands_on == "created" else other
    assert decider is not None
    view = await deposit(poor, "5000")
    for approve in (True, False):
        with pytest.raises(PermissionDenied) as refused:
            await decide(poor, view, decider, approve=approve)
        assert refused.value.code == "approval.same_user"
    assert (await poor.trader_balance()).total == Decimal(10_000)
    await poor.advance(timedelta(hours=24, minutes=1).total_seconds())
    assert await decide(poor, view, decider) == "posted"


async def test_case_14_a_colleague_s_new_account_is_a_second_person(poor: World) -> None:
    async with poor.database.write() as session:
        other = await _new_admin(session, await people.add_admin(session), "hired")
    assert await decide(poor, await deposit(poor, "5000"), other) == "posted"


async def _new_admin(session: WriteSession, by: Actor, name: str) -> Actor:
    new = NewUser(f"{name}@people.example", Role.ADMIN, permissions=(FULL,))
    created = await user_service.create_user(session, by, new)
    return Actor(ActorKind.USER, created.user.id, Role.ADMIN, permissions=(FULL,))


async def test_case_14_many_small_deposits_are_one_large_one(poor: World) -> None:
    """Summed over 24 hours for whoever types and for whoever gets."""
    for _ in range(4):
        assert (await deposit(poor, "250")).deposit.status == "posted"
    assert (await deposit(poor, "0.01")).deposit.status == "requested"
    other = await second_person(poor)
    assert (await deposit(poor, "0.01", by=other)).deposit.status == "requested"
    await poor.advance(timedelta(hours=24, minutes=1).total_seconds())
    assert (await deposit(poor, "0.01")).deposit.status == "posted"


async def test_case_14_a_decision_is_taken_once(poor: World) -> None:
    view, other = await deposit(poor, "5000"), await second_person(poor)
    assert await decide(poor, view, other, approve=False) == "rejected"
    with pytest.raises(Conflict) as refused:
        await decide(poor, view, other)
    assert refused.value.code == "deposit.state_conflict"
    assert (await poor.trader_balance()).total == Decimal(10_000)


async def test_case_17a_one_account_behind_two_requisites_never_gets_the_same_amount_twice(world: World) -> None:
    await world.add_requisite(world.trader, method="sbp")
    await world.assign(Decimal(5000))
    outcome = await world.process(await world.accept(Decimal(5000), method="sbp"))
    assert outcome == NoRequisite({"amount_taken": 1, "other_method": 1})
    assert isinstance(await world.process(await world.accept(Decimal("5000.01"), method="sbp")), Assigned)


async def test_case_17b_a_person_s_case_gives_the_amount_back_after_the_cooldown(world: World) -> None:
    """A fake receipt on a round amount does not make it unavailable for days."""
    fake = await world.assign(Decimal(1000))
    await world.confirm_by_customer(fake)
    await world.advance(world.rules.trader_confirm_seconds + 1)
    await world.expire_due()
    assert (await world.statuses(fake))[1] == "requires_attention"
    assert await world.process(await world.accept(Decimal(1000))) == NoRequisite({"amount_taken": 1})
    await world.advance(world.rules.amount_cooldown_seconds + 1)
    again = await world.assign(Decimal(1000))
    assert (await world.order(again)).amount_slot == Decimal(1000)
    # The first payer's money is found after all.
    await world.confirm_by_trader(fake)
    assert (await world.statuses(fake))[1] == "completed"


@pytest.mark.parametrize("who", [{"customer_id": "u-1"}, {"customer_ip": "203.0.113.7"}])
async def test_case_17b_nobody_holds_more_than_three_amounts(world: World, who: dict[str, str]) -> None:
    await world.change_settings(OPEN_UNPAID_MAX_PER_CUSTOMER=3, OPEN_UNPAID_MAX_PER_ADDRESS=3)
    mine = [await world.assign(Decimal(1000 + number), **who) for number in range(3)]
    with pytest.raises(OpenOrdersLimitExceeded):
        await world.accept(Decimal(2000), **who)
    await world.confirm_by_customer(mine[0])
    await world.accept(Decimal(2000), **who)


async def test_case_17c_a_lapsed_slot_needs_no_job(world: World) -> None:
    await world.cancel(await world.assign(AMOUNT))
    await world.advance(world.rules.amount_cooldown_seconds + 1)
    assert isinstance(await world.process(await world.accept(AMOUNT)), Assigned)


async def test_case_17c_a_revival_whose_amount_is_taken_meanwhile_goes_to_a_person(world: World) -> None:
    late = await world.assign(AMOUNT)
    await world.cancel(late)
    await world.advance(world.rules.amount_cooldown_seconds + 1)
    other = await world.assign(AMOUNT)
    await world.confirm_by_customer(late, receipt=True)
    assert await world.statuses(late) == ("client_payment_confirmed", "requires_attention", "confirmed")
    assert (await world.statuses(other))[1] == "pending"


async def test_case_23_the_audit_chain_tells_of_a_row_altered_by_hand(world: World, own_owner_url: str) -> None:
    await world.complete()
    assert await audit_chain.append(world.database) > 10
    async with world.database.read() as session:
        assert await audit_chain.verify(session) is None
        assert await audit_chain.list_unchained(session, older_than_seconds=0) == []
    row = await world.scalar("select audit_id from audit_chain where seq = 7")
    was = await world.scalar("select coalesce(actor_id::text, 'null') from audit_log where id = :id", id=row)
    await forge(own_owner_url, f"update audit_log set actor_id = 666 where id = {row}")
    async with world.database.read() as session:
        assert await audit_chain.verify(session) == 7
    await forge(own_owner_url, f"update audit_log set actor_id = {was} where id = {row}")
    async with world.database.read() as session:
        assert await audit_chain.verify(session) is None


async def test_case_24_an_outage_expires_nobody(world: World) -> None:
    """The scheduler was away for an hour: deadlines that passed in it move to its start plus five minutes."""
    waiting, reserved, confirmed = [await world.accept(bank="alfa"), *[await world.assign(AMOUNT + n) for n in (1, 2)]]
    await world.confirm_by_customer(confirmed)
    seen_at = world.clock.now()
    await world.advance(3600)
    async with world.database.write() as session:
        assert await order_processor.give_grace(session, since=seen_at) == 3
    assert await world.expire_due() == 0
    await world.advance(299)
    assert await world.expire_due() == 0
    await world.confirm_by_customer(reserved)
    await world.advance(2)
    assert await world.expire_due() == 2
    assert (await world.statuses(waiting))[0] == "expired"
    assert (await world.statuses(confirmed))[1] == "requires_attention"


async def test_case_24_a_machine_that_slept_expires_nobody(world: World) -> None:
    """The scheduler itself slept for an hour, and of its jobs the deadlines wake first."""
    timetable = Timetable(world.resources, Publisher(make_app(world.resources.settings)))
    await timetable.beat()
    reserved = await world.assign()
    await world.advance(3600)
    await timetable.expire_due()
    assert (await world.statuses(reserved))[1] == "pending"


async def test_case_24_a_deal_in_other_hands_keeps_no_other_from_lapsing(world: World) -> None:
    """Its lock is not had in time; the next run finds it again."""
    held, other = await world.assign(), await world.assign(AMOUNT + 1)
    await world.advance(world.rules.client_pay_seconds + 1)
    async with world.database.write() as session:
        await lock_deal_for_update(session, held)
        assert await world.expire_due() == 1
    assert [(await world.statuses(each))[1] for each in (held, other)] == ["pending", "expired"]
    assert await world.expire_due() == 1


async def test_case_24_what_lapsed_before_the_outage_is_not_revived(world: World) -> None:
    await world.assign()
    await world.advance(world.rules.client_pay_seconds + 1)
    async with world.database.write() as session:
        assert await order_processor.give_grace(session, since=world.clock.now()) == 0
    assert await world.expire_due() == 1


async def test_case_24_a_freeze_stops_the_clocks(world: World) -> None:
    reserved = await world.assign()
    async with world.database.write() as session:
        assert await freeze_service.freeze(session, world.staff, reason="I01", invariant="I01")
    await world.advance(world.rules.client_pay_seconds + 60)
    assert await world.expire_due() == 0
    async with world.database.write() as session:
        assert await platform_service.unfreeze(session, world.staff, reason="looked") == 1
    assert await world.expire_due() == 0
    await world.confirm_by_customer(reserved)
    assert (await world.statuses(reserved))[1] == "pending_trader_confirmation"


async def test_case_25_a_replay_shows_the_order_as_it_is_now(world: World) -> None:
    """The first answer said `new` without a requisite; the same key shows where the order stands today."""
    asked = PayinInit(external_order_id="A-25", amount="4750.00", currency="RUB", payment_method="card")
    claim = IdempotencyClaim(f"store:{world.store.id}", "key-25", b"request")
    first = await gateway_service.initialize_payin(world.resources, world.store, asked, claim)
    assert (first.created, first.made.replayed, first.made.thing.status) == (True, False, "new")
    assert first.made.thing.requisite is None
    incoming = await world.scalar("select id from incoming_orders")
    await world.process(incoming)
    again = await gateway_service.initialize_payin(world.resources, world.store, asked, claim)
    assert (again.created, again.made.replayed, again.made.thing.status) == (True, True, "assigned")
    assert again.made.thing.requisite is not None
    assert again.made.thing.requisite.number == "4276380012345675"
    await world.advance(world.rules.client_pay_seconds + 1)
    await world.expire_due()
    lapsed = await gateway_service.initialize_payin(world.resources, world.store, asked, claim)
    assert lapsed.made.thing.requisite is not None
    assert (lapsed.made.thing.status, lapsed.made.thing.requisite.number) == ("expired", "4276380012345675")
    await world.advance(world.rules.late_payment_window_seconds + 1)
    over = await gateway_service.initialize_payin(world.resources, world.store, asked, claim)
    assert over.made.thing.requisite is not None
    assert (over.made.thing.status, over.made.thing.requisite.number) == ("expired", "•• 5675")
    assert await world.scalar("select count(*) from incoming_orders") == 1


async def test_case_25_one_key_stands_for_one_request(world: World) -> None:
    asked = PayinInit(external_order_id="A-25", amount="4750.00", currency="RUB", payment_method="card")
    claim = IdempotencyClaim(f"store:{world.store.id}", "key-25", b"request")
    await gateway_service.initialize_payin(world.resources, world.store, asked, claim)
    other = IdempotencyClaim(claim.scope, claim.key, b"another")
    with pytest.raises(ValidationFailed) as refused:
        await gateway_service.initialize_payin(world.resources, world.store, asked, other)
    assert refused.value.code == "idempotency.mismatch"
    elsewhere = await world.add_store()
    own = IdempotencyClaim(f"store:{elsewhere.id}", claim.key, b"another")
    answer = await gateway_service.initialize_payin(world.resources, elsewhere, asked, own)
    assert (answer.created, answer.made.replayed) == (True, False)


async def test_case_25_a_refused_request_leaves_its_key_free(world: World) -> None:
    claim = IdempotencyClaim(f"store:{world.store.id}", "key-25", b"request")
    tiny = PayinInit(external_order_id="A-25", amount="2000000.00", currency="RUB", payment_method="card")
    with pytest.raises(ValidationFailed):
        await gateway_service.initialize_payin(world.resources, world.store, tiny, claim)
    async with world.database.read() as session:
        assert await session.scalar(text("select count(*) from idempotency_keys")) == 0
