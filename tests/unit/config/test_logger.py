"""What reaches standard error, whoever says it."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from jivapay.config.logger import current_request_id, get_logger, request_context, setup_logging
from jivapay.utils.notifications import report_critical_error

CANARIES = ("4111111111111111", "jp_live_k1_s3kr1t", "whsec_s3kr1t", "Bearer s3kr1t")


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_entry_is_one_json_line_with_the_requests_id(capsys: pytest.CaptureFixture[str]) -> None:
    with request_context("request-1", task="order.process"):
        assert current_request_id() == "request-1"
        get_logger("jivapay.test").info("happened", order_id="A-1", text='a\n{"level":"critical"}')
    assert current_request_id() is None
    (line,) = _lines(capsys)
    assert line.pop("timestamp")
    assert line == {
        "event": "happened",
        "level": "info",
        "logger": "jivapay.test",
        "order_id": "A-1",
        "request_id": "request-1",
        "task": "order.process",
        "text": 'a\n{"level":"critical"}',
    }


def test_libraries_go_through_the_same_chain(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("some.library").warning("sent %s", CANARIES[3])
    (line,) = _lines(capsys)
    assert line["event"] == "sent Bearer [redacted]"
    assert line["logger"] == "some.library"


def test_no_canary_survives_in_values_messages_or_exceptions(capsys: pytest.CaptureFixture[str]) -> None:
    for as_json in (True, False):
        setup_logging(as_json=as_json)
        log = get_logger("jivapay.test")
        for canary in CANARIES:
            log.info(canary, value=canary, nested={"list": [canary]})
            try:
                raise ValueError(canary)  # noqa: TRY301 - a traceback to log
            except ValueError as error:
                log.exception("failed")
                report_critical_error(error, canary, value=canary)
    written = capsys.readouterr().err
    assert "failed" in written
    assert not [canary for canary in (*CANARIES[:3], "s3kr1t") if canary in written]


def test_the_level_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging("WARNING", as_json=True)
    get_logger("jivapay.test").info("quiet")
    logging.getLogger("some.library").info("quiet")
    assert capsys.readouterr().err == ""


def test_reporting_never_raises() -> None:
    class Unprintable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    report_critical_error(Unprintable(), value=object())


def test_a_log_nobody_can_write_breaks_nothing() -> None:
    program = (
        "from jivapay.config.logger import get_logger, setup_logging; setup_logging()\n"
        "get_logger('x').warning('said'); print('done')"
    )
    with Path("/dev/full").open("w") as full:
        run = subprocess.run([sys.executable, "-c", program], check=False, stdout=subprocess.PIPE, stderr=full)
    assert (run.returncode, run.stdout) == (0, b"done\n")


def test_what_a_command_logs_is_not_its_answer_and_no_secret() -> None:
    program = (
        "from jivapay.cli import main; from jivapay.config.logger import get_logger\n"
        "main.app = lambda: get_logger('x').warning('said', password='hunter2'); main.run()"
    )
    run = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "")
    assert ("said" in run.stderr, "hunter2" in run.stderr) == (True, False)
