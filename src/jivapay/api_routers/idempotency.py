"""`Idempotency-Key` on the routes that create or move money: read here, kept by `services/idempotency`.

The key is its owner's; the hash covers method, path and body, so that the same key for another request is refused.
"""

import hashlib
from typing import Annotated

from fastapi import Depends, Header, Request, Response

from jivapay.domain.actors import Actor
from jivapay.services.idempotency import IdempotencyClaim, check_key

IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", description="Repeating a request with its key changes nothing")
]


async def idempotency_claim(request: Request, key: IdempotencyKey = None) -> IdempotencyClaim | None:
    """The claim of a request that carries a key; authentication has left the actor on the request.

    Raises ValidationFailed `idempotency.key_format`.
    """
    if key is None:
        return None
    actor: Actor = request.state.actor
    digest = hashlib.sha256()
    for part in (request.method.encode(), request.url.path.encode(), await request.body()):
        digest.update(len(part).to_bytes(8, "big") + part)
    return IdempotencyClaim(f"{actor.kind.value}:{actor.id}", check_key(key), digest.digest())


Claim = Annotated[IdempotencyClaim | None, Depends(idempotency_claim)]
"""Place it after the parameter that authenticates."""


def mark_replay(response: Response, *, replayed: bool) -> None:
    """Tell the caller that this answer shows what an earlier request made."""
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
