"""The inbox of unmatched money: a trader's own, and what administrators and support do with it (hard case 10)."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from jivapay.api_routers.common.rendering import WAITS, show_decided
from jivapay.api_routers.idempotency import Claim, mark_replay
from jivapay.domain.actors import Actor
from jivapay.domain.money import FIAT_SCALE, format_amount, format_rate
from jivapay.exceptions import NotFound
from jivapay.schemas_enums.approvals import ApprovalRead
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.unmatched import (
    CandidateList,
    CandidateRead,
    UnmatchedAttach,
    UnmatchedDeclare,
    UnmatchedFilter,
    UnmatchedRead,
    UnmatchedReturn,
)
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb, WriteDb
from jivapay.services import unmatched_service
from jivapay.services.unmatched_service import Candidate, Declared, UnmatchedView
from jivapay.utils.routing import api_router

trader_router = api_router("/unmatched-payments", tags=("trader unmatched payments",))
router = api_router("/unmatched-payments", tags=("staff unmatched payments",))

Owner = Annotated[Actor, Depends(requires("unmatched:read:own"))]
Declarer = Annotated[Actor, Depends(requires("unmatched:declare:own"))]
Reader = Annotated[Actor, Depends(requires("unmatched:read:any"))]
Decider = Annotated[Actor, Depends(requires("unmatched:decide:any", step_up=True))]


@trader_router.get("")
async def list_own_payments(
    actor: Owner, session: ReadDb, query: Annotated[UnmatchedFilter, Query()]
) -> Page[UnmatchedRead]:
    """The open ones first."""
    return await _list(session, query, _owner(actor))


@trader_router.post("", status_code=201)
async def declare_payment(
    actor: Declarer,
    claim: Claim,
    session: WriteDb,
    resources: AppResources,
    response: Response,
    body: UnmatchedDeclare,
) -> UnmatchedRead:
    """Money has come that no order explains: its worth is held at the present rate until it is settled."""
    said = Declared(body.requisite_id, body.amount, body.received_at, body.payer_bank, body.payer_name, body.note)
    made = await unmatched_service.declare(session, actor, said, await resources.config.current(), claim=claim)
    mark_replay(response, replayed=made.replayed)
    return _read(made.thing)


@trader_router.get("/{payment_id}")
async def get_own_payment(actor: Owner, session: ReadDb, payment_id: UUID) -> UnmatchedRead:
    return _read(await unmatched_service.get_payment(session, payment_id, trader_id=_owner(actor)))


@router.get("")
async def list_payments(
    actor: Reader,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    query: Annotated[UnmatchedFilter, Query()],
) -> Page[UnmatchedRead]:
    """The oldest open ones first."""
    return await _list(session, query, None)


@router.get("/{payment_id}")
async def get_payment(actor: Reader, session: ReadDb, payment_id: UUID) -> UnmatchedRead:  # noqa: ARG001 - the guard's answer is not needed
    return _read(await unmatched_service.get_payment(session, payment_id))


@router.get("/{payment_id}/candidates")
async def list_candidates(
    actor: Reader,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    resources: AppResources,
    payment_id: UUID,
) -> CandidateList:
    """Orders of the same trader it may have been for, the likeliest first."""
    payment = (await unmatched_service.get_payment(session, payment_id)).payment
    found = await unmatched_service.list_candidates(session, payment_id, await resources.config.current())
    return CandidateList(items=[_read_candidate(one, payment.requisite_id) for one in found])


@router.post("/{payment_id}/attach", responses={202: {"model": ApprovalRead, "description": WAITS}})
async def attach_payment(
    actor: Decider,
    session: WriteDb,
    resources: AppResources,
    payment_id: UUID,
    body: UnmatchedAttach,
    response: Response,
) -> UnmatchedRead | ApprovalRead:
    """It was for this order, which it settles; what is more than the order stays in the inbox."""
    rules = await resources.config.current()
    done = await unmatched_service.attach(session, actor, payment_id, body.order_id, body.reason, rules)
    return show_decided(done, response, _read)


@router.post("/{payment_id}/return", responses={202: {"model": ApprovalRead, "description": WAITS}})
async def return_payment(
    actor: Decider,
    session: WriteDb,
    resources: AppResources,
    payment_id: UUID,
    body: UnmatchedReturn,
    response: Response,
) -> UnmatchedRead | ApprovalRead:
    """The trader has sent it back to its payer."""
    rules = await resources.config.current()
    return show_decided(
        await unmatched_service.give_back(session, actor, payment_id, body.reason, rules), response, _read
    )


def _owner(actor: Actor) -> int:
    if actor.owner_id is None:
        raise NotFound
    return actor.owner_id


async def _list(session: ReadDb, query: UnmatchedFilter, trader_id: int | None) -> Page[UnmatchedRead]:
    views, total = await unmatched_service.list_payments(
        session, trader_id=trader_id, status=query.status, page=query.page, page_size=query.page_size
    )
    return Page(items=[_read(view) for view in views], total=total, page=query.page, page_size=query.page_size)


def _read(view: UnmatchedView) -> UnmatchedRead:
    payment = view.payment
    return UnmatchedRead(
        id=payment.public_id,
        requisite_id=view.requisite_id,
        source=payment.source,
        status=payment.status,
        amount=format_amount(payment.amount_fiat, FIAT_SCALE),
        currency=payment.fiat_currency,
        amount_crypto=format_amount(payment.amount_crypto, view.crypto_scale),
        crypto_currency=payment.crypto_currency,
        rate=format_rate(payment.rate),
        received_at=payment.received_at,
        payer_bank=payment.payer_bank,
        payer_name=payment.payer_name,
        note=payment.note,
        from_order_id=view.from_order_id,
        order_id=view.order_id,
        decision_reason=payment.decision_reason,
        created_at=payment.created_at,
        decided_at=payment.decided_at,
        age_seconds=max(0, int((view.now - payment.created_at).total_seconds())),
        version=payment.version,
        test=payment.test,
    )


def _read_candidate(found: Candidate, requisite_id: int) -> CandidateRead:
    order, incoming = found.order, found.incoming
    return CandidateRead(
        order_id=incoming.public_id,
        external_order_id=incoming.external_id,
        store_name=found.store_name,
        customer_id=incoming.customer_id,
        status=order.status,
        amount=format_amount(order.amount_agreed, FIAT_SCALE),
        currency=order.fiat_currency,
        same_requisite=order.requisite_id == requisite_id,
        payer_bank=order.payer_bank,
        payer_name=order.payer_name,
        score=found.score,
        created_at=order.created_at,
        left_unpaid_at=order.left_unpaid_at,
    )
