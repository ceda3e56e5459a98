"""Statements page by page, balances at a moment, and the platform's profit."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from jivapay.database.models.reference import Currency
from jivapay.database.session import AnySession
from jivapay.domain.money import format_amount
from jivapay.exceptions import ValidationFailed
from jivapay.schemas_enums.enums import CurrencyKind
from jivapay.schemas_enums.statements import (
    PlatformBalanceRead,
    PlatformBalances,
    ProfitEntry,
    ProfitQuery,
    ProfitRead,
    StatementEntry,
    StatementQuery,
    StatementRead,
)
from jivapay.services import balance_manager, reference_data
from jivapay.services.balance_manager import AccountKey, Entry, Period
from jivapay.services.statement_service.accounts import StatedAccount
from jivapay.utils.listing import decode_cursor, encode_cursor, invalid_cursor, read_sort

PERIOD_DEFAULT = timedelta(days=30)
PERIOD_MAX = timedelta(days=366)
EARLIEST = datetime.min.replace(tzinfo=UTC)
SORTS = ("created_at",)
SORT_DEFAULT = "created_at"


async def get_statement(session: AnySession, account: StatedAccount, asked: StatementQuery) -> StatementRead:
    """Oldest first unless `sort=-created_at`. Raises ValidationFailed: `range.invalid`, `sort.…`, `cursor.invalid`."""
    period = await read_period(session, asked.start, asked.end)
    sort, _, downwards = read_sort(asked, dict.fromkeys(SORTS), SORT_DEFAULT)
    after = None if asked.cursor is None else decode_cursor(asked.cursor, sort)
    found = await balance_manager.get_statement_page(
        session,
        account.key,
        period,
        after=after,
        limit=asked.page_size,
        offset=0 if after else (asked.page - 1) * asked.page_size,
        downwards=downwards,
    )
    if not found.cursor_found:
        raise invalid_cursor()
    totals, key = found.totals, account.key
    return StatementRead(
        owner_type=key.owner_type.value,
        owner_id=account.owner_id,
        account=key.kind.value,
        currency=key.currency,
        test=key.test,
        start=period.start,
        end=period.end,
        opening=format_amount(totals.opening, account.scale),
        credited=format_amount(totals.credited, account.scale),
        debited=format_amount(totals.debited, account.scale),
        closing=format_amount(totals.closing, account.scale),
        items=[_entry(entry, account.scale) for entry in found.entries],
        total=totals.count,
        page=asked.page,
        page_size=asked.page_size,
        next_cursor=encode_cursor(sort, found.entries[-1].transfer_id) if found.has_more else None,
    )


async def list_platform_balances(session: AnySession, at: datetime | None) -> PlatformBalances:
    """In each currency and world, to the last posting: what is not rolled up yet is counted, too."""
    moment = at or await _now(session)
    currencies = await session.scalars(
        select(Currency).where(Currency.kind == CurrencyKind.CRYPTO).order_by(Currency.code)
    )
    items = []
    for currency in currencies:
        for test in (False, True):
            key = AccountKey.platform(currency.code, test=test)
            balance = await balance_manager.get_balance_at(session, key, moment)
            items.append(
                PlatformBalanceRead(
                    currency=currency.code,
                    test=test,
                    total=format_amount(balance.total, currency.scale),
                    held=format_amount(balance.held, currency.scale),
                    available=format_amount(balance.available, currency.scale),
                )
            )
    return PlatformBalances(at=moment, items=items)


async def get_profit(session: AnySession, asked: ProfitQuery) -> ProfitRead:
    """What orders brought the platform, by day, store or trader. Raises ValidationFailed `range.invalid`."""
    period = await read_period(session, asked.start, asked.end)
    rows = await balance_manager.list_profit(session, asked.by, period, test=asked.test == "true")
    scales = await reference_data.get_scales(session)
    totals = {row.currency: row.total for row in rows}
    return ProfitRead(
        start=period.start,
        end=period.end,
        items=[
            ProfitEntry(
                day=row.day,
                id=row.owner_id,
                name=row.name,
                currency=row.currency,
                profit=format_amount(row.profit, scales[row.currency]),
                orders=row.orders,
            )
            for row in rows
        ],
        totals={currency: format_amount(total, scales[currency]) for currency, total in totals.items()},
    )


async def read_period(session: AnySession, start: datetime | None, end: datetime | None) -> Period:
    """The period asked for; the last 30 days unless said otherwise. Raises ValidationFailed `range.invalid`."""
    last = end or await _now(session)
    first = start or max(last, EARLIEST + PERIOD_DEFAULT) - PERIOD_DEFAULT
    if first >= last or last - first > PERIOD_MAX:
        raise ValidationFailed.at("query", "from", code="range.invalid")
    return Period(first, last)


async def _now(session: AnySession) -> datetime:
    now: datetime | None = await session.scalar(select(func.app_now()))
    if now is None:
        raise AssertionError("the database always knows the time")
    return now.astimezone(UTC)


def _entry(entry: Entry, scale: int) -> StatementEntry:
    return StatementEntry(
        id=entry.transfer_id,
        at=entry.at,
        kind=entry.kind,
        order_id=entry.order_id,
        external_order_id=entry.external_order_id,
        reference_type=entry.reference_type,
        reference_id=entry.reference_id,
        reverses=entry.reverses,
        amount=format_amount(entry.amount, scale),
        balance_after=format_amount(entry.balance_after, scale),
    )
