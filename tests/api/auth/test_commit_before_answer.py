"""The answer leaves after the commit: a commit that fails is a 500, and nothing was kept (decision 11)."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from sqlalchemy import insert, select

from jivapay.database.models.ledger import Transfer
from jivapay.domain.identifiers import new_id
from jivapay.security.dependencies import ReadDb, WriteDb
from jivapay.servers.app_factory import create_app
from jivapay.utils.resources import Resources
from jivapay.utils.routing import api_router

router = api_router("/probe")


@router.post("/unbalanced")
async def post_unbalanced(session: WriteDb) -> dict[str, str]:
    """A transfer without postings passes every statement; the deferred trigger refuses it at commit."""
    await session.execute(insert(Transfer).values(public_id=new_id(), kind="probe", ref_type="probe", ref_id=1))
    return {"said": "done"}


@router.post("/reading")
async def post_reading(session: ReadDb) -> None:
    await session.execute(insert(Transfer).values(public_id=new_id(), kind="probe", ref_type="probe", ref_id=2))


@pytest.fixture
async def client(resources: Resources) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(create_app("probe", [router], resources=resources))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


@pytest.mark.parametrize("path", ["unbalanced", "reading"])
async def test_failure_is_not_a_200(client: httpx2.AsyncClient, resources: Resources, path: str) -> None:
    answer = await client.post(f"/probe/{path}")
    assert answer.status_code >= 500
    assert "done" not in answer.text
    async with resources.database.read() as session:
        assert await session.scalar(select(Transfer.id)) is None
