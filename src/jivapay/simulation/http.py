"""Calling the platform as any program would: JSON over HTTP, asking again when nobody answers."""

import asyncio
from typing import Any

import httpx2

TRIES = 8
FIRST_PAUSE_SECONDS = 0.2
TOO_MANY, UNAVAILABLE = 429, 503
LATER = frozenset({TOO_MANY, 502, UNAVAILABLE, 504})
CONFLICTS = frozenset({404, 409, 410})
"""Somebody else was first, or time was."""
NO_CONTENT = 204
ERRORS_FROM = 400
TIMEOUT = httpx2.Timeout(35.0, connect=5.0)


class Refused(Exception):
    """The platform said no: its status and its stable code."""

    def __init__(self, status: int, code: str, path: str) -> None:
        super().__init__(f"{status} {code} for {path}")
        self.status = status
        self.code = code


class NoAnswer(Exception):
    """Nobody answered, however often we asked."""


class Api:
    """One caller's way to the platform. Everything asked here may be asked again: the platform sees to that."""

    def __init__(self, client: httpx2.AsyncClient, headers: dict[str, str] | None = None) -> None:
        self._client = client
        self._headers = headers or {}

    async def get(self, path: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401 - query values
        return await self._call("GET", path, params=params)

    async def post(
        self,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        form: dict[str, str] | None = None,
        receipt: bytes | None = None,
        key: str | None = None,
    ) -> dict[str, Any]:
        """A body or a form. `key` makes a request repeatable that would otherwise be done twice."""
        files = {"receipt": ("receipt.png", receipt, "image/png")} if receipt is not None else None
        headers = None if key is None else {"Idempotency-Key": key}
        return await self._call("POST", path, json=body, data=form, files=files, headers=headers)

    async def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's own
        """The answer's JSON, empty when there is none. Raises Refused, NoAnswer."""
        given = {name: value for name, value in options.items() if value is not None}
        given["headers"] = self._headers | given.get("headers", {})
        reason = ""
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
            try:
                answer = await self._client.request(method, path, **given)
            except httpx2.TransportError as error:
                reason = type(error).__name__
                continue
            if answer.status_code not in LATER:
                return _read(answer, path)
            reason = str(answer.status_code)
        raise NoAnswer(f"{method} {path}: {reason}")


def _read(answer: httpx2.Response, path: str) -> dict[str, Any]:
    if answer.status_code == NO_CONTENT:
        return {}
    try:
        content = answer.json()
    except ValueError:
        content = {}
    if answer.status_code >= ERRORS_FROM:
        raise Refused(answer.status_code, str(content.get("code", "")), path)
    return dict(content)


def open_client(base_url: str) -> httpx2.AsyncClient:
    """Directly, whatever the environment says about proxies."""
    limits = httpx2.Limits(max_connections=200, max_keepalive_connections=50)
    return httpx2.AsyncClient(base_url=base_url, timeout=TIMEOUT, limits=limits, trust_env=False)
