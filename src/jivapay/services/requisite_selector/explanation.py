"""Why there is no requisite: how many failed each rule first, kept on the order and shown to staff."""

from functools import cache

from sqlalchemy import TextClause, text

from jivapay.database.session import AnySession
from jivapay.schemas_enums.enums import Direction
from jivapay.services.requisite_selector.rules import SCOPE, rules, sources
from jivapay.services.requisite_selector.selection import Wanted, typed

SUITABLE = "suitable"


@cache
def _statement(direction: Direction) -> TextClause:
    whens = "\n".join(f"when ({condition}) is not true then '{name}'" for name, condition in rules(direction).items())
    return typed(
        text(f"""
select case {whens} else '{SUITABLE}' end as reason, count(*)
  from {sources(direction)}
 where {SCOPE}
 group by 1
""")  # noqa: S608 - built from our own constants
    )


async def explain(session: AnySession, wanted: Wanted) -> dict[str, int]:
    """Reason → number of requisites. `suitable` above zero means that all of those are locked at this moment."""
    rows = await session.execute(_statement(wanted.direction), wanted.parameters())
    return dict(rows.all())
