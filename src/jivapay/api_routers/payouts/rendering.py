"""Payout requests as the document shows them: exact JSON numbers, and links to the pages around one."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Request, Response

from jivapay.config.settings import Settings
from jivapay.database.models.payout_requests import Payout
from jivapay.utils.exact_json import exact_number, write_exact_json


def json_response(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        write_exact_json(value), status_code=status, media_type="application/json", headers=dict(headers or {})
    )


def brief(payout: Payout) -> dict[str, Any]:
    """As list and retrieve show it."""
    return {
        "id": payout.id,
        "user_id": payout.user_id,
        "amount": exact_number(payout.amount),
        "currency": payout.currency,
        **_course(payout),
    }


def full(payout: Payout) -> dict[str, Any]:
    """As create and update show it."""
    return {
        "id": payout.id,
        "user_id": payout.user_id,
        "amount": exact_number(payout.amount),
        "currency": payout.currency,
        "recipient_details": orjson.Fragment(payout.recipient_shown),
        "comment": payout.comment_shown,
        **_course(payout),
    }


def _course(payout: Payout) -> dict[str, Any]:
    return {
        "status": payout.status,
        "created_at": payout.created_at,
        "updated_at": payout.updated_at,
        "processed_at": payout.processed_at,
    }


def page_link(request: Request, settings: Settings, page: int) -> str:
    """The same request for another page; in production with the address that customers know."""
    query = str(request.url.include_query_params(page=page).query)
    base = settings.public_base_url.rstrip("/") if settings.is_production else str(request.base_url).rstrip("/")
    return f"{base}{request.url.path}?{query}"
