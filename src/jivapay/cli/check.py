"""`jivapay check`: every invariant of the money, the orders and the audit log, one line each (issue 2, section 4)."""

import asyncio

import typer

from jivapay.cli.environment import HomeOption, data_services
from jivapay.cli.failures import EXIT_FOUND
from jivapay.config.settings import Settings

ROWS_SHOWN = 20


def check(home: HomeOption = None) -> None:
    """Check every invariant; exit 1, and the rows, when one is violated. Changes nothing."""
    with data_services(home) as settings:
        violated = asyncio.run(_check(settings))
    if violated:
        typer.echo(f"{violated} violated")
        raise typer.Exit(EXIT_FOUND)


async def _check(settings: Settings) -> int:
    """How many are violated."""
    from jivapay.services import invariant_service

    async with invariant_service.open_patient_database(settings, "jivapay-check") as database:
        results = await invariant_service.run_all(database)
    for result in results:
        known = f" ({result.acknowledged} acknowledged)" if result.acknowledged else ""
        typer.echo(f"{'ok      ' if result.holds else 'VIOLATED'} {result.name}{known}")
        for row in result.rows[:ROWS_SHOWN]:
            typer.echo(f"         {row}")
        if len(result.rows) > ROWS_SHOWN:
            typer.echo(f"         and {len(result.rows) - ROWS_SHOWN} more")
    return sum(not result.holds for result in results)
