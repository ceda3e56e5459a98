"""When a callback is tried again, and what an answer means."""

from datetime import UTC, datetime, timedelta

import pytest

from jivapay.services.callback_service import schedule
from jivapay.services.callback_service.schedule import Judgement, Verdict
from jivapay.utils.http_client import Answer, Failure

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
NOTHING = timedelta(0)


def test_ten_attempts_over_about_75_hours() -> None:
    waits = [schedule.delay_after(made, NOTHING, 0) for made in range(1, 11)]
    seconds = [wait.total_seconds() for wait in waits if wait is not None]
    assert seconds == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert waits[-1] is None
    assert sum(seconds) / 3600 == pytest.approx(75.6, abs=0.1)


def test_a_second_round_keeps_the_same_times() -> None:
    assert schedule.delay_after(11, NOTHING, 0) == timedelta(seconds=5)
    assert schedule.delay_after(20, NOTHING, 0) is None


@pytest.mark.parametrize(("spread", "seconds"), [(-1, 270), (0, 300), (1, 330)])
def test_jitter_moves_a_delay_by_a_tenth(spread: float, seconds: int) -> None:
    assert schedule.delay_after(2, NOTHING, spread) == timedelta(seconds=seconds)


def test_a_shops_wish_only_prolongs() -> None:
    assert schedule.delay_after(1, timedelta(minutes=2), 0) == timedelta(minutes=2)
    assert schedule.delay_after(3, timedelta(minutes=2), 0) == timedelta(minutes=30)
    assert schedule.delay_after(10, timedelta(minutes=2), 0) is None


@pytest.mark.parametrize(("made", "count"), [(0, 10), (1, 10), (9, 10), (10, 10), (11, 20), (20, 20), (21, 30)])
def test_a_round_by_hand_goes_on_counting(made: int, count: int) -> None:
    assert schedule.next_round(made) == count


@pytest.mark.parametrize(
    ("answer", "judgement"),
    [
        pytest.param(Answer(200), Judgement(Verdict.DELIVERED), id="200"),
        pytest.param(Answer(204), Judgement(Verdict.DELIVERED), id="F30 204"),
        pytest.param(Answer(299), Judgement(Verdict.DELIVERED), id="299"),
        pytest.param(Answer(101), Judgement(Verdict.FAILED, "status"), id="F30 101"),
        pytest.param(Answer(301), Judgement(Verdict.FAILED, "redirect"), id="301"),
        pytest.param(Answer(302), Judgement(Verdict.FAILED, "redirect"), id="F30 302"),
        pytest.param(Answer(304), Judgement(Verdict.FAILED, "redirect"), id="304"),
        pytest.param(Answer(400), Judgement(Verdict.FAILED, "status"), id="400"),
        pytest.param(Answer(404), Judgement(Verdict.FAILED, "status"), id="404"),
        pytest.param(Answer(410), Judgement(Verdict.GONE, "gone"), id="F30 410"),
        pytest.param(Answer(500), Judgement(Verdict.FAILED, "status"), id="F30 500"),
        pytest.param(Answer(500, retry_after="60"), Judgement(Verdict.FAILED, "status"), id="500 asks for nothing"),
        pytest.param(
            Answer(429, retry_after="60"), Judgement(Verdict.FAILED, "status", timedelta(minutes=1)), id="F30 429"
        ),
        pytest.param(
            Answer(503, retry_after="60"), Judgement(Verdict.FAILED, "status", timedelta(minutes=1)), id="503"
        ),
        pytest.param(Answer(200, Failure.TIMEOUT), Judgement(Verdict.FAILED, "timeout"), id="F33 200 and a drip"),
        pytest.param(Answer(200, Failure.RESET), Judgement(Verdict.FAILED, "reset"), id="F32 200 and a reset"),
        pytest.param(Answer(410, Failure.RESET), Judgement(Verdict.FAILED, "reset"), id="410 and a reset"),
        pytest.param(
            Answer(failure=Failure.BLOCKED_ADDRESS), Judgement(Verdict.FAILED, "blocked_address"), id="G06 blocked"
        ),
        pytest.param(Answer(), Judgement(Verdict.FAILED, "protocol"), id="nothing at all"),
    ],
)
def test_what_an_answer_means(answer: Answer, judgement: Judgement) -> None:
    assert schedule.judge(answer, NOW) == judgement


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        pytest.param(None, 0, id="absent"),
        pytest.param("", 0, id="empty"),
        pytest.param("0", 0, id="zero"),
        pytest.param(" 120 ", 120, id="seconds"),
        pytest.param("3600", 3600, id="an hour"),
        pytest.param("3601", 3600, id="more than an hour"),
        pytest.param("9" * 5000, 3600, id="huge"),
        pytest.param("-5", 0, id="negative"),
        pytest.param("1.5", 0, id="decimal"),
        pytest.param("٣٠", 0, id="other digits"),
        pytest.param("soon", 0, id="word"),
        pytest.param("Thu, 01 Jan 2026 12:10:00 GMT", 600, id="date"),
        pytest.param("Thu, 01 Jan 2026 12:10:00", 600, id="date without zone"),
        pytest.param("Thu, 01 Jan 2026 11:00:00 GMT", 0, id="past date"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 GMT", 3600, id="far date"),
        pytest.param("Thu, 01 Jan 99999 00:00:00 GMT", 0, id="impossible date"),
        pytest.param("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", 0, id="a year no integer of C holds"),
        pytest.param("Mon, 01 Jan 2026 00:00:00 +99999999999999999999", 0, id="a zone beyond all"),
        pytest.param("Thu, 01 Jan 0001 00:00:00 +1400", 0, id="before all time"),
    ],
)
def test_retry_after(header: str | None, wait: int) -> None:
    assert schedule.retry_after(header, NOW) == timedelta(seconds=wait)
