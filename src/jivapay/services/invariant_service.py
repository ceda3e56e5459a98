"""Running the invariants: every few minutes over what changed, once a day over everything (reliability 2, decision 21).

One of the money kind that is violated freezes money; any other, and any that could not be finished, is an alarm
for a person (hard case 24). What a person has acknowledged, row by row, is neither. The sentences and their queries
stand in `database/invariants/`.
"""

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError

from jivapay.config.clock import Clock
from jivapay.config.logger import get_logger
from jivapay.config.settings import Settings
from jivapay.database.invariants import INVARIANTS, Invariant
from jivapay.database.models.records import InvariantRun
from jivapay.database.session import Database
from jivapay.database.tls import DatabaseTls
from jivapay.domain.actors import Actor
from jivapay.exceptions import JivaPayException
from jivapay.services import audit_chain, freeze_service
from jivapay.utils.notifications import report_critical_error

logger = get_logger(__name__)

ROWS_MAX = 100
"""Rows read of one violation: the first ones say what happened."""
ROWS_ACKNOWLEDGED_MAX = 10_000
"""Rows read of one violation by a person who acknowledges them all."""
ROWS_KEPT = 5
TIMEOUT_MS = 7_000
"""Of one query over what changed; below the time after which the driver gives up by itself."""
COMPLETE_TIMEOUT_MS = 600_000
"""Of one query over everything; whoever runs it opens a patient database."""
BEGINNING = "-infinity"
NIGHT_HOUR = 2
"""UTC hour from which the day's complete run is due."""

_LAST_VERIFIED = text("""
select (max(started_at) - interval '10 minutes')::text from invariant_runs
 where not (violations ?| cast(:codes as text[])) and started_at <= app_now()
""")
"""Ten minutes back: longer than any transaction of ours, so that none slips through between two runs."""

_COMPLETE_DUE = text("""
select coalesce(max(started_at) filter (where complete and started_at <= app_now()), '-infinity')
       < date_trunc('day', app_now() - make_interval(hours => :hour), 'utc') + make_interval(hours => :hour)
  from invariant_runs
""")


@asynccontextmanager
async def open_patient_database(
    settings: Settings, application_name: str, clock: Clock | None = None
) -> AsyncIterator[Database]:
    """Over years of postings a query takes minutes: a connection that waits that long. Connects when first used."""
    patient = Database(
        settings.async_database_url,
        pool_size=1,
        clock=clock,
        application_name=application_name,
        tls=DatabaseTls.of(settings),
        statement_timeout_ms=COMPLETE_TIMEOUT_MS,
    )
    try:
        yield patient
    finally:
        await patient.close()


class InvariantViolated(JivaPayException):
    """A violated invariant"""

    code = "invariant.violated"


@dataclass(frozen=True, slots=True)
class InvariantResult:
    """What one invariant came to. `rows` contradict it; one that was not finished has a row that says so."""

    code: str
    sentence: str
    freezes: bool
    rows: Sequence[dict[str, str | None]]
    finished: bool = True
    acknowledged: int = 0
    """Rows beside these that a person knows (`jivapay unfreeze --acknowledge`)."""

    @property
    def name(self) -> str:
        return f"{self.code} {self.sentence}"

    @property
    def holds(self) -> bool:
        return not self.rows


async def run_all(
    database: Database,
    *,
    complete: bool = True,
    invariants: Iterable[Invariant] = INVARIANTS,
    rows_max: int = ROWS_MAX,
    since: str | None = None,
) -> list[InvariantResult]:
    """Ask every invariant, each in a reading transaction of its own; changes nothing.

    Not `complete`: only what changed since the last run that found it in order, and without the dear ones.
    At most `rows_max` rows of each that nobody has acknowledged. `since` narrows a complete run to what changed then.
    """
    async with database.read() as session:
        known = await freeze_service.list_acknowledged(session)
    if since is None:
        since = BEGINNING if complete else await _last_verified(database)
    asked = [invariant for invariant in invariants if complete or not invariant.complete_only]
    timeout_ms = COMPLETE_TIMEOUT_MS if complete else TIMEOUT_MS
    return [
        await _ask(database, invariant, since, timeout_ms, rows_max, known.get(invariant.code, frozenset()))
        for invariant in asked
    ]


async def is_complete_run_due(database: Database) -> bool:
    """Whether everything has not been asked since two o'clock last night (UTC)."""
    async with database.read() as session:
        due: bool = (await session.execute(_COMPLETE_DUE, {"hour": NIGHT_HOUR})).scalar_one()
    return due


async def list_violations(database: Database) -> dict[str, Sequence[dict[str, str | None]]]:
    """Code → rows of every invariant of the money kind that is violated now: what a person may acknowledge."""
    results = await run_all(
        database, invariants=[one for one in INVARIANTS if one.freezes], rows_max=ROWS_ACKNOWLEDGED_MAX
    )
    return {result.code: result.rows for result in results if result.finished and not result.holds}


async def check_and_freeze(
    database: Database, actor: Actor, *, complete: bool, invariants: Iterable[Invariant] = INVARIANTS
) -> list[InvariantResult]:
    """Run them, keep what was found, freeze money when one of the money kind is violated, raise alarms."""
    started_at, started = await _database_now(database), time.monotonic()
    results = await run_all(database, complete=complete, invariants=invariants)
    violated = [result for result in results if not result.holds]
    freezing = next((result for result in violated if result.freezes and result.finished), None)
    async with database.write() as session:
        await session.execute(
            insert(InvariantRun).values(
                started_at=started_at,
                duration_ms=int((time.monotonic() - started) * 1000),
                complete=complete,
                violations={result.code: list(result.rows[:ROWS_KEPT]) for result in violated},
            )
        )
        if freezing is not None:
            await freeze_service.freeze(session, actor, reason=freezing.sentence, invariant=freezing.code)
        head = await audit_chain.get_head(session)
    # Kept outside the database with every log line: what is chained before it can no longer be rewritten.
    logger.info("invariants_checked", complete=complete, violated=len(violated), chain=head.seq, head=head.hash.hex())
    for result in violated:
        report_critical_error(
            InvariantViolated(result.sentence), f"invariant {result.code}", rows=list(result.rows[:ROWS_KEPT])
        )
    return results


async def _ask(
    database: Database, invariant: Invariant, since: str, timeout_ms: int, rows_max: int, known: frozenset[bytes]
) -> InvariantResult:
    parameters = {"since": since} if invariant.is_historic else {}
    rows: Sequence[dict[str, str | None]]
    finished = True
    try:
        async with database.read() as session:
            await session.execute(text(f"set local statement_timeout = {timeout_ms}"))
            rows = (await session.scalars(text(invariant.statement(rows_max + len(known))), parameters)).all()
    except (DBAPIError, OSError, TimeoutError) as error:
        rows, finished = [{"not_finished": type(error).__name__}], False
    new = [row for row in rows if freeze_service.row_hash(row) not in known]
    return InvariantResult(
        invariant.code, invariant.sentence, invariant.freezes, new[:rows_max], finished, len(rows) - len(new)
    )


async def _last_verified(database: Database) -> str:
    """Up to when everything was in order; the beginning when no run has said so yet."""
    historic = [invariant.code for invariant in INVARIANTS if invariant.is_historic]
    async with database.read() as session:
        since: str | None = await session.scalar(_LAST_VERIFIED, {"codes": historic})
    return since or BEGINNING


async def _database_now(database: Database) -> datetime:
    async with database.read() as session:
        now: datetime = (await session.execute(select(func.app_now()))).scalar_one()
    return now
