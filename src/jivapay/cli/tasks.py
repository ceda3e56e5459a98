"""`jivapay tasks …`: what failed for good, and sending it on its way again (K58)."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from jivapay.cli.environment import HomeOption, data_services
from jivapay.config.settings import Settings

if TYPE_CHECKING:
    from jivapay.database.models.reference import FailedTask

app = typer.Typer(no_args_is_help=True, help="Tasks that failed for good.")

SHOWN = 200


@app.command()
def failed(home: HomeOption = None) -> None:
    """List the tasks that failed for good and that nobody has dealt with, newest first."""
    with data_services(home) as settings:
        rows, total = asyncio.run(_failed(settings))
    for row in rows:
        typer.echo(f"{row.task_id}  {row.failed_at:%Y-%m-%d %H:%M:%S}  {row.name}{row.args}  {row.error}")
    typer.echo(f"{total} failed")


@app.command()
def requeue(
    task_id: Annotated[str, typer.Argument(help="As `jivapay tasks failed` shows it.")], home: HomeOption = None
) -> None:
    """Send a failed task on its way again. Safe: a task done twice finds nothing to do."""
    with data_services(home) as settings:
        name = asyncio.run(_requeue(settings, task_id))
    typer.echo(f"{name} leaves with the relay's next look")


async def _failed(settings: Settings) -> "tuple[Sequence[FailedTask], int]":
    from jivapay.services import task_service
    from jivapay.utils.resources import open_resources

    opening = open_resources(settings, application_name="jivapay-tasks")
    async with opening as resources, resources.database.read() as session:
        return await task_service.list_failed(session, page_size=SHOWN)


async def _requeue(settings: Settings, task_id: str) -> str:
    from jivapay.domain.actors import Actor
    from jivapay.services import task_service
    from jivapay.utils.resources import open_resources

    opening = open_resources(settings, application_name="jivapay-tasks")
    async with opening as resources, resources.database.write() as session:
        return (await task_service.requeue(session, Actor.system("command line"), task_id)).name
