"""`jivapay rate …`: the exchange rate set at the terminal, whether `up` runs or not (REF-06 to 08).

A new platform has none, and takes no order before somebody has set one. The same service as the admin's API.
"""

import asyncio
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from jivapay.cli.environment import HomeOption, data_services
from jivapay.cli.failures import CommandFailure
from jivapay.config.settings import Settings

if TYPE_CHECKING:
    from jivapay.services.rate_service import KnownRate

_PAIR = re.compile(r"([A-Z0-9]{2,10})/([A-Z0-9]{2,10})", re.ASCII)
_RATE = re.compile(r"[0-9]{1,15}(\.[0-9]{1,8})?", re.ASCII)

app = typer.Typer(no_args_is_help=True, help="Exchange rates.")


@app.command("set")
def set_(
    pair: Annotated[str, typer.Argument(help="Crypto and fiat: USDT/RUB.")],
    rate: Annotated[str, typer.Argument(help="Fiat for one crypto: 92.50.")],
    confirm_jump: Annotated[
        bool, typer.Option("--confirm-jump", help="Set it although it differs much from the rate in force.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Set the rate of a pair, for orders from now on."""
    found = _PAIR.fullmatch(pair)
    if found is None:
        raise CommandFailure(f"{pair!r} is not a pair like USDT/RUB")
    if not _RATE.fullmatch(rate):
        raise CommandFailure(f"{rate!r} is not a rate like 92.50, with at most 8 decimals")
    with data_services(home) as settings:
        asyncio.run(_set(settings, found[1], found[2], Decimal(rate), confirm_jump=confirm_jump))
    typer.echo(f"{pair} {rate}")


@app.command()
def show(home: HomeOption = None) -> None:
    """Show the newest rate of every pair, when it was set and whether it may be used."""
    from jivapay.domain.money import format_rate

    with data_services(home) as settings:
        known = asyncio.run(_list(settings))
    for one in known:
        row = one.row
        values = " ".join(format_rate(value) for value in dict.fromkeys((row.sell_rate, row.buy_rate)))
        state = "fresh" if one.is_fresh else "stale"
        typer.echo(f"{row.crypto}/{row.fiat} {values} {row.source} {row.set_at:%Y-%m-%dT%H:%M:%SZ} {state}")
    if not known:
        typer.echo("no rate is set")


async def _set(settings: Settings, crypto: str, fiat: str, rate: Decimal, *, confirm_jump: bool) -> None:
    from jivapay.database import db  # noqa: F401 - the tables that exchange_rates refers to
    from jivapay.domain.actors import Actor
    from jivapay.exceptions import Conflict
    from jivapay.services import rate_service
    from jivapay.utils.resources import open_resources

    async with open_resources(settings, application_name="jivapay-rate") as resources:
        rules = await resources.config.current()
        try:
            async with resources.database.write() as session:
                await rate_service.change_rate(
                    session,
                    Actor.system("command line"),
                    fiat=fiat,
                    crypto=crypto,
                    rate=rate,
                    rules=rules,
                    confirm_jump=confirm_jump,
                )
        except Conflict as jump:
            raise CommandFailure(f"{jump.detail} (--confirm-jump)") from None


async def _list(settings: Settings) -> "list[KnownRate]":
    from jivapay.services import rate_service
    from jivapay.utils.resources import open_resources

    async with open_resources(settings, application_name="jivapay-rate") as resources:
        rules = await resources.config.current()
        async with resources.database.read() as session:
            return await rate_service.list_rates(session, rules)
