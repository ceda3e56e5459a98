"""One clock, and its twin."""

from datetime import UTC, datetime, timedelta

from jivapay.config.clock import Clock, ShiftedClock


def test_the_clock_says_the_machines_time_in_utc() -> None:
    before = datetime.now(UTC)
    now = Clock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC
    assert Clock().offset == timedelta(0)


def test_a_shifted_clock_runs_ahead_by_what_it_was_told() -> None:
    clock = ShiftedClock(timedelta(hours=1))
    clock.advance(timedelta(minutes=30))
    clock.advance(timedelta(minutes=-10))
    assert clock.offset == timedelta(hours=1, minutes=20)
    assert abs(clock.now() - Clock().now() - timedelta(hours=1, minutes=20)) < timedelta(seconds=1)
