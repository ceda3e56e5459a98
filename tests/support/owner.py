"""The hand of the database's owner: for states that the application's role cannot bring about."""

import asyncpg


async def as_owner(owner_url: str, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


async def lift_guards(connection: asyncpg.Connection) -> None:
    """Switch off every trigger and drop every foreign key of this database, for planting impossible rows."""
    tables = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
    for (table,) in tables:
        await connection.execute(f"alter table {table} disable trigger user")
    keys = await connection.fetch(
        "select conrelid::regclass::text, conname from pg_constraint where contype = 'f'"
        " and connamespace = 'public'::regnamespace"
    )
    for table, key in keys:
        await connection.execute(f"alter table {table} drop constraint {key}")
