"""Business outcomes are values: what processing one incoming order came to."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Assigned:
    order_id: int


@dataclass(frozen=True, slots=True)
class NoRequisite:
    """Nothing suits: `reasons` counts the requisites that failed, by the first rule each failed."""

    reasons: Mapping[str, int] = field(default_factory=dict)
    code: str = "requisite.none_available"
    """What the store is told; also `rate.stale` or the code of a failure."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Suitable requisites exist, but all are locked by others at this moment."""


@dataclass(frozen=True, slots=True)
class Denied:
    reason: str


@dataclass(frozen=True, slots=True)
class NeedsReview:
    reason: str


@dataclass(frozen=True, slots=True)
class NotDue:
    """Somebody else has done it, or it is not to be done: a second delivery of a hint."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """Money operations are frozen; the order stays due."""


Outcome = Assigned | NoRequisite | Busy | Denied | NeedsReview | NotDue | Frozen
