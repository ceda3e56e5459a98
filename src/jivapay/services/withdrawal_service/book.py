"""The address book: whoever takes over an account cannot send its money away at once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.models.treasury import WithdrawalAddress
from jivapay.database.session import AnySession, WriteSession, atomic_transaction
from jivapay.domain.actors import Actor
from jivapay.domain.addresses import canonical_address
from jivapay.domain.identifiers import new_id
from jivapay.exceptions import Conflict, NotFound, ValidationFailed
from jivapay.schemas_enums.enums import DepositNetwork
from jivapay.services import audit_service

ADDRESSES_MAX = 100


async def add_address(
    session: WriteSession, actor: Actor, network: DepositNetwork, address: str, label: str, rules: BusinessSettings
) -> WithdrawalAddress:
    """Usable once it has cooled off.

    Raises ValidationFailed `network.unavailable` or `address.invalid`, Conflict `address.duplicate` or
    `address.too_many`.
    """
    if network not in rules.withdrawal_network_fees:
        raise ValidationFailed.at("body", "network", code="network.unavailable")
    canonical = canonical_address(network, address)
    if canonical is None:
        raise ValidationFailed.at("body", "address", code="address.invalid")
    known = await session.scalar(_own(actor).with_only_columns(func.count()).order_by(None))
    if (known or 0) >= ADDRESSES_MAX:
        raise Conflict("The address book is full.", code="address.too_many")
    now = await _now(session)
    row = WithdrawalAddress(
        public_id=new_id(),
        user_id=actor.id,
        network=network,
        address=canonical,
        label=label,
        usable_at=now + timedelta(seconds=rules.withdrawal_address_cooling_seconds),
    )
    try:
        async with atomic_transaction(session):
            session.add(row)
            await session.flush()
    except IntegrityError as error:
        if "uq_withdrawal_addresses_address" not in str(error.orig):
            raise
        raise Conflict("This address is in the book already.", code="address.duplicate") from error
    await session.refresh(row)
    await _record(session, actor, "withdrawal_address.added", row)
    return row


async def remove_address(session: WriteSession, actor: Actor, address_id: UUID) -> None:
    """Added again it cools off anew. Raises NotFound, also for somebody else's."""
    row = await session.scalar(_own(actor).where(WithdrawalAddress.public_id == address_id).with_for_update())
    if row is None:
        raise NotFound
    row.removed_at = await session.scalar(select(func.app_now()))
    await session.flush()
    await _record(session, actor, "withdrawal_address.removed", row)


async def list_addresses(session: AnySession, actor: Actor) -> Sequence[WithdrawalAddress]:
    return (await session.scalars(_own(actor))).all()


async def get_usable_address(session: AnySession, actor: Actor, address_id: UUID) -> WithdrawalAddress:
    """Raises NotFound, also for somebody else's, and Conflict `address.cooling`."""
    row = await session.scalar(_own(actor).where(WithdrawalAddress.public_id == address_id))
    if row is None:
        raise NotFound
    if row.usable_at > await _now(session):
        raise Conflict(
            "This address is new; it may be used later.",
            code="address.cooling",
            about={"usable_at": row.usable_at.isoformat()},
        )
    return row


async def _now(session: AnySession) -> datetime:
    now: datetime = (await session.execute(select(func.app_now()))).scalar_one()
    return now


def _own(actor: Actor) -> Select[WithdrawalAddress]:
    return (
        select(WithdrawalAddress)
        .where(WithdrawalAddress.user_id == actor.id, WithdrawalAddress.removed_at.is_(None))
        .order_by(WithdrawalAddress.id)
    )


async def _record(session: WriteSession, actor: Actor, action: str, row: WithdrawalAddress) -> None:
    await audit_service.log_event(
        session,
        actor,
        action,
        entity="withdrawal_address",
        entity_id=row.id,
        details={"network": row.network, "address": row.address},
    )
