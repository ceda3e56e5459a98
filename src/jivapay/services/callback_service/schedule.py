"""When a callback is tried again, and what an answer means (http-api.md, Standard Webhooks 1.0). Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from jivapay.utils.http_client import Answer, Failure

DELAYS = (
    timedelta(seconds=0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Before each attempt of a round: about 75 hours in all."""
ATTEMPTS_PER_ROUND = len(DELAYS)
"""Sending again by hand begins a new round, and attempts go on counting: an attempt's number never returns."""
JITTER = 0.1
RETRY_AFTER_MAX = timedelta(hours=1)

_RETRY_AFTER_STATUSES = frozenset({429, 503})
_GONE = 410
_SECONDS_DIGITS_MAX = 9


class Verdict(StrEnum):
    DELIVERED = "delivered"
    GONE = "gone"
    """The shop wants no more of it at this address."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`failure` is the class that is stored; None when delivered. `wait_at_least` is the shop's own wish."""

    verdict: Verdict
    failure: str | None = None
    wait_at_least: timedelta = timedelta(0)


def judge(answer: Answer, now: datetime) -> Judgement:
    """2xx and complete is success; a redirect is a failure like any other status, 410 ends it."""
    if answer.failure is not None:
        return Judgement(Verdict.FAILED, answer.failure.value)
    status = answer.status or 0
    if 200 <= status < 300:  # noqa: PLR2004 - the class of answers that mean success
        return Judgement(Verdict.DELIVERED)
    if status == _GONE:
        return Judgement(Verdict.GONE, "gone")
    if 300 <= status < 400:  # noqa: PLR2004 - the class of redirects
        return Judgement(Verdict.FAILED, "redirect")
    wait = retry_after(answer.retry_after, now) if status in _RETRY_AFTER_STATUSES else timedelta(0)
    return Judgement(Verdict.FAILED, "status" if status else Failure.PROTOCOL.value, wait)


def retry_after(header: str | None, now: datetime) -> timedelta:
    """Seconds or a date, at most an hour; nothing for what is neither or lies in the past."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        wait = timedelta(seconds=int(text[:_SECONDS_DIGITS_MAX]))
    else:
        try:
            moment = parsedate_to_datetime(text)
            wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
        except (ValueError, IndexError, OverflowError):
            return timedelta(0)
    return max(timedelta(0), min(wait, RETRY_AFTER_MAX))


def delay_after(attempts_made: int, wait_at_least: timedelta, spread: float) -> timedelta | None:
    """How long to wait once `attempts_made` have failed; None when the round is over.

    `spread` in [-1, 1] is drawn by the caller and moves the delay by up to a tenth, so that a shop that was
    down is not met by everything at once.
    """
    position = attempts_made % ATTEMPTS_PER_ROUND
    if position == 0:
        return None
    return max(DELAYS[position] * (1 + JITTER * spread), wait_at_least)


def next_round(attempts_made: int) -> int:
    """The count from which a round begun by hand goes on."""
    return max(1, -(-attempts_made // ATTEMPTS_PER_ROUND)) * ATTEMPTS_PER_ROUND
