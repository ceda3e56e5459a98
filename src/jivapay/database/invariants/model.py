"""The form of an invariant."""

from dataclasses import dataclass

SINCE = "cast(cast(:since as text) as timestamptz)"


@dataclass(frozen=True, slots=True)
class Invariant:
    """A sentence that must be true of every committed state, and the query that finds what contradicts it."""

    code: str
    sentence: str
    sql: str
    """Gives one row for each contradiction. `:since` is the moment up to which everything was verified before."""
    freezes: bool = False
    """Of the money kind: a violation stops money (decision 21). The others raise an alarm."""
    complete_only: bool = False
    """Too dear for every few minutes: only the complete run asks it."""
    live: bool = False
    """Depends on relay, workers and scheduler running, so that it is no statement about a database at rest."""

    @property
    def is_historic(self) -> bool:
        """True when a run looks only at what changed since the last one."""
        return ":since" in self.sql

    def statement(self, rows_max: int) -> str:
        """The query, giving at most `rows_max` rows as JSON objects of texts, so that no amount becomes a float."""
        sql = self.sql.replace(":since", SINCE)
        return (
            "select (select jsonb_object_agg(key, value) from jsonb_each_text(to_jsonb(found))) as found"  # noqa: S608 - ours
            f" from ({sql}) found limit {rows_max}"
        )
