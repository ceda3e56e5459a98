"""Who takes part, as `demo.json` names them: where the platform is, people with passwords, stores with keys."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from jivapay.schemas_enums.enums import Role


@dataclass(frozen=True, slots=True)
class Person:
    role: str
    email: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Store:
    id: str
    name: str
    api_key: str = field(repr=False)
    callback_secret: str = field(repr=False)
    test: bool


@dataclass(frozen=True, slots=True)
class Cast:
    base_url: str
    users: tuple[Person, ...]
    stores: tuple[Store, ...]

    @classmethod
    def read(cls, content: dict[str, Any]) -> Self:
        """From the content of `demo.json`. Raises KeyError or TypeError when it is something else."""
        return cls(
            content["base_url"],
            tuple(Person(**person) for person in content["users"]),
            tuple(Store(**store) for store in content["stores"]),
        )

    def content(self) -> dict[str, Any]:
        return {
            "base_url": self.base_url,
            "users": [asdict(person) for person in self.users],
            "stores": [asdict(store) for store in self.stores],
        }

    def people(self, role: Role) -> list[Person]:
        return [person for person in self.users if person.role == role]
