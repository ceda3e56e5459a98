"""The hand of the database's owner: for states that the application's role cannot bring about."""

import asyncpg

TABLES = "select tablename from pg_tables where schemaname = 'public'"


async def as_owner(owner_url: str, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


async def lift_guards(connection: asyncpg.Connection) -> None:
    """Switch off every trigger and drop every foreign key of this database, for planting impossible rows."""
    for (table,) in await connection.fetch(TABLES):
        await connection.execute(f"alter table {table} disable trigger user")
    keys = await connection.fetch(
        "select conrelid::regclass::text, conname from pg_constraint where contype = 'f'"
        " and connamespace = 'public'::regnamespace"
    )
    for table, key in keys:
        await connection.execute(f"alter table {table} drop constraint {key}")


async def forge(owner_url: str, *statements: str) -> None:
    """Alter rows behind the triggers' backs; they guard again afterwards."""
    connection = await asyncpg.connect(owner_url)
    try:
        async with connection.transaction():
            tables = [row[0] for row in await connection.fetch(TABLES)]
            for table in tables:
                await connection.execute(f"alter table {table} disable trigger user")
            for statement in statements:
                await connection.execute(statement)
            for table in tables:
                await connection.execute(f"alter table {table} enable trigger user")
    finally:
        await connection.close()
