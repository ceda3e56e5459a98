"""What the service says of itself, taken at its word: schemathesis reads `/api/schema/` and finds nothing.

`make fuzz-schema` asks for many more requests.
"""

from pathlib import Path

import pytest

from api.gateway.shop import Key
from factories.office import QUIET
from factories.world import World
from jivapay.servers.app_factory import create_app
from jivapay.servers.payouts import server
from support import fuzzing
from support.serving import serve

UNSAID = """
# How many decimals a number has, and what is a table of requests in CSV.
[[operations]]
include-path = ["/api/payouts/", "/api/payouts/bulk/csv/"]
include-method = "POST"
checks.positive_data_acceptance.enabled = false
"""


@pytest.mark.timeout(fuzzing.SECONDS)
async def test_the_payouts_service_is_as_it_says(world: World, key: Key, tmp_path: Path) -> None:
    await world.change_settings(**{name: value for name, value in QUIET.items() if name.startswith("RATE")})
    app = create_app("payouts", server.ROUTERS, resources=world.resources)
    async with serve(app) as address:
        await fuzzing.look(address, "/api/schema/?format=json", key.text, tmp_path, unsaid=UNSAID)
