"""The one place that changes the state of a delivery, along `domain/order_states.py: CALLBACK_DELIVERY`."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import aliased

from jivapay.database.models.callbacks import CallbackDelivery
from jivapay.database.session import WriteSession
from jivapay.domain.order_states import CALLBACK_DELIVERY
from jivapay.schemas_enums.enums import CallbackState
from jivapay.services.callback_service.schedule import ATTEMPTS_PER_ROUND

UNDELIVERED = (CallbackState.PENDING, CallbackState.RETRYING)


async def move(
    session: WriteSession,
    state: CallbackState,
    *conditions: ColumnElement[bool],
    **values: Any,  # noqa: ANN401 - column values
) -> Sequence[int]:
    """Give `state` to every delivery that meets `conditions` and may take it; their ids. Ends any lease."""
    sources = [step.from_status for step in CALLBACK_DELIVERY if step.to_status == state and step.from_status]
    statement = (
        update(CallbackDelivery)
        .where(CallbackDelivery.state.in_(sources), *conditions)
        .values(state=state, leased_until=None, lease_owner=None, **values)
        .returning(CallbackDelivery.id)
        .execution_options(synchronize_session=False)
    )
    return (await session.scalars(statement)).all()


async def skip_replaced(session: WriteSession, *conditions: ColumnElement[bool]) -> Sequence[int]:
    """Of the undelivered that meet `conditions`, those an order has outgrown give way to its newer event.

    In the push only: in the stream every event keeps its place. One sent again by hand was asked for and stays.
    """
    return await move(
        session,
        CallbackState.SKIPPED,
        CallbackDelivery.attempts < ATTEMPTS_PER_ROUND,
        is_replaced(),
        *conditions,
        next_attempt_at=None,
    )


def is_replaced() -> ColumnElement[bool]:
    """A newer event of the same order is on its way, or has been."""
    newer = aliased(CallbackDelivery)
    return (
        select(newer.id)
        .where(
            newer.public_order_id == CallbackDelivery.public_order_id,
            newer.id > CallbackDelivery.id,
            newer.url.is_not(None),
            newer.store_seq.is_not(None),
        )
        .exists()
    )


def app_now() -> ColumnElement[Any]:
    return func.app_now()
