"""The gateway's phased doors: receipts and storage, waiting for a requisite, and what a store is shown."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from factories.world import AMOUNT, World
from jivapay.exceptions import DependencyUnavailable, JivaPayException, NotFound, OrderStateConflict, ValidationFailed
from jivapay.schemas_enums.gateway import PayinInit, PayinInitiateSession
from jivapay.services import gateway_service
from jivapay.services.api_key_service import StoreContext
from jivapay.services.gateway_service import Brought
from jivapay.services.gateway_service.payin import wait_for_requisite
from jivapay.utils.s3_client import MemoryStorage
from support.dumps import dump
from support.receipt_files import picture

pytestmark = pytest.mark.usefixtures("own_invariants_hold")

ASKED = PayinInit(external_order_id="A-1", amount="4750.00", currency="RUB", payment_method="card")


def storage_of(world: World) -> MemoryStorage:
    storage = world.resources.storage
    assert isinstance(storage, MemoryStorage)
    return storage


async def order_id(world: World, incoming: int) -> str:
    return str((await world.deal(incoming)).incoming.public_id)


async def confirm(world: World, incoming: int, receipt: bytes | None, store: StoreContext | None = None) -> str:
    made = await gateway_service.confirm_payin(
        world.resources, store or world.store, await order_id(world, incoming), Brought(receipt)
    )
    return made.thing.status


async def test_a_receipt_is_stored_before_it_is_linked(world: World) -> None:
    incoming = await world.assign()
    assert await confirm(world, incoming, picture("PNG")) == "client_payment_confirmed"
    assert len(storage_of(world).objects) == 1
    assert await world.scalar("select object_key from uploaded_documents") in storage_of(world).objects


async def test_storage_down_keeps_the_confirmation_and_asks_for_the_receipt_again(world: World) -> None:
    incoming = await world.assign()
    storage_of(world).failing = True
    made = await gateway_service.confirm_payin(
        world.resources, world.store, await order_id(world, incoming), Brought(picture("PNG"))
    )
    shown = made.thing
    assert (shown.status, shown.order_history_status) == ("failed_processing_receipt", "pending_trader_confirmation")
    assert shown.failure is not None
    assert shown.failure.code == "receipt.not_stored"
    before = await dump(world.database)
    with pytest.raises(DependencyUnavailable):
        await confirm(world, incoming, picture("PNG"))
    assert await dump(world.database) == before
    storage_of(world).failing = False
    assert await confirm(world, incoming, picture("PNG")) == "client_payment_confirmed"


async def test_storage_down_at_a_store_that_insists_changes_nothing(world: World) -> None:
    store = await world.add_store(receipt_required=True)
    incoming = await world.assign(store=store)
    storage_of(world).failing = True
    before = await dump(world.database)
    with pytest.raises(DependencyUnavailable) as refused:
        await confirm(world, incoming, picture("PNG"), store)
    assert (refused.value.status, refused.value.code) == (503, "storage.unavailable")
    assert await dump(world.database) == before


async def test_a_store_that_insists_takes_no_word_without_a_receipt(world: World) -> None:
    store = await world.add_store(receipt_required=True)
    incoming = await world.assign(store=store)
    with pytest.raises(ValidationFailed) as refused:
        await confirm(world, incoming, None, store)
    assert refused.value.code == "receipt.required"
    assert await confirm(world, incoming, picture("PNG"), store) == "client_payment_confirmed"


async def test_bad_content_changes_nothing(world: World) -> None:
    incoming = await world.assign()
    before = await dump(world.database)
    with pytest.raises(ValidationFailed):
        await confirm(world, incoming, b"<html>not a receipt</html>")
    assert await dump(world.database) == before
    assert storage_of(world).objects == {}


async def test_a_late_claim_while_storage_is_down_is_told_so(world: World) -> None:
    """It was sent with a receipt: "a receipt is required" would send the payer round in circles."""
    incoming = await world.assign()
    await world.cancel(incoming)
    storage_of(world).failing = True
    before = await dump(world.database)
    with pytest.raises(JivaPayException) as refused:
        await confirm(world, incoming, picture("PNG"))
    assert (refused.value.status, refused.value.code) == (503, "storage.unavailable")
    assert await dump(world.database) == before
    storage_of(world).failing = False
    assert await confirm(world, incoming, picture("PNG")) == "client_payment_confirmed"


async def test_init_waits_for_a_requisite_and_shows_it(world: World) -> None:
    accepted = await gateway_service.initialize_payin(world.resources, world.store, ASKED, None)
    assert accepted.made.thing.requisite is None
    incoming = await world.scalar("select id from incoming_orders")
    waiting = asyncio.create_task(wait_for_requisite(world.database, incoming, 10))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await world.process(incoming)
    await asyncio.wait_for(waiting, 2)
    answer = await gateway_service.initialize_payin(world.resources, world.store, ASKED, None)
    shown = answer.made.thing
    assert (shown.status, shown.amount, shown.amount_crypto, shown.rate) == (
        "assigned",
        "4750.00",
        "51.351351",
        "92.50",
    )
    assert shown.requisite is not None
    assert (shown.requisite.number, shown.requisite.holder) == ("4276380012345675", "Иван И.")
    assert shown.payment_url is None


async def test_the_natural_key_answers_without_an_idempotency_key(world: World) -> None:
    first = await gateway_service.initialize_payin(world.resources, world.store, ASKED, None)
    again = await gateway_service.initialize_payin(world.resources, world.store, ASKED, None)
    assert (first.created, again.created) == (True, False)
    assert first.made.thing.order_id == again.made.thing.order_id


@pytest.mark.parametrize(
    "other",
    [{"amount": Decimal("4750.01")}, {"customer_id": "u-2"}, {"metadata": {"a": "1"}}, {"payment_method": "sbp"}],
)
async def test_any_other_field_is_another_request(world: World, other: dict[str, object]) -> None:
    await gateway_service.initialize_payin(world.resources, world.store, ASKED, None)
    with pytest.raises(JivaPayException) as refused:
        await gateway_service.initialize_payin(world.resources, world.store, ASKED.model_copy(update=other), None)
    assert (refused.value.status, refused.value.code) == (409, "order.external_id_exists")


async def test_another_wait_is_the_same_request_a_page_is_not(world: World) -> None:
    await gateway_service.initialize_payin(world.resources, world.store, ASKED, None)
    waiting = await gateway_service.initialize_payin(
        world.resources, world.store, ASKED.model_copy(update={"wait_seconds": 1}), None
    )
    assert waiting.created is False
    hosted = PayinInitiateSession(**ASKED.model_dump(mode="json") | {"amount": "4750.00"})
    with pytest.raises(JivaPayException) as refused:
        await gateway_service.initiate_payment_session(world.resources, world.store, hosted, None)
    assert refused.value.code == "order.external_id_exists"


async def test_an_order_is_found_by_its_three_names_by_its_own_store_only(world: World) -> None:
    asked = PayinInitiateSession(external_order_id="A-1", amount="4750.00", currency="RUB", payment_method="card")
    made = (await gateway_service.initiate_payment_session(world.resources, world.store, asked, None)).made.thing
    names = {
        "order_id": str(made.order_id),
        "external_order_id": "A-1",
        "payment_token": made.payment_url.rpartition("/")[2] if made.payment_url else "",
    }
    other = await world.add_store()
    for by, name in names.items():
        shown = await gateway_service.get_incoming_order_status(world.resources, world.store, name, by=by)
        assert shown.order_id == made.order_id
        with pytest.raises(NotFound):
            await gateway_service.get_incoming_order_status(world.resources, other, name, by=by)
    for move in (
        gateway_service.confirm_payin(world.resources, other, names["order_id"], Brought()),
        gateway_service.cancel_payin(world.resources, other, names["order_id"], "no"),
    ):
        with pytest.raises(NotFound):
            await move


async def test_the_number_is_whole_only_while_it_may_be_paid(world: World) -> None:
    incoming = await world.assign()
    store, name = world.store, await order_id(world, incoming)
    shown = await gateway_service.get_incoming_order_status(world.resources, store, name, by="order_id")
    assert shown.requisite is not None
    assert shown.requisite.number == "4276380012345675"
    await world.confirm_by_trader(incoming)
    shown = await gateway_service.get_incoming_order_status(world.resources, store, name, by="order_id")
    assert shown.requisite is not None
    assert (shown.requisite.number, shown.paid, shown.final) == ("•• 5675", True, False)
    await world.advance(world.rules.dispute_window_seconds + 1)
    shown = await gateway_service.get_incoming_order_status(world.resources, store, name, by="order_id")
    assert shown.final


async def test_balances_are_the_store_s_own(world: World) -> None:
    await world.complete()
    async with world.database.read() as session:
        shown = await gateway_service.get_balance(session, world.store)
        other = await gateway_service.get_balance(session, replace(world.store, id=world.store.id + 1))
    assert (shown.total, shown.held, shown.available) == ("49.810810", "0.000000", "49.810810")
    assert other.available == "0.000000"


async def test_cancelling_twice_is_refused(world: World) -> None:
    incoming = await world.accept(AMOUNT)
    name = await order_id(world, incoming)
    shown = (await gateway_service.cancel_payin(world.resources, world.store, name, "no")).thing
    assert shown.status == "cancelled"
    with pytest.raises(OrderStateConflict):
        await gateway_service.cancel_payin(world.resources, world.store, name, "no")
