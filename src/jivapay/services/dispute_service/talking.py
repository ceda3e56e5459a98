"""What is said and shown in a dispute. The answer of the side whose turn it is passes the turn on."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert

from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import lock_dispute_for_update
from jivapay.database.models.disputes import Dispute, DisputeMessage
from jivapay.database.session import WriteSession
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.schemas_enums.enums import DisputeSide, DisputeStatus, DocumentKind
from jivapay.services import audit_service, document_service, order_status_manager
from jivapay.services.dispute_service import turns
from jivapay.services.dispute_service.looking import DisputeView, find_dispute_id, get_dispute
from jivapay.utils.resources import Resources


@dataclass(frozen=True, slots=True)
class Said:
    text: str
    escalate: bool = False
    """A side asks for a person at once."""
    to_side: DisputeSide | None = None
    """Staff: whose answer is asked for."""


async def say(
    session: WriteSession, actor: Actor, dispute_id: UUID, said: Said, rules: BusinessSettings
) -> DisputeView:
    """Raises NotFound, Conflict `dispute.state_conflict` for a decided one."""
    dispute = await _lock_undecided(session, actor, dispute_id)
    side = turns.side_of(actor)
    await session.execute(
        insert(DisputeMessage).values(
            public_id=new_id(), dispute_id=dispute.id, side=side, author_id=actor.id, text=said.text
        )
    )
    await audit_service.log_event(
        session, actor, "dispute.message", entity="dispute", entity_id=dispute.id, details={"side": side.value}
    )
    await _pass_turn(session, actor, dispute, side, said, rules)
    await session.flush()
    return await get_dispute(session, actor, dispute_id)


async def take_case(session: WriteSession, actor: Actor, dispute_id: UUID, rules: BusinessSettings) -> DisputeView:
    """Staff: it is this person's to decide from now on. Raises as `say`."""
    dispute = await _lock_undecided(session, actor, dispute_id)
    dispute.assigned_to = actor.id
    now = await order_status_manager.database_now(session)
    if dispute.status != DisputeStatus.UNDER_REVIEW:
        await turns.give_turn(session, actor, dispute, DisputeSide.STAFF, now, rules)
    await audit_service.log_event(session, actor, "dispute.taken", entity="dispute", entity_id=dispute.id)
    await session.flush()
    return await get_dispute(session, actor, dispute_id)


async def add_evidence(resources: Resources, actor: Actor, dispute_id: UUID, raw: bytes) -> DisputeView:
    """A phased door: the file is cleaned and stored before the transaction that makes it part of the dispute.

    Raises NotFound, Conflict, ValidationFailed `file.*`, StorageError; each changes nothing.
    """
    async with resources.database.read() as session:
        await find_dispute_id(session, actor, dispute_id)
    cleaned = await document_service.prepare_receipt(raw)
    stored = await document_service.stage(resources.storage, cleaned, clock=resources.clock)
    async with resources.database.write() as session:
        dispute = await _lock_undecided(session, actor, dispute_id)
        linked = await document_service.link(
            session,
            incoming_order_id=dispute.incoming_order_id,
            order_id=dispute.order_id,
            dispute_id=dispute.id,
            stored=stored,
            uploader=actor,
            kind=DocumentKind.DISPUTE_EVIDENCE,
        )
        details = {"document_id": linked.document_id, "duplicate": linked.duplicate}
        await audit_service.log_event(
            session, actor, "dispute.evidence", entity="dispute", entity_id=dispute.id, details=details
        )
        return await get_dispute(session, actor, dispute_id)


async def _lock_undecided(session: WriteSession, actor: Actor, dispute_id: UUID) -> Dispute:
    dispute = await lock_dispute_for_update(session, await find_dispute_id(session, actor, dispute_id))
    if not DisputeStatus(dispute.status).is_undecided:
        raise turns.state_conflict(dispute)
    return dispute


async def _pass_turn(
    session: WriteSession, actor: Actor, dispute: Dispute, side: DisputeSide, said: Said, rules: BusinessSettings
) -> None:
    now = await order_status_manager.database_now(session)
    if side is DisputeSide.STAFF:
        if said.to_side in turns.WAITING:
            await turns.ask(session, actor, dispute, said.to_side, now, rules)
    elif said.escalate:
        if dispute.status != DisputeStatus.UNDER_REVIEW:
            await turns.give_turn(session, actor, dispute, DisputeSide.STAFF, now, rules)
    elif dispute.status == turns.WAITING.get(side):
        await turns.give_turn(session, actor, dispute, turns.OTHER_SIDE[side], now, rules)
