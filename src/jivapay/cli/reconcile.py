"""`jivapay reconcile`: the books against each other and against the object store, one line a check."""

import asyncio
import json
import sys
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from jivapay.cli.environment import HomeOption, data_services
from jivapay.cli.failures import EXIT_FOUND
from jivapay.config.settings import Settings

if TYPE_CHECKING:
    from jivapay.services.reconciliation_service import Outcome

ROWS_SHOWN = 20


def reconcile(
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="What has changed since this day began (UTC); else all."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON on standard output.")] = False,
    home: HomeOption = None,
) -> None:
    """Compare the books; exit 1, and the differences, when they do not agree. Keeps the report; freezes money if so."""
    with data_services(home) as settings:
        outcomes = asyncio.run(_reconcile(settings, day.date() if day else None))
    if as_json:
        typer.echo(json.dumps([_as_json(one) for one in outcomes], indent=1))
    else:
        _show(outcomes)
    if any(one.differences for one in outcomes):
        raise typer.Exit(EXIT_FOUND)


async def _reconcile(settings: Settings, day: date | None) -> "list[Outcome]":
    from rich.console import Console
    from rich.progress import Progress

    from jivapay.config.crypto import HeadSigner
    from jivapay.domain.actors import Actor
    from jivapay.services import invariant_service, reconciliation_service
    from jivapay.utils.s3_client import open_storage

    actor = Actor.system("command line")
    async with invariant_service.open_patient_database(settings, "jivapay-reconcile") as database:
        async with database.write() as session:
            asked = await reconciliation_service.request(session, actor, day)
        with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task("", total=len(reconciliation_service.CHECKS))

            def begin(code: str) -> None:
                bar.update(task, description=code, advance=1)

            return await reconciliation_service.run(
                database, open_storage(settings), HeadSigner.from_settings(settings), actor, asked.id, progress=begin
            )


def _show(outcomes: "list[Outcome]") -> None:
    for one in outcomes:
        word = "ok     " if not one.differences else "DIFFERS"
        typer.echo(f"{word} {one.check.code:<10} {one.examined:>10} examined  {one.check.sentence}")
        for row in one.rows[:ROWS_SHOWN]:
            typer.echo(f"        {row}")
        if len(one.rows) > ROWS_SHOWN:
            typer.echo(f"        and {len(one.rows) - ROWS_SHOWN} more")


def _as_json(outcome: "Outcome") -> dict[str, object]:
    return {
        "check": outcome.check.code,
        "sentence": outcome.check.sentence,
        "examined": outcome.examined,
        "differences": outcome.differences,
        "rows": list(outcome.rows),
    }
