"""The payment page over a paper desk: one app for each module, another screen whenever a test asks."""

import pytest

from web.desks import Counter, open_counter
from web.scenes import SCENES


@pytest.fixture(scope="module")
def counter() -> Counter:
    return open_counter(SCENES["choose"])
