"""P4's yardstick: a route that reads the key's row and inserts one row, with nothing else around it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated

import asyncpg
from fastapi import FastAPI, Header, HTTPException, Request
from pydantic import BaseModel

TABLE = """
create table if not exists bench_payins (
  id bigint generated always as identity primary key, store_id bigint not null, external_id text not null,
  amount numeric not null, currency text not null, method text not null, created_at timestamptz not null default now(),
  unique (store_id, external_id)
)
"""
KEY_ROW = "select store_id, key_hash from store_api_keys where key_id = $1 and revoked_at is null"
INSERT = """
insert into bench_payins (store_id, external_id, amount, currency, method) values ($1, $2, $3, $4, $5)
returning id, created_at
"""
POOL_SIZE = 8
"""As ours."""


class Payin(BaseModel):
    external_order_id: str
    amount: Decimal
    currency: str
    payment_method: str


def create_app() -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(
            os.environ["DATABASE_OWNER_URL"], min_size=POOL_SIZE, max_size=POOL_SIZE
        ) as app.state.pool:
            await app.state.pool.execute(TABLE)
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/gateway/payin/init", status_code=201)
    async def initialize_payin(
        request: Request, body: Payin, x_api_key: Annotated[str, Header()]
    ) -> dict[str, str | int]:
        async with request.app.state.pool.acquire() as connection:
            key = await connection.fetchrow(KEY_ROW, x_api_key.split("_")[2])
            if key is None:
                raise HTTPException(401)
            made = await connection.fetchrow(
                INSERT, key["store_id"], body.external_order_id, body.amount, body.currency, body.payment_method
            )
        return {"id": made["id"], "created_at": made["created_at"].isoformat(), "status": "new"}

    return app
