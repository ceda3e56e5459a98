"""`Idempotency-Key` on the routes that create or move money: read here, kept by `services/idempotency`.

The key is its owner's; the hash covers method, path and body, so that the same key for another request is refused.
"""

import hashlib
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from starlette.datastructures import FormData, UploadFile

from jivapay.domain.actors import Actor
from jivapay.services.idempotency import IdempotencyClaim, check_key
from jivapay.utils.routing import FORM_TYPES, Unreadable

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Repeating a request with its key changes nothing",
        json_schema_extra={"pattern": "^[ -~]{1,255}$"},
    ),
]


async def idempotency_claim(request: Request, key: IdempotencyKey = None) -> IdempotencyClaim | None:
    """The claim of a request that carries a key; authentication has left the actor on the request.

    Raises ValidationFailed `idempotency.key_format`.
    """
    if key is None:
        return None
    actor: Actor = request.state.actor
    return await claim_for(request, f"{actor.kind.value}:{actor.id}", key)


async def claim_for(request: Request, scope: str, key: str) -> IdempotencyClaim:
    """The claim of a request in the name of `scope`. Raises ValidationFailed `idempotency.key_format`, and whatever
    makes a form unreadable.

    A form is compared by what it says: each sending of it divides its parts by another boundary.
    """
    is_form = request.headers.get("content-type", "").partition(";")[0].strip().lower() in FORM_TYPES
    if is_form:
        form: FormData | Unreadable = await request.form()
        if isinstance(form, Unreadable):
            raise form.failure
        body = await _form_parts(form)
    else:
        body = [await request.body()]
    digest = hashlib.sha256()
    for part in (request.method.encode(), request.url.path.encode(), *body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return IdempotencyClaim(scope, check_key(key), digest.digest())


async def _form_parts(form: FormData) -> list[bytes]:
    parts: list[bytes] = []
    for name, value in sorted(form.multi_items(), key=lambda item: item[0]):
        parts.append(name.encode())
        if isinstance(value, UploadFile):
            parts.append(await value.read())
            await value.seek(0)
        else:
            parts.append(value.encode())
    return parts


Claim = Annotated[IdempotencyClaim | None, Depends(idempotency_claim)]
"""Place it after the parameter that authenticates."""


def mark_replay(response: Response, *, replayed: bool) -> None:
    """Tell the caller that this answer shows what an earlier request made."""
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
