"""`jivapay unfreeze`: money moves again after a person has found the cause (decision 21)."""

import asyncio
from typing import Annotated

import typer

from jivapay.cli.environment import HomeOption, data_services
from jivapay.config.settings import Settings


def unfreeze(
    reason: Annotated[str, typer.Option(help="What was found and mended; kept in the audit log.")],
    acknowledge: Annotated[
        bool,
        typer.Option(
            "--acknowledge",
            help="What is violated now is known and stays as it is: these rows freeze no more, new or changed ones do.",
        ),
    ] = False,
    home: HomeOption = None,
) -> None:
    """Let money move again after a violated invariant froze it. Run `jivapay check` first."""
    with data_services(home) as settings:
        known = asyncio.run(_unfreeze(settings, reason, acknowledge=acknowledge))
    typer.echo(f"money moves again{f'; {known} rows acknowledged' if known else ''}")


async def _unfreeze(settings: Settings, reason: str, *, acknowledge: bool) -> int:
    """How many rows were acknowledged."""
    from jivapay.config.crypto import HeadSigner
    from jivapay.domain.actors import Actor
    from jivapay.services import freeze_service, invariant_service, platform_service
    from jivapay.utils.s3_client import open_storage

    actor = Actor.system("command line")
    async with invariant_service.open_patient_database(settings, "jivapay-unfreeze") as database:
        found = await invariant_service.list_violations(database) if acknowledge else {}
        if acknowledge:
            storage, signer = open_storage(settings), HeadSigner.from_settings(settings)
            found[platform_service.HEAD_CHECK] = await platform_service.find_head_violations(database, storage, signer)
        async with database.write() as session:
            await platform_service.unfreeze(session, actor, reason=reason)
            return await freeze_service.acknowledge(session, actor, found, reason=reason)
