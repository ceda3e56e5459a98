"""The hand of the database's owner: for states that the application's role cannot bring about."""

import asyncpg


async def as_owner(owner_url: str, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()
