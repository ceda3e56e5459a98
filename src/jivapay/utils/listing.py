"""Long lists: sorted by what is allowed, read page by page or from a cursor on (http-api, "Lists").

A cursor names the last item that was seen by its public id, and the order it was seen in; it holds no internal number
and no value. The next page begins after that item as it stands now, so nothing is shown twice and nothing skipped,
however much has been added since.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select, SQLColumnExpression, func, select, tuple_

from jivapay.database.session import AnySession
from jivapay.exceptions import ValidationFailed
from jivapay.schemas_enums.base import ListQuery, Page

Row = TypeVar("Row")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Sorting:
    """What a list may be sorted by. Columns are never null; `key` is unique and decides between equals."""

    columns: Mapping[str, SQLColumnExpression[Any]]
    key: SQLColumnExpression[int]
    public_id: SQLColumnExpression[UUID]
    default: str = "-created_at"


@dataclass(frozen=True, slots=True)
class Listed(Generic[Row]):
    rows: Sequence[Row]
    total: int
    next_cursor: str | None


def show_page(listed: Listed[Row], asked: ListQuery, show: Callable[[Row], Item]) -> Page[Item]:
    """What was fetched, as it travels."""
    return Page(
        items=[show(row) for row in listed.rows],
        total=listed.total,
        page=asked.page,
        page_size=asked.page_size,
        next_cursor=listed.next_cursor,
    )


def encode_cursor(sort: str, public_id: UUID) -> str:
    return urlsafe_b64encode(f"{sort}:{public_id.hex}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str, sort: str) -> UUID:
    """Raises ValidationFailed `cursor.invalid`, also for one of another order."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        said, _, public_id = urlsafe_b64decode(padded).decode("ascii").rpartition(":")
        found = UUID(hex=public_id)
    except ValueError:
        raise invalid_cursor() from None
    if said != sort:
        raise invalid_cursor()
    return found


def invalid_cursor() -> ValidationFailed:
    return ValidationFailed.at("query", "cursor", code="cursor.invalid")


def read_sort(asked: ListQuery, allowed: Mapping[str, object], default: str) -> tuple[str, str, bool]:
    """The order asked for as it is written, by what, and whether downwards. Raises ValidationFailed."""
    sort = asked.sort or default
    name = sort.removeprefix("-")
    if name not in allowed:
        raise ValidationFailed.at("query", "sort", code="sort.unknown_field")
    return sort, name, sort.startswith("-")


async def fetch_list(
    session: AnySession,
    statement: Select[*tuple[Any, ...]],
    sorting: Sorting,
    asked: ListQuery,
    *,
    among: Select[*tuple[Any, ...]] | None = None,
) -> Listed[Any]:
    """One page of `statement`, which filters but does not sort. The public id of each row must be among its columns'
    tables. `among` is where the item of a cursor is looked up when it may have left the list since, as what waits does
    once it is decided. Raises ValidationFailed `sort.unknown_field` or `cursor.invalid`.
    """
    sort, name, downwards = read_sort(asked, sorting.columns, sorting.default)
    place = (sorting.columns[name], sorting.key)
    total = await session.scalar(select(func.count()).select_from(statement.with_only_columns(sorting.key).subquery()))
    paged = statement.add_columns(sorting.public_id).order_by(*(c.desc() if downwards else c.asc() for c in place))
    if asked.cursor is None:
        paged = paged.offset((asked.page - 1) * asked.page_size)
    else:
        known = statement if among is None else among
        seen = known.with_only_columns(*place).where(sorting.public_id == decode_cursor(asked.cursor, sort))
        last = (await session.execute(seen)).one_or_none()
        if last is None:
            raise invalid_cursor()
        after = tuple_(*place) < tuple_(*last) if downwards else tuple_(*place) > tuple_(*last)
        paged = paged.where(after)
    rows = (await session.execute(paged.limit(asked.page_size + 1))).all()
    shown = rows[: asked.page_size]
    more = len(rows) > len(shown)
    return Listed([row[:-1] for row in shown], total or 0, encode_cursor(sort, shown[-1][-1]) if more else None)
