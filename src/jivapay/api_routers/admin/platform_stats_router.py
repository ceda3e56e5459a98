"""The platform's money and everybody's statements, for administrators (E19, STA-01)."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import StreamingResponse

from jivapay.api_routers.common.files import send_file
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.enums import AccountKind
from jivapay.schemas_enums.statements import (
    AtQuery,
    PlatformBalances,
    PlatformStatementFileQuery,
    PlatformStatementQuery,
    ProfitQuery,
    ProfitRead,
    StatementFileQuery,
    StatementQuery,
    StatementRead,
    TraderStatementFileQuery,
    TraderStatementQuery,
)
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb
from jivapay.services import statement_service
from jivapay.services.statement_service import FindAccount
from jivapay.utils.languages import client_language
from jivapay.utils.resources import Resources
from jivapay.utils.routing import api_router
from jivapay.utils.spreadsheets import FileFormat

router = api_router(tags=("admin platform",))

Reader = Annotated[Actor, Depends(requires("platform:read:any"))]
Accountant = Annotated[Actor, Depends(requires("statements:read:any"))]


@router.get("/platform/balance")
async def get_platform_balance(actor: Reader, session: ReadDb, query: Annotated[AtQuery, Query()]) -> PlatformBalances:  # noqa: ARG001 - the guard's answer is not needed
    """In each currency, now or at any moment before."""
    return await statement_service.list_platform_balances(session, query.at)


@router.get("/platform/balance/history")
async def get_platform_statement(
    actor: Reader,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    query: Annotated[PlatformStatementQuery, Query()],
) -> StatementRead:
    """Opening balance, movements and closing balance of a period, oldest first."""
    account = await statement_service.platform(session, query.currency, test=query.test == "true")
    return await statement_service.get_statement(session, account, query)


@router.get("/platform/balance/history/file", response_class=StreamingResponse)
async def download_platform_statement(
    actor: Reader, resources: AppResources, request: Request, query: Annotated[PlatformStatementFileQuery, Query()]
) -> StreamingResponse:
    """The whole period as CSV or XLSX, in the language of `Accept-Language`."""
    is_test = query.test == "true"
    return await _download(
        resources,
        actor,
        request,
        query,
        lambda session: statement_service.platform(session, query.currency, test=is_test),
    )


@router.get("/platform/profit")
async def get_platform_profit(actor: Reader, session: ReadDb, query: Annotated[ProfitQuery, Query()]) -> ProfitRead:  # noqa: ARG001 - the guard's answer is not needed
    """By day (UTC), store or trader."""
    return await statement_service.get_profit(session, query)


@router.get("/stores/{store_id}/balance/history")
async def get_store_statement(
    actor: Accountant,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    store_id: UUID,
    query: Annotated[StatementQuery, Query()],
) -> StatementRead:
    return await statement_service.get_statement(session, await statement_service.any_store(session, store_id), query)


@router.get("/stores/{store_id}/balance/history/file", response_class=StreamingResponse)
async def download_store_statement(
    actor: Accountant,
    resources: AppResources,
    request: Request,
    store_id: UUID,
    query: Annotated[StatementFileQuery, Query()],
) -> StreamingResponse:
    """The whole period as CSV or XLSX, in the language of `Accept-Language`."""
    return await _download(
        resources, actor, request, query, lambda session: statement_service.any_store(session, store_id)
    )


@router.get("/traders/{trader_id}/balances/history")
async def get_trader_statement(
    actor: Accountant,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    trader_id: UUID,
    query: Annotated[TraderStatementQuery, Query()],
) -> StatementRead:
    """`trader_id` is the trader's user id."""
    account = await statement_service.any_trader(session, trader_id, AccountKind(query.account))
    return await statement_service.get_statement(session, account, query)


@router.get("/traders/{trader_id}/balances/history/file", response_class=StreamingResponse)
async def download_trader_statement(
    actor: Accountant,
    resources: AppResources,
    request: Request,
    trader_id: UUID,
    query: Annotated[TraderStatementFileQuery, Query()],
) -> StreamingResponse:
    """The whole period as CSV or XLSX, in the language of `Accept-Language`."""
    kind = AccountKind(query.account)
    return await _download(
        resources, actor, request, query, lambda session: statement_service.any_trader(session, trader_id, kind)
    )


async def _download(
    resources: Resources, actor: Actor, request: Request, query: StatementFileQuery, find: FindAccount
) -> StreamingResponse:
    made = await statement_service.make_file(
        resources,
        actor,
        find,
        start=query.start,
        end=query.end,
        file_format=FileFormat(query.format),
        language=client_language(request.headers.get("accept-language", "")),
    )
    return send_file(made)
