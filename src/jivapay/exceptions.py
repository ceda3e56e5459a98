"""The JivaPayException family: every failure a caller can see, with its HTTP status and stable code.

Business outcomes are values (`domain/outcomes.py`); these are failures. The docstring of a class is its
title. One handler (`api_routers/exception_handlers.py`) renders them as RFC 9457 problem documents, and
`docs/api/errors.md` is generated from them (decision 22, `docs/adr/`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One invalid place of a request: where it is (`("body", "amount")`) and a stable code."""

    loc: tuple[str | int, ...]
    code: str


class JivaPayException(Exception):
    """Request failed"""

    status: ClassVar[int] = 500
    code: str = "internal"

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        errors: tuple[FieldError, ...] = (),
        retry_after_seconds: int | None = None,
        about: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        if code is not None:
            self.code = code
        self.errors = errors
        self.retry_after_seconds = retry_after_seconds
        self.about = dict(about or {})
        """What it was about, safe to show: ids and states, never input."""

    @property
    def title(self) -> str:
        return (type(self).__doc__ or "").strip()


class MalformedRequest(JivaPayException):
    """The request could not be read"""

    status = 400
    code = "request.malformed"


class AuthenticationError(JivaPayException):
    """Sign in to continue"""

    status = 401
    code = "auth.required"


class PermissionDenied(JivaPayException):
    """This is not allowed for you"""

    status = 403
    code = "permission.denied"


class NotFound(JivaPayException):
    """There is no such thing here"""

    status = 404
    code = "not_found"


class RequestTimeout(JivaPayException):
    """The request did not arrive in time"""

    status = 408
    code = "request.timeout"


class Conflict(JivaPayException):
    """The state does not allow this"""

    status = 409
    code = "order.state_conflict"


class OrderStateConflict(Conflict):
    """The order's state does not allow this"""

    def __init__(self, current: str, detail: str = "", *, code: str = "order.state_conflict") -> None:
        super().__init__(detail or f"The order is {current}.", code=code, about={"current": current})


class ExternalIdExists(Conflict):
    """Another order already has this external id"""

    code = "order.external_id_exists"


class SessionExpired(JivaPayException):
    """The payment session is over"""

    status = 410
    code = "session.expired"


class RequestTooLarge(JivaPayException):
    """The request is too large"""

    status = 413
    code = "request.too_large"


class UnsupportedMediaType(JivaPayException):
    """This content type is not accepted here"""

    status = 415
    code = "request.unsupported_media_type"


class ValidationFailed(JivaPayException):
    """The request is not valid"""

    status = 422
    code = "validation.failed"

    @classmethod
    def at(cls, *loc: str | int, code: str, detail: str = "") -> "ValidationFailed":
        """One field is wrong; its code is also the answer's code."""
        return cls(detail, code=code, errors=(FieldError(loc, code),))


class InsufficientBalance(JivaPayException):
    """The balance does not cover this"""

    status = 422
    code = "balance.insufficient"


class RequisiteNotFound(JivaPayException):
    """No requisite can take this order now"""

    status = 422
    code = "requisite.none_available"


class LimitExceeded(JivaPayException):
    """Too many requests"""

    status = 429
    code = "rate_limited"


class OpenOrdersLimitExceeded(LimitExceeded):
    """Too many unpaid orders are open"""

    code = "order.limit_open"


class ConfigurationError(JivaPayException):
    """The platform is not configured for this"""

    status = 503
    code = "configuration.invalid"


class RateStale(ConfigurationError):
    """There is no fresh exchange rate"""

    code = "rate.stale"


class DependencyUnavailable(JivaPayException):
    """A part of the platform is out of reach"""

    status = 503
    code = "dependency.unavailable"


class DatabaseError(DependencyUnavailable):
    """The database is out of reach"""

    code = "dependency.database"


class BrokerError(DependencyUnavailable):
    """The broker is out of reach"""

    code = "dependency.broker"


class StorageError(DependencyUnavailable):
    """The object store is out of reach"""

    code = "storage.unavailable"


class ResourceBusy(DependencyUnavailable):
    """Somebody else is changing this; try again"""

    code = "resource.busy"


class PlatformFrozen(DependencyUnavailable):
    """Money operations are frozen until a person has looked"""

    code = "platform.frozen"


class OrderProcessingError(JivaPayException):
    """The order could not be processed"""

    code = "order.processing_failed"


class NotificationError(JivaPayException):
    """A notification could not be sent"""

    code = "notification.failed"
