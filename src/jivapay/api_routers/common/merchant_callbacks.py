"""What a merchant's stores were told: listed, and sent again by hand (http-api, "Callbacks to stores")."""

from typing import Annotated

from fastapi import Depends, Path, Query

from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.callbacks import CallbackFilter, CallbackRead
from jivapay.security.access import requires
from jivapay.security.dependencies import ReadDb, WriteDb
from jivapay.services import merchant_service
from jivapay.utils.listing import show_page
from jivapay.utils.routing import api_router

router = api_router("/callbacks", tags=("merchant callbacks",))

Reader = Annotated[Actor, Depends(requires("callbacks:read:own"))]
Sender = Annotated[Actor, Depends(requires("callbacks:resend:own"))]
EventId = Annotated[str, Path(max_length=64, examples=["evt_0199aa7e5d0c7c31b3a50d3f1c2b4a5d"])]


@router.get("")
async def list_callbacks(
    actor: Reader, session: ReadDb, query: Annotated[CallbackFilter, Query()]
) -> Page[CallbackRead]:
    """Newest first."""
    listed = await merchant_service.list_callbacks(session, actor, query)
    return show_page(listed, query, lambda callback: callback)


@router.post("/{event_id}/resend")
async def resend_callback(actor: Sender, session: WriteDb, event_id: EventId) -> CallbackRead:
    """The same event again, with its own id, in a new round of attempts."""
    return await merchant_service.resend_callback(session, actor, event_id)
