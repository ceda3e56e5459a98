"""`jivapay db …`: the schema and the data every installation has."""

import asyncio

import typer

from jivapay.cli.environment import HomeOption, data_services, refuse_unsafe_migration
from jivapay.cli.failures import EXIT_FOUND
from jivapay.config.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The schema, and the data every installation has.")


@app.command()
def upgrade(home: HomeOption = None) -> None:
    """Migrate to the newest schema and give the application's role its rights. Forward only; repeatable."""
    from jivapay.database.migrate import head_revision

    with data_services(home, create=True) as settings:
        asyncio.run(migrate(settings))
    typer.echo(f"at revision {head_revision()}")


@app.command()
def current(home: HomeOption = None) -> None:
    """Show the database's revision and the newest one; exit 1 unless they are the same."""
    from jivapay.database.migrate import head_revision

    with data_services(home) as settings:
        found, newest = asyncio.run(_revision(settings)), head_revision()
    typer.echo(f"database {found or 'empty'}, newest {newest}")
    if found != newest:
        raise typer.Exit(EXIT_FOUND)


@app.command()
def seed(home: HomeOption = None) -> None:
    """Write reference data, settings and the first administrator, unless they are there. Repeatable."""
    with data_services(home) as settings:
        asyncio.run(write_seed(settings))


async def migrate(settings: Settings) -> None:
    from sqlalchemy import make_url

    from jivapay.database.migrate import upgrade
    from jivapay.database.tls import DatabaseTls

    await refuse_unsafe_migration(settings)
    app_role = make_url(settings.async_database_url).username
    await upgrade(settings.async_database_owner_url, app_role, DatabaseTls.of(settings))


async def write_seed(settings: Settings) -> None:
    """Seed, and show the first administrator's generated password, this once."""
    from jivapay.services import seed_service
    from jivapay.utils.resources import open_resources

    async with open_resources(settings, application_name="jivapay-seed") as resources:
        seeded = await seed_service.seed(resources.database, settings)
    if seeded.password is not None:
        typer.echo(f"first administrator {seeded.email}, password {seeded.password} (shown once; change it at sign-in)")


async def _revision(settings: Settings) -> str | None:
    from jivapay.database.engine import make_engine
    from jivapay.database.migrate import current_revision
    from jivapay.database.tls import DatabaseTls

    engine = make_engine(settings.async_database_url, pool_size=1, tls=DatabaseTls.of(settings))
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(current_revision)
    finally:
        await engine.dispose()
