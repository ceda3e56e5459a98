"""Who is acting. Status history, audit and permission checks all speak of the same value."""

from dataclasses import dataclass, field
from typing import Self

from jivapay.schemas_enums.enums import ActorKind, Role


@dataclass(frozen=True, slots=True)
class Actor:
    """`id` is the user's, the store's or nobody's; `owner_id` the profile's (trader, merchant, team lead)."""

    kind: ActorKind
    id: int | None = None
    role: Role | None = None
    owner_id: int | None = None
    permissions: tuple[str, ...] = field(default=(), repr=False)
    name: str = ""
    """For system actors: which part of the platform."""
    ip: str | None = None
    request_id: str | None = None
    session_id: int | None = None

    @classmethod
    def system(cls, name: str, request_id: str | None = None) -> Self:
        return cls(ActorKind.SYSTEM, name=name, request_id=request_id)

    @classmethod
    def store(cls, store_id: int, *, ip: str | None = None, request_id: str | None = None) -> Self:
        return cls(ActorKind.STORE, id=store_id, ip=ip, request_id=request_id)

    @classmethod
    def customer(cls, *, ip: str | None = None, request_id: str | None = None) -> Self:
        """The bearer of a payment page's token."""
        return cls(ActorKind.CUSTOMER, ip=ip, request_id=request_id)
