"""`jivapay unfreeze`: money moves again after a person has found the cause (decision 21)."""

import asyncio
from typing import Annotated

import typer

from jivapay.cli.environment import HomeOption, data_services
from jivapay.config.settings import Settings


def unfreeze(
    reason: Annotated[str, typer.Option(help="What was found and mended; kept in the audit log.")],
    home: HomeOption = None,
) -> None:
    """Let money move again after a violated invariant froze it. Run `jivapay check` first."""
    with data_services(home) as settings:
        asyncio.run(_unfreeze(settings, reason))
    typer.echo("money moves again")


async def _unfreeze(settings: Settings, reason: str) -> None:
    from jivapay.domain.actors import Actor
    from jivapay.services import platform_service
    from jivapay.utils.resources import open_resources

    opening = open_resources(settings, application_name="jivapay-unfreeze")
    async with opening as resources, resources.database.write() as session:
        await platform_service.unfreeze(session, Actor.system("command line"), reason=reason)
