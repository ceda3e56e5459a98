"""How we log: one entry a line on standard error, JSON unless a person is watching, redacted, with the request's id.

The standard library's loggers go through the same chain, so that a library cannot say what we would not. Nothing
happens at import; a door calls `setup_logging` once. Source: LOG-01 to LOG-06; `docs/operations.md`.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

import orjson
import structlog
from asgi_correlation_id.context import correlation_id
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from jivapay.config.redaction import escape_control_characters, redact_event

QUIET_LOGGERS = (
    *("uvicorn.access", "asgi_correlation_id", "httpx", "httpx2", "httpcore", "httpcore2", "asyncio"),
    *("celery.worker.strategy", "celery.app.trace"),
)
"""Libraries whose chatter says what our own entries say better, or carries addresses with tokens in them."""


class _StandardError:
    """Where structlog writes: standard error as it is now, so that a redirected stream is followed."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        """A disk that is full or a reader that is gone must not break the work that is spoken of."""
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{line}\n")

    log = debug = info = warning = warn = error = critical = exception = fatal = failure = msg


class _StandardErrorHandler(logging.StreamHandler[TextIO]):
    """The same for the standard library's loggers."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _value: TextIO) -> None:
        raise AttributeError("the stream is always standard error")


def setup_logging(level: str = "INFO", *, as_json: bool | None = None) -> None:
    """Set up both families of loggers. `as_json` None: JSON unless standard error is a terminal. Repeatable."""
    as_json = not sys.stderr.isatty() if as_json is None else as_json
    shared = _shared_processors()
    tail = _json_tail() if as_json else _console_tail()
    structlog.configure(
        processors=[*shared, *tail],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=_StandardError,
        cache_logger_on_first_use=False,
    )
    handler = _StandardErrorHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "celery", "sqlalchemy"):
        library = logging.getLogger(name)
        library.handlers[:] = []
        library.propagate = True


def get_logger(name: str) -> FilteringBoundLogger:
    """A logger for `name` (`__name__`); may be made at import, is set up at its first use."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger


def current_request_id() -> str | None:
    """The id of the request or task that is running, for audit rows and outbox rows."""
    return correlation_id.get()


@contextmanager
def request_context(request_id: str | None, **values: str | int | None) -> Iterator[None]:
    """Everything logged inside carries `request_id` and `values`. Tasks use it; HTTP has its middleware."""
    reset = correlation_id.set(request_id)
    try:
        with structlog.contextvars.bound_contextvars(**values):
            yield
    finally:
        correlation_id.reset(reset)


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        _add_request_id,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact_event,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _add_request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    request_id = correlation_id.get()
    if request_id is not None:
        event.setdefault("request_id", request_id)
    return event


def _json_tail() -> list[Processor]:
    return [structlog.processors.JSONRenderer(serializer=_json_line)]


def _json_line(event: EventDict, **_options: Any) -> str:  # noqa: ANN401 - structlog passes json.dumps' options
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _console_tail() -> list[Processor]:
    return [
        escape_control_characters,
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback),
    ]
