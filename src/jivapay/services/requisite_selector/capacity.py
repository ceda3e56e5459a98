"""Can an order be taken at this moment? The selector's own rules, asked without a lock."""

from functools import cache

from sqlalchemy import TextClause, text

from jivapay.database.session import AnySession
from jivapay.schemas_enums.enums import Direction
from jivapay.services.requisite_selector.rules import SCOPE, rules, sources
from jivapay.services.requisite_selector.selection import Wanted, typed


@cache
def _statement(direction: Direction) -> TextClause:
    conditions = "\n   and ".join(rules(direction).values())
    return typed(
        text(f"""
select exists (
  select 1 from {sources(direction)}
   where {SCOPE}
     and {conditions}
)
""")  # noqa: S608 - built from our own constants
    )


async def can_take(session: AnySession, wanted: Wanted) -> bool:
    """Whether some requisite passes every rule now; by the next moment another order may have it."""
    return bool(await session.scalar(_statement(wanted.direction), wanted.parameters()))
