"""Statements of a merchant's own stores, as JSON and as files."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import StreamingResponse

from jivapay.api_routers.common.files import send_file
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.statements import StatementFileQuery, StatementQuery, StatementRead
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb
from jivapay.services import statement_service
from jivapay.utils.languages import client_language
from jivapay.utils.routing import api_router
from jivapay.utils.spreadsheets import FileFormat

router = api_router("/stores/{store_id}/balance", tags=("store statements",))

Accountant = Annotated[Actor, Depends(requires("balances:read:own"))]


@router.get("/history")
async def get_statement(
    actor: Accountant, session: ReadDb, store_id: UUID, query: Annotated[StatementQuery, Query()]
) -> StatementRead:
    """Opening balance, movements and closing balance of a period, oldest first."""
    account = await statement_service.own_store(session, actor, store_id)
    return await statement_service.get_statement(session, account, query)


@router.get("/history/file", response_class=StreamingResponse)
async def download_statement(
    actor: Accountant,
    resources: AppResources,
    request: Request,
    store_id: UUID,
    query: Annotated[StatementFileQuery, Query()],
) -> StreamingResponse:
    """The whole period as CSV or XLSX, in the language of `Accept-Language`."""
    made = await statement_service.make_file(
        resources,
        actor,
        lambda session: statement_service.own_store(session, actor, store_id),
        start=query.start,
        end=query.end,
        file_format=FileFormat(query.format),
        language=client_language(request.headers.get("accept-language", "")),
    )
    return send_file(made)
