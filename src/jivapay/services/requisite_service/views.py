"""A requisite with what is needed to show it: masked, with its holder's name and its bank's."""

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select

from jivapay.config.crypto import Cipher
from jivapay.database.models.reference import Bank, Currency, PaymentMethod
from jivapay.database.models.requisites import OwnerOfRequisites, Requisite, RequisiteSettings
from jivapay.database.session import AnySession
from jivapay.domain.requisite_numbers import mask_number
from jivapay.exceptions import NotFound

NUMBER_INDEX_CONTEXT = "requisites.number"


def number_context(public_id: UUID) -> str:
    return f"requisites.number:{public_id}"


def holder_context(public_id: UUID) -> str:
    return f"owners_of_requisites.full_name:{public_id}"


@dataclass(frozen=True, slots=True)
class RequisiteView:
    """The rows, and what of them a person may see."""

    requisite: Requisite
    settings: RequisiteSettings
    bank_name: str
    number_masked: str
    holder: str = field(repr=False)
    scale: int = 2
    number: str | None = field(default=None, repr=False)
    """Whole, for whose it is; nobody else's view has it."""


RequisiteSelect = Select[Requisite, RequisiteSettings, OwnerOfRequisites, str, str, int]


def select_requisites(*conditions: ColumnElement[bool]) -> RequisiteSelect:
    """Joins by outer joins where reference data may be missing (RQS-02)."""
    return (
        select(
            Requisite, RequisiteSettings, OwnerOfRequisites, Bank.public_name, PaymentMethod.number_kind, Currency.scale
        )
        .join(RequisiteSettings, RequisiteSettings.requisite_id == Requisite.id)
        .join(OwnerOfRequisites, OwnerOfRequisites.id == Requisite.owner_id)
        .join(Currency, Currency.code == Requisite.fiat_currency)
        .outerjoin(Bank, Bank.code == Requisite.bank)
        .outerjoin(PaymentMethod, PaymentMethod.code == Requisite.payment_method)
        .where(*conditions)
        .execution_options(populate_existing=True)
    )


async def list_views(
    session: AnySession, cipher: Cipher, statement: RequisiteSelect, *, whole: bool = False
) -> list[RequisiteView]:
    """`whole`: with their numbers, for their owner."""
    rows = (await session.execute(statement)).all()
    return [
        RequisiteView(
            requisite=row[0],
            settings=row[1],
            bank_name=row[3] or row[0].bank,
            number_masked=mask_number(row[4] or "", row[0].last_four),
            holder=cipher.decrypt(row[2].full_name, holder_context(row[2].public_id)),
            scale=row[5],
            number=cipher.decrypt(row[0].number, number_context(row[0].public_id)) if whole else None,
        )
        for row in rows
    ]


async def get_view(
    session: AnySession, cipher: Cipher, *conditions: ColumnElement[bool], whole: bool = False
) -> RequisiteView:
    """As `list_views`. Raises NotFound."""
    views = await list_views(session, cipher, select_requisites(*conditions), whole=whole)
    if not views:
        raise NotFound
    return views[0]


async def count(session: AnySession, *conditions: ColumnElement[bool]) -> int:
    return await session.scalar(select(func.count()).select_from(Requisite).where(*conditions)) or 0
