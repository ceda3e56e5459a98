"""A statement as a file: read in one statement, written as it comes, kept on disk, and only then sent.

Nothing is sent while a transaction is open: a slow client holds a temporary file and nothing else. Who took what away
is in the audit log.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO
from zoneinfo import ZoneInfo

from sqlalchemy import select

from jivapay.database.models.people import User
from jivapay.database.session import AnySession
from jivapay.domain.actors import Actor
from jivapay.domain.money import money_round
from jivapay.exceptions import ValidationFailed
from jivapay.services import audit_service, balance_manager
from jivapay.services.balance_manager import Entry, Period, Totals
from jivapay.services.statement_service import words
from jivapay.services.statement_service.accounts import StatedAccount
from jivapay.services.statement_service.reading import read_period
from jivapay.utils.resources import Resources
from jivapay.utils.spreadsheets import Cell, FileFormat, Layout, open_writer

ROWS_MAX = 50_000
BATCH = 1_000

FindAccount = Callable[[AnySession], Awaitable[StatedAccount]]


@dataclass(frozen=True, slots=True)
class StatementFile:
    """`content` stands at its beginning; whoever sends it closes it."""

    content: IO[bytes]
    name: str
    media_type: str


async def make_file(
    resources: Resources,
    actor: Actor,
    find: FindAccount,
    *,
    start: datetime | None,
    end: datetime | None,
    file_format: FileFormat,
    language: str,
) -> StatementFile:
    """The whole period of the account that `find` gives, oldest first.

    Raises what `find` raises, and ValidationFailed `range.invalid` or `statement.too_long`.
    """
    with ExitStack() as stack:
        content: IO[bytes] = stack.enter_context(TemporaryFile())
        async with resources.database.read() as session:
            account = await find(session)
            period = await read_period(session, start, end)
            await _refuse_too_long(session, account, period)
            zone = ZoneInfo(await session.scalar(select(User.time_zone).where(User.id == actor.id)) or "UTC")
            count = await _write(session, content, account, period, file_format, language, zone)
        await _record(resources, actor, account, period, file_format, count)
        content.seek(0)
        stack.pop_all()
    name = f"statement-{account.key.kind}-{account.key.currency}-{period.start:%Y%m%d}-{period.end:%Y%m%d}"
    return StatementFile(content, f"{name}.{file_format}", file_format.media_type)


async def _refuse_too_long(session: AnySession, account: StatedAccount, period: Period) -> None:
    if await balance_manager.count_entries(session, account.key, period, up_to=ROWS_MAX + 1) > ROWS_MAX:
        raise ValidationFailed.at(
            "query", "from", code="statement.too_long", detail=f"Ask for at most {ROWS_MAX} entries."
        )


async def _write(
    session: AnySession,
    content: IO[bytes],
    account: StatedAccount,
    period: Period,
    file_format: FileFormat,
    language: str,
    zone: ZoneInfo,
) -> int:
    """The file, made beside the event loop; how many entries are in it."""
    async with balance_manager.stream_statement(session, account.key, period, batch=BATCH) as (totals, batches):
        layout = _layout(account, period, totals, language, zone)
        writer = await asyncio.to_thread(open_writer, file_format, content, layout)
        async for entries in batches:
            rows = [_row(entry, account.scale, language) for entry in entries]
            await asyncio.to_thread(writer.write_rows, rows)
        await asyncio.to_thread(writer.close)
    return totals.count


async def _record(
    resources: Resources, actor: Actor, account: StatedAccount, period: Period, file_format: FileFormat, count: int
) -> None:
    details = {
        "account": f"{account.key.owner_type}:{account.key.kind}:{account.key.currency}",
        "from": period.start.isoformat(),
        "to": period.end.isoformat(),
        "format": file_format.value,
        "entries": count,
    }
    async with resources.database.write() as session:
        await audit_service.log_event(
            session,
            actor,
            "statement.exported",
            entity=account.key.owner_type,
            entity_id=account.key.owner_id,
            details=details,
        )


def _layout(account: StatedAccount, period: Period, totals: Totals, language: str, zone: ZoneInfo) -> Layout:
    said, scale = words.SUMMARY[language], account.scale
    summary: list[tuple[str, Cell]] = [
        (said["account"], account.name),
        (said["currency"], account.key.currency),
        (said["start"], period.start),
        (said["end"], period.end),
        (said["opening"], money_round(totals.opening, scale)),
        (said["credited"], money_round(totals.credited, scale)),
        (said["debited"], money_round(totals.debited, scale)),
        (said["closing"], money_round(totals.closing, scale)),
        (said["count"], totals.count),
    ]
    return Layout(language, zone, words.HEADINGS[language], summary, words.TITLES[language])


def _row(entry: Entry, scale: int, language: str) -> Sequence[Cell]:
    return (
        entry.at,
        words.kind_word(entry.kind, language),
        str(entry.order_id) if entry.order_id else None,
        entry.external_order_id,
        f"{entry.reference_type} {entry.reference_id or ''}".strip(),
        money_round(entry.amount, scale),
        money_round(entry.balance_after, scale),
        str(entry.transfer_id),
    )
