"""Every row of a database as text: what a refused request must leave exactly as it was."""

from sqlalchemy import text

from jivapay.database.session import Database

Dump = dict[str, list[str]]


async def dump(database: Database) -> Dump:
    """Table → its rows."""
    async with database.read() as session:
        tables = await session.scalars(
            text(
                "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
                " and has_table_privilege(oid, 'select') order by 1"
            )
        )
        return {
            name: list(await session.scalars(text(f'select to_jsonb(t)::text from "{name}" t order by 1')))
            for name in tables.all()
        }


def changed_tables(before: Dump, after: Dump) -> list[str]:
    return [name for name, rows in after.items() if rows != before[name]]
