"""The whole source, parsed once, and a way to plant a violation."""

import pytest

from architecture.house import Module, Plant, read_house


@pytest.fixture(scope="session")
def house() -> list[Module]:
    return read_house()


@pytest.fixture(scope="session")
def plant() -> Plant:
    def make(text: str, name: str = "jivapay.services.planted") -> Module:
        return Module.parse(name, text)

    return make
