"""The connection pool: its size, time-outs and JSON (ARC-18, DBU-06). Built by `Database`, never at import."""

from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from jivapay.database.tls import LOOPBACK_ONLY, DatabaseTls

STATEMENT_TIMEOUT_MS = 5_000
LOCK_TIMEOUT_MS = 3_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 15_000
COMMAND_TIMEOUT_SECONDS = 8
CONNECT_TIMEOUT_SECONDS = 5
POOL_TIMEOUT_SECONDS = 3

LASTING_PLANS = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
"""For who repeats few statements without end: each is planned once a connection, because planning costs ten times
their work; and by index, because a plan that was made while a table was small stays when it has grown.
"""


def _dumps(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    return orjson.dumps(value).decode()


def make_engine(
    url: str,
    *,
    pool_size: int,
    application_name: str = "jivapay",
    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
    keeps_plans: bool = False,
    tls: DatabaseTls = LOOPBACK_ONLY,
) -> AsyncEngine:
    """An engine whose every connection carries our time-outs, in UTC, and is encrypted where `tls` says so.

    `keeps_plans`: see LASTING_PLANS.
    """
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        hide_parameters=True,
        connect_args={
            "timeout": CONNECT_TIMEOUT_SECONDS,
            "command_timeout": max(COMMAND_TIMEOUT_SECONDS, statement_timeout_ms / 1000 + 1),
            "server_settings": {
                "application_name": application_name,
                "timezone": "UTC",
                "statement_timeout": str(statement_timeout_ms),
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
                "jit": "off",
                **(LASTING_PLANS if keeps_plans else {}),
            },
        },
    )
    tls.watch(engine)
    return engine
