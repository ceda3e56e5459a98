"""What is told to people, and how much of it (NTF-01 to NTF-03)."""

from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from asyncpg import InternalClientError
from pydantic import SecretStr
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError, ProgrammingError

from jivapay.config.settings import Settings
from jivapay.exceptions import DatabaseError
from jivapay.utils.notifications import report_critical_error, report_failure, setup_error_reporting
from support.failures import sqlstate_error


class Kept(Transport):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        event = envelope.get_event()
        assert event is not None
        self.events.append(dict(event))


@pytest.fixture
def told() -> Iterator[list[dict[str, Any]]]:
    assert setup_error_reporting(Settings(sentry_dsn=SecretStr("https://key@127.0.0.1:1/1")))
    kept = Kept()
    sentry_sdk.get_client().transport = kept
    yield kept.events
    sentry_sdk.get_global_scope().set_client(None)


def test_a_report_says_where_it_happened_and_no_secret(told: list[dict[str, Any]]) -> None:
    try:
        int("card 4111111111111111")
    except ValueError as error:
        report_critical_error(error, "here", token="hunter2", order_id=7)
    (event,) = told
    frame = event["exception"]["values"][0]["stacktrace"]["frames"][-1]
    assert (frame["function"], frame["lineno"] > 0) == ("test_a_report_says_where_it_happened_and_no_secret", True)
    assert event["contexts"]["jivapay"] == {"message": "here", "token": "[redacted]", "order_id": 7}
    assert "4111111111111111" not in str(event["exception"]["values"][0]["value"])


@pytest.mark.parametrize(
    ("error", "alarms"),
    [
        (DatabaseError(), 0),
        (ConnectionRefusedError(), 0),
        (OSError(5, "i/o"), 0),
        (DBAPIError("select 1", {}, sqlstate_error("57P03")), 0),
        (AsyncAdapt_asyncpg_dbapi.InterfaceError("connection is closed"), 0),
        (InternalClientError("cut off in mid-message"), 0),
        (AsyncAdapt_asyncpg_dbapi.ProgrammingError("no such column"), 1),
        (ProgrammingError("select nothing", {}, sqlstate_error("42703")), 1),
    ],
)
def test_only_a_defect_of_ours_is_an_alarm(told: list[dict[str, Any]], error: Exception, alarms: int) -> None:
    report_failure(error, "job_failed", job="chain_audit")
    assert len(told) == alarms
