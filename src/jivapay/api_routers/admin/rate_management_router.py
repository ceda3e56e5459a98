"""Exchange rates that a person sets (REF-06 to 08): without one no order can be priced."""

from typing import Annotated

from fastapi import Depends

from jivapay.domain.actors import Actor
from jivapay.domain.money import format_rate
from jivapay.schemas_enums.reference import KnownRateList, KnownRateRead, RateWrite
from jivapay.security.access import requires
from jivapay.security.dependencies import AppResources, ReadDb, WriteDb
from jivapay.services import rate_service
from jivapay.services.rate_service import KnownRate
from jivapay.utils.routing import api_router

router = api_router("/rates", tags=("admin rates",))

Reader = Annotated[Actor, Depends(requires("rates:edit:any"))]
Editor = Annotated[Actor, Depends(requires("rates:edit:any", step_up=True))]


@router.get("")
async def list_rates(actor: Reader, session: ReadDb, resources: AppResources) -> KnownRateList:  # noqa: ARG001 - the guard's answer is not needed
    """The newest rate of every pair, and whether it may be used."""
    rules = await resources.config.current()
    return KnownRateList(items=[_read(known) for known in await rate_service.list_rates(session, rules)])


@router.put("")
async def set_rate(actor: Editor, session: WriteDb, resources: AppResources, body: RateWrite) -> KnownRateRead:
    """In force at once, for orders accepted from now on."""
    rules = await resources.config.current()
    row = await rate_service.change_rate(
        session,
        actor,
        fiat=body.fiat,
        crypto=body.crypto,
        rate=body.rate,
        rules=rules,
        confirm_jump=body.confirm_jump,
    )
    return _read(KnownRate(row, is_fresh=True))


def _read(known: KnownRate) -> KnownRateRead:
    row = known.row
    return KnownRateRead(
        fiat=row.fiat,
        crypto=row.crypto,
        buy_rate=format_rate(row.buy_rate),
        sell_rate=format_rate(row.sell_rate),
        source=row.source,
        set_at=row.set_at,
        stamped_at=row.stamped_at,
        is_fresh=known.is_fresh,
    )
