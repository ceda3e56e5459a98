"""Every API test of people may ask for an office: one for each module."""

from collections.abc import AsyncIterator

import pytest

from factories.office import Office, open_office
from jivapay.utils.resources import Resources


@pytest.fixture(scope="module")
async def office(resources: Resources) -> AsyncIterator[Office]:
    async with open_office(resources) as opened:
        yield opened
