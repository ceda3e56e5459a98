"""Every state × event × actor that the table does not know: 409, and every row of the database as it was.

The doors are those of shops, customers, traders and staff; what the table does allow is played elsewhere.
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from factories.world import AMOUNT, World
from jivapay.exceptions import Conflict, JivaPayException, NotFound, SessionExpired, ValidationFailed
from jivapay.schemas_enums.enums import OrderStatus
from jivapay.services import gateway_service, order_service
from jivapay.services.gateway_service import Brought
from jivapay.services.gateway_service.deals import get_deal
from jivapay.services.gateway_service.payin import open_viewer
from jivapay.services.order_service import Decision
from support.dumps import Dump, changed_tables, dump
from support.owner import forge

Event = Callable[[World, int], Awaitable[object]]


async def _order_id(world: World, incoming: int) -> str:
    return str((await world.deal(incoming)).incoming.public_id)


async def _token(world: World, incoming: int) -> str:
    async with world.database.read() as session:
        page = (await get_deal(session, incoming)).page
    assert page is not None
    return (await open_viewer(world.resources)).token_of(page)


async def store_confirms(world: World, incoming: int) -> object:
    return await gateway_service.confirm_payin(
        world.resources, world.store, await _order_id(world, incoming), Brought()
    )


async def store_cancels(world: World, incoming: int) -> object:
    return await gateway_service.cancel_payin(world.resources, world.store, await _order_id(world, incoming), "no")


async def customer_confirms(world: World, incoming: int) -> object:
    token = await _token(world, incoming)
    return await gateway_service.handle_payment_page_confirmation(
        world.resources, world.store.actor.customer(), token, Brought()
    )


async def customer_cancels(world: World, incoming: int) -> object:
    token = await _token(world, incoming)
    return await gateway_service.cancel_payment_session(world.resources, world.store.actor.customer(), token)


async def _by_trader(world: World, incoming: int, *, confirm: bool, own: bool = True) -> object:
    public_id = (await world.deal(incoming)).incoming.public_id
    actor = world.traders[0 if own else 1].actor
    async with world.database.write() as session:
        if confirm:
            return await order_service.confirm_order_for_trader(session, actor, public_id, world.rules)
        return await order_service.cancel_order_for_trader(session, actor, public_id, "no", world.rules)


async def trader_confirms(world: World, incoming: int) -> object:
    return await _by_trader(world, incoming, confirm=True)


async def trader_cancels(world: World, incoming: int) -> object:
    return await _by_trader(world, incoming, confirm=False)


async def other_trader_confirms(world: World, incoming: int) -> object:
    return await _by_trader(world, incoming, confirm=True, own=False)


async def other_trader_cancels(world: World, incoming: int) -> object:
    return await _by_trader(world, incoming, confirm=False, own=False)


async def staff_approves(world: World, incoming: int) -> object:
    return await world.decide_review(incoming, approve=True)


async def staff_rejects(world: World, incoming: int) -> object:
    return await world.decide_review(incoming, approve=False)


async def staff_decides(world: World, incoming: int) -> object:
    public_id = (await world.deal(incoming)).incoming.public_id
    async with world.database.write() as session:
        return await order_service.decide_case(
            session, world.staff, public_id, Decision(OrderStatus.CANCELLED, "looked"), world.rules
        )


EVENTS: dict[str, Event] = {
    event.__name__: event
    for event in (
        store_confirms,
        store_cancels,
        customer_confirms,
        customer_cancels,
        trader_confirms,
        trader_cancels,
        other_trader_confirms,
        other_trader_cancels,
        staff_approves,
        staff_rejects,
        staff_decides,
    )
}
CANCELS = {"store_cancels", "customer_cancels"}
CONFIRMS = {"store_confirms", "customer_confirms"}
REVIEWS = {"staff_approves", "staff_rejects"}
ALLOWED: dict[str, set[str]] = {
    "new": CANCELS,
    "retrying": CANCELS,
    "manual_review": CANCELS | REVIEWS,
    "failed": set(),
    "cancelled without order": set(),
    "expired without order": set(),
    "pending": {*CANCELS, *CONFIRMS, "trader_confirms", "trader_cancels"},
    "pending_trader_confirmation": {"trader_confirms", "staff_decides"},
    "receipt lost": {"trader_confirms", "staff_decides"},
    "requires_attention": {"trader_confirms", "staff_decides"},
    "completed": set(),
    "expired": {"trader_confirms"},
    "cancelled": {"trader_confirms"},
    "late claim before a person": {"trader_confirms", "staff_decides"},
    "expired after the late window": set(),
    "dispute": set(),
    "reversed": set(),
    "failed by a person": set(),
    "cancelled by a person": set(),
}
"""Late claims of shop and customer need a receipt; without one they are 422 and change nothing either."""

WITHOUT_ORDER = {
    "new",
    "retrying",
    "manual_review",
    "failed",
    "cancelled without order",
    "expired without order",
}
PLANTED = {"dispute", "reversed", "failed by a person", "cancelled by a person"}
"""No door of this issue leads there; the status is written by the owner's hand."""


async def bring_about(world: World, state: str, own_owner_url: str) -> int:
    """An incoming order in `state`."""
    if state in WITHOUT_ORDER:
        return await _without_order(world, state)
    incoming = await world.assign()
    if state in PLANTED:
        await world.confirm_by_customer(incoming)
        status = state.partition(" ")[0]
        await forge(own_owner_url, f"update orders set status = '{status}' where incoming_order_id = {incoming}")
    elif state in {"expired", "expired after the late window"}:
        await _pass(world, world.rules.client_pay_seconds)
        if state != "expired":
            await world.advance(world.rules.late_payment_window_seconds + 1)
    elif state in {"cancelled", "late claim before a person"}:
        await world.cancel(incoming)
        if state != "cancelled":
            await _pass(world, world.rules.amount_cooldown_seconds)
            await world.cancel(await world.assign())
            await world.confirm_by_customer(incoming, receipt=True)
    elif state == "completed":
        await world.confirm_by_trader(incoming)
    elif state != "pending":
        await world.confirm_by_customer(incoming, receipt_lost=state == "receipt lost")
        if state == "requires_attention":
            await _pass(world, world.rules.trader_confirm_seconds)
    return incoming


async def _without_order(world: World, state: str) -> int:
    incoming = await world.accept(Decimal(600_000) if state == "manual_review" else AMOUNT, bank="alfa")
    match state:
        case "manual_review":
            await world.process(incoming)
        case "retrying":
            await world.process(incoming)
        case "failed":
            for _ in range(world.rules.max_order_retries):
                await world.process(incoming)
                await world.advance(200)
        case "cancelled without order":
            await world.cancel(incoming)
        case "expired without order":
            await _pass(world, world.rules.session_ttl_seconds)
        case _:
            assert state == "new"
    return incoming


async def _pass(world: World, seconds: float) -> None:
    await world.advance(seconds + 1)
    await world.expire_due()


async def refused(world: World, incoming: int, event: str, before: Dump) -> JivaPayException:
    with pytest.raises(JivaPayException) as raised:
        await EVENTS[event](world, incoming)
    changed = changed_tables(before, await dump(world.database))
    assert changed == [], f"{event} changed {changed}"
    return raised.value


@pytest.mark.parametrize("state", ALLOWED)
async def test_what_the_table_does_not_know_changes_nothing(world: World, state: str, own_owner_url: str) -> None:
    incoming = await bring_about(world, state, own_owner_url)
    await world.add_trader(requisites=0)
    before = await dump(world.database)
    has_order = (await world.deal(incoming)).order is not None
    for event in EVENTS.keys() - ALLOWED[state]:
        error = await refused(world, incoming, event, before)
        if "trader" in event and (not has_order or "other" in event):
            assert isinstance(error, NotFound), event
        elif state == "expired after the late window" and "confirms" in event:
            assert isinstance(error, SessionExpired), event
            assert (error.status, error.code) == (410, "session.expired")
        elif state in {"expired", "cancelled"} and event in CONFIRMS:
            assert isinstance(error, ValidationFailed), event
            assert error.code == "receipt.required"
        else:
            assert isinstance(error, Conflict), event
            wanted = "order.state_conflict"
            if state == "completed" and event == "trader_confirms":
                wanted = "order.already_completed"
            assert (error.status, error.code) == (409, wanted), event
            assert error.about["current"]


@pytest.mark.parametrize("state", [state for state, allowed in ALLOWED.items() if allowed])
async def test_what_the_table_does_know_is_done(world: World, state: str, own_owner_url: str) -> None:
    """Each on a world of its own would be dear: the first one decides, the rest are then refused or were played."""
    event = min(ALLOWED[state]) if "staff_decides" in ALLOWED[state] else max(ALLOWED[state])
    incoming = await bring_about(world, state, own_owner_url)
    before = await dump(world.database)
    await EVENTS[event](world, incoming)
    after = await dump(world.database)
    assert "status_history" in changed_tables(before, after)
    assert len(after["audit_log"]) > len(before["audit_log"])
