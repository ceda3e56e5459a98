"""A trader's own statements: crypto and fiat, as JSON and as files (http-api: `GET /api/trader/balances/history`)."""

from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.responses import StreamingResponse

from jivapay.api_routers.common.files import send_file
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.enums import AccountKind
from jivapay.schemas_enums.statements import StatementRead, TraderStatementFileQuery, TraderStatementQuery
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb
from jivapay.services import statement_service
from jivapay.utils.languages import client_language
from jivapay.utils.routing import api_router
from jivapay.utils.spreadsheets import FileFormat

router = api_router("/balances", tags=("trader statements",))

Accountant = Annotated[Actor, Depends(requires("balances:read:own"))]


@router.get("/history")
async def get_statement(
    actor: Accountant, session: ReadDb, query: Annotated[TraderStatementQuery, Query()]
) -> StatementRead:
    """Opening balance, movements and closing balance of a period, oldest first."""
    account = await statement_service.own_trader(session, actor, AccountKind(query.account))
    return await statement_service.get_statement(session, account, query)


@router.get("/history/file", response_class=StreamingResponse)
async def download_statement(
    actor: Accountant, resources: AppResources, request: Request, query: Annotated[TraderStatementFileQuery, Query()]
) -> StreamingResponse:
    """The whole period as CSV or XLSX, in the language of `Accept-Language`."""
    made = await statement_service.make_file(
        resources,
        actor,
        lambda session: statement_service.own_trader(session, actor, AccountKind(query.account)),
        start=query.start,
        end=query.end,
        file_format=FileFormat(query.format),
        language=client_language(request.headers.get("accept-language", "")),
    )
    return send_file(made)
