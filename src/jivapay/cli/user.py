"""`jivapay user …`: people made at the terminal, by whoever runs the platform. The same service as the admin's API."""

import asyncio
import sys
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import typer

from jivapay.cli.environment import HomeOption, data_services
from jivapay.cli.failures import CommandFailure
from jivapay.config.settings import Settings
from jivapay.schemas_enums.enums import Role

if TYPE_CHECKING:
    from jivapay.services.user_service import Created, NewUser

app = typer.Typer(no_args_is_help=True, help="People and their accounts.")


@app.callback()
def _group() -> None:
    """Keep `create` a sub-command while it is the only one."""


@app.command()
def create(
    role: Annotated[Role, typer.Option(help="What the person is.")],
    email: Annotated[str, typer.Option(help="The address to sign in with.")],
    name: Annotated[str, typer.Option(help="How the person is shown.")] = "",
    preset: Annotated[
        str, typer.Option(help="Ready-made permissions of admin, support or teamlead. Default: the first.")
    ] = "",
    currency: Annotated[str, typer.Option(help="A trader's fiat currency.")] = "RUB",
    crypto: Annotated[str, typer.Option(help="A trader's crypto currency.")] = "USDT",
    commission_payin: Annotated[str, typer.Option(help="A trader's percentage of pay-ins.")] = "0",
    commission_payout: Annotated[str, typer.Option(help="A trader's percentage of pay-outs.")] = "0",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Create a person. Without --password-stdin a password is made and shown once; it must be changed at sign-in."""
    from jivapay.services.commission_service import Commission
    from jivapay.services.user_service import NewTrader, NewUser

    trader = None
    if role is Role.TRADER:
        commission = Commission(_percentage(commission_payin), _percentage(commission_payout))
        trader = NewTrader(currency, crypto, commission)
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    new = NewUser(email, role, name, password, _permissions(role, preset), trader=trader)
    with data_services(home) as settings:
        created = asyncio.run(_create(settings, new))
    typer.echo(f"created {role} {email}")
    if created.initial_password is not None:
        typer.echo(f"password {created.initial_password} (shown once; must be changed at sign-in)")


def _permissions(role: Role, preset: str) -> tuple[str, ...]:
    from jivapay.domain.permissions import PRESETS

    known = PRESETS.get(role, {})
    if preset and preset not in known:
        raise CommandFailure(f"{role} has no preset {preset!r}: {', '.join(known) or 'its rights are fixed'}")
    return known[preset or next(iter(known))] if known else ()


def _percentage(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise CommandFailure(f"{text!r} is not a percentage") from None


async def _create(settings: Settings, new: "NewUser") -> "Created":
    from jivapay.domain.actors import Actor
    from jivapay.services import user_service
    from jivapay.utils.resources import open_resources

    opening = open_resources(settings, application_name="jivapay-user")
    async with opening as resources, resources.database.write() as session:
        return await user_service.create_user(session, Actor.system("command line"), new)
