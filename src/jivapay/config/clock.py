"""What time it is. The one place that asks the machine; everything else is handed a `Clock`.

Deadlines are decided by the database (`app_now()`); this clock serves tokens, signatures and caches. Its
`offset` is told to every transaction, so that SQL and Python agree. Source: `docs/style.md`, habit 14.
"""

from datetime import UTC, datetime, timedelta

NO_OFFSET = timedelta(0)


class Clock:
    """The machine's time, in UTC."""

    @property
    def offset(self) -> timedelta:
        """How far this clock is ahead of the machine's."""
        return NO_OFFSET

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


class ShiftedClock(Clock):
    """The twin of tests and demonstrations: runs like the machine's, but ahead or behind by what it is told."""

    def __init__(self, offset: timedelta = NO_OFFSET) -> None:
        self._offset = offset

    @property
    def offset(self) -> timedelta:
        return self._offset

    def advance(self, by: timedelta) -> None:
        """Move on by `by`; a negative one moves back."""
        self._offset += by
