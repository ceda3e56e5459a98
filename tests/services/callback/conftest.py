"""The module's database, with nothing left to send by the tests before."""

import os

import pytest

from jivapay.config.clock import ShiftedClock
from jivapay.config.crypto import Cipher
from jivapay.database.session import Database
from services.callback.world import Gate, World


@pytest.fixture
async def world(database: Database, clock: ShiftedClock) -> World:
    clock.advance(-clock.offset)
    world = World(database, clock, Cipher({"k1": os.urandom(32)}, os.urandom(32)))
    await world.begin()
    return world


@pytest.fixture
def gate() -> Gate:
    return Gate()
