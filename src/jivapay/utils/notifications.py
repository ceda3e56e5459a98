"""Telling people that something must not go on unnoticed: a CRITICAL entry, and Sentry when it is set up.

Reporting never raises and never waits: the failure it speaks of must not become a second one. Source: NTF-01 to
NTF-03, `report_critical_error`.
"""

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.types import Event, Hint

from jivapay.config.logger import get_logger
from jivapay.config.redaction import redact_value
from jivapay.config.settings import Settings
from jivapay.exceptions import JivaPayException
from jivapay.utils.failures import is_outage

logger = get_logger(__name__)

FURTHER_DOWN = 8
"""Levels by which a stack's frames lie deeper in an event than anything does in an entry of the log."""


def setup_error_reporting(settings: Settings) -> bool:
    """Connect Sentry when `SENTRY_DSN` is set. True when it is."""
    if settings.sentry_dsn is None:
        return False
    sentry_sdk.init(
        dsn=settings.sentry_dsn.get_secret_value(),
        environment=settings.env.value,
        default_integrations=False,  # they would read request bodies and headers
        integrations=[AtexitIntegration(lambda _pending, _seconds: None)],  # what is under way is sent, in silence
        include_local_variables=False,  # a frame's variables hold what logs must not
        traces_sample_rate=0.0,
        before_send=_scrub,
    )
    return True


def report_critical_error(exception: BaseException, context_message: str = "", **context: object) -> None:
    """Log `exception` as CRITICAL with its traceback and hand it to Sentry. Never raises."""
    try:
        logger.critical(
            "critical_error",
            error=type(exception).__name__,
            about=context_message or type(exception).__name__,
            exc_info=exception,
            **{f"context_{key}": value for key, value in context.items()},
        )
        if sentry_sdk.is_initialized():
            with sentry_sdk.new_scope() as scope:
                scope.set_context("jivapay", redact_value({"message": context_message, **context}))
                scope.capture_exception(exception)
    except Exception:  # noqa: BLE001, S110 - the outermost shell of reporting: there is nobody left to tell
        pass


def report_failure(error: BaseException, event: str, **context: object) -> None:
    """A line for what an outage or a refusal has stopped, an alarm for a defect of ours. Never raises."""
    if isinstance(error, JivaPayException) or is_outage(error):
        logger.warning(event, error=type(error).__name__, **context)
    else:
        report_critical_error(error, event, **context)


def _scrub(event: Event, _hint: Hint) -> Event:
    scrubbed: Event = redact_value(event, -FURTHER_DOWN)
    return scrubbed
