"""What every table shares: naming of constraints, column types, the clock of the database."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Identity, MetaData, Numeric, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import UserDefinedType

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

APP_NOW = text("app_now()")
"""The transaction's time by the database, plus the offset of an injected clock (first migration)."""

PrimaryKey = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
PublicId = Annotated[UUID, mapped_column(Uuid, unique=True)]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=APP_NOW)]
Amount = Annotated[Decimal, mapped_column(Numeric)]
"""Unconstrained on purpose: numeric(p, s) would round what it is given; a CHECK refuses it instead."""
Json = Annotated[dict[str, Any], mapped_column(JSONB)]


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id, as text in Python."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own signature
        return "xid8"


CURRENT_XID = text("pg_current_xact_id()")


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {str: Text, int: BigInteger}  # noqa: RUF012 - SQLAlchemy reads this class attribute
