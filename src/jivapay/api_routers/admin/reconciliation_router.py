"""Reconciliations: asking for one, and reading the reports (issue 3, Build 8)."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from jivapay.api_routers.idempotency import Claim, mark_replay
from jivapay.database.models.reconciliations import Reconciliation
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.reconciliations import (
    ReconciliationCheckRead,
    ReconciliationCreate,
    ReconciliationFilter,
    ReconciliationRead,
    ReconciliationReport,
)
from jivapay.security.access import requires
from jivapay.security.dependencies import ReadDb, WriteDb
from jivapay.services import reconciliation_service
from jivapay.utils.routing import api_router

router = api_router("/reconciliations", tags=("admin reconciliations",))

Reader = Annotated[Actor, Depends(requires("reconciliations:read:any"))]
Runner = Annotated[Actor, Depends(requires("reconciliations:run:any"))]

_SENTENCES = {check.code: check.sentence for check in reconciliation_service.CHECKS}


@router.get("")
async def list_reconciliations(
    actor: Reader,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    query: Annotated[ReconciliationFilter, Query()],
) -> Page[ReconciliationRead]:
    rows, total = await reconciliation_service.list_reconciliations(session, page=query.page, page_size=query.page_size)
    return Page(items=[_read(row) for row in rows], total=total, page=query.page, page_size=query.page_size)


@router.post("", status_code=202)
async def request_reconciliation(
    actor: Runner, claim: Claim, session: WriteDb, response: Response, body: ReconciliationCreate
) -> ReconciliationRead:
    """Made within seconds to minutes; read its report by its id."""
    made = await reconciliation_service.request_once(session, actor, body.date, claim=claim)
    mark_replay(response, replayed=made.replayed)
    return _read(made.thing)


@router.get("/{reconciliation_id}")
async def get_reconciliation(
    actor: Reader,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    reconciliation_id: UUID,
) -> ReconciliationReport:
    report = await reconciliation_service.get_report(session, reconciliation_id)
    checks = [
        ReconciliationCheckRead(
            check=one.code,
            sentence=_SENTENCES.get(one.code, one.code),
            examined=one.examined,
            differences=one.differences,
            rows=one.rows,
        )
        for one in report.checks
    ]
    return ReconciliationReport(**_read(report.reconciliation).model_dump(), checks=checks)


def _read(row: Reconciliation) -> ReconciliationRead:
    return ReconciliationRead(
        id=row.public_id,
        date=row.day,
        requested_at=row.requested_at,
        finished_at=row.finished_at,
        differences=row.differences,
    )
