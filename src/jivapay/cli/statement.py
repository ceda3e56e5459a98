"""`jivapay statement`: a store's, a trader's or the platform's statement as a file, made at the terminal."""

import asyncio
import shutil
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from jivapay.cli.environment import HomeOption, data_services
from jivapay.cli.failures import CommandFailure
from jivapay.config.settings import Settings
from jivapay.schemas_enums.enums import AccountKind

if TYPE_CHECKING:
    from jivapay.services.statement_service import FindAccount


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


class Language(StrEnum):
    RU = "ru"
    EN = "en"


def statement(
    to: Annotated[Path, typer.Argument(help="The file to write. Must not exist yet.")],
    store: Annotated[str, typer.Option(help="A store's id. Without it and --trader: the platform's own.")] = "",
    trader: Annotated[str, typer.Option(help="A trader's user id.")] = "",
    account: Annotated[AccountKind, typer.Option(help="Which account of a trader.")] = AccountKind.CRYPTO,
    currency: Annotated[str, typer.Option(help="Of the platform's account.")] = "USDT",
    begins: Annotated[str, typer.Option("--from", help="First day, as 2026-01-31, in UTC. Default: 30 days.")] = "",
    ends: Annotated[str, typer.Option("--until", help="The day after the last, in UTC. Default: until now.")] = "",
    file_format: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.CSV,
    language: Annotated[Language, typer.Option(help="Of its headings.")] = Language.EN,
    home: HomeOption = None,
) -> None:
    """Write opening balance, movements and closing balance of a period to a file. Kept in the audit log."""
    from jivapay.services import statement_service

    if store and trader:
        raise CommandFailure("say --store or --trader, not both")
    owner = _uuid(store or trader)
    start, end = _moment(begins), _moment(ends)

    find: FindAccount
    if owner is None:
        find = lambda session: statement_service.platform(session, currency, test=False)  # noqa: E731 - one of three
    elif store:
        find = lambda session: statement_service.any_store(session, owner)  # noqa: E731 - as above
    else:
        find = lambda session: statement_service.any_trader(session, owner, account)  # noqa: E731 - as above
    with data_services(home) as settings:
        asyncio.run(write(settings, find, to, start, end, file_format, language))
    typer.echo(f"wrote {to}")


async def write(
    settings: Settings,
    find: "FindAccount",
    to: Path,
    start: datetime | None,
    end: datetime | None,
    file_format: Format,
    language: Language,
) -> None:
    """Raises CommandFailure when the file exists already, and what the service raises."""
    from jivapay.domain.actors import Actor
    from jivapay.services import statement_service
    from jivapay.utils.resources import open_resources
    from jivapay.utils.spreadsheets import FileFormat

    async with open_resources(settings, application_name="jivapay-statement") as resources:
        made = await statement_service.make_file(
            resources,
            Actor.system("command line"),
            find,
            start=start,
            end=end,
            file_format=FileFormat(file_format.value),
            language=language.value,
        )
    try:
        with made.content, to.open("xb") as target:
            shutil.copyfileobj(made.content, target)
    except FileExistsError:
        raise CommandFailure(f"{to} exists already") from None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise CommandFailure(f"{text!r} is no id") from None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC) if text else None
    except ValueError:
        raise CommandFailure(f"{text!r} is no day; write it as 2026-01-31") from None
