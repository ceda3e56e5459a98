"""The signed heads of the sealed days, for those who keep the books (`docs/proofs.md`)."""

from typing import Annotated

from fastapi import Depends, Query

from jivapay.api_routers.common.proofs import read_chain_head
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.proofs import ChainHeadFilter, ChainHeadRead
from jivapay.security.access import requires
from jivapay.security.dependencies import ReadDb
from jivapay.services import chain_heads
from jivapay.utils.routing import api_router

router = api_router("/chain-heads", tags=("admin chain heads",))

Reader = Annotated[Actor, Depends(requires("platform:read:any"))]


@router.get("")
async def list_chain_heads(
    actor: Reader,  # noqa: ARG001 - the guard's answer is not needed
    session: ReadDb,
    query: Annotated[ChainHeadFilter, Query()],
) -> Page[ChainHeadRead]:
    heads, total = await chain_heads.list_heads(session, page=query.page, page_size=query.page_size)
    return Page(
        items=[read_chain_head(head) for head in heads], total=total, page=query.page, page_size=query.page_size
    )
