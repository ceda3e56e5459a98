"""Who carries a payout request out: a port, and the sandbox behind it (PAY-25).

An executor is told a reference. Told the same one again it means the same payment and pays nothing twice: a worker may
die after it was told and before anybody wrote that down. `manual` needs none: somebody else pays and says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy.dialects.postgresql import insert

from jivapay.database.models.payout_requests import SandboxPayment
from jivapay.database.session import Database
from jivapay.schemas_enums.enums import PayoutExecutor

SCRIPT = "sandbox"
"""In `recipient_details`: what the sandbox is to do."""
FAIL, WAIT = "fail", "wait"
SANDBOX_WAITS_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt, as an executor sees it."""

    reference: str
    amount: Decimal
    currency: str
    recipient_details: Mapping[str, Any] = field(repr=False)
    seconds_running: float
    """Since it was taken first."""


@dataclass(frozen=True, slots=True)
class Paid:
    """The money has left."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It has not left and will not."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """Nobody knows; ask again."""

    seconds: float


Outcome = Paid | Refused | NotYet


class Executor(Protocol):
    async def execute(self, job: Job) -> Outcome:
        """Pay, or say what became of it. May be called again with the same reference."""

    async def has_paid(self, reference: str) -> bool:
        """For an attempt that cannot be told again, as nobody can read any more whom it pays."""


class Sandbox:
    """Pays nobody and keeps a book of it. `{"sandbox": "fail"}` is refused, `"wait"` takes two seconds more."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def execute(self, job: Job) -> Outcome:
        script = job.recipient_details.get(SCRIPT)
        if script == FAIL:
            return Refused("refused by the sandbox, as asked")
        if script == WAIT and job.seconds_running < SANDBOX_WAITS_SECONDS:
            return NotYet(SANDBOX_WAITS_SECONDS)
        async with self._database.write() as session:
            await session.execute(
                insert(SandboxPayment)
                .values(reference=job.reference, amount=job.amount, currency=job.currency)
                .on_conflict_do_nothing()
            )
        return Paid()

    async def has_paid(self, reference: str) -> bool:
        async with self._database.read() as session:
            return await session.get(SandboxPayment, reference) is not None


def find_executor(name: str, database: Database) -> Executor | None:
    """None for what no program carries out."""
    return Sandbox(database) if name == PayoutExecutor.SANDBOX else None
