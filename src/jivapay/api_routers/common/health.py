"""Is it alive, can it serve. Public, bare, and without a limit: a balancer asks often."""

from typing import Literal

from fastapi import Request, Response

from jivapay.schemas_enums.base import AnswerModel
from jivapay.utils.health import PartState, check_parts
from jivapay.utils.routing import api_router

router = api_router(tags=("health",))


class Alive(AnswerModel):
    status: Literal["ok"] = "ok"


class Readiness(AnswerModel):
    status: Literal["ok", "unavailable"]
    parts: dict[str, PartState]


@router.get("/healthz/")
async def get_health() -> Alive:
    """The process answers (the payouts document's path)."""
    return Alive()


@router.get("/livez")
async def get_liveness() -> Alive:
    """The process answers."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Readiness, "description": "A part does not answer"}})
async def get_readiness(request: Request, response: Response) -> Readiness:
    """Database and broker answer, so that requests may be sent here."""
    parts = await check_parts(request.app.state.resources)
    ready = all(state is PartState.OK for state in parts.values())
    if not ready:
        response.status_code = 503
    return Readiness(status="ok" if ready else "unavailable", parts=parts)
