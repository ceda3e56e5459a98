"""The command line: which commands there are. One file per group; this one only names them."""

from importlib.metadata import version
from typing import Annotated

import typer

from jivapay.cli import check, db, demo, money, rate, reconcile, secret_files, serve, statement, tasks, up, user
from jivapay.cli.failures import clear_line
from jivapay.config.logger import setup_logging

app = typer.Typer(
    name="jivapay",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Fiat pay-ins and pay-outs through a network of traders, settled in crypto.",
    epilog="Start with: jivapay up",
)
app.command()(up.up)
app.command()(demo.demo)
app.command()(serve.serve)
app.command()(serve.worker)
app.command()(serve.relay)
app.command()(serve.scheduler)
app.command(hidden=True)(serve.background)
app.command()(check.check)
app.command()(reconcile.reconcile)
app.command()(money.unfreeze)
app.command()(secret_files.secrets)
app.command()(statement.statement)
app.add_typer(db.app, name="db")
app.add_typer(rate.app, name="rate")
app.add_typer(tasks.app, name="tasks")
app.add_typer(user.app, name="user")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("jivapay"))
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


def run() -> None:
    """The console script. Commands answer on standard output; what is logged meanwhile stands on standard error."""
    setup_logging("WARNING")
    with clear_line():
        app()
